"""Small rotations as the audio thread needs them: float64 quaternions (w, x, y, z), Hamilton; arrays or slices."""

import math

from rt_render.kernels.jit import rt_jit


@rt_jit
def step_between_rt(a, b, n_steps, out):
    """Write the small rotation that, applied n times from the right, leads from a to b the short way.

    `a`, `b`, `out`: float64 quaternions (w, x, y, z); slerp of Shoemake 1985. Audio thread.
    """
    w = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]
    x = a[0] * b[1] - a[1] * b[0] - a[2] * b[3] + a[3] * b[2]
    y = a[0] * b[2] + a[1] * b[3] - a[2] * b[0] - a[3] * b[1]
    z = a[0] * b[3] - a[1] * b[2] + a[2] * b[1] - a[3] * b[0]
    if w < 0.0:
        w, x, y, z = -w, -x, -y, -z
    size = math.sqrt(x * x + y * y + z * z)
    if size < 1e-14:
        out[0], out[1], out[2], out[3] = 1.0, 0.0, 0.0, 0.0
    else:
        half_angle = math.atan2(size, w) / n_steps
        s = math.sin(half_angle) / size
        out[0], out[1], out[2], out[3] = math.cos(half_angle), x * s, y * s, z * s


@rt_jit
def advance_rt(q, step):
    """Turn q by a small rotation, in place, and keep it unit."""
    w = q[0] * step[0] - q[1] * step[1] - q[2] * step[2] - q[3] * step[3]
    x = q[0] * step[1] + q[1] * step[0] + q[2] * step[3] - q[3] * step[2]
    y = q[0] * step[2] - q[1] * step[3] + q[2] * step[0] + q[3] * step[1]
    z = q[0] * step[3] + q[1] * step[2] - q[2] * step[1] + q[3] * step[0]
    s = 1.0 / math.sqrt(w * w + x * x + y * y + z * z)
    q[0], q[1], q[2], q[3] = w * s, x * s, y * s, z * s


@rt_jit
def turn_between_rt(a, b, out):
    """Write the rotation vector (rad, axes of a) that leads from a to b the short way."""
    w = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]
    x = a[0] * b[1] - a[1] * b[0] - a[2] * b[3] + a[3] * b[2]
    y = a[0] * b[2] + a[1] * b[3] - a[2] * b[0] - a[3] * b[1]
    z = a[0] * b[3] - a[1] * b[2] + a[2] * b[1] - a[3] * b[0]
    sign = -1.0 if w < 0.0 else 1.0
    size = math.sqrt(x * x + y * y + z * z)
    s = 2.0 * sign
    if size > 1e-9:
        s *= math.atan2(size, sign * w) / size
    out[0], out[1], out[2] = x * s, y * s, z * s


@rt_jit
def turn_by_rt(q, turn, fraction):
    """Turn q, in place, by a fraction of a rotation vector (rad) in its own axes, and keep it unit."""
    size = math.sqrt(turn[0] * turn[0] + turn[1] * turn[1] + turn[2] * turn[2])
    half_angle = 0.5 * fraction * size
    s = math.sin(half_angle) / size if size > 1e-9 else 0.5 * fraction
    advance_rt(q, (math.cos(half_angle), turn[0] * s, turn[1] * s, turn[2] * s))
