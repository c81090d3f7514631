"""What of an edited configuration can be heard at once, and what only after the program has begun anew."""

from collections.abc import Callable
from typing import Any

from rt_render.app.parts import start_gain_db
from rt_render.app.session import Session
from rt_render.app.settings import Settings


def hold_gain(session: Session, settings: Settings) -> None:
    """Let nobody set the volume above the booth's ceiling, and lower one that is above it. Control thread."""
    session.desk.limit("gain_db", settings.booth.max_gain_db)
    if session.gain_db > settings.booth.max_gain_db:
        session.gain_db = settings.booth.max_gain_db
        session.set_muted(session.muted)


_AT_ONCE: dict[str, Callable[[Session, Settings], None]] = {
    "audio.gain_db": lambda session, wanted: session.set_gain_db(start_gain_db(wanted)),
    "audio.extra_latency_ms": lambda session, wanted: session.set_extra_latency_ms(wanted.audio.extra_latency_ms),
    "tracking.prediction": lambda session, wanted: session.set_prediction(wanted.tracking.prediction),
    "booth.max_gain_db": hold_gain,
}
_OWN = "booth."
"""Settings of the booth are read anew by itself, by its program and by its keeper."""


def changed(before: Settings, after: Settings) -> list[str]:
    """Return the settings that differ, as "section.key"."""
    then, now = _flat(before), _flat(after)
    return [name for name in now if then[name] != now[name]]


def take_over(session: Session, before: Settings, after: Settings) -> list[str]:
    """Let be heard at once what can be; return the names of those settings. Control thread."""
    at_once = [name for name in changed(before, after) if _is_heard_at_once(name)]
    for name in at_once:
        if name in _AT_ONCE:
            _AT_ONCE[name](session, after)
    return at_once


def waiting_for_new_beginning(began_with: Settings, after: Settings) -> list[str]:
    """Return the names of the settings that differ from those of the program's beginning and cannot be heard yet."""
    return [name for name in changed(began_with, after) if not _is_heard_at_once(name)]


def as_heard(began_with: Settings, after: Settings) -> Settings:
    """Return the edited settings, those that wait for a new beginning as they were when the program began."""
    waiting: dict[str, dict[str, Any]] = {}
    for section, _, key in (name.partition(".") for name in waiting_for_new_beginning(began_with, after)):
        waiting.setdefault(section, {})[key] = getattr(getattr(began_with, section), key)
    heard = {section: getattr(after, section).model_copy(update=old) for section, old in waiting.items()}
    return after.model_copy(update=heard)


def _is_heard_at_once(name: str) -> bool:
    return name in _AT_ONCE or name.startswith(_OWN)


def _flat(settings: Settings) -> dict[str, Any]:
    return {f"{part}.{key}": value for part, values in settings.model_dump().items() for key, value in values.items()}
