"""Which item lies where on a playlist's own time, as far as it was played."""

from dataclasses import dataclass
from threading import Lock

MOST_PLACES = 1000
"""Older ones are forgotten: a booth plays for weeks."""


@dataclass(frozen=True, slots=True)
class Place:
    """From `start_frame` on an item plays, from its beginning. `index`: from 0; None is silence.

    `step`: 1 or -1, the direction in which to look on if the item cannot be played.
    """

    start_frame: int
    index: int | None
    step: int = 1


class Timeline:
    """Places in the order of their frames; written by whoever reads the playlist, read by any thread."""

    def __init__(self) -> None:
        self._places = [Place(0, 0)]
        self._lock = Lock()

    def at(self, frame: int) -> Place:
        """Return what plays at a frame, or is placed there."""
        with self._lock:
            return next((p for p in reversed(self._places) if p.start_frame <= frame), self._places[0])

    def put(self, place: Place) -> None:
        """Append a place, in the stead of one that begins at the same frame; the oldest of many are forgotten."""
        with self._lock:
            before = self._places[:-1] if self._places[-1].start_frame == place.start_frame else self._places
            self._places = [*before, place][-MOST_PLACES:]

    def end_with(self, place: Place) -> None:
        """Forget what lies behind a place: it will come otherwise."""
        with self._lock:
            self._places = self._places[: self._places.index(place) + 1]
