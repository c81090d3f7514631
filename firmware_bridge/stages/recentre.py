"""What "straight ahead" means: a reference heading that can be renewed without a jump."""

from dataclasses import replace

import numpy as np

from firmware_bridge import quaternion
from firmware_bridge.pose import PoseSample

EASE_S = 0.2


class Recentre:
    """Gives poses relative to a reference, `q_ref^-1 q`, and eases from one reference to the next.

    By default only the heading is renewed: pitch and roll keep gravity as theirs. Times `at_s` are host
    monotonic seconds, of the moment a pose is given on and not of the pose: a head that is still may send
    nothing, and the ease goes on. Thread: one.
    """

    def __init__(self, *, yaw_only: bool = True) -> None:
        self._yaw_only = yaw_only
        self._from = self._to = quaternion.IDENTITY
        self._start_s = -np.inf
        self.easing = False

    def request(self, pose: PoseSample, at_s: float) -> None:
        """Take the heading (or the whole pose) of a raw pose as ahead, from `at_s` on, over 0.2 s."""
        self._from = self._reference(at_s)
        raw = np.array(pose.quat_world_from_head)
        self._to = quaternion.yaw_part(raw) if self._yaw_only else raw
        self._start_s = at_s
        self.easing = True

    def apply(self, pose: PoseSample, at_s: float) -> PoseSample:
        """Return the pose relative to the reference of this moment; `easing` says whether that still moves."""
        relative = quaternion.multiply(quaternion.conjugate(self._reference(at_s)), pose.quat_world_from_head)
        self.easing = at_s - self._start_s < EASE_S
        w, x, y, z = relative.tolist()
        return replace(pose, quat_world_from_head=(w, x, y, z))

    def _reference(self, time_s: float) -> quaternion.Array:
        u = min(max((time_s - self._start_s) / EASE_S, 0.0), 1.0)
        # Smoothstep: the field starts and stops turning without a jerk in speed.
        return quaternion.slerp(self._from, self._to, u * u * (3.0 - 2.0 * u))
