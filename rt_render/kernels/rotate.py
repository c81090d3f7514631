"""Rotation of an ambisonic field along a quaternion path: exact matrices every 16 frames, ramps between.

The matrix of a rotation is block-diagonal, one block per degree, and its columns are what the kernel works
with: out = sum over channels j of column_j * in_j. A column of degree n has 2n + 1 numbers, padded with
zeros to 4, 8 or 16 lanes.

Ivanic and Ruedenberg 1996, J. Phys. Chem. 100:6342, with the erratum of 1998, 102:9099: their recursion
builds row m of degree l from rows of degree l - 1. All rows of one degree share the factor in the column
index, so a whole row is one vector. The columns of the head's inverse rotation, by which the field turns,
are the rows of the head's rotation: the recursion yields them directly.
"""

import numpy as np

from rt_render.conventions import MAX_ORDER
from rt_render.kernels.jit import rt_jit
from rt_render.kernels.simd import (
    LOAD,
    SPLAT,
    SPLAT_LOAD,
    fma,
    load16,
    load_f32,
    splat16,
    store,
    store_f32,
)

KNOT_FRAMES = 16
"""Frames between exact matrices. A linear ramp over them errs by -92 dB at order 7 and 600 degrees/s."""

# Columns of one matrix, degree by degree; W of degree 0 is always 1 and not stored. Sixteen floats of zeros
# before and after, because rows of the next degree are read with an offset of one lane and 16 wide.
# (arrays, since reading a tuple at a varying index could raise)
_WIDTH = np.array([0, 4, 8, 8, 16, 16, 16, 16])
_MARGIN = 16
_COLUMN_OFFSET = _MARGIN + np.cumsum(np.concatenate([[0], (2 * np.arange(MAX_ORDER) + 1) * _WIDTH[:-1]]))
MATRIX_FLOATS = int(_COLUMN_OFFSET[MAX_ORDER] + (2 * MAX_ORDER + 1) * 16 + 2 * _MARGIN) // 16 * 16
_TERM_STRIDE = 16
SCRATCH_FLOATS = 3 * (2 * MAX_ORDER - 1) * _TERM_STRIDE + 2 * _MARGIN


def _coefficients() -> np.ndarray:
    """Tabulate u, v, w per degree and row without their factor in the column: float32 (8, 15, 3)."""
    table = np.zeros((MAX_ORDER + 1, 2 * MAX_ORDER + 1, 3))
    for n in range(MAX_ORDER + 1):
        for m in range(-n, n + 1):
            size, zero = abs(m), float(m == 0)
            table[n, m + n] = (
                np.sqrt((n + m) * (n - m)),
                0.5 * np.sqrt((1 + zero) * max(n + size - 1, 0) * (n + size)) * (1 - 2 * zero),
                -0.5 * np.sqrt(max(n - size - 1, 0) * (n - size)) * (1 - zero),
            )
    return table.astype(np.float32)


def _column_factors() -> np.ndarray:
    """Tabulate 1 / sqrt(d) per degree and column, 0 in the padding, and the marks of first and last lane.

    float32 (8, 3, 16): factor, factor where the lane is the first, factor where it is the last.
    """
    table = np.zeros((MAX_ORDER + 1, 3, 16))
    for n in range(1, MAX_ORDER + 1):
        for m in range(-n, n + 1):
            d = (n + m) * (n - m) if abs(m) < n else 2 * n * (2 * n - 1)
            table[n, 0, m + n] = 1 / np.sqrt(d)
        table[n, 1, 0] = table[n, 2, 2 * n] = 1.0
    return table.astype(np.float32)


def matrix_tables() -> np.ndarray:
    """Return the constant tables of `build_matrix_rt` as one float32 array (control thread)."""
    return np.concatenate([_coefficients().reshape(-1), _column_factors().reshape(-1)])


_FACTORS = 4 * (MAX_ORDER + 1) * (2 * MAX_ORDER + 1) * 3
_SQRT2 = np.float32(np.sqrt(2.0))


