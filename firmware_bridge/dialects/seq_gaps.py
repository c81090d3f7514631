"""What a counter in the frames tells of frames that never came."""


class SeqGaps:
    """Counts what is missing between frames whose number rises by one and wraps at `wrap`."""

    def __init__(self, wrap: int) -> None:
        self._wrap = wrap
        self._last: int | None = None

    def lost_before(self, seq: int) -> int:
        """Return how many frames are missing before this one; none where half the range or more is, a restart."""
        gap = 0 if self._last is None else (seq - self._last - 1) % self._wrap
        self._last = seq
        return gap if gap < self._wrap // 2 else 0

    def reset(self) -> None:
        """Forget the last number, as after a reconnection."""
        self._last = None
