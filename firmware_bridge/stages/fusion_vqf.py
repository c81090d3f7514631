"""VQF (Laidig, Seel 2023) through its own library: gyro, accelerometer low-passed in an almost inertial frame, bias.

All parameters are the authors' defaults: on four BROAD trials others gained one trial what they cost the next
(tauAcc 2 to 4.5 s: 0.64 to 0.57°, default 0.56°; motion bias sigma 0.05 to 0.2 °/s: 1.9 to 1.6 °/min, default
1.7 °/min). The bias before and after each trial agrees to 0.3 °/min; what is left of the drift comes with the
motion, from the gyro's scale: 0.5 % of it makes 3 °/min.
"""

from math import nan, sqrt

import numpy as np
from vqf import VQF

from firmware_bridge.messages import Quat, Vec3

CARRIED = ("gyrQuat", "accQuat", "delta", "lastAccLp", "bias", "biasP", "kMagInit", "magRefNorm", "magRefDip")
_HALF = sqrt(0.5)


class VqfFilter:
    """Six axes, or nine with `use_mag`: then x of the world points to magnetic north, once such values come.

    Thread: one.
    """

    def __init__(self, use_mag: bool = False) -> None:
        self._use_mag = use_mag
        self._has_mag = False
        self._vqf: VQF | None = None
        self._period_s = 0.0
        self._bias: Vec3 = (0.0, 0.0, 0.0)
        # The library wants whole arrays; these are filled anew each step.
        self._gyro, self._accel, self._mag = np.zeros(3), np.zeros(3), np.zeros(3)

    def start(self, period_s: float) -> None:
        """Begin; the first specific force says where up is."""
        self._vqf, self._period_s = VQF(period_s), period_s

    def change_period(self, period_s: float) -> None:
        """Go on with steps of about `period_s`: orientation, vertical and bias go over to the new filter."""
        assert self._vqf is not None
        known, self._vqf, self._period_s = self._vqf.state, VQF(period_s), period_s
        state, coeffs = self._vqf.state, self._vqf.coeffs
        for name in CARRIED:
            state[name] = known[name]
        b, a = np.array(coeffs["accLpB"]), np.array(coeffs["accLpA"])
        state["accLpState"] = [part for x in known["lastAccLp"] for part in VQF.filterInitialState(x, b, a)]
        self._vqf.state = state

    def after_gap(self) -> None:
        """Average the specific force anew, and let the compass find its heading anew."""
        assert self._vqf is not None
        state = self._vqf.state
        state["accLpState"] = [nan] * 6
        state["kMagInit"] = 1.0
        self._vqf.state = state

    def step(self, gyro_rad_s: Vec3, accel_m_s2: Vec3, mag_ut: Vec3 | None, step_s: float) -> None:
        """Go on by one step: VQF's steps are all alike, so the rate is scaled until the turn is right."""
        assert self._vqf is not None
        (gx, gy, gz), (bx, by, bz), stretch = gyro_rad_s, self._bias, step_s / self._period_s
        self._gyro[:] = bx + stretch * (gx - bx), by + stretch * (gy - by), bz + stretch * (gz - bz)
        self._accel[:] = accel_m_s2
        if mag_ut is None or not self._use_mag:
            self._vqf.update(self._gyro, self._accel)
        else:
            self._has_mag = True
            self._mag[:] = mag_ut
            self._vqf.update(self._gyro, self._accel, self._mag)
        bx, by, bz = self._vqf.getBiasEstimate()[0].tolist()
        self._bias = (bx, by, bz)

    def quat_wxyz(self) -> Quat:
        """Return the unit quaternion, world (z up) from body."""
        assert self._vqf is not None
        if not self._has_mag:
            w, x, y, z = self._vqf.getQuat6D().tolist()
            return (w, x, y, z)
        w, x, y, z = self._vqf.getQuat9D().tolist()
        # VQF's world is x east, y north: a quarter turn back makes x north.
        return (_HALF * (w + z), _HALF * (x + y), _HALF * (y - x), _HALF * (z - w))

    def bias_rad_s(self) -> Vec3:
        """Return the estimate of the gyro's bias."""
        return self._bias

    def at_rest(self) -> bool:
        """Return whether VQF sees rest: rate and specific force hardly moved for 1.5 s."""
        assert self._vqf is not None
        return bool(self._vqf.getRestDetected())
