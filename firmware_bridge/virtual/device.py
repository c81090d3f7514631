"""What a virtual wearable is: a device without hardware, byte for byte like the real one."""

from dataclasses import dataclass
from typing import Protocol

from firmware_bridge.messages import Quat, Vec3


@dataclass(frozen=True, slots=True)
class DeviceState:
    """What a wearable measures at one moment, in our frame (x front, y left, z up), body axes the head's.

    `time_s` is the device's own clock, unwrapped; `accel_m_s2` the specific force (+9.81 along z when level and
    still); `mag_ut` the field in body axes; `seq` rises by one per measurement, unwrapped; `battery` 0..1.
    """

    time_s: float
    seq: int
    quat_world_from_head: Quat
    gyro_rad_s: Vec3 = (0.0, 0.0, 0.0)
    accel_m_s2: Vec3 = (0.0, 0.0, 9.80665)
    mag_ut: Vec3 = (20.0, 0.0, -40.0)
    battery: float = 1.0
    button: bool = False


class VirtualDevice(Protocol):
    """Speaks one dialect. Thread: one."""

    def encode(self, state: DeviceState) -> bytes:
        """Return what the device sends for one measurement: b"" where it waits to be asked."""

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Return what the device answers to the host's bytes at `time_s` of its clock; b"" for nothing."""
