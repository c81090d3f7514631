"""Decoders for items of several orders: each item is heard through that of its own order, live and when measured."""

from threading import Lock

from rt_render.app.decoding import Progress, make_decoder
from rt_render.app.settings import Head
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
