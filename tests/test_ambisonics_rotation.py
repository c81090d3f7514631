import numpy as np
import pytest
import spherical

from rt_render.ambisonics.harmonics import cartesian_to_spherical, real_sh_sn3d
from rt_render.ambisonics.rotation import head_field_rotation, rotation_matrix_from_quat, sh_rotation_matrix
from rt_render.conventions import n_sh


def random_quats(seed, n):
    quats = np.random.default_rng(seed).normal(size=(n, 4))
    return quats / np.linalg.norm(quats, axis=-1, keepdims=True)


def random_directions(seed, n):
    return np.random.default_rng(seed).normal(size=(n, 3))


def encode(order, xyz):
    return real_sh_sn3d(order, *cartesian_to_spherical(xyz))


@pytest.mark.parametrize("order", range(11))
def test_rotating_the_field_equals_encoding_at_the_rotated_direction(order):
    directions = random_directions(1, 40)
    for quat in random_quats(2, 5):
        rotation = rotation_matrix_from_quat(quat)
        rotated = encode(order, directions) @ sh_rotation_matrix(order, rotation).T
        np.testing.assert_allclose(rotated, encode(order, directions @ rotation.T), rtol=0, atol=2e-14)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_quarter_turns_about_the_axes_rotate_the_field_too(axis, degrees):
    quat = np.zeros(4)
    quat[0], quat[1 + axis] = np.cos(np.radians(degrees / 2)), np.sin(np.radians(degrees / 2))
    rotation = rotation_matrix_from_quat(quat)
    directions = random_directions(3, 20)
    rotated = encode(7, directions) @ sh_rotation_matrix(7, rotation).T
    np.testing.assert_allclose(rotated, encode(7, directions @ rotation.T), rtol=0, atol=2e-14)


def test_the_rotation_is_orthogonal_and_composes():
    first, second = (rotation_matrix_from_quat(q) for q in random_quats(4, 2))
    a, b = sh_rotation_matrix(10, first), sh_rotation_matrix(10, second)
    np.testing.assert_allclose(a @ a.T, np.eye(121), rtol=0, atol=2e-14)
    np.testing.assert_allclose(a @ b, sh_rotation_matrix(10, first @ second), rtol=0, atol=2e-14)


def test_degrees_do_not_mix():
    matrix = sh_rotation_matrix(7, rotation_matrix_from_quat(random_quats(5, 1)[0]))
    for degree in range(8):
        matrix[n_sh(degree - 1) : n_sh(degree), n_sh(degree - 1) : n_sh(degree)] = 0.0
    assert not matrix.any()


def test_the_rotation_agrees_with_wigner_d_matrices_of_an_independent_library():
    order = 7
    quat = random_quats(6, 1)[0]
    wigner = spherical.Wigner(order)
    d = wigner.D(quat)
    expected = np.zeros((n_sh(order), n_sh(order)))
    for degree in range(order + 1):
        m = np.arange(-degree, degree + 1)
        complex_block = np.array([[d[wigner.Dindex(degree, i, j)] for j in m] for i in m])
        unitary = real_from_complex(degree)
        block = unitary @ complex_block @ unitary.conj().T
        assert abs(block.imag).max() < 1e-13
        expected[n_sh(degree - 1) : n_sh(degree), n_sh(degree - 1) : n_sh(degree)] = block.real
    matrix = sh_rotation_matrix(order, rotation_matrix_from_quat(quat))
    np.testing.assert_allclose(matrix, expected, rtol=0, atol=1e-12)


def real_from_complex(degree):
    """Unitary map from complex harmonics with Condon-Shortley phase to real ones without, m = -n..n."""
    out = np.zeros((2 * degree + 1, 2 * degree + 1), complex)
    out[degree, degree] = 1.0
    for m in range(1, degree + 1):
        out[degree + m, degree + m] = (-1) ** m / np.sqrt(2)
        out[degree + m, degree - m] = 1 / np.sqrt(2)
        out[degree - m, degree + m] = -1j * (-1) ** m / np.sqrt(2)
        out[degree - m, degree - m] = 1j / np.sqrt(2)
    return out


def test_a_source_ahead_appears_to_the_right_of_a_head_that_looks_left():
    half = np.radians(30.0 / 2)
    ahead = encode(3, [1.0, 0.0, 0.0])
    heard = head_field_rotation(3, [np.cos(half), 0.0, 0.0, np.sin(half)]) @ ahead
    np.testing.assert_allclose(heard, real_sh_sn3d(3, np.radians(-30.0), 0.0), rtol=0, atol=1e-14)


def test_the_head_field_is_the_inverse_of_the_head():
    quat = random_quats(7, 1)[0]
    forward = sh_rotation_matrix(10, rotation_matrix_from_quat(quat))
    np.testing.assert_allclose(head_field_rotation(10, quat) @ forward, np.eye(121), rtol=0, atol=2e-14)


def test_q_and_minus_q_are_the_same_rotation():
    quat = random_quats(8, 1)[0]
    np.testing.assert_array_equal(head_field_rotation(5, quat), head_field_rotation(5, -quat))


@pytest.mark.parametrize("order", [-1, 11])
def test_an_order_out_of_range_is_refused(order):
    with pytest.raises(ValueError, match="0 to 10"):
        sh_rotation_matrix(order, np.eye(3))
