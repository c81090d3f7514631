"""The device's clock: microseconds in 32 bits, from a counter of the port that wraps earlier."""


class Clock:
    """Microseconds since boot as two 16-bit halves, `high` and `low`; ask it at least once in 8 minutes.

    On 32-bit ports `ticks_us` wraps after 2**30 us; its differences are what counts. Halves stay small integers,
    which cost no memory.
    """

    def __init__(self, board):
        self._ticks_us, self._ticks_diff = board.ticks_us, board.ticks_diff
        self.ticks = board.ticks_us()
        self.low = self.high = 0

    def tick(self):
        """Move to this moment."""
        now = self._ticks_us()
        low = self.low + self._ticks_diff(now, self.ticks)
        self.ticks = now
        self.low = low & 0xFFFF
        self.high = (self.high + (low >> 16)) & 0xFFFF

    def low_at(self, sample):
        """Return `low` at the sample's instant, below 0 or above 65535 where `high` is another then."""
        return self.low - self._ticks_diff(self.ticks, sample.ticks) - sample.late_us
