"""What a control is: a name, a kind, a range, and how a session is read and changed by it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from rt_render.errors import ConfigurationError

if TYPE_CHECKING:
    from rt_render.app.session import Session

Value = bool | int | float | str | None
Kind = Literal["action", "number", "switch", "choice", "text"]
MAX_TEXT = 200
_MAX_NUMBER, _SHOWN_LETTERS = 1e15, 40


@dataclass(frozen=True, slots=True)
class Control:
    """One control. `get` and `set` are called on the control thread; `set` gets what `checked` returned.

    An action has no value; a number lies within `low` and `high`, `whole` numbers are int; `choices` are fixed or the
    session's own. `flows`: the value changes by itself all the time, so that its changes are not news. Where `there`
    says no, the control cannot be used, because it needs what `needs` names. `setup`: it belongs to how the session is
    set up: it is the operator's, and closed while versions are compared blind, for it would tell one from another.
    `set` may raise RenderError to refuse.
    """

    name: str
    kind: Kind
    about: str
    set: Callable[["Session", Any], None]
    get: Callable[["Session"], Value] = lambda session: None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    whole: bool = False
    choices: tuple[str, ...] | Callable[["Session"], Sequence[str]] = ()
    flows: bool = False
    setup: bool = False
    there: Callable[["Session"], bool] = lambda session: True
    needs: str = ""

    def choices_in(self, session: "Session") -> tuple[str, ...]:
        """Return what can be chosen now; empty unless it is a choice."""
        return self.choices if isinstance(self.choices, tuple) else tuple(self.choices(session))

    def allowed(self, choices: Sequence[str]) -> str:
        """Return in words what may be asked for."""
        if self.kind == "number":
            what = "a whole number" if self.whole else "a number"
            unit = f" {self.unit}" if self.unit else ""
            if self.low is None or self.high is None:
                return f"{what}{unit}" if self.low is None else f"{what} from {self.low:.12g}{unit}"
            return f"{what} from {self.low:.12g} to {self.high:.12g}{unit}"
        if self.kind == "choice":
            return f"one of {', '.join(choices)}" if choices else "one of what the session has"
        return {"action": "no value", "switch": "on or off"}.get(self.kind, f"a text of up to {MAX_TEXT} letters")

    def checked(self, value: object, choices: Sequence[str] = ()) -> Value:
        """Return a value from outside as `set` takes it. Any thread; raises ConfigurationError with what is allowed.

        1 and 0 stand for on and off, and a number for the choice that is written so. An action takes nothing, or on or
        off: off, which some programs send as a button is let go, is returned as False.
        """
        found = {
            "action": _as_action,
            "switch": _as_switch,
            "number": self._as_number,
            "choice": lambda given: _as_choice(given, choices),
            "text": _as_text,
        }[self.kind](value)
        if found is None:
            raise ConfigurationError(
                f"{self.name} = {_shown(value)} cannot be used: allowed is {self.allowed(choices)}."
            )
        return found

    def _as_number(self, value: Any) -> int | float | None:
        if not _is_number(value):
            return None
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            return None
        if not self.whole:
            return float(value)
        return int(value) if value == int(value) else None


def _is_number(value: object) -> bool:
    # compared before it is converted: an int may be larger than any float
    return isinstance(value, int | float) and not isinstance(value, bool) and -_MAX_NUMBER <= value <= _MAX_NUMBER


def _shown(value: object) -> str:
    is_huge = isinstance(value, int) and not -_MAX_NUMBER <= value <= _MAX_NUMBER
    return "a huge number" if is_huge else str(value)[:_SHOWN_LETTERS]


def _as_action(value: object) -> bool | None:
    return True if value is None else _as_switch(value)


def _as_switch(value: object) -> bool | None:
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else None


def _as_choice(value: object, choices: Sequence[str]) -> str | None:
    if _is_number(value):
        value = f"{value:g}"
    return value if isinstance(value, str) and value in choices else None


def _as_text(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable() else None
