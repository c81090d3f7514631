"""What each key does to a session."""

from collections.abc import Callable
from dataclasses import dataclass

from rt_render.app.playlist.transport import PlaylistTransport
from rt_render.app.session import Session

GAIN_STEP_DB = 1.0
SEEK_STEP_S = 10.0
END_S = 2.0
"""Where a step onwards stops: so long before the end."""


@dataclass(frozen=True, slots=True)
class Control:
    """One key: how it is shown, what it is for, and what it does."""

    shown: str
    about: str
    act: Callable[[Session], None]


def _seek_by(session: Session, seconds: float) -> None:
    """Go back or on, but not so near to the end that the session would be over."""
    status = session.status()
    wanted_s = max(0.0, status.position_s + seconds)
    if status.length_s is not None and status.lap is None and seconds > 0:
        wanted_s = min(wanted_s, status.length_s - END_S)
        if wanted_s <= status.position_s:
            return
    session.seek(wanted_s)


def _in_playlist(session: Session, act: Callable[[PlaylistTransport], None]) -> None:
    if session.playlist:
        act(session.playlist)


CONTROLS: dict[str, Control] = {
    "r": Control("r", "recentre: where you look now is straight ahead", Session.recentre),
    "+": Control("+", "louder by 1 dB", lambda session: session.change_gain(GAIN_STEP_DB)),
    "-": Control("-", "softer by 1 dB", lambda session: session.change_gain(-GAIN_STEP_DB)),
    "m": Control("m", "mute, or sound again", Session.toggle_mute),
    " ": Control("space", "pause, or play on", Session.toggle_pause),
    "t": Control("t", "head tracking on or off", Session.toggle_tracking),
    "[": Control("[", "ten seconds back", lambda session: _seek_by(session, -SEEK_STEP_S)),
    "]": Control("]", "ten seconds on", lambda session: _seek_by(session, SEEK_STEP_S)),
    "n": Control("n", "the next item of a playlist", lambda session: _in_playlist(session, PlaylistTransport.next)),
    "p": Control("p", "the item before", lambda session: _in_playlist(session, PlaylistTransport.previous)),
}
HELP_KEY, QUIT_KEY = "?", "q"
_SAME = {"=": "+", "_": "-"}
"""Keys that need no shift on many keyboards."""

SHORT_HELP = "r recentre · + − volume · m mute · space pause · t tracking · ? help · q quit"


def short_help(playlist: bool) -> str:
    """Return the keys that one wants to see always, in a line."""
    return f"n next · p previous · {SHORT_HELP}" if playlist else SHORT_HELP


def long_help() -> str:
    """Return all keys, one a line."""
    lines = [f"  {control.shown:<6} {control.about}" for control in CONTROLS.values()]
    return "\n".join([*lines, "  ?      this help", "  q      quit"])


def handle_keys(typed: str, session: Session, on_help: Callable[[], None]) -> bool:
    """Do what was typed, key by key; False once it was to quit. Unknown keys do nothing."""
    for key in typed:
        key = _SAME.get(key, key).lower()
        if key == QUIT_KEY:
            return False
        if key == HELP_KEY:
            on_help()
        elif key in CONTROLS:
            CONTROLS[key].act(session)
    return True
