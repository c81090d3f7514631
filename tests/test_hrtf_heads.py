"""Heads and HRIR sets: what they hold, and the identities of weights, look-up, rate and length."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import fftconvolve

from rt_render.ambisonics.harmonics import spherical_to_cartesian
from rt_render.hrtf.bands import erb_centres_hz, erb_number, gammatone_power
from rt_render.hrtf.equalise import diffuse_field_equalised
from rt_render.hrtf.heads import HEAD_NAMES, built_in_head, kemar, sphere_head, sphere_response
from rt_render.hrtf.hrir_set import HrirSet, sphere_weights


def random_set(n_dirs=60, n_taps=40, seed=1) -> HrirSet:
    rng = np.random.default_rng(seed)
    return HrirSet(
        "random",
        rng.standard_normal((n_dirs, 2, n_taps)),
        rng.uniform(-np.pi, np.pi, n_dirs),
        np.arcsin(rng.uniform(-1, 1, n_dirs)),
        48000.0,
    )


def test_kemar_is_the_mit_measurement():
    slab = pytest.importorskip("slab")
    measured = slab.HRTF.kemar()
    theirs = np.stack([np.asarray(fir.data) for fir in measured.data]).transpose(0, 2, 1)
    assert np.array_equal(kemar().hrirs, theirs)
    assert (kemar().n_dirs, kemar().n_taps, kemar().fs_hz) == (710, 512, 44100.0)


def test_kemar_hears_the_left_with_its_left_ear_first_and_loudest():
    head = kemar()
    left = head.hrirs[head.nearest(np.pi / 2, 0.0)]
    assert np.argmax(np.abs(left[0])) + 25 < np.argmax(np.abs(left[1]))
    assert np.sum(left[0] ** 2) > 10 * np.sum(left[1] ** 2)


@pytest.mark.parametrize("name", HEAD_NAMES)
def test_built_in_heads_are_exactly_mirror_symmetric_at_any_rate(name):
    head = built_in_head(name, 48000.0).resampled(48000.0)
    assert head.fs_hz == 48000.0
    assert head.mirror is not None
    assert np.array_equal(head.mirror[head.mirror], np.arange(head.n_dirs))


def test_a_head_with_one_changed_filter_is_not_called_symmetric():
    head = random_set()
    assert head.mirror is None
    bent = kemar().hrirs.copy()
    bent[3, 1, 60] += 1e-3
    assert replace(kemar(), hrirs=bent).mirror is None


def test_an_unknown_head_is_refused():
    with pytest.raises(ValueError, match="kemar, kemar-df, sphere"):
        built_in_head("ku100", 48000.0)
    with pytest.raises(ValueError, match=r"0\.03"):
        sphere_head(radius_m=1.0)


def test_the_sphere_response_has_its_known_limits():
    low = sphere_response(np.array([1.0, 0.0, -1.0]), np.array([0.0, 1e-2]))
    assert np.allclose(np.abs(low), 1.0, atol=1e-2)
    high = sphere_response(np.array([1.0]), np.linspace(0.0, 60.0, 61))
    assert abs(abs(high[0, -1]) - 2.0) < 0.02  # a rigid wall doubles the pressure
    # First order in ka: the phase leads by 1.5 ka cos(angle), Duda and Martens' low-frequency delay.
    phase = np.angle(sphere_response(np.array([1.0, -1.0]), np.array([0.0, 0.05]))[:, 1])
    assert np.allclose(phase, [0.075, -0.075], rtol=0.02)


def test_the_sphere_delays_as_woodworth_says():
    head = sphere_head(radius_m=0.0875)
    ears = head.hrirs[head.nearest(np.pi / 2, 0.0)]
    onset = [np.argmax(np.abs(ear) > 0.2 * np.abs(ear).max()) for ear in ears]
    woodworth_s = 0.0875 / 343.0 * (np.pi / 2 + 1)
    assert abs((onset[1] - onset[0]) / 48000.0 - woodworth_s) < 60e-6


def test_weights_of_a_known_solid_are_equal_and_sum_to_one():
    octahedron = np.concatenate([np.eye(3), -np.eye(3)])
    assert np.allclose(sphere_weights(octahedron), 1 / 6)


def test_weights_integrate_polynomials_over_the_measured_sphere():
    head = sphere_head()
    x, y, z = head.unit_vectors.T
    assert np.allclose([head.weights @ v**2 for v in (x, y, z)], 1 / 3, atol=2e-3)
    assert abs(head.weights @ (x * y)) < 1e-6


def test_directions_measured_twice_share_their_weight():
    head = random_set()
    vectors = head.unit_vectors
    doubled = sphere_weights(np.concatenate([vectors, vectors[:7]]))
    assert np.allclose(doubled[:7] + doubled[60:], head.weights[:7])
    assert np.allclose(doubled[7:60], head.weights[7:])


def test_weights_exist_for_hemispheres_rings_and_few_points():
    rng = np.random.default_rng(2)
    upper = spherical_to_cartesian(rng.uniform(-3, 3, 200), np.arcsin(rng.uniform(0, 1, 200)))
    ring = spherical_to_cartesian(np.linspace(0, 6, 50), np.zeros(50))
    for vectors in (upper, ring, ring[:2]):
        weights = sphere_weights(vectors)
        assert np.isclose(weights.sum(), 1.0) and np.all(weights > 0)


def test_nearest_finds_what_a_search_over_all_finds():
    head = random_set()
    rng = np.random.default_rng(3)
    azimuth, elevation = rng.uniform(-9, 9, (4, 5)), rng.uniform(-1.5, 1.5, (4, 5))
    wanted = spherical_to_cartesian(azimuth, elevation)
    slow = np.argmax(np.einsum("abk,dk->abd", wanted, head.unit_vectors), axis=2)
    assert np.array_equal(head.nearest(azimuth, elevation), slow)


def test_resampling_keeps_the_frequency_response():
    rng = np.random.default_rng(4)
    low = fftconvolve(rng.standard_normal((3, 2, 60)), np.hanning(40)[None, None], axes=2)
    quiet_ends = np.pad(low, ((0, 0), (0, 0), (100, 100)))
    head = replace(random_set(3), hrirs=quiet_ends, fs_hz=44100.0)
    frequency_hz = np.linspace(100, 15000, 50)

    def response(hrirs, fs_hz):
        time_s = np.arange(hrirs.shape[2]) / fs_hz
        return hrirs @ np.exp(-2j * np.pi * frequency_hz * time_s[:, None])

    before = response(head.hrirs, 44100.0)
    for fs_hz in (48000.0, 96000.0, 32000.0):
        error = np.abs(response(head.resampled(fs_hz).hrirs, fs_hz) - before)[..., frequency_hz < 14000]
        assert error.max() < 1e-4 * np.abs(before).max()
    assert head.resampled(44100.0) is head


def test_truncation_fades_and_leaves_short_sets_alone():
    head = random_set(n_taps=100)
    cut = head.truncated(60, fade_taps=20)
    assert np.array_equal(cut.hrirs[:, :, :40], head.hrirs[:, :, :40])
    assert np.all(np.abs(cut.hrirs[:, :, -1]) < 0.01 * np.abs(head.hrirs).max())
    assert head.truncated(100) is head


def test_the_content_hash_follows_content_and_not_the_name():
    head = random_set()
    assert replace(head, name="other").content_hash == head.content_hash
    assert replace(head, fs_hz=44100.0).content_hash != head.content_hash
    assert replace(head, hrirs=head.hrirs * 1.0000001).content_hash != head.content_hash
    assert replace(head, azimuth_rad=-head.azimuth_rad).content_hash != head.content_hash


def test_bands_are_one_erb_apart_and_weigh_to_one():
    centres = erb_centres_hz(200.0, 16000.0)
    assert np.allclose(np.diff(erb_number(centres)), 1.0)
    assert centres[0] == pytest.approx(200.0) and centres[-1] <= 16000.0
    frequency_hz = np.fft.rfftfreq(1024, 1 / 48000)
    weights = gammatone_power(frequency_hz, centres)
    assert np.allclose(weights.sum(axis=1), 1.0)
    assert np.all(np.abs(frequency_hz[np.argmax(weights, axis=1)] - centres) < 24)


def test_the_diffuse_field_equaliser_flattens_the_mean_and_keeps_every_difference():
    raw, flat = kemar(), diffuse_field_equalised(kemar())
    spectra = [np.abs(np.fft.rfft(head.hrirs, 2048)) for head in (raw, flat)]
    frequency_hz = np.fft.rfftfreq(2048, 1 / 44100)
    mean_db = 10 * np.log10(raw.weights @ np.mean(spectra[1] ** 2, axis=1))
    heard = (frequency_hz > 150) & (frequency_hz < 14000)
    assert np.ptp(mean_db[heard]) < 4.0
    difference_db = [20 * np.log10(s[:, 0, heard] / s[:, 1, heard]) for s in spectra]
    assert np.abs(difference_db[0] - difference_db[1]).max() < 1e-6
    assert flat.mirror is not None
