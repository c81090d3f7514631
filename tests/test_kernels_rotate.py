"""The rotation kernel against the exact, independent rotation of `ambisonics`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rt_render.ambisonics.rotation import head_field_rotation
from rt_render.conventions import MAX_ORDER, n_sh
from rt_render.kernels.rotate import (
    MATRIX_FLOATS,
    SCRATCH_FLOATS,
    apply_ramp_rt,
    build_matrix_rt,
    matrix_tables,
)

TABLES = matrix_tables()
EPS = np.finfo(np.float32).eps


def rotate(x, order, start, end):
    """Rotate frames along a linear ramp between the matrices of two quaternions."""
    matrices = np.zeros((3, MATRIX_FLOATS), np.float32)
    scratch = np.zeros(SCRATCH_FLOATS, np.float32)
    for matrix, q in zip(matrices, (start, end), strict=False):
        build_matrix_rt(matrix.ctypes.data, scratch.ctypes.data, TABLES.ctypes.data, order, *q)
    out = np.zeros((len(x) + 1, n_sh(order) + 16), np.float32)
    apply_ramp_rt(
        out.ctypes.data,
        4 * out.shape[1],
        matrices[0].ctypes.data,
        matrices[1].ctypes.data,
        matrices[2].ctypes.data,
        x.ctypes.data,
        4 * x.shape[1],
        order,
        len(x),
    )
    return out[: len(x), : n_sh(order)]


components = st.floats(-1, 1, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, MAX_ORDER),
    st.tuples(components, components, components, components).filter(lambda q: np.linalg.norm(q) > 1e-3),
)
def test_matrix_is_the_exact_rotation_of_the_field(order, q):
    q = np.array(q) / np.linalg.norm(q)
    x = np.random.default_rng(1).standard_normal((8, n_sh(order))).astype(np.float32)
    expected = x @ head_field_rotation(order, q).T
    assert np.abs(rotate(x, order, q, q) - expected).max() < 8 * (order + 1) * EPS * np.abs(expected).max()


@pytest.mark.parametrize("q", [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1), (0.5, 0.5, 0.5, 0.5)])
def test_special_rotations_are_exact_to_rounding(q):
    x = np.random.default_rng(1).standard_normal((4, 64)).astype(np.float32)
    expected = x @ head_field_rotation(7, q).T
    assert np.abs(rotate(x, 7, q, q) - expected).max() < 64 * EPS * np.abs(expected).max()


def test_ramp_goes_linearly_from_start_to_end():
    rng = np.random.default_rng(3)
    a, b = (q / np.linalg.norm(q) for q in rng.standard_normal((2, 4)))
    x = rng.standard_normal((32, 36)).astype(np.float32)
    start, end = head_field_rotation(5, a), head_field_rotation(5, b)
    expected = np.stack([(start + (end - start) * s / 32) @ frame for s, frame in enumerate(x)])
    assert np.abs(rotate(x, 5, a, b) - expected).max() < 64 * EPS * np.abs(expected).max()
