"""Unit quaternions, scalar first, and the angles people read.

Hamilton product, active: a head quaternion maps head vectors into the world, `v_world = q v_head q*`, in
the frame x front, y left, z up. Angles: yaw + = turn left, pitch + = look up, roll + = right ear down;
degrees. All functions broadcast over leading axes, take and return float64, modify nothing, any thread.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

IDENTITY: Array = np.array([1.0, 0.0, 0.0, 0.0])
"""Looking ahead, level."""
IDENTITY.flags.writeable = False


def multiply(a: ArrayLike, b: ArrayLike) -> Array:
    """Return the Hamilton product a b (..., 4): first b turns, then a."""
    aw, ax, ay, az = np.moveaxis(np.asarray(a, np.float64), -1, 0)
    bw, bx, by, bz = np.moveaxis(np.asarray(b, np.float64), -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def conjugate(q: ArrayLike) -> Array:
    """Return the inverse turn of unit quaternions (..., 4)."""
    return np.asarray(np.asarray(q, np.float64) * [1.0, -1.0, -1.0, -1.0])


def normalise(q: ArrayLike) -> Array:
    """Return q (..., 4) at length one; a zero quaternion gives NaN."""
    q = np.asarray(q, np.float64)
    return np.asarray(q / np.linalg.norm(q, axis=-1, keepdims=True))


def continuous(q: ArrayLike) -> Array:
    """Return the path q (n, 4) with signs flipped so that neighbours never point away from each other."""
    q = np.asarray(q, np.float64)
    flips = np.where(np.sum(q[1:] * q[:-1], axis=-1) < 0.0, -1.0, 1.0)
    return np.asarray(q * np.concatenate([[1.0], np.cumprod(flips)])[:, None])


def slerp(a: ArrayLike, b: ArrayLike, fraction: ArrayLike) -> Array:
    """Return the turn a fraction (...) of the short way from a to b, both (..., 4) unit."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    cosine = np.sum(a * b, axis=-1)
    b = np.where(cosine[..., None] < 0.0, -b, b)
    angle = np.arccos(np.minimum(np.abs(cosine), 1.0))
    t = np.asarray(fraction, np.float64)
    # Below a microradian the sines cancel; there the straight line is the arc.
    small = angle < 1e-6
    sine = np.where(small, 1.0, np.sin(angle))
    weight_a = np.where(small, 1.0 - t, np.sin((1.0 - t) * angle) / sine)
    weight_b = np.where(small, t, np.sin(t * angle) / sine)
    return normalise(weight_a[..., None] * a + weight_b[..., None] * b)


def from_rotation_vector(vector_rad: ArrayLike) -> Array:
    """Return the turn by |v| radians about v, for vectors (..., 3)."""
    vector = np.asarray(vector_rad, np.float64)
    angle = np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.concatenate([np.cos(0.5 * angle), 0.5 * np.sinc(angle / (2.0 * np.pi)) * vector], axis=-1)


def to_rotation_vector(q: ArrayLike) -> Array:
    """Return the shortest rotation vectors (..., 3), at most pi long, of unit quaternions (..., 4)."""
    q = np.asarray(q, np.float64)
    q = np.where(q[..., :1] < 0.0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    half = np.arctan2(sine, q[..., :1])
    return np.asarray(q[..., 1:] * (2.0 * half / np.where(sine < 1e-12, 1.0, sine)))


def from_yaw_pitch_roll_deg(yaw_deg: ArrayLike, pitch_deg: ArrayLike, roll_deg: ArrayLike) -> Array:
    """Return Rz(yaw) Ry(-pitch) Rx(roll) as (..., 4): + is left, up, right ear down."""
    zero = np.zeros(np.broadcast_shapes(np.shape(yaw_deg), np.shape(pitch_deg), np.shape(roll_deg)))
    yaw, pitch, roll = (0.5 * np.radians(np.asarray(a) + zero) for a in (yaw_deg, pitch_deg, roll_deg))
    about_z = np.stack([np.cos(yaw), zero, zero, np.sin(yaw)], axis=-1)
    # A right-handed turn about y (left) points the nose down, hence the minus.
    about_y = np.stack([np.cos(pitch), zero, -np.sin(pitch), zero], axis=-1)
    about_x = np.stack([np.cos(roll), np.sin(roll), zero, zero], axis=-1)
    return multiply(multiply(about_z, about_y), about_x)


def to_yaw_pitch_roll_deg(q: ArrayLike) -> Array:
    """Return (..., 3) yaw, pitch, roll in degrees; yaw and roll in ±180, pitch in ±90."""
    w, x, y, z = np.moveaxis(np.asarray(q, np.float64), -1, 0)
    yaw = np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
    pitch = -np.arcsin(np.clip(2.0 * (w * y - z * x), -1.0, 1.0))
    roll = np.arctan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y))
    return np.asarray(np.degrees(np.stack([yaw, pitch, roll], axis=-1)))


def rotation_matrix(q: ArrayLike) -> Array:
    """Return (..., 3, 3) matrices R with v_world = R v_head."""
    w, x, y, z = np.moveaxis(np.asarray(q, np.float64), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
