"""The desk: where wishes from any thread are checked, wait, and are carried out by the control thread."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock, get_ident
from typing import TYPE_CHECKING, Any

from firmware_bridge.errors import BridgeError
from rt_render.app.controls.control import Control, Value
from rt_render.app.controls.state import state_of
from rt_render.app.controls.table import CONTROLS
from rt_render.app.rate import Rate
from rt_render.errors import ConfigurationError, RenderError

if TYPE_CHECKING:
    from rt_render.app.session import Session

MAX_WAITING = 64
KEPT_MESSAGES = 5
SENTENCES_PER_S = 4.0
_CLOSED = (
    "{} is closed while versions are compared blind: choose one with Reveal (compare_reveal), or turn Blind "
    "(compare_blind) off."
)


@dataclass(frozen=True, slots=True)
class Change:
    """A control that was used (an action: value None) or whose value is new; `who` asked for it, "" for nobody."""

    name: str
    value: Value
    who: str


@dataclass(slots=True)
class _Wish:
    control: Control
    value: Value
    who: str


class Desk:
    """Takes wishes from any thread and lets the control thread carry them out; tells how all controls stand.

    `ask`, `state`, `note`, `subscribe`: any thread. `work`: the control thread, 20 to 50 times a second. `controls`:
    the table. While versions are compared blind the set-up is closed.
    """

    def __init__(self, controls: Sequence[Control] = CONTROLS) -> None:
        self._controls = {control.name: control for control in controls}
        self._lock = Lock()
        self._wishes: list[_Wish] = []
        self._values: dict[str, Value] = {}
        self._choices: dict[str, tuple[str, ...]] = {}
        self._state: dict[str, Any] = {}
        self._messages: deque[str] = deque(maxlen=KEPT_MESSAGES)
        self._answers: deque[str] = deque(maxlen=KEPT_MESSAGES)
        self._answering: int | None = None
        self._sentences = Rate(SENTENCES_PER_S)
        self._listeners: list[Callable[[Change], None]] = []
        self._parts: dict[str, Callable[[], object]] = {}

    def ask(self, name: str, value: object = None, who: str = "") -> str | None:
        """Let a control be set as soon as the control thread comes to it; return a sentence instead when refused.

        `value` comes from outside and is checked here and now. A newer value replaces one that waits; actions queue.
        What only turns out as it is done is told as a message. Any thread; never raises.
        """
        control = self._controls.get(name)
        if control is None:
            return f"there is no control {name[:40]!r}: choose one of {', '.join(self._controls)}."
        if not self._state:
            return "the session is not ready yet: try again in a moment."
        if name not in self._values:
            return f"{name} cannot be used here: it needs {control.needs}."
        if name in self._state["closed"]:
            return _CLOSED.format(name)
        try:
            wanted = control.checked(value, self._choices.get(name, ()))
        except ConfigurationError as error:
            return str(error)
        return self._queue(_Wish(control, wanted, who))

    def _queue(self, wish: _Wish) -> str | None:
        if wish.control.kind == "action" and not wish.value:
            return None
        with self._lock:
            same = [one for one in self._wishes if one.control is wish.control and one.control.kind != "action"]
            if same:
                same[0].value, same[0].who = wish.value, wish.who
            elif len(self._wishes) >= MAX_WAITING:
                return "too much is asked for at once: try again in a moment."
            else:
                self._wishes.append(wish)
        return None

    def work(self, session: "Session") -> None:
        """Carry out what waits, look how all controls stand, and tell what is new. Control thread; never raises."""
        with self._lock:
            wishes, self._wishes = self._wishes, []
        used = [wish for wish in wishes if self._is_open(session, wish) and self._carry_out(session, wish)]
        before = self._values
        try:
            self._look(session)
        except Exception as error:  # what is shown stays as it was; what sounds goes on
            self._say(session, f"how the session stands could not be told ({type(error).__name__}: {error}).")
        asked = {wish.control.name: wish.who for wish in used}
        changes = [Change(wish.control.name, None, wish.who) for wish in used if wish.control.kind == "action"]
        changes += [
            Change(name, value, asked.get(name, ""))
            for name, value in self._values.items()
            if not self._controls[name].flows and before.get(name) != value
        ]
        self._tell(changes)

    def put_back(self, session: "Session", values: Mapping[str, Value]) -> None:
        """Set controls to what they were, also those that are closed, at once. Control thread; never raises."""
        for name, value in values.items():
            if self._values.get(name) != value:
                self._carry_out(session, _Wish(self._controls[name], value, ""))

    def state(self) -> dict[str, Any]:
        """Return how all stands: JSON-able, whole, not to be changed by the caller; empty before the first `work`."""
        return self._state

    def controls(self) -> list[dict[str, Any]]:
        """Return the table, JSON-able: name, kind, about, unit, low, high, whole, setup, choices."""
        return [
            {
                "name": control.name,
                "kind": control.kind,
                "about": control.about,
                "unit": control.unit,
                "low": control.low,
                "high": control.high,
                "whole": control.whole,
                "setup": control.setup,
                "choices": list(self._choices.get(control.name, ())),
            }
            for control in self._controls.values()
        ]

    def subscribe(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call `callback` on the control thread with each change; what is returned ends that. It must not wait."""
        with self._lock:
            self._listeners = [*self._listeners, callback]

        def leave() -> None:
            with self._lock:
                self._listeners = [one for one in self._listeners if one is not callback]

        return leave

    def limit(self, name: str, high: float) -> None:
        """Let a number be set to `high` at most from now on. Any thread."""
        self._controls = {**self._controls, name: replace(self._controls[name], high=high)}

    def add_part(self, name: str, tell: Callable[[], object]) -> None:
        """Let the state hold what `tell` returns, JSON-able, under a name. Called on the control thread."""
        with self._lock:
            self._parts = {**self._parts, name: tell}

    def note(self, text: str) -> None:
        """Keep a sentence for people among the last few of the state. Any thread.

        What is said on the control thread as it carries out what anybody may ask for, a reveal for example, is also
        among the `answers`: all other sentences are the operator's.
        """
        with self._lock:
            self._messages.append(text)
            if get_ident() == self._answering:
                self._answers.append(text)

    def _is_open(self, session: "Session", wish: _Wish) -> bool:
        """Whether it is still open: versions may have become blind since it was asked for."""
        is_open = not (wish.control.setup and session.comparison.blind)
        if not is_open:
            self._say(session, _CLOSED.format(wish.control.name))
        return is_open

    def _carry_out(self, session: "Session", wish: _Wish) -> bool:
        self._answering = None if wish.control.setup else get_ident()
        try:
            wish.control.set(session, wish.value)
        except (RenderError, BridgeError) as error:
            self._say(session, f"{wish.control.name}: {error}")
            return False
        except Exception as error:  # a control that fails must not end what sounds
            self._answering = None  # a fault of the program is the operator's to read
            self._say(session, f"{wish.control.name} did not work ({type(error).__name__}: {error}); playing goes on.")
            return False
        finally:
            self._answering = None
        return True

    def _say(self, session: "Session", text: str) -> None:
        """Tell a person, but not over and over what a program may ask for."""
        if self._sentences.allows(time.monotonic()):
            session.on_message(text)

    def _look(self, session: "Session") -> None:
        there = [control for control in self._controls.values() if control.there(session)]
        self._choices = {control.name: control.choices_in(session) for control in there if control.choices}
        self._values = {control.name: control.get(session) for control in there}
        closed = [control.name for control in there if control.setup and session.comparison.blind]
        with self._lock:
            told, parts = {"messages": list(self._messages), "answers": list(self._answers)}, self._parts
        own = {name: self._part(name, tell) for name, tell in parts.items()}
        state = state_of(session, session.status())
        self._state = {**state, "values": self._values, "closed": closed, **told, **own}

    def _part(self, name: str, tell: Callable[[], object]) -> object:
        try:
            return tell()
        except Exception as error:  # as above
            self.note(f"{name} could not be told ({type(error).__name__}: {error}).")
            return None

    def _tell(self, changes: Sequence[Change]) -> None:
        for listener in self._listeners:
            for change in changes:
                try:
                    listener(change)
                except Exception as error:  # who listens must not end what sounds
                    self.note(f"a change of {change.name} could not be told ({type(error).__name__}: {error}).")
