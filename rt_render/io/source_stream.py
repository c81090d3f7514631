"""A file's channels as one gapless stream at the engine's rate: looped, resampled, sample-exact to seek."""

import numpy as np
from numpy.typing import NDArray

from rt_render.io.audio_file import AudioFileReader
from rt_render.io.resampler import Resampler

_CHUNK_FRAMES = 2048
_FADE_S = 0.005


class FrameStream:
    """The first `n_channels` of a file as (frames, channels) float32 at `fs_hz`.

    `n_frames` is ceil(file frames * fs_hz / file rate), None when looped. Output frame k belongs to
    time k / fs_hz, and the loop joins the file's last frame to its first before the rate is changed, so
    that nothing is heard of it. Reads after `seek` equal a straight read: bit for bit at the file's own
    rate, within -120 dB where it is resampled between the usual rates. Memory: a few thousand frames.
    """

    def __init__(self, reader: AudioFileReader, n_channels: int, fs_hz: int, *, loop: bool = False) -> None:
        self._reader = reader
        self._n_channels = n_channels
        self._loop = loop
        self._fs_ratio = (fs_hz, reader.fs_hz)
        total = -(-reader.n_frames * fs_hz // reader.fs_hz)
        self.n_frames = None if loop else total
        self.lap_frames = total if loop else None
        self._resampler = None if fs_hz == reader.fs_hz else Resampler(reader.fs_hz, fs_hz, n_channels)
        self._ready = np.empty((0, n_channels), np.float32)
        self._position = 0
        self._latest = np.empty((0, n_channels), np.float32)
        self._n_fade_frames = round(_FADE_S * fs_hz)
        self._failed = False

    def read(self, n_frames: int) -> NDArray[np.float32]:
        """Return the next (k, n_channels) frames, C-contiguous; k < n_frames only at the end."""
        if self.n_frames is not None:
            n_frames = min(n_frames, self.n_frames - self._position)
        out = np.empty((max(n_frames, 0), self._n_channels), np.float32)
        filled = 0
        while filled < len(out):
            if not len(self._ready) and not self._refill() and not self._fade_out(out[:filled]):
                break
            taken = min(len(out) - filled, len(self._ready))
            out[filled : filled + taken] = self._ready[:taken]
            self._ready = self._ready[taken:]
            filled += taken
        self._position += filled
        self._remember(out[:filled])
        return out[:filled]

    def seek(self, frame: int) -> None:
        """Make the next `read` start at this output frame, clipped to the stream."""
        frame = max(frame, 0) if self.n_frames is None else min(max(frame, 0), self.n_frames)
        self._ready = self._latest = self._ready[:0]
        self._position = frame
        if self._resampler is None:
            self._seek_file(frame)
            return
        # Start where an output frame falls on an input frame, early enough for the filter to fill.
        resampler = self._resampler
        fs_out_hz, fs_in_hz = self._fs_ratio
        steps = max(frame * fs_in_hz // fs_out_hz - resampler.reach_in_frames, 0) // resampler.step_in_frames
        resampler.reset()
        self._seek_file(steps * resampler.step_in_frames)
        surplus = frame - steps * resampler.step_out_frames
        while surplus:
            if not len(self._ready) and not self._refill():
                break
            dropped = min(surplus, len(self._ready))
            self._ready = self._ready[dropped:]
            surplus -= dropped

    def _seek_file(self, frame: int) -> None:
        self._reader.seek(frame % self._reader.n_frames if self._loop else frame)

    def _fade_out(self, just_read: NDArray[np.float32]) -> bool:
        """Put an end that is not heard as a step into `_ready`, once, if the file has failed; else False."""
        if self._failed or not self._reader.failure:
            return False
        self._failed = True
        self._remember(just_read)
        weights = np.linspace(1.0, 0.0, len(self._latest), endpoint=False, dtype=np.float32)
        self._ready = self._latest[::-1] * weights[:, None]
        return len(self._ready) > 0

    def _remember(self, frames: NDArray[np.float32]) -> None:
        latest = frames if len(frames) >= self._n_fade_frames else np.concatenate([self._latest, frames])
        self._latest = latest[-self._n_fade_frames :].copy()

    def _refill(self) -> bool:
        """Fetch the next frames into `_ready`; False when the file has failed or has no more."""
        while not len(self._ready):
            chunk = self._read_file()
            if self._reader.failure and not len(chunk):
                return False
            if self._resampler is None:
                self._ready = chunk
                return len(chunk) > 0
            if not len(chunk):
                # Behind the end is silence: it pushes out the frames that the resampler still holds.
                chunk = np.zeros((_CHUNK_FRAMES, self._n_channels), np.float32)
            self._ready = self._resampler.push(chunk)
        return True

    def _read_file(self) -> NDArray[np.float32]:
        chunk = self._reader.read(_CHUNK_FRAMES)
        if self._loop and not len(chunk) and not self._reader.failure:
            self._reader.seek(0)
            chunk = self._reader.read(_CHUNK_FRAMES)
        return chunk[:, : self._n_channels]
