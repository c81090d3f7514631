"""What visitors and operators changed, for the log: the last value of a control, and how often, not each step of it."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from rt_render.app.controls.control import Value
from rt_render.app.controls.desk import Change

SETTLED_S = 2.0


@dataclass(slots=True)
class _Choice:
    value: Value
    by: str
    times: int
    last_s: float


class Choices:
    """Takes a desk's changes and hands on each control's last one once it has been left alone for two seconds."""

    def __init__(self, log: Callable[..., None], clock_s: Callable[[], float]) -> None:
        self._log, self._clock_s = log, clock_s
        self._lock = Lock()
        self._open: dict[str, _Choice] = {}

    def take(self, change: Change) -> None:
        """Take a change that somebody asked for; of whom, only the way it came is kept ("page", "osc", "key")."""
        way = change.who.partition(" ")[0]
        if not way:
            return
        with self._lock:
            times = self._open[change.name].times if change.name in self._open else 0
            self._open[change.name] = _Choice(change.value, way, times + 1, self._clock_s())

    def flush(self, visit: int | None, everything: bool = False) -> None:
        """Hand on what has settled, or all of it."""
        now_s = self._clock_s()
        with self._lock:
            names = [name for name, one in self._open.items() if everything or now_s - one.last_s > SETTLED_S]
            settled = [(name, self._open.pop(name)) for name in names]
        for name, one in settled:
            details: dict[str, Any] = {"control": name, "value": one.value, "by": one.by, "times": one.times}
            self._log("choice", number=visit, **details)
