"""Listens to an input of a sound card, into which a cable leads from its output: a loop that leaves nothing out."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rt_render.errors import DeviceError
from rt_render.io.portaudio import OPEN_S, ask

_FIRST_PERCENT = 5.0


class CardEars:
    """Records two channels of an input from `start` to `stop`, with the moment at which they were converted."""

    def __init__(self, device: int | str, fs_hz: int) -> None:
        """Find and open the input, by number or name; raises DeviceError."""
        self.fs_hz = fs_hz
        self._blocks: list[NDArray[np.float32]] = []
        self._starts_s: list[float] = []
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
        except ValueError as error:
            inputs = "; ".join(f"{d['index']} {d['name']}" for d in sd.query_devices() if d["max_input_channels"] >= 2)
            raise DeviceError(
                f"no input with two channels is called {device!r}: choose one of {inputs or 'none, for there is none'}."
            ) from error

    def _hear(self, frames: NDArray[np.float32], n_frames: int, times: Any, flags: Any) -> None:
        told_s = (
            times.inputBufferAdcTime - times.currentTime if times.inputBufferAdcTime > 0.0 else -n_frames / self.fs_hz
        )
        self._starts_s.append(time.monotonic() + told_s - self._n_frames / self.fs_hz)
        self._blocks.append(frames.copy())
        self._n_frames += n_frames

    def start(self) -> None:
        """Begin to listen. Raises DeviceError."""
        ask(lambda sd: self._stream.start(), OPEN_S)

    def stop(self) -> tuple[NDArray[np.float32], float]:
        """Return what was heard (n, 2), and the monotonic time at which its first frame was converted."""
        ask(lambda sd: self._stream.close(), OPEN_S)
        if not self._blocks:
            return np.zeros((0, 2), np.float32), 0.0
        return np.concatenate(self._blocks), float(np.percentile(self._starts_s, _FIRST_PERCENT))
