"""How much headphones have moved within the last second."""

from collections import deque
from math import acos, degrees

Quat = tuple[float, float, float, float]
WINDOW_S = 1.0
_GAP_S = 0.5
"""After a longer silence of the tracker the next pose says where they are, not that they moved."""


class Movement:
    """Fed with poses, some twenty a second, of one tracker. One thread.

    A second is long enough for a worn head, which is never quite still, and short enough for a sensor's drift: 5 °/min
    is 0.08° of it.
    """

    def __init__(self) -> None:
        self._poses: deque[tuple[float, Quat]] = deque()

    def take(self, time_s: float, quat_world_from_head: Quat) -> None:
        """Take a pose; one that is not newer than the last is left out."""
        if self._poses and time_s <= self._poses[-1][0]:
            return
        if self._poses and time_s - self._poses[-1][0] > _GAP_S:
            self._poses.clear()
        self._poses.append((time_s, quat_world_from_head))
        while time_s - self._poses[0][0] > WINDOW_S:
            self._poses.popleft()

    def angle_deg(self) -> float | None:
        """Return the largest turn between the newest pose and one of the last second; None before most of one."""
        if not self._poses or self._poses[-1][0] - self._poses[0][0] < 0.8 * WINDOW_S:
            return None
        newest = self._poses[-1][1]
        return max(_angle_deg(newest, pose) for _, pose in self._poses)


def _angle_deg(a: Quat, b: Quat) -> float:
    dot = abs(sum(x * y for x, y in zip(a, b, strict=True)))
    return 2.0 * degrees(acos(min(1.0, dot)))
