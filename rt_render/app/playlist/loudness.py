"""The loudness of a playlist's items: measured in the background, and the gain that makes them equal."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from rt_render.app.playlist.heard_loudness import Heard, HeardLoudness, excerpts, thorough
from rt_render.app.playlist.items import Item
from rt_render.app.playlist.loudness_store import LoudnessStore
from rt_render.io.source import Source

SAFE_LUFS = -18.0
"""As loud at the ears as music is made: what is taken for the loudness of an item that is not measured yet."""
MOST_GAIN_DB = {True: 40.0, False: 20.0}
"""For items of which all was measured, and for those of which some was not: that may be the loud part."""
MOST_PEAK_DBFS = 0.0
"""No measured peak is raised above full scale: what is soft for its loudness' sake must not bang."""
_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Matched:
    """The gain that brings an item to the wanted loudness, and half a sentence about it ("" for nothing to say)."""

    gain_db: float
    words: str


class _LeftError(Exception):
    """The session is over, and so is measuring."""


class Loudness:
    """What is known of each item, and a thread "rt-render-loudness" that finds out the rest, at half a core at most.

    Excerpts of all items come first, so that soon something is known of each; then whatever was long is measured well,
    and kept for later sessions. `open_one` opens an item, once through, for reading by its index; what it or the
    reading raises leaves the item unmeasured; `ears` hear a field of an order. `target_lufs`: None for items as they
    are, without a thread.
    """

    def __init__(
        self,
        items: Sequence[Item],
        open_one: Callable[[int], Source],
        ears: Callable[[int], HeardLoudness],
        store: LoudnessStore,
        target_lufs: float | None,
    ) -> None:
        self._items, self._open_one, self._make_ears, self._store = items, open_one, ears, store
        self._target_lufs = target_lufs
        self._heard: dict[int, Heard] = {}
        self._final: set[int] = set()
        self._tried = [Event() for _ in items]
        self._left = Event()
        self._ears: dict[int, HeardLoudness] = {}
        self._thread: Thread | None = None
        if target_lufs is not None:
            for index in range(len(items)):
                self._recall(index, store.place(items[index]))

    def measure(self, index: int, on_progress: Callable[[float], None] = lambda share: None) -> None:
        """Measure excerpts of an item now, before `start`; nothing where it is known, or cannot be played."""
        if self._target_lufs is not None and not self._tried[index].is_set():
            self._measure(index, on_progress, short=True)

    def start(self) -> None:
        """Begin to measure in the background."""
        if self._target_lufs is not None and len(self._final) < len(self._items):
            self._thread = Thread(target=self._run, name="rt-render-loudness", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Let measuring end soon; may be called twice."""
        self._left.set()
        for tried in self._tried:
            tried.set()  # nobody shall wait for what is not measured any more

    def match(self, index: int, *, patient: bool) -> Matched:
        """Return the gain of an item as far as it is known; `patient` waits until its excerpts were measured."""
        gain_db = self._items[index].gain_db
        if self._target_lufs is None:
            return Matched(gain_db, "")
        if patient and self._thread:
            self._tried[index].wait(_PATIENCE_S)
        heard = self._heard.get(index)
        if heard is None or (heard.lufs is None and not heard.whole):
            safe_db = min(0.0, self._target_lufs - SAFE_LUFS)
            why = "not measured yet" if heard is None else "silent where it was measured"
            return Matched(gain_db + safe_db, f"{why}, so it is played at a safe {safe_db:+.1f} dB")
        if heard.lufs is None:
            return Matched(gain_db, "silent")
        wanted_db = self._target_lufs - heard.lufs
        matching_db = min(wanted_db, MOST_GAIN_DB[heard.whole], max(0.0, MOST_PEAK_DBFS - heard.peak_dbfs))
        roughly = "" if index in self._final else "about "
        words = f"{roughly}{heard.lufs:.1f} LUFS, played at {matching_db:+.1f} dB"
        if matching_db < wanted_db:
            words += ", no more"
        return Matched(gain_db + matching_db, words)

    def _run(self) -> None:
        try:
            for short in (True, False):
                for index in range(len(self._items)):
                    known = index in self._final or (short and self._tried[index].is_set())
                    if not known and (short or index in self._heard):
                        self._measure(index, self._rest(), short)
        except _LeftError:
            return

    def _rest(self) -> Callable[[float], None]:
        """Return what sleeps as long as was worked since it was called last, and ends the work when all is over."""
        since_s = time.monotonic()

        def rest(share: float) -> None:
            nonlocal since_s
            if self._left.wait(min(0.5, time.monotonic() - since_s)):
                raise _LeftError
            since_s = time.monotonic()

        return rest

    def _recall(self, index: int, place: Path | None) -> bool:
        """Look whether an item was measured well before, or stands in the list twice."""
        known = self._store.load(place)
        if known:
            self._know(index, known, final=True)
        return known is not None

    def _measure(self, index: int, at_each: Callable[[float], None], short: bool) -> None:
        try:
            # by what the file is before it is read: should it change meanwhile, what is kept is not found again
            place = self._store.place(self._items[index])
            if self._recall(index, place):
                return
            source = self._open_one(index)
            try:
                n_frames = source.n_frames
                spans, whole = excerpts(n_frames, source.fs_hz)
                final = whole or not short
                if n_frames is not None and not short:
                    spans, whole = thorough(n_frames, source.fs_hz)
                if source.order not in self._ears:
                    self._ears[source.order] = self._make_ears(source.order)
                heard = self._ears[source.order].measure(source, spans, whole=whole, at_each=at_each)
            finally:
                source.close()
        except _LeftError:
            raise
        # A file that cannot be measured will say why when it is its turn to play.
        except Exception:
            return
        else:
            self._know(index, heard, final)
            if final:
                self._store.save(place, heard)
        finally:
            self._tried[index].set()

    def _know(self, index: int, heard: Heard, final: bool) -> None:
        self._heard[index] = heard
        if final:
            self._final.add(index)
        self._tried[index].set()
