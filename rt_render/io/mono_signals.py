"""Mono signals at the engine's rate: a channel of a sound file, or a built-in loop."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rt_render.errors import InputFileError
from rt_render.io.audio_file import AudioFileReader
from rt_render.io.source_stream import FrameStream
from rt_render.scene.sounds import noise_loop, wood

_NOISE_RMS, _TONE_PEAK, _CLICK_PEAK = 0.05, 0.07, 0.5
_NOISE_LOOP_S, _CLICKS_PER_S, _TONE_HZ = 5, 2, 440


class MonoSignal(Protocol):
    """A stream of mono frames, from its own frame 0; `n_frames` is None where it is endless. Reader thread."""

    n_frames: int | None
    notes: list[str]

    def read(self, n_frames: int) -> NDArray[np.float32]:
        """Return the next (k,) float32 frames, k < n_frames only at the end."""

    def seek(self, frame: int) -> None:
        """Make the next `read` start at this frame."""

    def close(self) -> None:
        """Let go of files; may be called twice."""


class FileSignal:
    """One channel, from 1 on, of a sound file, resampled and looped as wanted; raises InputFileError."""

    def __init__(self, path: str | Path, channel: int, fs_hz: int, *, loop: bool) -> None:
        self._reader = AudioFileReader(path)
        n_channels = self._reader.n_channels
        if channel > n_channels:
            self._reader.close()
            there = "there is only channel 1" if n_channels == 1 else f"there are channels 1 to {n_channels}"
            raise InputFileError(f"channel {channel} of {path} cannot be played: {there} in it.")
        self._stream = FrameStream(self._reader, channel, fs_hz, loop=loop)
        self.n_frames = self._stream.n_frames
        self.notes: list[str] = []

    def read(self, n_frames: int) -> NDArray[np.float32]:
        """Return the next (k,) float32 frames; a file that fails ends there, and a note says so."""
        frames = self._stream.read(n_frames)[:, -1]
        if self._reader.failure and not self.notes:
            self.notes.append(f"{self._reader.path} {self._reader.failure}; copy it again and play it anew")
        return frames

    def seek(self, frame: int) -> None:
        """Make the next `read` start at this frame."""
        self._stream.seek(frame)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


class LoopSignal:
    """A loop (n,) float32 for ever."""

    def __init__(self, loop: NDArray[np.float32]) -> None:
        self.n_frames: int | None = None
        self._loop, self._position = loop, 0
        self.notes: list[str] = []

    def read(self, n_frames: int) -> NDArray[np.float32]:
        """Return the next (n_frames,) frames."""
        at = (self._position + np.arange(n_frames)) % len(self._loop)
        self._position += n_frames
        return self._loop[at]

    def seek(self, frame: int) -> None:
        """Make the next `read` start at this frame."""
        self._position = frame

    def close(self) -> None:
        """Nothing to let go of."""


def built_in_signal(name: str, fs_hz: int, seed: int) -> LoopSignal:
    """Return "noise" (pink, -26 dBFS), "clicks" (a wooden bar, twice a second) or "tone" (440 Hz, -26 dBFS)."""
    if name == "noise":
        n_frames = _NOISE_LOOP_S * fs_hz
        return LoopSignal(_NOISE_RMS * noise_loop(fs_hz, n_frames, seed, low_hz=40.0, high_hz=18000.0, slope=1.0))
    if name == "tone":
        phase = 2 * np.pi * _TONE_HZ * np.arange(fs_hz) / fs_hz
        return LoopSignal((_TONE_PEAK * np.sin(phase)).astype(np.float32))
    knock = _CLICK_PEAK * wood(fs_hz, 1200.0 * 2 ** (seed % 5 / 5))
    loop = np.zeros(fs_hz // _CLICKS_PER_S, np.float32)
    loop[: len(knock)] = knock[: len(loop)]
    return LoopSignal(loop)
