"""Graceful degradation: a session's order, lowered with a fade while blocks take too long, and raised again."""

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from rt_render.app.decoding import Progress, make_decoder
from rt_render.app.order_keeper import OrderKeeper, lower_orders
from rt_render.app.settings import Settings
from rt_render.engine.engine import Engine
from rt_render.hrtf.decoder import Decoder


class Degradation:
    """Takes the rows of a `TraceFeed`, on its thread, and publishes the filters of the order that fits."""

    def __init__(self, engine: Engine, filters: Mapping[int, NDArray[Any]], on_message: Callable[[str], None]) -> None:
        """Prepare: `filters` (2, n_sh, n_taps) by order, the engine's own among them."""
        self._engine, self._filters, self._on_message = engine, filters, on_message
        self._keeper = OrderKeeper(sorted(filters, reverse=True), engine.plan.block_size / engine.plan.fs_hz)

    def take_rows(self, rows: NDArray[Any]) -> None:
        """Change the order where the newest blocks ask for it, and say so."""
        said = self._keeper.take(rows)
        if said is not None:
            self._engine.publish_filters(self._filters[self._keeper.order])
            self._on_message(said)


def make_degradation(
    settings: Settings,
    decoder: Decoder,
    engine: Engine,
    on_message: Callable[[str], None],
    on_progress: Progress | None = None,
) -> Degradation:
    """Design or find the decoders of the lower orders beforehand: there is no time for it when they are needed."""
    filters = {engine.plan.order: decoder.filters}
    for order in lower_orders(engine.plan.order):
        filters[order] = make_decoder(settings.head, order, settings.audio.fs_hz, on_progress).filters
    return Degradation(engine, filters, on_message)
