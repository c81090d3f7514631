"""Quaternions, angles and axes of devices, as plain floats: a decoder has microseconds, numpy takes dozens.

Our frame is x front, y left, z up; angles are yaw + left, pitch + up, roll + right ear down. `quaternion.py`
says the same for arrays and is the reference.
"""

from math import asin, atan2, cos, degrees, radians, sin, sqrt

from firmware_bridge.messages import Quat, Vec3

GRAVITY_M_S2 = 9.80665
VERTICAL = 1.0 - 1e-12
"""The sine of a pitch that is taken for 90°: less than a ten-thousandth of a degree from it."""


def unit_quat(w: float, x: float, y: float, z: float, max_norm_error: float = 0.05) -> Quat | None:
    """Return the quaternion at length one, None where its length is further from one than allowed (or NaN)."""
    norm = sqrt(w * w + x * x + y * y + z * z)
    if not abs(norm - 1.0) <= max_norm_error:
        return None
    return (w / norm, x / norm, y / norm, z / norm)


def quat_from_angles_deg(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Quat:
    """Return Rz(yaw) Ry(-pitch) Rx(roll): our angles to our quaternion."""
    yaw, pitch, roll = radians(0.5 * yaw_deg), radians(-0.5 * pitch_deg), radians(0.5 * roll_deg)
    cy, sy, cp, sp, cr, sr = cos(yaw), sin(yaw), cos(pitch), sin(pitch), cos(roll), sin(roll)
    return (
        cy * cp * cr + sy * sp * sr,
        cy * cp * sr - sy * sp * cr,
        cy * sp * cr + sy * cp * sr,
        sy * cp * cr - cy * sp * sr,
    )


def angles_deg_from_quat(quat: Quat) -> Vec3:
    """Return yaw, pitch and roll of a unit quaternion, in our signs."""
    w, x, y, z = quat
    sine = 2.0 * (w * y - z * x)
    if abs(sine) > VERTICAL:
        # Straight up or down yaw and roll are one turn, and both their sines and cosines are nothing but rounding.
        return (degrees(atan2(2.0 * (w * z - x * y), 1.0 - 2.0 * (x * x + z * z))), -90.0 if sine > 0.0 else 90.0, 0.0)
    yaw = atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
    pitch = -asin(sine)
    roll = atan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y))
    return (degrees(yaw), degrees(pitch), degrees(roll))


def quat_from_rfu(quat: Quat) -> Quat:
    """Return in our frame what a device says in x right, y front, z up."""
    w, x, y, z = quat
    return (w, y, -x, z)


def quat_to_rfu(quat: Quat) -> Quat:
    """Undo `quat_from_rfu`."""
    w, x, y, z = quat
    return (w, -y, x, z)


def vec_from_rfu(vec: Vec3) -> Vec3:
    """Return along our axes what a device says along x right, y front, z up."""
    return (vec[1], -vec[0], vec[2])


def vec_to_rfu(vec: Vec3) -> Vec3:
    """Undo `vec_from_rfu`."""
    return (-vec[1], vec[0], vec[2])


def quat_frd(quat: Quat) -> Quat:
    """Return in our frame what a device says in x front, y right, z down; its own inverse."""
    w, x, y, z = quat
    return (w, x, -y, -z)


def vec_frd(vec: Vec3) -> Vec3:
    """Return along our axes what a device says along x front, y right, z down; its own inverse."""
    return (vec[0], -vec[1], -vec[2])