@rt_jit
def build_matrix_rt(matrix, scratch, tables, order, w, x, y, z):
    """Write the columns of the rotation that a head at quaternion (w, x, y, z) applies to the field.

    `matrix`: address of MATRIX_FLOATS floats, margins zero; `scratch`: SCRATCH_FLOATS; `tables`: address of
    `matrix_tables()`. The quaternion is unit, `quat_world_from_head`. Audio thread.
    """
    # rows of the head's rotation in the order y, z, x of degree 1
    yy, yz, yx = 1 - 2 * (x * x + z * z), 2 * (y * z - w * x), 2 * (x * y + w * z)
    zy, zz, zx = 2 * (y * z + w * x), 1 - 2 * (x * x + y * y), 2 * (x * z - w * y)
    xy, xz, xx = 2 * (x * y - w * z), 2 * (x * z + w * y), 1 - 2 * (y * y + z * z)
    first = matrix + 4 * _COLUMN_OFFSET[1]
    store_f32(first, np.float32(yy))
    store_f32(first + 4, np.float32(yz))
    store_f32(first + 8, np.float32(yx))
    store_f32(first + 16, np.float32(zy))
    store_f32(first + 20, np.float32(zz))
    store_f32(first + 24, np.float32(zx))
    store_f32(first + 32, np.float32(xy))
    store_f32(first + 36, np.float32(xz))
    store_f32(first + 40, np.float32(xx))

    # P(i, a) of the paper for i = -1, 0, 1 (y, z, x) and all rows a of the degree below
    terms = scratch + 4 * _MARGIN
    for n in range(2, order + 1):
        below = matrix + 4 * _COLUMN_OFFSET[n - 1]
        stride = 4 * _WIDTH[n - 1]
        factors = tables + _FACTORS + n * 3 * 64
        factor, at_first, at_last = load16(factors), load16(factors + 64), load16(factors + 128)
        n_below = 2 * n - 1
        plane = n_below * 4 * _TERM_STRIDE
        for a in range(n_below):
            row = below + a * stride
            low, high = load_f32(row), load_f32(row + 4 * (n_below - 1))
            inner = load16(row - 4)
            term = terms + a * 4 * _TERM_STRIDE
            # Lanes beyond the row's own carry its neighbours: finite, and `factor` is zero there; the
            # first and last lanes read the padding, which is zero.
            for i in range(3):
                if i == 0:
                    ry, rz, rx = np.float32(yy), np.float32(yz), np.float32(yx)
                elif i == 1:
                    ry, rz, rx = np.float32(zy), np.float32(zz), np.float32(zx)
                else:
                    ry, rz, rx = np.float32(xy), np.float32(xz), np.float32(xx)
                ends = splat16(rx * high - ry * low) * at_last
                ends = fma(splat16(rx * low + ry * high), at_first, ends)
                store(term + i * plane, fma(inner, splat16(rz), ends))
        column = matrix + 4 * _COLUMN_OFFSET[n]
        uvw = tables + n * (2 * MAX_ORDER + 1) * 12
        minus, plus = terms, terms + 2 * plane
        centre = n - 1
        for m in range(-n, n + 1):
            u, v, ww = load_f32(uvw), load_f32(uvw + 4), load_f32(uvw + 8)
            total = splat16(np.float32(0.0))
            if -n < m < n:
                total = splat16(u) * load16(terms + plane + (m + centre) * 64)
            if m == 0:
                total = fma(splat16(v), load16(plus + (1 + centre) * 64), total)
                total = fma(splat16(v), load16(minus + (centre - 1) * 64), total)
            elif m > 0:
                up = v * _SQRT2 if m == 1 else v
                total = fma(splat16(up), load16(plus + (m - 1 + centre) * 64), total)
                if m > 1:
                    total = fma(splat16(-v), load16(minus + (1 - m + centre) * 64), total)
                if m < n - 1:
                    total = fma(splat16(ww), load16(plus + (m + 1 + centre) * 64), total)
                    total = fma(splat16(ww), load16(minus + (-m - 1 + centre) * 64), total)
            else:
                if m < -1:
                    total = fma(splat16(v), load16(plus + (m + 1 + centre) * 64), total)
                up = v * _SQRT2 if m == -1 else v
                total = fma(splat16(up), load16(minus + (-m - 1 + centre) * 64), total)
                if m > 1 - n:
                    total = fma(splat16(ww), load16(plus + (m - 1 + centre) * 64), total)
                    total = fma(splat16(-ww), load16(minus + (1 - m + centre) * 64), total)
            # Rows are written upwards, 16 wide: what spills over a narrower row is zero or overwritten.
            store(column, total * factor)
            column += 4 * _WIDTH[n]
            uvw += 12


