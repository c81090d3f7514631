"""The filters of the order of the item that is heard."""

from collections.abc import Callable

from rt_render.app.playlist.playlist_source import playlist_in
from rt_render.engine.engine import Engine
from rt_render.io.source import Source


def item_order(source: Source, engine: Engine) -> Callable[[], int | None] | None:
    """Return what tells the order of the item that is heard, None where that is not known; None for no playlist."""
    playlist = playlist_in(source)
    if playlist is None or playlist.decoders is None:
        return None
    timeline, orders = playlist.timeline, playlist.orders

    def order() -> int | None:
        index = timeline.at(engine.snapshot().frame).index
        return None if index is None else orders[index]

    return order


def follow_orders(source: Source, engine: Engine) -> Callable[[], None] | None:
    """Return what to call now and then, on one thread, so that each item is decoded as its own order needs it.

    A field of order 1 through the filters of order 7 would lose its treble, for those of order 1 make up for what the
    order lacks. None for a source that is no playlist.
    """
    playlist, order_of_item = playlist_in(source), item_order(source, engine)
    if playlist is None or playlist.decoders is None or order_of_item is None:
        return None
    decoders, followed = playlist.decoders, engine.plan.order

    def look() -> None:
        nonlocal followed
        order = order_of_item()
        if order is None or order == followed or order > engine.plan.order:
            return
        decoder = decoders.ready(order)
        if decoder is not None:
            followed = order
            engine.publish_filters(decoder.filters)

    return look
