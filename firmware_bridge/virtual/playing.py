"""Plays what is due to where it can be heard, on an absolute schedule: no error adds up."""

import time
from collections.abc import Callable
from math import inf
from typing import Protocol

from firmware_bridge.virtual.endpoint import Endpoint, EndpointClosedError

MAX_WAIT_S = 0.1


class Player(Protocol):
    """Something that plays: a virtual device, a recording. Times are seconds from the start."""

    @property
    def is_over(self) -> bool:
        """Whether all was played."""

    @property
    def next_s(self) -> float:
        """When there is something to do next."""

    def due(self, now_s: float) -> list[bytes]:
        """Return what is to be sent by now, one item per piece."""

    def hear(self, data: bytes, now_s: float) -> None:
        """Take what the host says."""


def play(
    player: Player, endpoint: Endpoint, seconds: float = inf, on_turn: Callable[[float], None] = lambda now_s: None
) -> float:
    """Play until all is over, for so long at most, or until nobody can hear it any more; return how long it was.

    `on_turn` gets the time since the start, ten times a second and more.
    """
    start_s = time.monotonic()
    now_s = 0.0
    try:
        while not player.is_over and now_s < seconds:
            for piece in player.due(now_s):
                endpoint.send(piece)
            on_turn(now_s)
            wait_s = min(player.next_s, seconds) - (time.monotonic() - start_s)
            heard = endpoint.hear(min(max(0.0, wait_s), MAX_WAIT_S))
            now_s = time.monotonic() - start_s
            if heard:
                player.hear(heard, now_s)
    except EndpointClosedError:
        return now_s
    return now_s
