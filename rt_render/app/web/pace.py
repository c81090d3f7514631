"""How fast a client may ask: a bucket of messages that fills again."""

from dataclasses import dataclass


@dataclass(slots=True)
class Pace:
    """Lets `burst` messages pass at once and `per_s` a second from then on."""

    per_s: float
    burst: int
    _due_s: float = 0.0

    def wait_s(self, now_s: float) -> float:
        """Count a message and return how long to wait before the next is looked at."""
        self._due_s = max(self._due_s, now_s - self.burst / self.per_s) + 1.0 / self.per_s
        return max(0.0, self._due_s - now_s)
