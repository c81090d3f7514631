"""Stereo frames as a source of sound field, by an upmix whose latency is not heard."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rt_render.engine.upmix import Upmix


class StereoFrames(Protocol):
    """What a `FrameStream` of two channels is."""

    @property
    def n_frames(self) -> int | None:
        """Length in frames; None when endless."""

    @property
    def lap_frames(self) -> int | None:
        """Length of one lap in frames; None when not looped."""

    def read(self, n_frames: int) -> NDArray[np.float32]:
        """Return the next (k, 2) frames; k < n_frames only at the end."""

    def seek(self, frame: int) -> None:
        """Make the next `read` start at this frame."""


class PanoramaSource:
    """A `Source` of what an upmix makes of stereo: frame k of the field belongs to frame k of the stereo.

    `notes`: the list that is shown and may grow, the caller's own; `on_close` lets go of the stereo's file. Reads
    behind a seek begin the upmix's pre-roll earlier. With `flat` (2, n_sh), the way of the two speakers into the field,
    it is asked at each beginning whether to be `spacious`, and is two speakers where not. Reader thread.
    """

    def __init__(
        self,
        stereo: StereoFrames,
        upmix: Upmix,
        *,
        title: str,
        notes: list[str] | None = None,
        on_close: Callable[[], None] = lambda: None,
        flat: NDArray[np.float64] | None = None,
        spacious: Callable[[], bool] = lambda: True,
    ) -> None:
        self.fs_hz, self.order = upmix.fs_hz, upmix.order
        self.title = title
        self.notes = notes if notes is not None else []
        self._stereo, self._upmix, self._on_close = stereo, upmix, on_close
        self._flat = None if flat is None else flat.astype(np.float32)
        self._spacious, self._is_flat = spacious, False
        self._position = self._read_frames = 0
        self._end: int | None = None
        self._begin(0)

    @property
    def n_frames(self) -> int | None:
        """Length in frames at `fs_hz`; None when looped."""
        return self._stereo.n_frames

    @property
    def lap_frames(self) -> int | None:
        """Length of one lap in frames; None when not looped."""
        return self._stereo.lap_frames

    def read(self, n_frames: int) -> NDArray[np.float32]:
        """Return the next (k, n_sh) frames, float32, C-contiguous, ACN/SN3D; k < n_frames only at the end."""
        out = self._push(n_frames if self._end is None else max(min(n_frames, self._end - self._position), 0))
        if self._end is not None:
            out = out[: max(self._end - self._position, 0)]
        self._position += len(out)
        return out

    def seek(self, frame: int) -> None:
        """Make the next `read` start at this frame, clipped to the stream."""
        self._begin(max(frame, 0) if self.n_frames is None else min(max(frame, 0), self.n_frames))

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        self._on_close()

    def _begin(self, frame: int) -> None:
        upmix = self._upmix
        self._is_flat = self._flat is not None and not self._spacious()
        if self._is_flat:
            self._stereo.seek(frame)
            self._position = self._read_frames = frame
            self._end = self.n_frames
            return
        steps = max(frame - upmix.preroll_frames, 0) // upmix.step_frames
        start = steps * upmix.step_frames
        upmix.reset()
        self._stereo.seek(start)
        self._read_frames, self._end = start, self.n_frames
        self._push(frame - start + upmix.latency_frames)
        self._position = frame

    def _push(self, n_frames: int) -> NDArray[np.float32]:
        """Feed the next stereo frames, with silence behind their end, and return as many of the field."""
        stereo = self._stereo.read(n_frames)
        self._read_frames += len(stereo)
        if len(stereo) < n_frames:
            self._end = self._read_frames  # a file that failed ends before what it had promised
            # the upmix still holds the last frames: silence pushes them out
            stereo = np.concatenate([stereo, np.zeros((n_frames - len(stereo), 2), np.float32)])
        if self._is_flat and self._flat is not None:
            return np.ascontiguousarray(stereo @ self._flat)
        return self._upmix.process(stereo)
