"""Sentences for people: each kind at once, then less and less often while it goes on, with a count."""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import inf

QUIET_S, LONGEST_S = 5.0, 300.0
"""Between two sentences of a kind: at first, and at most, for it doubles each time."""
OVER_S = 15.0
"""What did not happen for so long is over; the next time it is news."""
_MORE = "more since the last such message"


@dataclass(slots=True)
class _Kind:
    told: str = ""
    told_s: float = -inf
    happened_s: float = -inf
    wait_s: float = QUIET_S
    held: str = ""
    n_held: int = 0


class Notices:
    """Rate limiter between a source that may stumble a thousand times a second, or all night, and a person.

    `on_message` gets whole sentences, called on the reader's thread.
    """

    def __init__(self, on_message: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._on_message = on_message
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}

    def say(self, text: str) -> None:
        """Pass a sentence on at once."""
        self._on_message(text)

    def repeat(self, kind: str, text: str) -> None:
        """Pass a sentence on unless one of its kind was passed lately; then hold the newest, and count.

        Lately is 5 s, and twice as long each time that the same is still so, up to 5 minutes.
        """
        one = self._kinds.setdefault(kind, _Kind())
        now_s = self._clock()
        if now_s - one.happened_s > OVER_S:
            one.told = ""
        one.happened_s, one.held, one.n_held = now_s, text, one.n_held + 1
        self.catch_up(kind)

    def catch_up(self, kind: str) -> None:
        """Pass on what is held of a kind, if its quiet is over; for what stays true though it is told late."""
        one = self._kinds.get(kind)
        if one is None or not one.n_held:
            return
        now_s = self._clock()
        goes_on = now_s - one.happened_s <= OVER_S and _words(one.held) == _words(one.told)
        wait_s = one.wait_s if goes_on else QUIET_S
        if now_s - one.told_s < wait_s:
            return
        more = one.n_held - 1
        one.wait_s = min(LONGEST_S, 2.0 * wait_s) if goes_on else QUIET_S
        one.told, one.told_s, one.n_held = one.held, now_s, 0
        self._on_message(f"{one.held} ({more} {_MORE})" if more else one.held)


def _words(text: str) -> str:
    """Return a sentence without its figures, which do not make it another."""
    return re.sub(r"[\d.]+", "", text)


def heedless(on_message: Callable[[str], None]) -> Callable[[str], None]:
    """Return a listener that never raises: where a terminal is gone, the head is followed all the same."""

    def say(text: str) -> None:
        with suppress(Exception):
            on_message(text)

    return say


def without_count(text: str) -> str:
    """Return a sentence without the count that was put to it, for those that are told on as part of another."""
    return re.sub(rf" \(\d+ {_MORE}\)$", "", text)
