"""x-io's Fusion through its own library (`imufusion`): the light alternative, six axes.

The gain is 0.1 and not the library's 0.5, which leaves the vertical to every push of the head; rejection and
the bias at rest are on.
"""

from math import degrees, hypot, radians, sqrt

import imufusion
import numpy as np

from firmware_bridge.messages import Quat, Vec3

GAIN = 0.1
ACCELERATION_REJECTION_DEG, REJECTION_TIMEOUT_S = 10.0, 5.0
STARTUP_GAIN, STARTUP_S = 10.0, 3.0
"""The library's own ramp onto the vertical; done here, for there the heading stands still meanwhile."""
REST_RAD_S, REST_AFTER_S = radians(3.0), 3.0
"""The library's own idea of rest, which it does not tell."""
STANDARD_GRAVITY_M_S2 = 9.80665


class ImufusionFilter:
    """Six axes; the heading begins at 0. Thread: one."""

    def __init__(self) -> None:
        self._ahrs = imufusion.Ahrs()
        self._bias = imufusion.Bias()
        self._offset: Vec3 = (0.0, 0.0, 0.0)
        self._period_s = 0.0
        self._still_s = 0.0
        self._age_s = 0.0
        self._is_upright = False

    def start(self, period_s: float) -> None:
        """Begin; the first specific force says where up is."""
        self.change_period(period_s)
        self._ahrs.skip_startup()

    def change_period(self, period_s: float) -> None:
        """Go on with steps of about `period_s`; all that is known stays."""
        self._period_s = period_s
        self._settle()
        settings = imufusion.BiasSettings()
        settings.sample_rate = 1.0 / period_s
        settings.stationary_threshold = degrees(REST_RAD_S)
        settings.stationary_period = REST_AFTER_S
        self._bias.set_settings(settings)

    def after_gap(self) -> None:
        """Ramp onto the vertical anew; the heading stays."""
        self._age_s = 0.0

    def step(self, gyro_rad_s: Vec3, accel_m_s2: Vec3, mag_ut: Vec3 | None, step_s: float) -> None:
        """Go on by one step of its true length; the first one stands upright at once."""
        if not self._is_upright:
            self._ahrs.set_quaternion(np.array(_upright(accel_m_s2)))
            self._is_upright = True
        if self._age_s < STARTUP_S:
            self._settle()
            self._age_s += step_s
        gyro_deg_s = self._bias.update(np.degrees(gyro_rad_s))
        ox, oy, oz = self._bias.get_offset().tolist()
        self._offset = (radians(ox), radians(oy), radians(oz))
        self._ahrs.set_sample_period(step_s)
        self._ahrs.update_no_magnetometer(gyro_deg_s, np.array(accel_m_s2) / STANDARD_GRAVITY_M_S2)
        gx, gy, gz = gyro_rad_s
        turning = max(abs(gx - self._offset[0]), abs(gy - self._offset[1]), abs(gz - self._offset[2])) > REST_RAD_S
        self._still_s = 0.0 if turning else self._still_s + step_s

    def _settle(self) -> None:
        done = self._age_s + self._period_s >= STARTUP_S
        settings = imufusion.AhrsSettings()
        settings.convention = imufusion.CONVENTION_NWU
        settings.gain = GAIN if done else STARTUP_GAIN + (GAIN - STARTUP_GAIN) * self._age_s / STARTUP_S
        # Nothing can be rejected before the vertical is found.
        settings.acceleration_rejection = ACCELERATION_REJECTION_DEG if done else 0.0
        settings.rejection_timeout = REJECTION_TIMEOUT_S
        settings.sample_rate = 1.0 / self._period_s
        self._ahrs.set_settings(settings)

    def quat_wxyz(self) -> Quat:
        """Return the unit quaternion, world (z up) from body."""
        w, x, y, z = self._ahrs.get_quaternion().tolist()
        # The library reckons in single precision.
        norm = sqrt(w * w + x * x + y * y + z * z)
        return (w / norm, x / norm, y / norm, z / norm)

    def bias_rad_s(self) -> Vec3:
        """Return the estimate of the gyro's bias, found at rest."""
        return self._offset

    def at_rest(self) -> bool:
        """Return whether the gyro was quiet for 3 s."""
        return self._still_s >= REST_AFTER_S


def _upright(accel: Vec3) -> Quat:
    """Return the shortest turn that points the specific force up."""
    ax, ay, az = accel
    length = hypot(ax, ay, az)
    if length + az < 1e-6 * length:
        return (0.0, 1.0, 0.0, 0.0)
    w, x, y = length + az, ay, -ax
    norm = hypot(w, x, y)
    return (w / norm, x / norm, y / norm, 0.0) if norm > 0.0 else (1.0, 0.0, 0.0, 0.0)
