"""Objects as a source: mono signals side by side, each from its own start, to be encoded by the engine."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rt_render.io.mono_signals import MonoSignal


class ObjectsSource:
    """A `Source` whose frames are not a field but one signal an object: an engine with `n_objects` encodes them.

    `signals`: each with the frame at which it starts, at `fs_hz`; `order`: to which the engine shall encode them.
    It ends with the signal that ends last, and is endless with one that is. Reader thread.
    """

    def __init__(self, signals: Sequence[tuple[MonoSignal, int]], fs_hz: int, *, order: int, title: str) -> None:
        self.fs_hz, self.order, self.title = fs_hz, order, title
        self.n_objects = len(signals)
        self._signals = list(signals)
        ends = [None if signal.n_frames is None else start + signal.n_frames for signal, start in signals]
        known = [end for end in ends if end is not None]
        self.n_frames = max(known) if len(known) == len(ends) else None
        objects = "1 object" if self.n_objects == 1 else f"{self.n_objects} objects"
        self.notes = [f"{objects}, encoded at order {order}"]
        self._n_told = [0] * len(signals)
        self._position = 0

    def read(self, n_frames: int) -> NDArray[np.float32]:
        """Return the next (k, n_objects) frames, float32, C-contiguous; k < n_frames only at the end."""
        if self.n_frames is not None:
            n_frames = max(0, min(n_frames, self.n_frames - self._position))
        frames = np.zeros((n_frames, self.n_objects), np.float32)
        for index, (signal, start) in enumerate(self._signals):
            before = min(max(start - self._position, 0), n_frames)
            if before < n_frames:
                part = signal.read(n_frames - before)
                frames[before : before + len(part), index] = part
            self.notes += signal.notes[self._n_told[index] :]
            self._n_told[index] = len(signal.notes)
        self._position += n_frames
        return frames

    def seek(self, frame: int) -> None:
        """Make the next `read` start at this frame, clipped to the stream."""
        self._position = max(frame, 0) if self.n_frames is None else min(max(frame, 0), self.n_frames)
        for signal, start in self._signals:
            signal.seek(max(0, self._position - start))

    def close(self) -> None:
        """Close all files; may be called twice."""
        for signal, _ in self._signals:
            signal.close()
