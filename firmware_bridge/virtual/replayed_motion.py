"""A head's recorded motion as one that can be asked at any time: a recording wears the virtual device."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from firmware_bridge.csv_poses import PoseTrack
from firmware_bridge.quaternion import Array
from firmware_bridge.virtual.simulated_head import HeadState


class ReplayedMotion:
    """Smooth motion through the poses of a track; before and after it the head holds still. Any thread.

    The path is a cubic spline of rotations: rates and accelerations are continuous, as a sensor would feel.
    """

    def __init__(self, track: PoseTrack) -> None:
        self._track = track
        self._start_s, self._end_s = float(track.times_s[0]), float(track.times_s[-1])
        self._spline: Any = None
        if len(track.times_s) > 1:
            from scipy.spatial.transform import Rotation, RotationSpline

            turns = Rotation.from_quat(track.quats_world_from_head, scalar_first=True)
            self._spline = RotationSpline(track.times_s, turns)

    def pose_at(self, time_s: ArrayLike) -> HeadState:
        """Return heads (..., 4) and turning rates (..., 3) at the track's own times (...)."""
        time = np.asarray(time_s, np.float64)
        if self._spline is None:
            return HeadState(self._track.pose_at(time), np.zeros((*time.shape, 3)))
        inside = np.clip(time, self._start_s, self._end_s).ravel()
        quats = self._spline(inside).as_quat(scalar_first=True).reshape(*time.shape, 4)
        rates = self._spline(inside, 1).reshape(*time.shape, 3)
        held = (time < self._start_s) | (time > self._end_s)
        return HeadState(quats, _without(rates, held))


def _without(rates: Array, held: ArrayLike) -> Array:
    return np.where(np.asarray(held)[..., None], 0.0, rates)
