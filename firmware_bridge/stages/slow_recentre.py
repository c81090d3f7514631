"""A slow automatic recentre: where a person usually looks becomes ahead, too slowly to be heard."""

from math import exp, pi, radians

from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Quat
from firmware_bridge.plain_quaternion import heading_rad

USUAL_S = 20.0
FAR_RAD = radians(15.0)
"""Over so long the heading is averaged, and what is further off weighs no more: a look to the side is not usual."""
SOFT_RAD = radians(5.0)
"""Closer to the usual direction than this the pull grows weaker, so that it arrives without overshoot."""
FAST_RAD_S = radians(40.0)
MAX_STEP_S = 0.1
"""A longer gap between poses counts as so much."""


class SlowRecentre:
    """Says by how much the reference is to be turned, `Recentre.turn`, after each recentred pose. Thread: one.

    `deg_per_s` bounds the pull, 0 turns it off. It pauses while the head turns faster than 40 °/s, when ears
    and eyes compare most. Raises BridgeError above 2 °/s: sources that wander by themselves are heard.
    """

    def __init__(self, deg_per_s: float) -> None:
        if not 0.0 <= deg_per_s <= 2.0:
            raise BridgeError(f"a slow recentre of {deg_per_s:g} °/s is too fast: allowed are 0 (off) to 2 °/s.")
        self._max_rad_s = radians(deg_per_s)
        self.reset()

    def reset(self) -> None:
        """Forget the usual direction, as after a recentre that was asked for."""
        self._usual_rad = 0.0
        self._before: tuple[float, float] | None = None

    def step_rad(self, quat_world_from_head: Quat, time_s: float) -> float:
        """Return how far to turn the reference to the left now, for a recentred pose at `time_s`."""
        if not self._max_rad_s:
            return 0.0
        heading, before = heading_rad(quat_world_from_head), self._before
        self._before = (heading, time_s)
        if before is None or time_s <= before[1]:
            return 0.0
        gap_s = time_s - before[1]
        if abs(_wrapped(heading - before[0])) > FAST_RAD_S * gap_s:
            return 0.0
        step_s = min(gap_s, MAX_STEP_S)
        off = min(max(_wrapped(heading - self._usual_rad), -FAR_RAD), FAR_RAD)
        self._usual_rad = _wrapped(self._usual_rad + off * (1.0 - exp(-step_s / USUAL_S)))
        step = self._max_rad_s * step_s * min(max(self._usual_rad / SOFT_RAD, -1.0), 1.0)
        self._usual_rad -= step
        self._before = (heading - step, time_s)
        return step


def _wrapped(angle_rad: float) -> float:
    return (angle_rad + pi) % (2.0 * pi) - pi
