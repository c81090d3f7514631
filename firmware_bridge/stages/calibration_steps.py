"""The steps of the guided calibration, each of which sees for itself when it is done."""

from collections import deque
from math import sqrt

import numpy as np

from firmware_bridge import quaternion
from firmware_bridge.messages import Quat, Vec3
from firmware_bridge.plain_quaternion import conjugate, multiply
from firmware_bridge.quaternion import Array
from firmware_bridge.stages.nods import MIN_DOWNNESS, MIN_NODS, Nod, find_nods

LOOK_EVERY_S = 0.15
MIN_POSES = 12
MAX_NODDING_S = 90.0
REST_S, SHORT_REST_S, REST_DEG = 1.0, 0.5, 3.0
MIN_SHARE = 0.7
"""Of a movement about one axis, how much of the whole must be about it."""
BACK_SHARE = 0.6
"""A head is back when it is closer to the start than so much of the least that counts."""
AGREEMENT, GYRO_SCALE = 0.7, (0.5, 2.0)
GYRO_SPAN_S = 0.05


class Stillness:
    """Waits until the head has been within `spread_deg` of its mean for `span_s`, and has not crept by half of it."""

    def __init__(self, span_s: float, spread_deg: float) -> None:
        self._span_s, self._spread_deg = span_s, spread_deg
        self._recent: deque[tuple[float, Quat]] = deque()
        self._next_look_s = -np.inf

    def feed(self, quat: Quat, time_s: float) -> Quat | None:
        """Return the mean pose once the head was still, else None."""
        self._recent.append((time_s, quat))
        if time_s - self._recent[0][0] < self._span_s or time_s < self._next_look_s:
            return None
        self._next_look_s = time_s + LOOK_EVERY_S
        quats = quaternion.continuous([q for _, q in self._recent])
        mean = quaternion.normalise(quats.mean(axis=0))
        apart_rad = quaternion.to_rotation_vector(quaternion.multiply(quaternion.conjugate(mean), quats))
        half = len(quats) // 2
        crept_rad = np.linalg.norm(apart_rad[half:].mean(axis=0) - apart_rad[:half].mean(axis=0))
        spread_rad = max(np.linalg.norm(apart_rad, axis=1).max(), 2.0 * crept_rad)
        if len(quats) >= MIN_POSES and np.degrees(spread_rad) < self._spread_deg:
            w, x, y, z = mean.tolist()
            return (w, x, y, z)
        while time_s - self._recent[0][0] > self._span_s - LOOK_EVERY_S:
            self._recent.popleft()
        return None


class Nodding:
    """Collects nods from looking ahead (`neutral`) until the head rests again after three or more."""

    def __init__(self, neutral: Quat, up: Array) -> None:
        self.nods: list[Nod] = []
        self._up = up
        self._times_s = [-np.inf]
        self._quats = [neutral]
        self._gyros: list[Vec3 | None] = [None]
        self._rest = Stillness(REST_S, REST_DEG)
        self._downness = 1.0
        self._next_look_s = -np.inf

    def feed(self, quat: Quat, gyro_rad_s: Vec3 | None, time_s: float) -> Quat | None:
        """Return the pose of rest once there are enough nods, else None; `nods` grows meanwhile."""
        self._times_s.append(time_s)
        self._quats.append(quat)
        self._gyros.append(gyro_rad_s)
        if time_s >= self._next_look_s:
            self._next_look_s = time_s + LOOK_EVERY_S
            self.nods, self._downness = find_nods(np.array(self._quats), self._up)
        rest = self._rest.feed(quat, time_s)
        if rest is None:
            return None
        self._rest = Stillness(REST_S, REST_DEG)
        return rest if len(self.nods) >= MIN_NODS else None

    @property
    def too_long(self) -> bool:
        """Whether the head has nodded or idled for longer than anyone needs."""
        return self._times_s[-1] - self._times_s[1] > MAX_NODDING_S

    @property
    def ambiguous(self) -> bool:
        """Whether the head was up about as much as down, so that nobody can tell which was which."""
        return self._downness < MIN_DOWNNESS

    def gyro_agrees(self) -> bool:
        """Return whether the device's gyro turns as its quaternions do; also true where it has none."""
        told = [k for k in range(1, len(self._quats)) if self._gyros[k] is not None]
        if len(told) < MIN_POSES:
            return True
        times_s, quats = np.array(self._times_s)[told], np.array(self._quats)[told]
        gyro = np.array([self._gyros[k] for k in told], np.float64)
        lag = max(1, round(GYRO_SPAN_S / max(float(np.median(np.diff(times_s))), 1e-3)))
        turn = quaternion.to_rotation_vector(quaternion.multiply(quaternion.conjugate(quats[:-lag]), quats[lag:]))
        rate = turn / np.maximum(times_s[lag:] - times_s[:-lag], 1e-3)[:, None]
        sums = np.concatenate([np.zeros((1, 3)), np.cumsum(gyro, axis=0)])
        mean_gyro = (sums[lag + 1 :] - sums[1:-lag]) / lag
        both, of_rate, of_gyro = (float(np.sum(a * b)) for a, b in ((rate, mean_gyro), (rate, rate), (mean_gyro,) * 2))
        alike = both / max(sqrt(of_rate * of_gyro), 1e-12)
        return alike > AGREEMENT and GYRO_SCALE[0] < both / max(of_rate, 1e-12) < GYRO_SCALE[1]


class OneMovement:
    """Waits for one movement about one axis, there and back, from `start` or the next rest.

    `axis` is 0, 1, 2 for x, y, z: of the world where `in_world`, else of the head.
    """

    def __init__(self, axis: int, min_deg: float, *, in_world: bool, start: Quat | None = None) -> None:
        self.start = start
        self._axis, self._min_deg, self._in_world = axis, min_deg, in_world
        self._rest = Stillness(SHORT_REST_S, REST_DEG)
        self._peak_deg = 0.0

    def feed(self, quat_world_from_head: Quat, time_s: float) -> float | None:
        """Return the angle of the movement in degrees, right-handed about its axis, once it is over; else None."""
        if self.start is None:
            self.start = self._rest.feed(quat_world_from_head, time_s)
            return None
        back = conjugate(self.start)
        turn = multiply(quat_world_from_head, back) if self._in_world else multiply(back, quat_world_from_head)
        vector_deg = np.degrees(quaternion.to_rotation_vector(turn))
        angle_deg, whole_deg = float(vector_deg[self._axis]), float(np.linalg.norm(vector_deg))
        if abs(angle_deg) > max(abs(self._peak_deg), self._min_deg) and abs(angle_deg) > MIN_SHARE * whole_deg:
            self._peak_deg = angle_deg
        return self._peak_deg if self._peak_deg and abs(angle_deg) < BACK_SHARE * self._min_deg else None
