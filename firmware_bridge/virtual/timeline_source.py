"""Sources that know their poses beforehand: a file, a simulated head, none at all."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from firmware_bridge.dialect import Dialect
from firmware_bridge.messages import Motion
from firmware_bridge.quaternion import Array
from firmware_bridge.source import Heard, SourceHealth

RATE_HZ = 200.0
MAX_PER_POLL = 20
"""A reader that was held up goes on at the present instead of pouring out the past."""

PoseAt = Callable[[float], tuple[Array, Array | None]]
"""Seconds from the start to (quaternion (4,), angular velocity (3,) rad/s in head axes or None)."""


class TimelineSource:
    """Gives the poses of `pose_at` at 200 Hz, each with the time it was due; the start is the first poll."""

    dialect: Dialect | None = None
    device_id = ""
    exact_times = True

    def __init__(self, name: str, pose_at: PoseAt, rate_hz: float = RATE_HZ) -> None:
        self.name = name
        self._pose_at = pose_at
        self._interval_s = 1.0 / rate_hz
        self._start_s: float | None = None
        self._next = 0

    def poll(self, timeout_s: float) -> Sequence[Heard]:
        """Return the poses due until now."""
        now_s = time.monotonic()
        if self._start_s is None:
            self._start_s = now_s
        due_s = self._start_s + self._next * self._interval_s
        if due_s > now_s:
            time.sleep(min(due_s - now_s, timeout_s))
            now_s = time.monotonic()
        last = int((now_s - self._start_s) / self._interval_s)
        self._next = max(self._next, last - MAX_PER_POLL + 1)
        heard = [self._heard(index, self._start_s) for index in range(self._next, last + 1)]
        self._next = max(self._next, last + 1)
        return heard

    def health(self) -> SourceHealth:
        """Return that all is well: nothing can be lost here."""
        return SourceHealth(True, self.name, 0)

    def say(self, data: bytes) -> bool:
        """Return that nobody listens."""
        return False

    def close(self) -> None:
        """Hold nothing."""

    def _heard(self, index: int, start_s: float) -> Heard:
        at_s = index * self._interval_s
        quat, gyro = self._pose_at(at_s)
        w, x, y, z = np.asarray(quat).tolist()
        rates = None if gyro is None else (float(gyro[0]), float(gyro[1]), float(gyro[2]))
        return Heard(Motion((w, x, y, z), rates, seq=index), start_s + at_s)


class NoSource:
    """Nobody wears anything: no pose ever comes, and the field stays as it is."""

    name = "no head tracker"
    dialect: Dialect | None = None
    device_id = ""
    exact_times = True

    def poll(self, timeout_s: float) -> Sequence[Heard]:
        """Wait, and return nothing."""
        time.sleep(timeout_s)
        return []

    def health(self) -> SourceHealth:
        """Return that nobody is there."""
        return SourceHealth(False, "", 0, is_worn=False)

    def say(self, data: bytes) -> bool:
        """Return that nobody listens."""
        return False

    def close(self) -> None:
        """Hold nothing."""