def _make_apply(width):
    load, splat, splat_load = LOAD[width], SPLAT[width], SPLAT_LOAD[width]

    @rt_jit
    def apply(out, out_stride, matrix, step, source, source_stride, n_columns, n_frames):
        """out[s] = (M + s * D) in[s] for one degree; `matrix`, `step`: columns of M and D."""
        zero = splat(np.float32(0.0))
        for s in range(0, n_frames, 4):
            a0 = a1 = a2 = a3 = zero
            b0 = b1 = b2 = b3 = zero
            m, d = matrix, step
            x = source
            for _ in range(n_columns):
                column, slope = load(m), load(d)
                x0, x1 = splat_load(x), splat_load(x + source_stride)
                x2, x3 = splat_load(x + 2 * source_stride), splat_load(x + 3 * source_stride)
                a0, b0 = fma(column, x0, a0), fma(slope, x0, b0)
                a1, b1 = fma(column, x1, a1), fma(slope, x1, b1)
                a2, b2 = fma(column, x2, a2), fma(slope, x2, b2)
                a3, b3 = fma(column, x3, a3), fma(slope, x3, b3)
                m += 4 * width
                d += 4 * width
                x += 4
            store(out, fma(b0, splat(np.float32(s)), a0))
            store(out + out_stride, fma(b1, splat(np.float32(s + 1)), a1))
            store(out + 2 * out_stride, fma(b2, splat(np.float32(s + 2)), a2))
            store(out + 3 * out_stride, fma(b3, splat(np.float32(s + 3)), a3))
            out += 4 * out_stride
            source += 4 * source_stride

    return apply


_apply_4, _apply_8, _apply_16 = _make_apply(4), _make_apply(8), _make_apply(16)


@rt_jit
def apply_ramp_rt(out, out_stride, start, end, step, source, source_stride, order, n_frames):
    """Rotate frames by a matrix that goes linearly from `start` to `end`; frame 0 uses `start` itself.

    `out`, `source`: addresses of rows of ACN channels, `*_stride` bytes apart; rows of `out` have room for
    16 floats behind the last channel. `step`: room for a matrix. Audio thread.
    """
    slope = splat16(np.float32(1.0 / n_frames))
    used = 4 * (_COLUMN_OFFSET[order] + (2 * order + 1) * _WIDTH[order])
    for o in range(0, used, 64):
        store(step + o, (load16(end + o) - load16(start + o)) * slope)
    for s in range(n_frames):
        store_f32(out + s * out_stride, load_f32(source + s * source_stride))
    for n in range(1, order + 1):
        # Degrees in rising order: the zeros that a padded column writes behind its own are overwritten.
        channels = 4 * n * n
        columns = 4 * _COLUMN_OFFSET[n]
        if n == 1:
            _apply_4(
                out + channels,
                out_stride,
                start + columns,
                step + columns,
                source + channels,
                source_stride,
                2 * n + 1,
                n_frames,
            )
        elif n <= 3:
            _apply_8(
                out + channels,
                out_stride,
                start + columns,
                step + columns,
                source + channels,
                source_stride,
                2 * n + 1,
                n_frames,
            )
        else:
            _apply_16(
                out + channels,
                out_stride,
                start + columns,
                step + columns,
                source + channels,
                source_stride,
                2 * n + 1,
                n_frames,
            )
