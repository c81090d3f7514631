"""Notices that a playlist's folder or list holds other pieces than when the program began."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rt_render.app.playlist.items import Item, items_of
from rt_render.app.settings import Source
from rt_render.app.source_opening import is_playlist
from rt_render.errors import RenderError

LOOK_EVERY_S, SETTLED_S = 10.0, 60.0
CHANGED = "the pieces of the playlist have changed"


def pieces_of(source: Source) -> list[Item]:
    """Return what a playlist holds, nothing for other inputs. Raises InputFileError and ConfigurationError."""
    return items_of([source.input, *source.further], source) if is_playlist(source) else []


class MediaWatch:
    """Tells `on_change` once that other pieces are there, when nothing has been copied for a minute.

    Made before the playlist is opened, for pieces may come meanwhile. A folder or list that cannot be read, or is
    empty, is no change: what plays goes on. `look`: one thread, as often as wanted; both may wait for a disk.
    """

    def __init__(self, source: Source, on_change: Callable[[str], None], clock_s: Callable[[], float] = time.monotonic):
        self._source, self._on_change, self._clock_s = source, on_change, clock_s
        self._first = self._pieces()
        self._newest: list[tuple[Item, int]] = []
        self._next_s = self._since_s = 0.0
        self._told = False

    def look(self) -> None:
        """Look, every ten seconds."""
        now_s = self._clock_s()
        if self._told or now_s < self._next_s:
            return
        self._next_s = now_s + LOOK_EVERY_S
        pieces = self._pieces()
        if not pieces:
            return
        sized = [(piece, _size(piece)) for piece in pieces]
        if sized != self._newest:
            self._newest, self._since_s = sized, now_s
        if pieces != self._first and now_s - self._since_s >= SETTLED_S:
            self._told = True
            self._on_change(CHANGED)

    def _pieces(self) -> list[Item]:
        try:
            return pieces_of(self._source)
        except RenderError:
            return []


def _size(piece: Item) -> int:
    with suppress(OSError, ValueError):
        return Path(piece.name).stat().st_size
    return -1
