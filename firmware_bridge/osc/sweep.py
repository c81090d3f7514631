"""Numbers that come one by one: when are they a pose? When all are there, or when no more come."""

from collections.abc import Sequence

PATIENCE_S = 0.015
"""How long a sweep may lack numbers: longer than a sender needs for all, too short to be felt."""
HABIT_SWEEPS, HABIT_S = 3, 0.25
"""A sender of the same few numbers, this often in a row and this quickly, is waited for no more."""


class Sweep:
    """The latest numbers of one group of addresses; those that did not come (again) are held, `at_rest` at first.

    Numbers that come together are one pose: nothing is given between them. Thread: one.
    """

    def __init__(self, at_rest: Sequence[float]) -> None:
        self._values = list(at_rest)
        self._fresh: set[int] = set()
        self._told = True
        self._first_s = 0.0
        self.newest_s = 0.0
        self._last: set[int] = set()
        self._last_s = 0.0
        self._n_alike = 0

    def add(self, component: int, number: float, now_s: float) -> None:
        """Take one number that arrived at `now_s`."""
        if component in self._fresh:
            self._end(now_s)
        if self._told:
            self._first_s, self._told = now_s, False
        self.newest_s = now_s
        self._values[component] = number
        self._fresh.add(component)

    def complete(self, now_s: float) -> list[float] | None:
        """Return the numbers if all came that will come, once; else None. Asked after a whole datagram."""
        all_came = len(self._fresh) == len(self._values) or self._is_habit(now_s)
        return self._tell(now_s) if all_came and not self._told else None

    def overdue(self, now_s: float) -> list[float] | None:
        """Return the numbers of a sweep that has lacked some for 15 ms, once; else None.

        Asked only when no datagram waits to be read: a reader held up is no sender that has ended.
        """
        return self._tell(now_s) if self.wait_s(now_s) == 0.0 else None

    def wait_s(self, now_s: float) -> float | None:
        """Return the seconds until the sweep is overdue, 0 if it is, None where nothing waits."""
        return None if self._told else max(0.0, self._first_s + PATIENCE_S - now_s)

    def drop(self) -> None:
        """Forget what waits: a whole pose has come after it."""
        self._fresh.clear()
        self._told = True

    def _is_habit(self, now_s: float) -> bool:
        return self._n_alike >= HABIT_SWEEPS and self._fresh == self._last and now_s - self._last_s < HABIT_S

    def _tell(self, now_s: float) -> list[float]:
        self._end(now_s)
        self._told = True
        return list(self._values)

    def _end(self, now_s: float) -> None:
        alike = self._fresh == self._last and now_s - self._last_s < HABIT_S
        self._n_alike = self._n_alike + 1 if alike else 0
        self._last, self._last_s, self._fresh = self._fresh, now_s, set()
