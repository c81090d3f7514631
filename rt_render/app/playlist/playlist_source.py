"""A playlist as one source: item after item without a gap, or faded across; the broken ones are left out."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rt_render.app.excerpt import Excerpt
from rt_render.app.playlist.ahead import Ahead
from rt_render.app.playlist.item_decoders import ItemDecoders
from rt_render.app.playlist.opened import Opened
from rt_render.app.playlist.timeline import Place, Timeline
from rt_render.app.playlist.voice import Voice
from rt_render.conventions import n_sh
from rt_render.io.source import Source

RETRY_S = 10.0
"""Where nothing can be played, a playlist that loops is silent so long before it tries again."""


class PlaylistSource:
    """A `Source` that plays items one behind the other, each at its own gain, on a time of its own.

    `titles`: one an item, better ones come as items are opened, and their `orders`; `open_item(index, patient)` returns
    what plays, or raises: such an item is named in `notes` and left out; `patient`: it is opened ahead and may take
    long. `crossfade_s`: items overlap so long, at equal power, at most by half of the shorter one; 0 is gapless.
    `loop`: endless. `decoders`: through which items of lower orders are best heard. What is next is opened on a
    thread while an item plays. `never_ends`: why the list goes on for ever, "" where it does not. `remarks`: what to
    note of it at once. `n_frames`: where it ended, None before that. Reader thread; `place`, `progress_at` and `titles`
    from any.
    """

    n_frames: int | None = None

    def __init__(
        self,
        title: str,
        titles: Sequence[str],
        open_item: Callable[[int, bool], Opened],
        *,
        order: int,
        fs_hz: int,
        crossfade_s: float = 0.0,
        loop: bool = False,
        never_ends: str = "",
        remarks: Sequence[str] = (),
        decoders: ItemDecoders | None = None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self.title, self.titles, self.order, self.fs_hz, self.loop = title, list(titles), order, fs_hz, loop
        items = "1 item" if len(titles) == 1 else f"{len(titles)} items"
        self.notes = [f"a playlist of {items}, played at order {order}", *remarks]
        self.never_ends = never_ends
        self.orders: list[int | None] = [None] * len(titles)
        self.broken: set[int] = set()
        self.timeline = Timeline()
        self.decoders = decoders
        self._open_item, self._on_close = open_item, on_close
        self.fade_frames = round(crossfade_s * fs_hz)
        self._position = 0
        self._index = 0
        self._voice: Voice | None = None
        self._ahead: Ahead[Opened] | None = None
        self._next: Opened | None = None
        self._looked_ahead = False
        self._leaving: Voice | None = None
        self._fade = (0, 0)
        self._silence_frames = 0
        self._closed = False

    # for any thread

    def place(self, index: int, step: int) -> int:
        """Put an item behind all that was read, and return the frame to seek to. Only while nobody reads."""
        self.timeline.put(Place(self._position, index, step))
        return self._position

    def progress_at(self, frame: int) -> float:
        """Return how much of the list was played at a frame, 0 to 1, as if all items were equally long."""
        place = self.timeline.at(frame)
        share = min(1.0, (frame - place.start_frame) / place.length_frames) if place.length_frames else 0.0
        return ((place.index or 0) + share) / len(self.titles)

    # for the thread that reads

    def read(self, n_frames: int) -> NDArray[np.float32]:
        """Return the next (k, n_sh) frames, float32, C-contiguous, ACN/SN3D; k < n_frames only at the end."""
        parts: list[NDArray[np.float32]] = []
        missing = n_frames
        while missing > 0:
            frames = self._some(missing)
            if frames is None:
                self.n_frames = self._position
                break
            parts.append(frames)
            missing -= len(frames)
            self._position += len(frames)
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([np.empty((0, n_sh(self.order)), np.float32), *parts])

    def seek(self, frame: int) -> None:
        """Make the next `read` start at this frame of the playlist's time, as far as it was played or placed."""
        place = self.timeline.at(frame)
        self.timeline.end_with(place)
        self.n_frames = None
        self._position = max(frame, place.start_frame)
        self._end_fade()
        self._silence_frames = 0
        self._forget_next()
        if self._voice is not None and not self._voice.failed and place.index == self._index:
            self._open_ahead()
            self._voice.seek(self._position - place.start_frame)
        else:
            self._close_voice()
            opened = self._find(self._index if place.index is None else place.index, place.step, patient=False)
            as_placed = opened is not None and opened.index == place.index
            self._begin(opened, place.start_frame if as_placed else self._position)
            if opened and as_placed and self._position > place.start_frame:
                opened.voice.seek(self._position - place.start_frame)

    def close(self) -> None:
        """Let go of all files; may be called twice."""
        if not self._closed:
            self._closed = True
            self._on_close()
            self._forget_next()
            self._end_fade()
            self._close_voice()

    def _some(self, most: int) -> NDArray[np.float32] | None:
        """Return 0 to `most` frames; None where the list is over."""
        if self._silence_frames:
            n_frames = min(most, self._silence_frames)
            self._silence_frames -= n_frames
            return np.zeros((n_frames, n_sh(self.order)), np.float32)
        if self._voice is None:
            if self._begin(self._find(self._index, 1, patient=False), self._position):
                return np.empty((0, n_sh(self.order)), np.float32)
            return self._nothing()
        if self._leaving is not None:
            return self._across(most)
        n_frames = self._before_next(most)
        if n_frames:
            frames = self._voice.read(n_frames)
            self.notes += self._voice.new_notes()
            return frames
        return self._hand_over()

    def _before_next(self, most: int) -> int:
        """Return how many frames to read before the next item begins, up to `most`."""
        voice = self._voice
        assert voice is not None, "something plays"
        if voice.left is None:
            return most
        if voice.left > self.fade_frames:
            return min(most, voice.left - self.fade_frames)
        if not self._looked_ahead:
            self._next = self._ahead.take() if self._ahead else None
            self._looked_ahead, self._ahead = True, None
        return min(most, voice.left - self._overlap(voice))

    def _overlap(self, voice: Voice) -> int:
        if self._next is None or voice.left is None:
            return 0
        frames = min(self.fade_frames, voice.left, (voice.n_frames or 0) // 2)
        incoming = self._next.voice.n_frames
        return frames if incoming is None else min(frames, incoming // 2)

    def _hand_over(self) -> NDArray[np.float32] | None:
        """Let the next item begin here, while the present one fades out where they overlap."""
        leaving, opened = self._voice, self._next
        assert leaving is not None, "something plays"
        overlap = self._overlap(leaving)
        if opened is None and not self.loop:
            return None
        self._voice, self._next = None, None
        if overlap:
            self._leaving, self._fade = leaving, (0, overlap)
        else:
            leaving.close()
        begun = self._begin(opened, self._position, overlap)
        return np.empty((0, n_sh(self.order)), np.float32) if begun else self._nothing()

    def _across(self, most: int) -> NDArray[np.float32]:
        """Return frames of two items that overlap: cosine and sine, so that their powers add up to one."""
        voice, leaving = self._voice, self._leaving
        assert voice is not None and leaving is not None, "two sound"
        done, length = self._fade
        n_frames = min(most, length - done)
        angles = (np.arange(done, done + n_frames) + 0.5) * (np.pi / 2 / length)
        out = np.zeros((n_frames, n_sh(self.order)), np.float32)
        for each, weights in ((leaving, np.cos(angles)), (voice, np.sin(angles))):
            frames = each.read(n_frames)
            # what is not finite in one item must not silence the other
            frames = np.nan_to_num(frames, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
            out[: len(frames)] += frames * weights[: len(frames), None].astype(np.float32)
            self.notes += each.new_notes()
        self._fade = (done + n_frames, length)
        if done + n_frames == length:
            self._end_fade()
        return out

    def _begin(self, opened: Opened | None, start_frame: int, fade_frames: int = 0) -> bool:
        """Let an item be what plays, from this frame on, and open the one behind it; False without one."""
        if opened is None:
            self.timeline.put(Place(start_frame, None))
            return False
        self._index, self._voice = opened.index, opened.voice
        words = f"{opened.index + 1} of {len(self.titles)}: {self.titles[opened.index]}; {opened.voice.about}"
        self.timeline.put(Place(start_frame, opened.index, 1, fade_frames, opened.voice.n_frames, words))
        self._open_ahead()
        return True

    def _nothing(self) -> NDArray[np.float32] | None:
        """End a list of which nothing can be played, or be silent for a while."""
        self._close_voice()
        if not self.loop:
            return None
        self._silence_frames = round(RETRY_S * self.fs_hz)
        self.notes.append(f"nothing of {self.title} can be played: silence, and another try every {RETRY_S:g} s")
        return np.empty((0, n_sh(self.order)), np.float32)

    def _find(self, first: int, step: int, *, patient: bool) -> Opened | None:
        """Open an item, or the nearest in a direction that can be played; None where there is none."""
        for tried in range(len(self.titles)):
            index = first + step * tried
            if not self.loop and not 0 <= index < len(self.titles):
                return None if step > 0 else self._find(0, 1, patient=patient)
            index %= len(self.titles)
            try:
                opened = self._open_item(index, patient)
            # Whatever a file does to a library, the list goes on.
            except Exception as error:
                if index not in self.broken:
                    self.broken.add(index)
                    self.notes.append(f"item {index + 1} is left out: {error}")
                continue
            self.broken.discard(index)
            self.titles[index], self.orders[index] = opened.title, opened.voice.source.order
            return opened
        return None

    def _open_ahead(self) -> None:
        self._forget_next()
        following = self._index + 1
        self._ahead = Ahead(lambda: self._find(following, 1, patient=True))

    def _forget_next(self) -> None:
        if self._ahead:
            self._ahead.drop()
        if self._next:
            self._next.close()
        self._ahead, self._next, self._looked_ahead = None, None, False

    def _end_fade(self) -> None:
        if self._leaving:
            self._leaving.close()
        self._leaving = None

    def _close_voice(self) -> None:
        if self._voice:
            self._voice.close()
        self._voice = None


def playlist_in(source: Source) -> PlaylistSource | None:
    """Return the playlist that a source is, or is an excerpt of; None for others."""
    while isinstance(source, Excerpt):
        source = source.inner
    return source if isinstance(source, PlaylistSource) else None
