"""How fast does the heading wander while the tracker lies still?"""

from collections import deque
from math import degrees, pi, sqrt

from firmware_bridge.messages import Quat
from firmware_bridge.plain_quaternion import angle_rad, heading_rad

STEP_S, MAX_STEP_S = 0.25, 1.0
REST_DEG_S = 2.0
MIN_REST_S, MAX_REST_S = 3.0, 60.0
LEFT_OUT = 4
"""The newest points may be the slow beginning of a movement."""
SWAY_SPAN_S = 2.0
"""A worn head sways over seconds: so far apart readings are taken for independent."""
MAX_ERROR_DEG_PER_MIN = 1.0
MIN_POINTS = 3
"""A sender that speaks once a second has few."""


class RestDrift:
    """Straight line through the headings of one rest, up to a minute of it. Thread: one.

    `deg_per_min` (+ left) is None until a rest was long and still enough to be sure to a degree a minute; it is
    kept when the head moves again.
    """

    def __init__(self) -> None:
        self.deg_per_min: float | None = None
        self._points: deque[tuple[float, float]] = deque(maxlen=int(MAX_REST_S / STEP_S))
        self._quat: Quat | None = None
        self._time_s = 0.0

    def note(self, quat_world_from_head: Quat, time_s: float) -> None:
        """Take a pose; four a second are looked at."""
        step_s = time_s - self._time_s
        if self._quat is not None and 0.0 <= step_s < STEP_S:
            return
        still = (
            self._quat is not None
            and 0.0 <= step_s <= MAX_STEP_S
            and degrees(angle_rad(self._quat, quat_world_from_head)) < REST_DEG_S * step_s
        )
        heading = heading_rad(quat_world_from_head)
        if still and self._points:
            before = self._points[-1][1]
            heading = before + (heading - before + pi) % (2.0 * pi) - pi
        else:
            self._points.clear()
        self._points.append((time_s, heading))
        self._quat, self._time_s = quat_world_from_head, time_s
        long_enough = time_s - self._points[0][0] >= MIN_REST_S + LEFT_OUT * STEP_S
        if long_enough and len(self._points) - LEFT_OUT >= MIN_POINTS:
            self._fit(list(self._points)[:-LEFT_OUT])

    def _fit(self, points: list[tuple[float, float]]) -> None:
        n = len(points)
        t0, h0 = sum(t for t, _ in points) / n, sum(h for _, h in points) / n
        stt = sum((t - t0) ** 2 for t, _ in points)
        slope = sum((t - t0) * (h - h0) for t, h in points) / stt
        rms = sqrt(sum((h - h0 - slope * (t - t0)) ** 2 for t, h in points) / n)
        error = rms / sqrt(stt * STEP_S / SWAY_SPAN_S)
        if degrees(60.0 * error) < MAX_ERROR_DEG_PER_MIN:
            self.deg_per_min = degrees(60.0 * slope)
