"""Decoders for items of several orders: each item is heard through that of its own order, live and when measured."""

from collections.abc import Callable
from threading import Lock

from rt_render.app.decoding import Progress, make_decoder
from rt_render.app.playlist.timeline import Timeline
from rt_render.app.settings import Head
from rt_render.engine.engine import Engine
from rt_render.hrtf.decoder import Decoder


class ItemDecoders:
    """The decoders of a head by order, designed or found when they are first needed. Any thread."""

    def __init__(self, head: Head, fs_hz: int, on_progress: Progress | None = None) -> None:
        self._head, self._fs_hz, self._on_progress = head, fs_hz, on_progress
        self._lock = Lock()
        self._ready: dict[int, Decoder] = {}

    def of_order(self, order: int) -> Decoder:
        """Return a decoder, however long that takes; raises InputFileError for a head that cannot be used."""
        with self._lock:
            if order not in self._ready:
                self._ready[order] = make_decoder(self._head, order, self._fs_hz, self._on_progress)
            return self._ready[order]

    def ready(self, order: int) -> Decoder | None:
        """Return a decoder that is there already; None for others."""
        return self._ready.get(order)


class FollowOrders:
    """Publishes the filters of the order of the item that is heard; `look` is for the trace feed's thread.

    A field of order 1 through the filters of order 7 would lose its treble, for those of order 1 make up for what the
    order lacks. `order_at` tells the order of an item by its index, None where it was not opened yet.
    """

    def __init__(
        self,
        engine: Engine,
        decoders: ItemDecoders,
        timeline: Timeline,
        order_at: Callable[[int], int | None],
        heard_frame: Callable[[], int],
    ) -> None:
        self._engine, self._decoders, self._timeline = engine, decoders, timeline
        self._order_at, self._heard_frame = order_at, heard_frame
        self._order = engine.plan.order

    def look(self) -> None:
        """Change the filters where the item that is heard is of another order than the one before."""
        index = self._timeline.at(self._heard_frame()).index
        order = None if index is None else self._order_at(index)
        if order is None or order == self._order or order > self._engine.plan.order:
            return
        decoder = self._decoders.ready(order)
        if decoder is not None:
            self._order = order
            self._engine.publish_filters(decoder.filters)
