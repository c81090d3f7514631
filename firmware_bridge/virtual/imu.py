"""An inertial sensor on a moving head, as good or as bad as asked for.

The sensor sits away from the point the head turns about, so it feels the head's turning as acceleration too:
the second difference of its own position. Its axes are the head's.
"""

from dataclasses import dataclass
from math import radians, sqrt
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from firmware_bridge import quaternion
from firmware_bridge.messages import Vec3
from firmware_bridge.quaternion import Array
from firmware_bridge.virtual.device import DeviceState
from firmware_bridge.virtual.simulated_head import HeadState

GRAVITY_M_S2 = 9.80665
GRAVITY = np.array([0.0, 0.0, GRAVITY_M_S2])
DIFFERENCE_S = 1e-3
"""The step of the second difference: 1 ms is far below any head motion, and rounding stays below 1e-9 m/s²."""


class HeadMotion(Protocol):
    """A head whose pose and turning rate can be asked for at any time."""

    def pose_at(self, time_s: ArrayLike) -> HeadState:
        """Return heads and rates at times (...) in seconds from the start."""


@dataclass(frozen=True, slots=True)
class ImuFaults:
    """How far a sensor is from ideal; all zero is ideal. `TYPICAL_IMU` is a consumer part.

    Noise densities are per root hertz; `gyro_walk_rad_s_per_sqrt_s` is how far the bias wanders in one second.
    """

    gyro_noise_rad_s_sqrt_hz: float = 0.0
    accel_noise_m_s2_sqrt_hz: float = 0.0
    mag_noise_ut: float = 0.0
    gyro_bias_rad_s: Vec3 = (0.0, 0.0, 0.0)
    gyro_walk_rad_s_per_sqrt_s: float = 0.0


TYPICAL_IMU = ImuFaults(
    gyro_noise_rad_s_sqrt_hz=radians(0.008),
    accel_noise_m_s2_sqrt_hz=150e-6 * GRAVITY_M_S2,
    mag_noise_ut=0.5,
    gyro_bias_rad_s=(radians(0.4), radians(-0.3), radians(0.5)),
    gyro_walk_rad_s_per_sqrt_s=radians(0.001),
)
"""After the data sheets of LSM6DSOX and ICM-20948, the offset as left by a factory trim."""


@dataclass(frozen=True, slots=True)
class ImuSamples:
    """What a sensor measured at `times_s` (n,): rates, specific forces, fields, all (n, 3) in head axes, and the
    true heads `quats_world_from_head` (n, 4)."""

    times_s: Array
    gyro_rad_s: Array
    accel_m_s2: Array
    mag_ut: Array
    quats_world_from_head: Array


class VirtualImu:
    """Measures a head's motion. Equal seeds and equal times asked give equal noise. Thread: one.

    `lever_arm_m` is where the sensor sits, from the turning point, in head axes; `rate_hz` sets the bandwidth
    of the noise; `mag_world_ut` is the field, its default the one of 63° inclination with x to the north.
    """

    def __init__(
        self,
        motion: HeadMotion,
        lever_arm_m: Vec3 = (0.0, 0.0, 0.12),
        faults: ImuFaults | None = None,
        mag_world_ut: Vec3 = (20.0, 0.0, -40.0),
        rate_hz: float = 200.0,
        seed: int = 0,
    ) -> None:
        self._motion = motion
        self._lever_arm_m = np.array(lever_arm_m)
        self._faults = faults or ImuFaults()
        self._mag_world_ut = np.array(mag_world_ut)
        self._root_bandwidth = sqrt(0.5 * rate_hz)
        self._random = np.random.default_rng(seed)
        self._bias = np.array(self._faults.gyro_bias_rad_s)
        self._last_s: float | None = None

    def measure(self, times_s: ArrayLike) -> ImuSamples:
        """Return what is measured at rising times (n,), later than those of the call before."""
        times = np.asarray(times_s, np.float64)
        head = self._motion.pose_at(times)
        to_head = np.swapaxes(quaternion.rotation_matrix(head.quat_world_from_head), -1, -2)
        force = self._acceleration(times) + GRAVITY
        faults, gauss = self._faults, self._random.standard_normal
        shape = (len(times), 3)
        gyro_noise = faults.gyro_noise_rad_s_sqrt_hz * self._root_bandwidth * gauss(shape)
        accel_noise = faults.accel_noise_m_s2_sqrt_hz * self._root_bandwidth * gauss(shape)
        return ImuSamples(
            times,
            head.gyro_rad_s + self._wander(times, gauss(shape)) + gyro_noise,
            np.einsum("nij,nj->ni", to_head, force) + accel_noise,
            to_head @ self._mag_world_ut + faults.mag_noise_ut * gauss(shape),
            head.quat_world_from_head,
        )

    def state_at(self, time_s: float, seq: int) -> DeviceState:
        """Return what a wearable with this sensor knows at `time_s`, later than at the call before."""
        samples = self.measure([time_s])
        w, x, y, z = samples.quats_world_from_head[0].tolist()
        return DeviceState(
            time_s, seq, (w, x, y, z), _vec(samples.gyro_rad_s), _vec(samples.accel_m_s2), _vec(samples.mag_ut)
        )

    def _acceleration(self, times: Array) -> Array:
        around = np.array([-DIFFERENCE_S, 0.0, DIFFERENCE_S])
        heads = self._motion.pose_at(times[:, None] + around).quat_world_from_head
        places = quaternion.rotation_matrix(heads) @ self._lever_arm_m
        return np.asarray((places[:, 0] - 2.0 * places[:, 1] + places[:, 2]) / DIFFERENCE_S**2)

    def _wander(self, times: Array, gauss: Array) -> Array:
        spans_s = np.diff(times, prepend=times[0] if self._last_s is None else self._last_s)
        steps = self._faults.gyro_walk_rad_s_per_sqrt_s * np.sqrt(np.maximum(spans_s, 0.0))[:, None] * gauss
        path = np.asarray(self._bias + np.cumsum(steps, axis=0))
        self._bias, self._last_s = path[-1], float(times[-1])
        return path


def _vec(rows: Array) -> Vec3:
    x, y, z = rows[0].tolist()
    return (x, y, z)
