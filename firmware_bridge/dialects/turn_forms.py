"""Turns in other forms than quaternions and angles: rotation vectors and matrices, as plain floats."""

from collections.abc import Sequence
from math import atan2, cos, hypot, sin, sqrt

from firmware_bridge.messages import Quat, Vec3

MAX_MATRIX_ERROR = 0.02
"""How far an element may be from that of the nearest rotation."""


def quat_from_rotation_vector(vector_rad: Vec3) -> Quat:
    """Return the turn by |v| radians about v."""
    x, y, z = vector_rad
    angle = hypot(x, y, z)
    scale = 0.5 if angle < 1e-9 else sin(0.5 * angle) / angle
    return (cos(0.5 * angle), scale * x, scale * y, scale * z)


def rotation_vector_from_quat(quat: Quat) -> Vec3:
    """Return the shortest rotation vector, at most pi long, of a unit quaternion."""
    w, x, y, z = quat if quat[0] >= 0.0 else (-quat[0], -quat[1], -quat[2], -quat[3])
    sine = hypot(x, y, z)
    scale = 2.0 if sine < 1e-12 else 2.0 * atan2(sine, w) / sine
    return (scale * x, scale * y, scale * z)


def matrix_from_quat(quat: Quat) -> tuple[float, ...]:
    """Return the nine elements, row by row, of R with v_world = R v_body."""
    w, x, y, z = quat
    return (
        *(1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)),
        *(2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)),
        *(2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)),
    )


def quat_from_matrix(rows: Sequence[float]) -> Quat | None:
    """Return the unit quaternion of nine elements, row by row; None where they are no rotation.

    Shepperd's method: the largest of the four components is found by its square, the others by division.
    """
    a, b, c, d, e, f, g, h, i = rows
    squares = (1.0 + a + e + i, 1.0 + a - e - i, 1.0 - a + e - i, 1.0 - a - e + i)
    largest = max(squares)
    if not 0.5 < largest < 4.5:
        return None
    match squares.index(largest):
        case 0:
            parts = (largest, h - f, c - g, d - b)
        case 1:
            parts = (h - f, largest, b + d, c + g)
        case 2:
            parts = (c - g, b + d, largest, f + h)
        case _:
            parts = (d - b, c + g, f + h, largest)
    norm = sqrt(sum(part * part for part in parts))
    if not norm < 10.0:
        return None
    quat = (parts[0] / norm, parts[1] / norm, parts[2] / norm, parts[3] / norm)
    error = max(abs(told - exact) for told, exact in zip(rows, matrix_from_quat(quat), strict=True))
    return quat if error <= MAX_MATRIX_ERROR else None
