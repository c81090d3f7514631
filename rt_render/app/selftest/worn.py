"""A virtual head that takes one pose after the other, and what a wearable on it sends."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from firmware_bridge import quaternion
from firmware_bridge.dialect import Dialect, Transport
from firmware_bridge.quaternion import Array
from firmware_bridge.virtual.device import DeviceState
from firmware_bridge.virtual.imu import VirtualImu
from firmware_bridge.virtual.simulated_head import HeadState
from firmware_bridge.virtual.simulation import PromptedDevice

PoseDeg = tuple[float, float, float]

MAX_RATE_HZ = 100.0
OSC_RATE_HZ = 25.0
"""Programs are believed at any rate; fusion of raw values needs a higher one."""
TURN_S = 0.3
AHEAD: PoseDeg = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Leg:
    """A turn of the head, as measured sample by sample, and the measurement while it then rests."""

    turning: tuple[DeviceState, ...]
    resting: DeviceState


class _Turn:
    """From one orientation to another about one axis, softly; any thread."""

    def __init__(self, start: Array, end: Array) -> None:
        self._start = start
        self._turn = quaternion.to_rotation_vector(quaternion.multiply(quaternion.conjugate(start), end))

    def pose_at(self, time_s: ArrayLike) -> HeadState:
        """Return heads and rates at times from the start of the turn; held before and after."""
        u = np.clip(np.asarray(time_s, np.float64) / TURN_S, 0.0, 1.0)[..., None]
        course, speed = u**3 * (10.0 - 15.0 * u + 6.0 * u**2), 30.0 * u**2 * (1.0 - u) ** 2 / TURN_S
        turned = quaternion.from_rotation_vector(course * self._turn)
        return HeadState(quaternion.multiply(self._start, turned), speed * self._turn)


def legs(poses_deg: Sequence[PoseDeg], rate_hz: float) -> list[Leg]:
    """Return the way through poses, from looking ahead on, as an ideal sensor measures it."""
    before, found = quaternion.from_yaw_pitch_roll_deg(*AHEAD), []
    times_s = np.arange(1, round(TURN_S * rate_hz) + 1) / rate_hz
    for pose_deg in poses_deg:
        after = quaternion.from_yaw_pitch_roll_deg(*pose_deg)
        imu = VirtualImu(_Turn(before, after), rate_hz=rate_hz)
        turning = tuple(imu.state_at(float(time_s), 0) for time_s in times_s)
        found.append(Leg(turning, imu.state_at(2.0 * TURN_S, 0)))
        before = after
    return found


class Worn:
    """A wearable of a dialect on that head: each measurement as bytes, with its own clock and count. Thread: one."""

    def __init__(self, dialect: Dialect) -> None:
        self.rate_hz = min(dialect.rate_hz, OSC_RATE_HZ if dialect.transport is Transport.OSC else MAX_RATE_HZ)
        self._device = PromptedDevice(dialect.make_device(), dialect.talk)
        self._count = 0

    @property
    def time_s(self) -> float:
        """The device's clock."""
        return self._count / self.rate_hz

    def say(self, state: DeviceState) -> bytes:
        """Return what is sent for the next measurement."""
        data = self._device.encode(replace(state, time_s=self.time_s, seq=self._count))
        self._count += 1
        return data
