"""Exact rotation of an ambisonic field, any order up to 10, in float64.

The matrix is block diagonal, one (2n + 1, 2n + 1) block per degree n, and the same in SN3D and N3D because
the two norms differ only by a factor per degree.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rt_render.conventions import MAX_ORDER_EXACT, n_sh

Array = NDArray[np.float64]

_Y_Z_X = [1, 2, 0]
"""The first-order channels are y, z, x."""


def rotation_matrix_from_quat(quat: ArrayLike) -> Array:
    """Return the (3, 3) matrix R of a unit quaternion (w, x, y, z), scalar first, with v' = R v."""
    w, x, y, z = np.asarray(quat, np.float64)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def sh_rotation_matrix(order: int, rotation_3x3: ArrayLike) -> Array:
    """Return the matrix M that turns a field as R turns its directions: encode(R d) = M encode(d).

    Parameters: `rotation_3x3` (3, 3), proper rotation of vectors (x front, y left, z up). Returns
    (n_sh, n_sh) float64, orthogonal, ACN order, valid in SN3D and N3D. Raises ValueError for an order
    outside 0..10. Any thread; allocates.

    Ivanic, Ruedenberg 1996, J. Phys. Chem. 100, eq. 8.1, tables 1 and 2, with the erratum of 1998
    (J. Phys. Chem. A 102).
    """
    if not 0 <= order <= MAX_ORDER_EXACT:
        raise ValueError(f"ambisonic order {order}: allowed are 0 to {MAX_ORDER_EXACT}")
    first = np.asarray(rotation_3x3, np.float64)[np.ix_(_Y_Z_X, _Y_Z_X)]
    out = np.zeros((n_sh(order), n_sh(order)))
    block = np.ones((1, 1))
    for degree in range(order + 1):
        if degree:
            block = first if degree == 1 else _next_block(degree, first, block)
        channels = slice(n_sh(degree - 1), n_sh(degree))
        out[channels, channels] = block
    return out


def head_field_rotation(order: int, quat_world_from_head: ArrayLike) -> Array:
    """Return the matrix that gives the field as the head hears it from the field of the world.

    The field turns by the inverse of the head: `field_head = M field_world`, so that a source straight
    ahead of a head that looks 30° to the left appears 30° to the right. Parameters: unit quaternion
    (w, x, y, z). Returns (n_sh, n_sh) float64. Raises ValueError as `sh_rotation_matrix`.
    """
    return sh_rotation_matrix(order, rotation_matrix_from_quat(quat_world_from_head).T)


def _next_block(degree: int, first: Array, previous: Array) -> Array:
    """Return the block of a degree, indices m, n in -degree..degree, from that of the degree below."""
    n = np.arange(-degree, degree + 1)
    denominator = np.where(abs(n) == degree, 2 * degree * (2 * degree - 1), (degree + n) * (degree - n))
    block = np.empty((2 * degree + 1, 2 * degree + 1))

    def product(i: int, a: int) -> Array:
        return _row_of_products(degree, first[i + 1], previous[a + degree - 1])

    for m in range(-degree, degree + 1):
        size, sign = abs(m), 1 if m >= 0 else -1
        row = np.zeros(2 * degree + 1)
        if u := np.sqrt((degree + m) * (degree - m)):
            row += u * product(0, m)
        if m == 0:
            v = -0.5 * np.sqrt(2.0 * (degree - 1) * degree)
            row += v * (product(1, 1) + product(-1, -1))
        else:
            v = 0.5 * np.sqrt((degree + size - 1) * (degree + size))
            # Next to the middle one of the two terms is alone, and carries the weight of both.
            if size == 1:
                row += v * np.sqrt(2.0) * product(sign, 0)
            else:
                row += v * (product(1, m - sign) - sign * product(-1, sign - m))
            if w := -0.5 * np.sqrt((degree - size - 1) * (degree - size)):
                row += w * (product(1, m + sign) + sign * product(-1, -m - sign))
        block[m + degree] = row / np.sqrt(denominator)
    return block


def _row_of_products(degree: int, first_row: Array, previous_row: Array) -> Array:
    """Return P of table 2 for one (i, m) and all n: `first_row` holds columns -1, 0, 1."""
    row = np.empty(2 * degree + 1)
    row[1:-1] = first_row[1] * previous_row
    row[0] = first_row[2] * previous_row[0] + first_row[0] * previous_row[-1]
    row[-1] = first_row[2] * previous_row[-1] - first_row[0] * previous_row[0]
    return row
