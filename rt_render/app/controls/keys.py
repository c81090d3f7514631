"""What each key on the terminal asks the desk for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rt_render.app.controls.control import Value
from rt_render.app.controls.table import END_S, GAIN_RANGE_DB

if TYPE_CHECKING:
    from rt_render.app.session import Session

GAIN_STEP_DB = 1.0
SEEK_STEP_S = 10.0


@dataclass(frozen=True, slots=True)
class Key:
    """One key: how it is shown, the control that it sets, what it is for, and the value for a session as it stands.

    `value`: None for an action; what it returns may be None, where there is nothing to do.
    """

    shown: str
    control: str
    about: str
    value: Callable[["Session"], Value] | None = None


def _louder(by_db: float) -> Callable[["Session"], float]:
    low, high = GAIN_RANGE_DB
    return lambda session: min(high, max(low, session.gain_db + by_db))


def _on_by(step_s: float) -> Callable[["Session"], float | None]:
    """Go back or on, but not so near to the end that the session would be over."""

    def value(session: "Session") -> float | None:
        status = session.status()
        wanted_s = max(0.0, status.position_s + step_s)
        if status.length_s is not None and status.lap is None and step_s > 0:
            wanted_s = min(wanted_s, status.length_s - END_S)
            if wanted_s <= status.position_s:
                return None
        return wanted_s

    return value


def _version(number: int) -> Key:
    about = "compare: the version with that number"
    return Key("1 … 9", "compare", about, lambda session: session.comparison.numbered(number))


KEYS: dict[str, Key] = {
    "r": Key("r", "recentre", "recentre: where you look now is straight ahead"),
    "+": Key("+", "gain_db", "louder by 1 dB", _louder(GAIN_STEP_DB)),
    "-": Key("-", "gain_db", "softer by 1 dB", _louder(-GAIN_STEP_DB)),
    "m": Key("m", "muted", "mute, or sound again", lambda session: not session.muted),
    " ": Key("space", "playing", "pause, or play on", lambda session: not session.playing),
    "t": Key("t", "tracking", "head tracking on or off", lambda session: not session.tracking),
    "[": Key("[", "position_s", "ten seconds back", _on_by(-SEEK_STEP_S)),
    "]": Key("]", "position_s", "ten seconds on", _on_by(SEEK_STEP_S)),
    "a": Key("a", "compare", "compare: the next version", lambda session: session.comparison.after()),
    **{str(number): _version(number) for number in range(1, 10)},
    "n": Key("n", "next", "the next item of a playlist"),
    "p": Key("p", "previous", "the item before"),
}
HELP_KEY, QUIT_KEY = "?", "q"
SAME_KEYS = {"=": "+", "_": "-"}
"""Keys that need no shift on many keyboards."""

SHORT_HELP = "r recentre · + − volume · m mute · space pause · t tracking · ? help · q quit"


def short_help(playlist: bool) -> str:
    """Return the keys that one wants to see always, in a line."""
    return f"n next · p previous · {SHORT_HELP}" if playlist else SHORT_HELP


def long_help() -> str:
    """Return all keys, one a line."""
    lines = list(dict.fromkeys(f"  {key.shown:<6} {key.about}" for key in KEYS.values()))
    return "\n".join([*lines, "  ?      this help", "  q      quit"])


def handle_keys(typed: str, session: "Session", on_help: Callable[[], None]) -> bool:
    """Do what was typed, key by key; False once it was to quit. Unknown keys do nothing. Control thread."""
    for letter in typed:
        letter = SAME_KEYS.get(letter, letter).lower()
        if letter == QUIT_KEY:
            return False
        if letter == HELP_KEY:
            on_help()
        elif letter in KEYS:
            _press(KEYS[letter], session)
    return True


def _press(key: Key, session: "Session") -> None:
    value = key.value(session) if key.value else None
    if key.value and value is None:
        return
    refused = session.desk.ask(key.control, value, "keys")
    if refused:
        session.on_message(refused)
    session.desk.work(session)  # the next key may count from here
