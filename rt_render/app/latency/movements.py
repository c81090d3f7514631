"""The head that is measured with: steps at random moments, then turns at constant speed to and fro past the front."""

from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np

from firmware_bridge.messages import Quat, Vec3

STEP_DEG, TURN_DEG, TURN_DEG_S = 20.0, 30.0, 150.0
"""A step goes from one side of the front to the other; the level between the ears rises all the way there."""
GAP_S = (0.1, 0.16)
"""Between two steps: long enough for the filters, and no multiple of anything."""
LEAD_S = 0.5
STEP, TURN = "step", "turn"
STEPS_A_TURN = 4


@dataclass(frozen=True, slots=True)
class Movement:
    """One moment at which the head passes the front: seconds from the begin, and +1 to the left or -1."""

    kind: str
    time_s: float
    direction: int


class StepsAndTurns:
    """A level head that steps `n_steps` times, rests, and turns past the front `n_turns` times. Any thread.

    `movements` are all of them in order; `slow` makes the gaps so many times longer. It begins and ends at rest.
    """

    def __init__(self, n_steps: int, n_turns: int, seed: int = 0, slow: float = 1.0) -> None:
        random = np.random.default_rng(seed)
        self._rows: list[tuple[float, float, float]] = [(0.0, 0.0, 0.0)]
        """From when on, from which yaw, how fast: seconds, degrees, degrees a second."""
        self.movements: list[Movement] = []
        at_s, side = LEAD_S, 1
        for k in range(n_steps + 1):
            self._rows.append((at_s, side * STEP_DEG, 0.0))
            if k:  # the first one comes from the middle
                self.movements.append(Movement(STEP, at_s, side))
            at_s += slow * random.uniform(*GAP_S)
            side = -side
        at_s += LEAD_S
        half_s = TURN_DEG / TURN_DEG_S
        for k in range(n_turns + 1):
            if k:  # the first one begins with a step
                self.movements.append(Movement(TURN, at_s + half_s, side))
            self._rows.append((at_s, -side * TURN_DEG, side * TURN_DEG_S))
            at_s += 2.0 * half_s + slow * random.uniform(0.0, GAP_S[0])
            self._rows.append((at_s, side * TURN_DEG, 0.0))
            side = -side
        self._starts_s = [start_s for start_s, _, _ in self._rows]
        self.seconds = at_s + LEAD_S * slow

    def yaw_deg(self, time_s: float) -> tuple[float, float]:
        """Return the heading (+ left) in degrees and its rate in degrees a second."""
        row = max(0, int(np.searchsorted(self._starts_s, time_s, side="right")) - 1)
        start_s, yaw_deg, rate_deg_s = self._rows[row]
        return yaw_deg + rate_deg_s * (time_s - start_s), rate_deg_s

    def pose_at(self, time_s: float) -> tuple[Quat, Vec3]:
        """Return orientation and turning rate (rad/s, head axes)."""
        yaw_deg, rate_deg_s = self.yaw_deg(time_s)
        half = 0.5 * radians(yaw_deg)
        return (cos(half), 0.0, 0.0, sin(half)), (0.0, 0.0, radians(rate_deg_s))
