"""Visits as the log has them: the latest number, and the ends that a program which was killed could not write."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

Event = Mapping[str, Any]
BEGINS, ENDS = "visit_begins", "visit_ends"
PROGRAM_ENDED, CUT_OFF = "the program ended", "the booth was cut off"


class OpenVisit:
    """Follows what a program tells; `end` returns what its log lacks. One thread, no clock.

    How long a visit lasted is told by the last beat, four a second.
    """

    def __init__(self) -> None:
        self._number: int | None = None
        self._lasted_s = 0.0

    def logged(self, event: str, details: Event) -> None:
        """Take an event for the log."""
        if event in (BEGINS, ENDS):
            self._number = details.get("number") if event == BEGINS else None
            self._lasted_s = 0.0

    def beat(self, visit: Event | None) -> None:
        """Take the visit of a beat, {number, since_s}."""
        if visit and visit.get("number") == self._number:
            self._lasted_s = float(visit.get("since_s", 0.0))

    def end(self) -> dict[str, Any] | None:
        """Return the end of a visit whose program is gone, once; None where there is none to be told."""
        number, self._number = self._number, None
        return None if number is None else _end(number, self._lasted_s, PROGRAM_ENDED)


def last_visit(events: Sequence[Event]) -> int:
    """Return the number of a log's latest visit, 0 where there is none."""
    return max((event["number"] for event in events if isinstance(event.get("number"), int)), default=0)


def left_open(events: Sequence[Event]) -> dict[str, Any] | None:
    """Return the end of a log's last visit where it lacks one: it lasted until the booth's last line, at least."""
    last = next((n for n in range(len(events) - 1, -1, -1) if events[n].get("event") in (BEGINS, ENDS)), None)
    if last is None or events[last]["event"] == ENDS or not isinstance(events[last].get("number"), int):
        return None
    until = last
    while until + 1 < len(events) and events[until + 1].get("event") != "starts":
        until += 1
    return _end(events[last]["number"], _passed_s(events[last], events[until]), CUT_OFF)


def _end(number: int, lasted_s: float, why: str) -> dict[str, Any]:
    return {"number": number, "lasted_s": round(lasted_s, 1), "why": why}


def _passed_s(begin: Event, end: Event) -> float:
    with suppress(KeyError, TypeError, ValueError):
        passed = datetime.fromisoformat(end["time"]) - datetime.fromisoformat(begin["time"])
        return max(0.0, passed.total_seconds())
    return 0.0
