"""The filters of the order of the item that is heard."""

from collections.abc import Callable
from typing import NamedTuple

from rt_render.app.playlist.playlist_source import playlist_in
from rt_render.engine.engine import Engine
from rt_render.io.source import Source

AHEAD_S = 0.3
"""So long before it is heard an item's order is told: longer than between two looks, also of a renderer to a file."""


class ItemOrder(NamedTuple):
    """An order, and the frame of the playlist from which it is to be heard: where its item prevails."""

    order: int
    from_frame: int


def item_order(source: Source, engine: Engine) -> Callable[[], ItemOrder | None] | None:
    """Return what tells the order of the item that is heard, or soon will be; None for no playlist.

    It tells None where the order is not known. Any thread.
    """
    playlist = playlist_in(source)
    if playlist is None or playlist.decoders is None:
        return None
    timeline, orders, ahead_frames = playlist.timeline, playlist.orders, round(AHEAD_S * source.fs_hz)

    def order() -> ItemOrder | None:
        place = timeline.prevailing(engine.snapshot().frame, ahead_frames)
        found = None if place.index is None else orders[place.index % len(orders)]
        return None if found is None else ItemOrder(found, place.middle_frame)

    return order


def follow_orders(source: Source, engine: Engine) -> Callable[[], None] | None:
    """Return what to call now and then, on one thread, so that each item is decoded as its own order needs it.

    A field of order 1 through the filters of order 7 would lose its treble, for those of order 1 make up for what the
    order lacks. None for a source that is no playlist.
    """
    playlist, item = playlist_in(source), item_order(source, engine)
    if playlist is None or playlist.decoders is None or item is None:
        return None
    decoders, followed = playlist.decoders, engine.plan.order

    def look() -> None:
        nonlocal followed
        wanted = item()
        if wanted is None or wanted.order == followed or wanted.order > engine.plan.order:
            return
        decoder = decoders.ready(wanted.order)
        if decoder is not None:
            followed = wanted.order
            engine.publish_filters(decoder.filters, around_frame=wanted.from_frame)

    return look
