"""Turning rates for devices that tell only where they point: the renderer predicts with them."""

from collections import deque
from math import asin, sqrt

from firmware_bridge.messages import Quat, Vec3

SMOOTHING_S = 0.015
"""The rate is the mean over so long, or over one interval where that is longer: it is half as late."""
REPEAT_S = 0.05
"""A quaternion told again within this is the device's slower inside; later on it is a head at rest."""
MAX_GAP_S = 0.5
COS_HALF_JUMP = sqrt(0.75)
"""Of 60°: no head turns so far between two samples, but a recentring device does."""


class DerivedRates:
    """Angular velocity in body axes from quaternions and times. Thread: one."""

    def __init__(self, smoothing_s: float = SMOOTHING_S) -> None:
        self._smoothing_s = smoothing_s
        self._path: deque[tuple[float, Quat]] = deque()
        self._rate: Vec3 | None = None

    def update(self, quat_wxyz: Quat, time_s: float) -> Vec3 | None:
        """Return the rate in rad/s at a unit quaternion (world from body), None until there are two.

        A jump by more than 60° or a gap above 0.5 s begins anew. Times that do not rise change nothing.
        """
        path = self._path
        if path:
            last_s, last = path[-1]
            if time_s <= last_s or (quat_wxyz == last and time_s - last_s <= REPEAT_S):
                return self._rate
            cosine = sum(a * b for a, b in zip(last, quat_wxyz, strict=True))
            if time_s - last_s > MAX_GAP_S or abs(cosine) < COS_HALF_JUMP:
                path.clear()
                self._rate = None
        path.append((time_s, quat_wxyz))
        # The newest sample that is old enough is the one to compare with.
        while len(path) > 2 and time_s - path[1][0] >= self._smoothing_s:
            path.popleft()
        if len(path) > 1:
            self._rate = _rate(*path[0], time_s, quat_wxyz)
        return self._rate


def _rate(from_s: float, a: Quat, to_s: float, b: Quat) -> Vec3:
    aw, ax, ay, az = a
    bw, bx, by, bz = b
    w = aw * bw + ax * bx + ay * by + az * bz
    x = aw * bx - ax * bw - ay * bz + az * by
    y = aw * by - ay * bw - az * bx + ax * bz
    z = aw * bz - az * bw - ax * by + ay * bx
    sine = min(1.0, sqrt(x * x + y * y + z * z))
    # Half the angle is below 90° here, for the path is cut at jumps; tiny angles are their own sines.
    scale = (2.0 * asin(sine) / sine if sine > 1e-9 else 2.0) / (to_s - from_s)
    scale = -scale if w < 0.0 else scale
    return (x * scale, y * scale, z * scale)
