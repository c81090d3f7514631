"""Listens to an input of a sound card, into which a cable leads from its output: a loop that leaves nothing out."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rt_render.errors import DeviceError
from rt_render.io.portaudio import OPEN_S, ask


class CardEars:
    """Records two channels of an input from `start` to `stop`, with the moment at which they were converted.

    From `stop` on, `told_s` is the median time that frames take, by the host's own word, from the input's converter to
    this program; `lost_frames` is about how many the host had to drop.
    """

    def __init__(self, device: int | str, fs_hz: int) -> None:
        """Find and open the input, by number or name; raises DeviceError."""
        self.fs_hz = fs_hz
        self.told_s, self.lost_frames = 0.0, 0
        self._blocks: list[NDArray[np.float32]] = []
        self._firsts: list[tuple[int, float, float]] = []
        self._n_frames = 0
        self._stream = ask(lambda sd: self._open(sd, device), OPEN_S)

    def _open(self, sd: Any, device: int | str) -> Any:
        try:
            return sd.InputStream(
                device=device,
                channels=2,
                samplerate=self.fs_hz,
                dtype="float32",
                latency="low",
                callback=self._hear,
            )
        except (ValueError, sd.PortAudioError) as error:
            inputs = "; ".join(f"{d['index']} {d['name']}" for d in sd.query_devices() if d["max_input_channels"] >= 2)
            raise DeviceError(
                f"the input {device!r} cannot be listened to at {self.fs_hz} Hz in two channels "
                f"({str(error).splitlines()[0].rstrip('.')}): "
                + (f"choose one of {inputs}." if inputs else "there is no input with two channels; plug one in.")
            ) from error

    def _hear(self, frames: NDArray[np.float32], n_frames: int, times: Any, flags: Any) -> None:
        told_s = times.inputBufferAdcTime - times.currentTime if times.inputBufferAdcTime > 0.0 else 0.0
        # a host that tells no time has had the frames for as long as they last, at the least
        ago_s = told_s if told_s < 0.0 else -n_frames / self.fs_hz
        self._firsts.append((self._n_frames, time.monotonic() + ago_s, -ago_s))
        self._blocks.append(frames.copy())
        self._n_frames += n_frames
        self.lost_frames += n_frames if flags.input_overflow else 0

    def start(self) -> None:
        """Begin to listen. Raises DeviceError."""
        ask(lambda sd: self._stream.start(), OPEN_S)

    def stop(self) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Return what was heard (n, 2), and rows (k, 2): a frame's number, the monotonic time of its conversion."""
        ask(lambda sd: self._stream.close(), OPEN_S)
        heard = np.concatenate(self._blocks) if self._blocks else np.zeros((0, 2), np.float32)
        firsts = np.array(self._firsts, np.float64).reshape(-1, 3)
        self.told_s = float(np.median(firsts[:, 2])) if len(firsts) else 0.0
        return heard, firsts[:, :2]
