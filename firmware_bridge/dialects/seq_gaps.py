"""What a counter in the frames tells of frames that never came."""

MAX_GAP = 10_000
"""A greater leap is a counter that began elsewhere: links that lose so much in one go are noticed as lost."""


class SeqGaps:
    """Counts what is missing between frames whose number rises by one and wraps at `wrap`."""

    def __init__(self, wrap: int) -> None:
        self._wrap = wrap
        self._last: int | None = None

    def lost_before(self, seq: int) -> int:
        """Return how many frames are missing before this one; none after a leap, as over half the range: a restart."""
        gap = 0 if self._last is None else (seq - self._last - 1) % self._wrap
        self._last = seq
        return gap if gap < min(self._wrap // 2, MAX_GAP) else 0

    def reset(self) -> None:
        """Forget the last number, as after a reconnection."""
        self._last = None
