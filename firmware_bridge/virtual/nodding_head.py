"""A head that does what the guided calibration asks, over and over, so that calibrating can be tried without one."""

import numpy as np
from numpy.typing import ArrayLike

from firmware_bridge import quaternion
from firmware_bridge.quaternion import Array
from firmware_bridge.virtual.simulated_head import HeadState

AHEAD_S = 3.0
N_NODS, NOD_DEG, NOD_S, NOD_EVERY_S = 5, 28.0, 1.2, 1.5
TURN_DEG, TURN_S = 45.0, 2.0
_TURN_AT_S = AHEAD_S + N_NODS * NOD_EVERY_S + AHEAD_S
PERIOD_S = _TURN_AT_S + TURN_S


class NoddingHead:
    """Looks ahead, nods five times, looks ahead, turns to the left and back, and begins anew. Any thread."""

    def pose_at(self, time_s: ArrayLike) -> HeadState:
        """Return heads (..., 4) and rates (..., 3) at times (...)."""
        time = np.mod(np.asarray(time_s, np.float64), PERIOD_S)
        nods = [_there_and_back(time - AHEAD_S - NOD_EVERY_S * k, NOD_S) for k in range(N_NODS)]
        down, down_rate = sum(nod[0] for nod in nods), sum(nod[1] for nod in nods)
        left, left_rate = _there_and_back(time - _TURN_AT_S, TURN_S)
        quat = quaternion.from_yaw_pitch_roll_deg(TURN_DEG * left, -NOD_DEG * down, 0.0 * time)
        # Never both at once, so that each turns about an axis of the head.
        rates = np.stack([0.0 * time, NOD_DEG * down_rate, TURN_DEG * left_rate], axis=-1)
        return HeadState(quat, np.radians(rates))


def _there_and_back(time: Array, duration_s: float) -> tuple[Array, Array]:
    """Return a minimum-jerk course from 0 to 1 and back within a duration, and its rate in 1/s."""
    u = 2.0 * time / duration_s
    w = np.clip(1.0 - np.abs(u - 1.0), 0.0, 1.0)
    rate = 30.0 * w**2 * (1.0 - w) ** 2 * np.sign(1.0 - u) * 2.0 / duration_s
    return w**3 * (10.0 - 15.0 * w + 6.0 * w**2), rate
