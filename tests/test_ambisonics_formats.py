import numpy as np
import pytest
from format_tools import fuma, n3d
from scipy.special import sph_harm_y

from rt_render.ambisonics.encoding import encode_plane_wave
from rt_render.ambisonics.harmonics import cartesian_to_spherical, real_sh_sn3d, spherical_to_cartesian
from rt_render.ambisonics.normalisation import order_from_channels, sn3d_from_fuma, sn3d_from_n3d
from rt_render.conventions import acn, n_sh


def random_sphere(seed, n):
    xyz = np.random.default_rng(seed).normal(size=(n, 3))
    return cartesian_to_spherical(xyz)


def test_harmonics_agree_with_scipys_complex_ones_in_n3d():
    azimuth, elevation = random_sphere(1, 200)
    theirs = np.empty((200, n_sh(10)))
    for n in range(11):
        for m in range(-n, n + 1):
            complex_one = sph_harm_y(n, abs(m), np.pi / 2 - elevation, azimuth)
            part = complex_one.imag if m < 0 else complex_one.real
            theirs[:, acn(n, m)] = (-1) ** m * (np.sqrt(2) if m else 1.0) * np.sqrt(4 * np.pi) * part
    np.testing.assert_allclose(sn3d_from_n3d(theirs), real_sh_sn3d(10, azimuth, elevation), rtol=0, atol=1e-13)


def test_the_first_order_is_the_ambix_table_w_y_z_x():
    azimuth, elevation = random_sphere(2, 50)
    x, y, z = spherical_to_cartesian(azimuth, elevation).T
    expected = np.stack([np.ones(50), y, z, x], axis=-1)
    np.testing.assert_allclose(real_sh_sn3d(1, azimuth, elevation), expected, rtol=0, atol=1e-15)


def test_the_second_order_is_the_ambix_table():
    azimuth, elevation = random_sphere(3, 50)
    x, y, z = spherical_to_cartesian(azimuth, elevation).T
    root = np.sqrt(3.0)
    table = [root * x * y, root * y * z, 1.5 * z * z - 0.5, root * x * z, root / 2 * (x * x - y * y)]
    expected = np.stack(table, axis=-1)
    np.testing.assert_allclose(real_sh_sn3d(2, azimuth, elevation)[:, 4:], expected, rtol=0, atol=1e-14)


def test_every_sn3d_degree_has_the_energy_of_w_in_every_direction():
    harmonics = real_sh_sn3d(10, *random_sphere(4, 30))
    for n in range(11):
        energy = np.sum(harmonics[:, n_sh(n - 1) : n_sh(n)] ** 2, axis=-1)
        np.testing.assert_allclose(energy, 1.0, rtol=1e-13)


def test_every_sn3d_degree_has_its_share_of_the_energy_over_the_sphere():
    nodes, weights = np.polynomial.legendre.leggauss(16)
    azimuth = np.arange(32) * np.pi / 16
    harmonics = real_sh_sn3d(7, azimuth[None, :], np.arcsin(nodes)[:, None])
    gram = np.einsum("i,ijk,ijl->kl", weights / 64, harmonics, harmonics)
    degrees = np.floor(np.sqrt(np.arange(64)))
    np.testing.assert_allclose(gram, np.diag(1 / (2 * degrees + 1)), rtol=0, atol=1e-13)


def test_what_others_write_is_the_same_field_on_any_axis():
    field = np.random.default_rng(5).normal(size=(64, 10))
    np.testing.assert_allclose(sn3d_from_n3d(n3d(field.T).T, channel_axis=0), field, rtol=1e-14)
    np.testing.assert_allclose(sn3d_from_fuma(fuma(field[:9].T).T, channel_axis=0), field[:9], rtol=1e-14)


@pytest.mark.parametrize("order", range(4))
def test_fuma_of_any_order_is_read(order):
    field = np.random.default_rng(6).normal(size=(5, n_sh(order)))
    np.testing.assert_allclose(sn3d_from_fuma(fuma(field)), field, rtol=1e-14)


def test_fuma_channels_are_the_published_polynomials():
    azimuth, elevation = random_sphere(7, 50)
    x, y, z = spherical_to_cartesian(azimuth, elevation).T
    table = [np.full(50, np.sqrt(0.5)), x, y, z]
    table += [1.5 * z * z - 0.5, 2 * x * z, 2 * y * z, x * x - y * y, 2 * x * y]
    k = z * (5 * z * z - 3) / 2
    l_m = np.sqrt(135 / 256) * (5 * z * z - 1)
    n_o = np.sqrt(27 / 4) * z
    table += [k, l_m * x, l_m * y, n_o * (x * x - y * y), 2 * n_o * x * y]
    table += [x * (x * x - 3 * y * y), y * (3 * x * x - y * y)]
    read = sn3d_from_fuma(np.stack(table, axis=-1))
    np.testing.assert_allclose(read, real_sh_sn3d(3, azimuth, elevation), rtol=0, atol=1e-14)


def test_conversions_keep_the_sample_type():
    assert sn3d_from_fuma(np.ones((2, 4), np.float32)).dtype == np.float32
    assert sn3d_from_n3d([1, 0, 0, 0]).dtype == np.float64


@pytest.mark.parametrize("n_channels", [0, 2, 3, 5, 15])
def test_a_channel_count_that_is_no_full_sphere_is_refused(n_channels):
    with pytest.raises(ValueError, match="full-sphere"):
        order_from_channels(n_channels)


def test_fuma_beyond_the_third_order_is_refused():
    with pytest.raises(ValueError, match="order 3"):
        sn3d_from_fuma(np.zeros((1, 25)))


def test_a_moving_plane_wave_is_encoded_at_the_direction_of_each_frame():
    signal, azimuth = np.array([1.0, -2.0]), np.array([0.1, 1.3])
    field = encode_plane_wave(signal, 3, azimuth, 0.2)
    np.testing.assert_array_equal(field[:, 0], signal)
    np.testing.assert_allclose(field[1], -2.0 * real_sh_sn3d(3, 1.3, 0.2), rtol=1e-15)
