"""Whether a process's memory grows: readings over a long stretch, thinned out so that a week takes no memory."""

import numpy as np

LONG_STRETCH_S = 900.0
"""From which on growth is judged: caches and threads of a start have come by its third."""
_EVERY_S, _KEPT = 10.0, 1000


class MemoryTrend:
    """Takes readings of a process's memory and judges the last two thirds of them."""

    def __init__(self) -> None:
        self._at_s: list[float] = []
        self._mb: list[float] = []
        self._every_s = _EVERY_S

    @property
    def stretch_s(self) -> float:
        """How long it has been looked at."""
        return self._at_s[-1] - self._at_s[0] if self._at_s else 0.0

    def take(self, at_s: float, memory_mb: float) -> None:
        """Take a reading in MiB at a time in s; one that comes soon after another is dropped."""
        if self._at_s and at_s - self._at_s[-1] < self._every_s:
            return
        self._at_s.append(at_s)
        self._mb.append(memory_mb)
        if len(self._at_s) > _KEPT:
            self._at_s, self._mb, self._every_s = self._at_s[::2], self._mb[::2], 2.0 * self._every_s

    def growth_mb_per_hour(self) -> float | None:
        """Return the growth from the second third to the last, in medians; None where the stretch is too short."""
        if self.stretch_s < LONG_STRETCH_S:
            return None
        at_s, mb = np.array(self._at_s), np.array(self._mb)
        third = (at_s - at_s[0]) // (self.stretch_s / 3.0)
        before, after = third == 1, third >= 2
        hours = (float(np.median(at_s[after])) - float(np.median(at_s[before]))) / 3600.0
        return (float(np.median(mb[after])) - float(np.median(mb[before]))) / hours
