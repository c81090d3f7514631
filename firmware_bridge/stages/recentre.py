"""What "straight ahead" means: a reference heading that can be renewed without a jump."""

from dataclasses import replace
from math import inf

from firmware_bridge.messages import Quat
from firmware_bridge.plain_quaternion import (
    IDENTITY,
    about_vertical,
    conjugate,
    heading_rad,
    multiply,
    slerp,
    smooth,
)
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
        self._from = self._to = IDENTITY
        self._start_s = -inf
        self.easing = False

    @property
    def reference(self) -> Quat:
        """The pose that is ahead, or becomes so while the ease lasts: what is remembered of a device."""
        return self._to

    def request(self, pose: PoseSample, at_s: float) -> None:
        """Take the heading (or the whole pose) of a raw pose as ahead, from `at_s` on, over 0.2 s."""
        self._from = self._reference(at_s)
        raw = pose.quat_world_from_head
        self._to = about_vertical(heading_rad(raw)) if self._yaw_only else raw
        self._start_s = at_s
        self.easing = True

    def restore(self, reference: Quat) -> None:
        """Take a remembered reference at once, without an ease: before the first pose is given on."""
        self._from = self._to = about_vertical(heading_rad(reference)) if self._yaw_only else reference
        self._start_s = -inf
        self.easing = False

    def turn(self, angle_rad: float) -> None:
        """Turn what is ahead by so much to the left, at once: the small steps of the slow recentring."""
        step = about_vertical(angle_rad)
        self._from, self._to = multiply(step, self._from), multiply(step, self._to)

    def apply(self, pose: PoseSample, at_s: float) -> PoseSample:
        """Return the pose relative to the reference of this moment; `easing` says whether that still moves."""
        relative = multiply(conjugate(self._reference(at_s)), pose.quat_world_from_head)
        self.easing = at_s - self._start_s < EASE_S
        return replace(pose, quat_world_from_head=relative)

    def _reference(self, at_s: float) -> Quat:
        if at_s - self._start_s >= EASE_S:
            return self._to
        return slerp(self._from, self._to, smooth((at_s - self._start_s) / EASE_S))
