"""Real spherical harmonics of sixteen directions at once, from their unit vectors, without a trigonometric function.

The azimuthal parts are the real and imaginary parts of (x + iy)^m, which carry the power of the sine; what is left of
the Legendre functions is a polynomial in z, by their recursion in the degree with the SN3D norm worked into it.

Nachbar, Zotter, Deleflie, Sontacchi 2011, "AmbiX", eq. 3-4; Sloan 2013, "Efficient Spherical Harmonic Evaluation".
"""

from math import factorial

import numpy as np

from rt_render.conventions import MAX_ORDER
from rt_render.kernels.jit import rt_jit
from rt_render.kernels.simd import fma, load16, splat16, store


def _norm(n: int, m: int) -> float:
    return float(np.sqrt((2.0 if m else 1.0) * factorial(n - m) / factorial(n + m)))


def _recursion() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tabulate the polynomials of degree m, (8), and the factors of the two degrees below, (8, 8) each; float32."""
    first = np.array([_norm(m, m) * np.prod(np.arange(1.0, 2 * m, 2)) for m in range(MAX_ORDER + 1)])
    below, below_that = np.zeros((2, MAX_ORDER + 1, MAX_ORDER + 1))
    for m in range(MAX_ORDER + 1):
        for n in range(m + 1, MAX_ORDER + 1):
            below[n, m] = (2 * n - 1) / (n - m) * _norm(n, m) / _norm(n - 1, m)
            if n > m + 1:
                below_that[n, m] = -(n + m - 1) / (n - m) * _norm(n, m) / _norm(n - 2, m)
    return first.astype(np.float32), below.astype(np.float32), below_that.astype(np.float32)


_FIRST, _BELOW, _BELOW_THAT = _recursion()


@rt_jit
def harmonics_rt(out, order, x, y, z):
    """Write the harmonics, SN3D, of 16 unit vectors: one row of 16 floats a channel, in ACN order.

    `out`: address of (order + 1)^2 rows; `x`, `y`, `z`: addresses of 16 floats each. Audio thread.
    """
    x, y, z = load16(x), load16(y), load16(z)
    cosine, sine = splat16(np.float32(1.0)), splat16(np.float32(0.0))
    for m in range(order + 1):
        before = splat16(np.float32(0.0))
        now = splat16(_FIRST[m])
        for n in range(m, order + 1):
            if n > m:
                following = fma(z * now, splat16(_BELOW[n, m]), before * splat16(_BELOW_THAT[n, m]))
                before = now
                now = following
            row = out + 64 * (n * n + n)
            store(row + 64 * m, now * cosine)
            if m > 0:
                store(row - 64 * m, now * sine)
        turned = x * cosine - y * sine
        sine = fma(x, sine, y * cosine)
        cosine = turned
