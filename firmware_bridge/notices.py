"""Sentences for people: each kind at once, then no more often than every few seconds, with a count."""

import re
import time
from collections.abc import Callable
from contextlib import suppress

QUIET_S = 5.0
_MORE = "more since the last such message"


class Notices:
    """Rate limiter between a source that may stumble a thousand times a second and a person.

    `on_message` gets whole sentences, called on the reader's thread.
    """

    def __init__(self, on_message: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._on_message = on_message
        self._clock = clock
        self._last_s: dict[str, float] = {}
        self._held: dict[str, tuple[str, int]] = {}

    def say(self, text: str) -> None:
        """Pass a sentence on at once."""
        self._on_message(text)

    def repeat(self, kind: str, text: str) -> None:
        """Pass a sentence on unless one of its kind was passed within 5 s; then hold the newest, and count."""
        self._held[kind] = (text, self._held.get(kind, ("", 0))[1] + 1)
        self.catch_up(kind)

    def catch_up(self, kind: str) -> None:
        """Pass on what is held of a kind, if the 5 s are over; for what stays true though it is told late."""
        now_s = self._clock()
        if kind not in self._held or now_s - self._last_s.get(kind, -QUIET_S) < QUIET_S:
            return
        text, n_held = self._held.pop(kind)
        self._last_s[kind] = now_s
        self._on_message(text if n_held == 1 else f"{text} ({n_held - 1} {_MORE})")


def heedless(on_message: Callable[[str], None]) -> Callable[[str], None]:
    """Return a listener that never raises: where a terminal is gone, the head is followed all the same."""

    def say(text: str) -> None:
        with suppress(Exception):
            on_message(text)

    return say


def without_count(text: str) -> str:
    """Return a sentence without the count that was put to it, for those that are told on as part of another."""
    return re.sub(rf" \(\d+ {_MORE}\)$", "", text)
