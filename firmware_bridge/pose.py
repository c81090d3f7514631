"""The one type in which a head pose travels."""

from dataclasses import dataclass
from math import fsum, isfinite, sqrt

from firmware_bridge.errors import BridgeError
from firmware_bridge.quaternion import to_yaw_pitch_roll_deg

NORM_RANGE = (0.5, 2.0)
"""A quaternion whose length is outside is not a rounded unit quaternion but something else."""
MAX_SEQ = 2**53 - 1
"""Sequence numbers travel as float64 beside the pose, so they must be exact there."""


@dataclass(frozen=True, slots=True)
class PoseSample:
    """Where the head pointed at one moment, and how fast it turned.

    Parameters: `time_s` host monotonic seconds of the moment itself; `quat_world_from_head` (w, x, y, z),
    normalised here; `gyro_rad_s` angular velocity in the head's own axes (x front, y left, z up), or None
    where it is not known; `seq` rises by one per sample of a source. Raises BridgeError for a non-finite
    number or a quaternion whose length is outside 0.5..2. Any thread.
    """

    time_s: float
    quat_world_from_head: tuple[float, float, float, float]
    gyro_rad_s: tuple[float, float, float] | None = None
    seq: int = 0

    def __post_init__(self) -> None:
        w, x, y, z = (float(part) for part in self.quat_world_from_head)
        gyro = None
        if self.gyro_rad_s is not None:
            gyro = (float(self.gyro_rad_s[0]), float(self.gyro_rad_s[1]), float(self.gyro_rad_s[2]))
        if not all(map(isfinite, (self.time_s, w, x, y, z, *(gyro or ())))):
            raise BridgeError(f"pose {self.seq} holds a number that is not finite: drop the sample.")
        norm = sqrt(fsum((w * w, x * x, y * y, z * z)))
        if not NORM_RANGE[0] <= norm <= NORM_RANGE[1]:
            raise BridgeError(f"pose {self.seq}: quaternion length {norm:.3g}, expected 1: drop the sample.")
        if not 0 <= self.seq <= MAX_SEQ:
            raise BridgeError(f"pose sequence number {self.seq}: allowed are 0 to {MAX_SEQ}.")
        object.__setattr__(self, "time_s", float(self.time_s))
        object.__setattr__(self, "quat_world_from_head", (w / norm, x / norm, y / norm, z / norm))
        object.__setattr__(self, "gyro_rad_s", gyro)

    def yaw_pitch_roll_deg(self) -> tuple[float, float, float]:
        """Return yaw (+ left), pitch (+ up) and roll (+ right ear down) in degrees."""
        yaw, pitch, roll = to_yaw_pitch_roll_deg(self.quat_world_from_head)
        return float(yaw), float(pitch), float(roll)
