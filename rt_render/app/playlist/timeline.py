"""Which item lies where on a playlist's own time, as far as it was played."""

from dataclasses import dataclass, replace
from threading import Lock

MOST_PLACES = 1000
"""Older ones are forgotten: a booth plays for weeks."""


@dataclass(frozen=True, slots=True)
class Place:
    """From `start_frame` on an item plays, from its beginning. `index`: from 0; None is silence.

    `step`: 1 or -1, the direction in which to look on if the item cannot be played. `fade_frames`: so long it overlaps
    with what was before. `length_frames`: of the item once it is open, None while it is not and for one that never
    ends. `words`: what to tell of it when it is heard.
    """

    start_frame: int
    index: int | None
    step: int = 1
    fade_frames: int = 0
    length_frames: int | None = None
    words: str = ""

    @property
    def middle_frame(self) -> int:
        """From where on it is the louder one."""
        return self.start_frame + self.fade_frames // 2


class Timeline:
    """Places in the order of their frames; written by whoever reads the playlist, read by any thread."""

    def __init__(self) -> None:
        self._places = [Place(0, 0)]
        self._lock = Lock()

    def at(self, frame: int) -> Place:
        """Return what plays at a frame, or is placed there."""
        with self._lock:
            return next((p for p in reversed(self._places) if p.start_frame <= frame), self._places[0])

    def prevailing(self, frame: int, ahead_frames: int) -> Place:
        """Return what prevails at a frame, or what will be the next to do so within `ahead_frames`."""
        with self._lock:
            soon = (p for p in self._places if frame < p.middle_frame <= frame + ahead_frames)
            now = (p for p in reversed(self._places) if p.middle_frame <= frame)
            return next(soon, None) or next(now, self._places[0])

    def begun(self, after_frame: int, frame: int) -> list[Place]:
        """Return the places that begin behind a frame and at another at the latest, in order."""
        with self._lock:
            return [place for place in self._places if after_frame < place.start_frame <= frame]

    def put(self, place: Place) -> None:
        """Append a place, in the stead of one that begins at the same frame; the oldest of many are forgotten."""
        with self._lock:
            before = self._places[:-1] if self._places[-1].start_frame == place.start_frame else self._places
            self._places = [*before, place][-MOST_PLACES:]

    def end_with(self, place: Place) -> None:
        """Forget what lies behind a place, for it will come otherwise, and that it overlapped with what was before."""
        with self._lock:
            self._places = [*self._places[: self._places.index(place)], replace(place, fade_frames=0)]
