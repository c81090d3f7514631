"""The comparison: which versions there are, which is heard, and what a listener chose without knowing the names."""

import time
from collections.abc import Callable, Sequence
from random import Random
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rt_render.app.comparison.down_mix import stereo_filters
from rt_render.app.comparison.level_match import N_FRAMES, LevelMatch
from rt_render.app.comparison.offer import Offer
from rt_render.app.comparison.slots import LETTERS, STEREO, Slot, slot_named
from rt_render.app.ears import Ears
from rt_render.engine.engine import Engine
from rt_render.errors import ConfigurationError
from rt_render.hrtf.decoder import Decoder

_LOOK_S = 0.5
_HEARD_S = 0.2
"""What was heard for less is not told."""

Choice = dict[str, Any]
"""What a listener did: `what` is "heard" (a version, its letter if blind, for so many seconds) or "chosen" (the version
that was heard when the letters were told, the letters, and seconds by version)."""


class Comparison:
    """Lets versions be heard over a session, each as loud as its own; the session's head, order and tracking stay.

    Another version's level is set when it is changed to, and stays while it is heard. Changes are those of all filters
    (20 ms) and of tracking (0.2 s). Blind, versions have letters, shuffled anew each time. Begin with
    `begin_visit`. `look` is the trace feed's, all else belongs to the control thread; flags may be read by any.
    `random` and `clock_s` are for tests.
    """

    def __init__(
        self,
        engine: Engine,
        ears: Ears,
        names: Sequence[str],
        *,
        blind: bool = False,
        on_message: Callable[[str], None] = lambda text: None,
        random: Random | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine, self._ears, self._on_message = engine, ears, on_message
        self._random, self._clock_s = random or Random(), clock_s  # noqa: S311 (letters, no secrets)
        self._lock = RLock()
        self._offer = Offer(names, ears, on_message)
        self._usual: tuple[Slot, ...] = self._offer.news() or ()
        self._shown: list[Slot] = list(self._usual)
        self._begins_blind = blind
        self.blind, self.tracking = False, True
        self._listeners: list[Callable[[Choice], None]] = []
        self._match = LevelMatch(engine.plan.fs_hz)
        self._looked_at, self._next_look_s = 0, 0.0
        self._decoder: Decoder | None = None
        self._filters: dict[str, NDArray[np.floating]] = {}
        self._missing: list[Slot] = []
        self._active = self._shown[0] if self._shown else slot_named("tracked")
        self._since_s, self._heard_s = clock_s(), dict[str, float]()
        self._make_filters()

    # what is shown and asked

    @property
    def there(self) -> bool:
        """Whether there is anything to compare."""
        return len(self._usual) > 1

    @property
    def names(self) -> tuple[str, ...]:
        """The versions as they are called now, by letters if blind."""
        return tuple(LETTERS[: len(self._shown)]) if self.blind else tuple(slot.name for slot in self._shown)

    @property
    def active(self) -> str:
        """The one that is heard, as it is called now."""
        return self._letter() or self._active.name

    def after(self) -> str | None:
        """Return the name of the version behind the one that is heard, round and round; None where there is none."""
        return self.names[(self._shown.index(self._active) + 1) % len(self._shown)] if self.there else None

    def numbered(self, number: int) -> str | None:
        """Return the name of the version with a number from 1 on; None where there is none."""
        return self.names[number - 1] if number <= len(self.names) else None

    def state(self) -> dict[str, Any] | None:
        """Return what a page draws, JSON-able; None where there is nothing to compare."""
        if not self.there:
            return None
        with self._lock:
            shown = [self._told(slot, name) for slot, name in zip(self._shown, self.names, strict=True)]
            return {"slots": shown, "active": self.active, "blind": self.blind}

    def _told(self, slot: Slot, name: str) -> dict[str, str]:
        if self.blind:
            return {"name": name, "title": f"Version {name}", "about": ""}
        about = "is being prepared" if slot in self._missing else slot.about
        return {"name": name, "title": slot.title, "about": about}

    def _letter(self) -> str:
        return LETTERS[self._shown.index(self._active)] if self.blind else ""

    # what a person does

    def choose(self, name: str) -> None:
        """Let the version of this name, or this letter, be heard. Raises ConfigurationError for what is not there."""
        with self._lock:
            if name not in self.names:
                raise ConfigurationError(f"there is no version {name}: choose one of {', '.join(self.names)}.")
            slot = self._shown[self.names.index(name)]
            if slot in self._missing or (self.blind and self._missing):  # one alone would be known by it
                raise ConfigurationError(f"version {name} is being prepared: try again in a moment.")
            if slot != self._active:
                self._change(slot)

    def set_blind(self, on: bool) -> None:
        """Hide the names behind letters, shuffled, and begin with one of them; or show them all again."""
        with self._lock:
            if on and not self.blind:
                self._shuffle()
            elif self.blind and not on:
                self._end_round()
                self.blind, self._shown = False, list(self._usual)

    def reveal(self) -> None:
        """Tell which letter was which; the version that is heard is what the listener chose, and is still heard."""
        with self._lock:
            if not self.blind:
                raise ConfigurationError("no names are hidden: turn Blind (compare_blind) on, listen, and choose.")
            letters = {letter: slot.name for letter, slot in zip(self.names, self._shown, strict=True)}
            told = ", ".join(f"{letter} was {slot.title}" for letter, slot in zip(self.names, self._shown, strict=True))
            chosen = self._letter()
            heard_s = self._end_round()
            self.blind = False
            self._tell("chosen", version=self._active.name, letter=chosen, letters=letters, heard_s=heard_s)
            self._on_message(f"{told}; {chosen} was chosen")

    def begin_visit(self) -> None:
        """Begin as the settings say, for somebody else: with the first version, or with letters anew.

        What was heard since the last `flush` was heard by nobody.
        """
        with self._lock:
            self._since_s, self._heard_s = self._clock_s(), {}
            self.blind, self._shown = False, list(self._usual)
            self._follow_offer()
            if self._begins_blind and self.there:
                self._shuffle()
            elif self._shown:
                self._change(self._shown[0])

    def flush(self) -> None:
        """Tell how long the present version was heard: the visit, or the session, ends."""
        with self._lock:
            self._end_round()

    @property
    def follows_head(self) -> bool:
        """Whether the field stays while the head turns, as the session and the version that is heard have it."""
        return self.tracking and self._active.tracked

    @property
    def seems_to_follow(self) -> bool:
        """The same for who may be shown it: blind, as if each version did."""
        return self.tracking and (self.blind or self._active.tracked)

    def set_tracking(self, on: bool) -> None:
        """Let tracked versions follow the head, or none."""
        with self._lock:
            self.tracking = on
            self._engine.set_tracking(self.follows_head)

    def listen(self, callback: Callable[[Choice], None]) -> None:
        """Call `callback` with each choice, on the control thread or the feed's; it must not wait."""
        self._listeners.append(callback)

    # the trace feed's

    def look(self) -> None:
        """Weigh what plays, twice a second, and go along with another head, order or decoder of the session."""
        with self._lock:
            self._follow_offer()
            if not self.there:
                return
            if self._missing or self._decoder is not self._ears.decoder:
                self._make_filters()
            if self._clock_s() >= self._next_look_s:
                self._next_look_s = self._clock_s() + _LOOK_S
                self._weigh()

    def _weigh(self) -> None:
        ring, plan = self._engine.ring, self._engine.plan
        if not plan.n_objects and ring.total_written != self._looked_at:
            self._looked_at = ring.total_written
            field = ring.newest(N_FRAMES)
            if len(field) == N_FRAMES:
                self._match.take(field)

    # within

    def _follow_offer(self) -> None:
        """List what can be compared with another head or order of the session; letters stay as they are."""
        offered = None if self.blind else self._offer.news()
        if offered is None:
            return
        self._usual, self._shown, self._decoder = offered, list(offered), None
        if self._active not in offered:
            self._note_heard()
            self._active = offered[0] if offered else slot_named("tracked")
        self._make_filters()

    def _make_filters(self) -> None:
        """Find the filters of all versions to the decoder in use, as far as they are there."""
        before, was_missing, was_active = self._decoder, self._missing, self._active
        self._decoder = used = self._ears.decoder
        found = {}
        self._missing = []
        for slot in self._usual:
            try:
                filters = self._filters_of(slot, used)
            except ConfigurationError:  # the ears have said why
                self._leave_out(slot)
                continue
            if filters is not None:
                found[slot.name] = filters
            elif not slot.own:
                self._missing.append(slot)
        if used is not before or self._missing != was_missing:
            self._filters = found
            self._match.compare(used.filters, found)
            self._looked_at = 0
            if used is not before or self._active in was_missing or self._active != was_active:
                self._hear()

    def _filters_of(self, slot: Slot, used: Decoder) -> NDArray[np.floating] | None:
        if slot.name == STEREO:
            return stereo_filters(used.order, used.onset_frames)
        if slot.own:
            return None
        other = self._ears.other(head=slot.head, order=slot.order)
        if other is None:
            return None
        # as many channels as the session's own: what costs or waits less would tell blind versions apart
        missing = used.filters.shape[1] - other.filters.shape[1]
        return np.pad(other.filters, ((0, 0), (0, missing), (0, 0)))

    def _leave_out(self, slot: Slot) -> None:
        self._usual = tuple(one for one in self._usual if one != slot)
        self._shown.remove(slot)
        if not self.there:  # one alone is no comparison, and nobody could reveal it
            self._usual, self._shown, self.blind = (), [], False
        if self._active not in self._shown:
            self._since_s = self._clock_s()  # it was never heard
            self._active = self._shown[0] if self._shown else slot_named("tracked")

    def _shuffle(self) -> None:
        self._end_round()
        self._shown = list(self._usual)
        self._random.shuffle(self._shown)
        # what is still being prepared cannot be heard first, and A is what everybody begins with
        first = next((slot for slot in self._shown if slot not in self._missing), self._shown[0])
        self._shown, self.blind = [first, *(slot for slot in self._shown if slot != first)], True
        self._change(first)
        self._heard_s = {}

    def _change(self, slot: Slot) -> None:
        self._note_heard()
        self._active = slot
        self._weigh()
        self._hear()

    def _hear(self) -> None:
        filters = self._filters.get(self._active.name)
        gain = 1.0 if filters is None else self._match.gain_lin(self._active.name)
        self._ears.hear_instead(None if filters is None else gain * filters)
        self._engine.set_tracking(self.follows_head)

    def _note_heard(self) -> None:
        now_s = self._clock_s()
        name, for_s, self._since_s = self._active.name, round(now_s - self._since_s, 2), now_s
        self._heard_s[name] = round(self._heard_s.get(name, 0.0) + for_s, 2)
        if for_s >= _HEARD_S:
            self._tell("heard", version=name, letter=self._letter() or None, for_s=for_s)

    def _end_round(self) -> dict[str, float]:
        self._note_heard()
        heard_s, self._heard_s = self._heard_s, {}
        return heard_s

    def _tell(self, what: str, **facts: Any) -> None:
        for listener in self._listeners:
            listener({"what": what, **facts})
