"""How fast something may happen: of all, or of each who asks."""

from collections import OrderedDict
from collections.abc import Hashable

MAX_KEPT = 64


class Rate:
    """Lets so many a second through, with a second's worth in reserve. One thread."""

    def __init__(self, per_s: float) -> None:
        self._per_s = self._left = per_s
        self._at_s: float | None = None

    def allows(self, now_s: float) -> bool:
        """Take one, or tell that there are none left."""
        since_s = 0.0 if self._at_s is None else max(0.0, now_s - self._at_s)
        self._left, self._at_s = min(self._per_s, self._left + since_s * self._per_s), now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class RateOfEach:
    """Lets so many a second of each one through, and of all together no more than `all_per_s`. One thread.

    The 64 that asked last are remembered. Names that are forged by the thousand are bounded by `all_per_s` alone.
    """

    def __init__(self, per_s: float, all_per_s: float) -> None:
        self._per_s, self._all = per_s, Rate(all_per_s)
        self._each: OrderedDict[Hashable, Rate] = OrderedDict()

    def allows(self, who: Hashable, now_s: float) -> bool:
        """Take one of what `who` may have, or tell that there are none left."""
        rate = self._each.setdefault(who, Rate(self._per_s))
        self._each.move_to_end(who)
        if len(self._each) > MAX_KEPT:
            self._each.popitem(last=False)
        return rate.allows(now_s) and self._all.allows(now_s)
