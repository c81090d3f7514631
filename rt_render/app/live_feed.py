"""Live input in the place of a source: what a session asks of either."""

import numpy as np
from numpy.typing import NDArray

from rt_render.engine.upmix import NativeUpmix


class LiveSource:
    """What a card's input is, as a `Source` that nobody reads: the card's own call brings its frames into the ring.

    `matrix` (n_channels, n) leads the card's channels, from its first on, into the field's of `order` or to the
    stage's two; `n_frames` is where playing ends, None for never.
    """

    def __init__(
        self,
        order: int,
        fs_hz: int,
        matrix: NDArray[np.float64],
        *,
        stage: NativeUpmix | None,
        title: str,
        notes: list[str],
        n_frames: int | None,
    ) -> None:
        self.order, self.fs_hz, self.n_frames = order, fs_hz, n_frames
        self.matrix, self.stage = matrix, stage
        self.title, self.notes = title, notes

    def read(self, n_frames: int) -> NDArray[np.float32]:
        """Return no frames."""
        return np.zeros((0, (self.order + 1) ** 2), np.float32)

    def seek(self, frame: int) -> None:
        """Stay: there is only now."""

    def close(self) -> None:
        """Hold nothing."""


class LiveFeed:
    """In the place of a `RingFeeder` where the card feeds the ring: there is nothing to start, to fill or to stop."""

    ended = True

    def longest_read_s(self, since_s: float) -> float:
        """Return 0: nothing is read."""
        return 0.0

    def start(self) -> None:
        """Leave it to the card."""

    def stop(self) -> bool:
        """Return whether the ring is no longer written: the card writes it as long as it calls."""
        return False

    def restart(self, frame: int) -> bool:
        """Return False: live input has no places to go to."""
        return False

    def close(self) -> None:
        """Hold nothing."""
