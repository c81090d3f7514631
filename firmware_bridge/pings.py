"""Asking a device for its time, once a second, and telling which answer belongs to which question."""

from collections.abc import Callable

from firmware_bridge.messages import Pong

EVERY_S = 1.0
MAX_OPEN = 8


class Pings:
    """Questions to one device, made by its dialect. Reads no clock. Thread: one."""

    def __init__(self, make_ping: Callable[[int], bytes]) -> None:
        self._make_ping = make_ping
        self._token = 0
        self._asked_s = float("-inf")
        self._open: dict[int, float] = {}

    def question(self, now_s: float) -> bytes | None:
        """Return what to send at this very moment, None where the next second is not there yet."""
        if now_s - self._asked_s < EVERY_S:
            return None
        self._token += 1
        self._asked_s = self._open[self._token] = now_s
        while len(self._open) > MAX_OPEN:
            del self._open[next(iter(self._open))]
        return self._make_ping(self._token)

    def asked_s(self, pong: Pong) -> float | None:
        """Return when the question of this answer was asked, once; None for an answer to nothing."""
        return self._open.pop(pong.token, None)
