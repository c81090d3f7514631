"""Unit quaternions one at a time, as plain floats: a stream has microseconds per pose, numpy takes dozens.

Scalar first, Hamilton, as in `quaternion.py`, which says the same for arrays and is the reference. Tuples in,
tuples out; any thread.
"""

from math import acos, atan2, cos, sin, sqrt

from firmware_bridge.messages import Quat, Vec3

IDENTITY: Quat = (1.0, 0.0, 0.0, 0.0)


def multiply(a: Quat, b: Quat) -> Quat:
    """Return the Hamilton product a b: first b turns, then a."""
    aw, ax, ay, az = a
    bw, bx, by, bz = b
    return (
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


def conjugate(q: Quat) -> Quat:
    """Return the inverse turn."""
    return (q[0], -q[1], -q[2], -q[3])


def normalise(q: Quat) -> Quat:
    """Return q at length one; raises ZeroDivisionError for a zero quaternion."""
    w, x, y, z = q
    scale = 1.0 / sqrt(w * w + x * x + y * y + z * z)
    return (w * scale, x * scale, y * scale, z * scale)


def rotate(q: Quat, vector: Vec3) -> Vec3:
    """Return q v q*."""
    w, x, y, z = q
    vx, vy, vz = vector
    tx, ty, tz = 2.0 * (y * vz - z * vy), 2.0 * (z * vx - x * vz), 2.0 * (x * vy - y * vx)
    return (
        vx + w * tx + y * tz - z * ty,
        vy + w * ty + z * tx - x * tz,
        vz + w * tz + x * ty - y * tx,
    )


def angle_rad(a: Quat, b: Quat) -> float:
    """Return the angle between two poses, 0 to pi."""
    w, x, y, z = multiply(conjugate(a), b)
    return 2.0 * atan2(sqrt(x * x + y * y + z * z), abs(w))


def heading_rad(q: Quat) -> float:
    """Return the yaw of a head, + to the left, in ±pi."""
    w, x, y, z = q
    return atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))


def about_vertical(angle: float) -> Quat:
    """Return the turn by so many radians to the left."""
    return (cos(0.5 * angle), 0.0, 0.0, sin(0.5 * angle))


def slerp(a: Quat, b: Quat, fraction: float) -> Quat:
    """Return the turn a fraction of the short way from a to b."""
    cosine = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]
    sign = 1.0 if cosine >= 0.0 else -1.0
    angle = acos(min(abs(cosine), 1.0))
    # Below a microradian the sines cancel; there the straight line is the arc.
    if angle < 1e-6:
        weight_a, weight_b = 1.0 - fraction, fraction
    else:
        sine = sin(angle)
        weight_a, weight_b = sin((1.0 - fraction) * angle) / sine, sin(fraction * angle) / sine
    weight_b *= sign
    return normalise(
        (
            weight_a * a[0] + weight_b * b[0],
            weight_a * a[1] + weight_b * b[1],
            weight_a * a[2] + weight_b * b[2],
            weight_a * a[3] + weight_b * b[3],
        )
    )


def smooth(fraction: float) -> float:
    """Return the smoothstep of a fraction, held at 0 and 1: a move that starts and stops without a jerk."""
    u = min(max(fraction, 0.0), 1.0)
    return u * u * (3.0 - 2.0 * u)
