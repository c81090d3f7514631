"""What the host says to a device, and when: the opening, then the keep-alive. No input or output here."""

from collections import deque

from firmware_bridge.dialect import Talk


class Talker:
    """Plays one dialect's part of the conversation; one per connection. Thread: one."""

    def __init__(self, talk: Talk, now_s: float) -> None:
        self._talk = talk
        self._opening = deque((now_s + k * talk.opening_gap_s, data) for k, data in enumerate(talk.opening))
        last_s = self._opening[-1][0] + talk.opening_gap_s if self._opening else now_s
        self._next_s = last_s if talk.keep_alive else float("inf")

    def wait_s(self, now_s: float) -> float:
        """Return the time until there is something to say: infinite where there never is."""
        return max(0.0, (self._opening[0][0] if self._opening else self._next_s) - now_s)

    def due(self, now_s: float) -> bytes:
        """Return what is to be written now, b"" for nothing; call again until it says nothing."""
        if self._opening:
            return self._opening.popleft()[1] if self._opening[0][0] <= now_s else b""
        if now_s < self._next_s:
            return b""
        # A host that was busy for long asks once, not for all the times it missed.
        self._next_s = max(self._next_s + self._talk.keep_alive_s, now_s + 0.5 * self._talk.keep_alive_s)
        return self._talk.keep_alive
