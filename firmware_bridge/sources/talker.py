"""What the host says to a device, and when: the opening, again while it is silent, and the keep-alive. No I/O here."""

from collections import deque
from math import inf

from firmware_bridge.dialect import Talk

AGAIN_S = (1.0, 1.0, 2.0, 4.0, 8.0)
"""After so long without a motion the opening is said again: the device may have been switched on only now."""


class Talker:
    """Plays the host's part of the conversation; says nothing until `open`. Thread: one."""

    def __init__(self) -> None:
        self.close()

    def open(self, talk: Talk | None, now_s: float) -> None:
        """Begin with the opening, from `now_s` on; nothing is said to a dialect without a talk."""
        self._talk = talk or Talk()
        self.opened_s = now_s
        gap_s = self._talk.opening_gap_s
        self._opening = deque((now_s + k * gap_s, data) for k, data in enumerate(self._talk.opening))
        last_s = self._opening[-1][0] + gap_s if self._opening else now_s
        self._next_s = last_s if self._talk.keep_alive else inf

    def close(self) -> None:
        """Say nothing any more."""
        self._n_again = 0
        self.open(None, -inf)

    @property
    def is_open(self) -> bool:
        """Whether the conversation has begun."""
        return self.opened_s > -inf

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

    def hears_nothing(self, since_s: float, now_s: float) -> None:
        """Open anew where the silence since then lasts, less and less often."""
        if self.is_open and now_s - max(since_s, self.opened_s) > AGAIN_S[min(self._n_again, len(AGAIN_S) - 1)]:
            self._n_again += 1
            self.open(self._talk, now_s)

    def hears_motion(self, now_s: float) -> None:
        """Open anew after a silence: the device may have been switched on after the last opening."""
        if self._n_again:
            self._n_again = 0
            self.open(self._talk, now_s)
