"""A playlist's controls in a session: next, previous, an item by number; moved through by the desk's controls."""

from collections.abc import Callable
from dataclasses import dataclass

from rt_render.app.controls.table import END_S
from rt_render.app.playlist.playlist_source import PlaylistSource
from rt_render.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class PlaylistMoment:
    """What of a playlist is heard. `number`: from 1, None while nothing can be played; `next_title`: None at the end.

    `position_frames` and `length_frames` are the item's; the length is None while it is not known. `n_broken`: items
    that could not be played when it was their turn.
    """

    number: int | None
    n_items: int
    title: str
    next_title: str | None
    position_frames: int
    length_frames: int | None
    n_broken: int

    @property
    def text(self) -> str:
        """The moment in words, such as "2 of 5: Rain · then Birds"."""
        then = f" · then {self.next_title}" if self.next_title else ""
        return f"{self.number or '-'} of {self.n_items}: {self.title}{then}"


class PlaylistTransport:
    """Moves through a playlist that sounds. Any thread, as far as what was handed in allows it.

    `heard_frame` tells the frame of the playlist's time that is heard; `wind` fades out, calls what it is given while
    nobody reads, and goes on at the frame that this returns.
    """

    def __init__(
        self,
        playlist: PlaylistSource,
        heard_frame: Callable[[], int],
        wind: Callable[[Callable[[], int]], None],
        on_message: Callable[[str], None],
    ) -> None:
        self._playlist, self._heard_frame, self._wind, self._on_message = playlist, heard_frame, wind, on_message

    @property
    def titles(self) -> tuple[str, ...]:
        """The items' titles, in order; better ones come as items are opened."""
        return tuple(self._playlist.titles)

    def next(self) -> None:
        """Go on with the next item; behind the last one with the first, where the list loops."""
        index = self._index()
        if index + 1 < len(self._playlist.titles) or self._playlist.loop:
            self._go_to(index + 1, 1)
        else:
            self._on_message("this is the last item of the playlist")

    def previous(self) -> None:
        """Go back to the item before; from the first one to the last, where the list loops, else to its beginning."""
        index = self._index() - 1
        self._go_to(index if self._playlist.loop else max(0, index), -1)

    def play(self, number: int) -> None:
        """Go on with the item of this number, from 1. Raises ConfigurationError for a number that is not there."""
        n_items = len(self._playlist.titles)
        if not 1 <= number <= n_items:
            raise ConfigurationError(f"there is no item {number}: the playlist has 1 to {n_items}.")
        self._go_to(number - 1, 1)

    def seek(self, seconds: float) -> None:
        """Go on at this time of the item that is heard, but not so near to where the next begins that it is left."""
        heard_frame = self._heard_frame()
        place = self._playlist.timeline.at(heard_frame)
        frame = place.start_frame + max(0, round(seconds * self._playlist.fs_hz))
        if place.length_frames is not None:
            frame = min(frame, max(heard_frame, place.start_frame + self._latest_frame(place.length_frames)))
        self._wind(lambda: frame)

    def _latest_frame(self, length_frames: int) -> int:
        """Return how far one may go into an item of a length and stay there for a while."""
        fade_frames = min(self._playlist.fade_frames, length_frames // 2)
        return length_frames - fade_frames - min(round(END_S * self._playlist.fs_hz), length_frames // 4)

    def moment(self) -> PlaylistMoment:
        """Tell what is heard now."""
        playlist, frame = self._playlist, self._heard_frame()
        titles = playlist.titles
        place = playlist.timeline.at(frame)
        index, length_frames = place.index, place.length_frames
        following = None if index is None else self._following(index)
        position_frames = frame - place.start_frame
        return PlaylistMoment(
            number=None if index is None else index % len(titles) + 1,
            n_items=len(titles),
            title="nothing can be played" if index is None else titles[index % len(titles)],
            next_title=None if following is None else titles[following],
            position_frames=position_frames if length_frames is None else min(position_frames, length_frames),
            length_frames=length_frames,
            n_broken=len(playlist.broken),
        )

    def _following(self, index: int) -> int | None:
        """Return the next item that is not known to be broken; None where there is none."""
        n_items = len(self._playlist.titles)
        last = index + n_items if self._playlist.loop else n_items - 1
        behind = (following % n_items for following in range(index + 1, last + 1))
        return next((following for following in behind if following not in self._playlist.broken), None)

    def _index(self) -> int:
        return self._playlist.timeline.at(self._heard_frame()).index or 0

    def _go_to(self, index: int, step: int) -> None:
        self._wind(lambda: self._playlist.place(index, step))
