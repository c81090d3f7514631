"""Graceful degradation: a session's order, lowered with a fade while blocks take too long, and raised again."""

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from rt_render.app.order_keeper import OrderKeeper


class Degradation:
    """Takes the rows of a `TraceFeed`, on its thread, and limits the order to the one that fits.

    `orders`: those that can be heard at once, `block_s`: what a block may take; `limit` lets no higher order be heard.
    """

    def __init__(
        self, orders: Sequence[int], block_s: float, limit: Callable[[int], None], on_message: Callable[[str], None]
    ) -> None:
        self._limit, self._on_message = limit, on_message
        self._keeper = OrderKeeper(sorted(orders, reverse=True), block_s)

    def take_rows(self, rows: NDArray[Any]) -> None:
        """Change the order where the newest blocks ask for it, and say so."""
        said = self._keeper.take(rows)
        if said is not None:
            self._limit(self._keeper.order)
            self._on_message(said)
