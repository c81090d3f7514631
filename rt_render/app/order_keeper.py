"""Keeps blocks in time: lowers the order while they take too long, and raises it again when there is room.

A rule fed with block times alone; who publishes filters is told which order is wanted.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rt_render.kernels.state import FLAG_FILTERS_FADE, FLAG_FROZEN

NEAR, SHARE_NEAR, MIN_NEAR = 0.7, 0.001, 2
"""The order is lowered when more than a thousandth of the blocks, two at least, take more than 70 % of their time."""
WINDOW_S = 5.0
ROOM = 0.6
"""It is raised when 99.9 % would stay below 60 % also then."""
QUIET_S, MOST_QUIET_S = 10.0, 300.0
"""How long blocks must have been in time for that. Doubled each time it was raised in vain, within `IN_VAIN_S`."""
IN_VAIN_S = 30.0
COST_AFTER_S, MOST_COST = 1.0, 3.0
"""So long after a step down it is found what it saved; no step saves more than two thirds."""
STEPS = (5, 3, 1)
"""Orders that cost much less than the next: chunks of 16 channels are dropped as a whole."""


def lower_orders(order: int) -> tuple[int, ...]:
    """Return the orders that a session of an order can be lowered to, highest first."""
    return tuple(step for step in STEPS if step < order)


class OrderKeeper:
    """Decides by the rows of a trace which of some orders to render; `order` is the one wanted now.

    `orders` from the highest down, `budget_s` what a block may take. One thread.
    """

    def __init__(self, orders: Sequence[int], budget_s: float) -> None:
        self._orders, self._budget_s = tuple(orders), budget_s
        self._times: deque[tuple[float, NDArray[np.float64]]] = deque()
        self._costs: list[float] = []
        """How many times as long a block took before each step down, as found soon after it."""
        self._median_before_s = 0.0
        self._changed_s = self._raised_s = -np.inf
        self._quiet_s = QUIET_S

    @property
    def order(self) -> int:
        """The order wanted now."""
        return self._orders[len(self._costs)]

    def take(self, rows: NDArray[np.void]) -> str | None:
        """Take the newest rows; return a sentence when the order changes, else None."""
        now_s = float(rows["begin_s"][-1])
        # blocks of another order, and those that render twice while filters fade, tell nothing of this order
        telling = rows[(rows["order"] == self.order) & (rows["flags"] & (FLAG_FILTERS_FADE | FLAG_FROZEN) == 0)]
        if len(telling):
            self._times.append((now_s, 1e-9 * telling["block_ns"].astype(np.float64)))
        while self._times and self._times[0][0] < now_s - QUIET_S:
            self._times.popleft()
        return self._lower(now_s) or self._raise(now_s)

    def _since(self, since_s: float) -> NDArray[np.float64]:
        return np.concatenate([np.zeros(0), *(times_s for at_s, times_s in self._times if at_s >= since_s)])

    def _lower(self, now_s: float) -> str | None:
        times_s = self._since(now_s - WINDOW_S)
        near = int(np.count_nonzero(times_s > NEAR * self._budget_s))
        if self.order == self._orders[-1] or near < max(MIN_NEAR, SHARE_NEAR * len(times_s)):
            return None
        in_vain = now_s - self._raised_s < IN_VAIN_S
        self._quiet_s = min(MOST_QUIET_S, 2 * self._quiet_s) if in_vain else QUIET_S
        before, share = self.order, float(np.percentile(times_s, 99.9)) / self._budget_s
        self._costs.append(MOST_COST)
        self._median_before_s = float(np.median(times_s))
        self._begin_anew(now_s)
        return f"order {self.order} instead of {before} for now: blocks took up to {100 * share:.0f} % of their time"

    def _raise(self, now_s: float) -> str | None:
        quiet_s = now_s - self._changed_s
        times_s = self._since(now_s - QUIET_S)
        if not self._costs or not len(times_s):
            return None
        if self._median_before_s and quiet_s > COST_AFTER_S:
            self._costs[-1] = min(MOST_COST, max(1.0, self._median_before_s / float(np.median(times_s))))
            self._median_before_s = 0.0
        room_s = ROOM * self._budget_s / self._costs[-1]
        if quiet_s < self._quiet_s or float(np.percentile(times_s, 99.9)) > room_s:
            return None
        self._costs.pop()
        self._raised_s = now_s
        self._begin_anew(now_s)
        return f"order {self.order} again: there has been time enough for {quiet_s:.0f} s"

    def _begin_anew(self, now_s: float) -> None:
        self._changed_s = now_s
        self._times.clear()
