"""What to do about a tracker that is not well: each piece of advice when it is due, then once a minute at most."""

import re
from collections.abc import Callable

from firmware_bridge.stages.health import Health

AGAIN_S = 60.0


class Advice:
    """Passes a stream's advice on to a person. Reads no clock. Thread: one."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said_s: dict[str, float] = {}

    def tell(self, health: Health, now_s: float) -> None:
        """Say what is new; the figures in a sentence do not make it another."""
        for sentence in health.advice():
            kind = re.sub(r"[\d.]+", "", sentence)
            if now_s - self._said_s.get(kind, -AGAIN_S) >= AGAIN_S:
                self._said_s[kind] = now_s
                self._say(sentence)
