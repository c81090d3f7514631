"""The scene's sounds: right pitch and slope, no steps at their ends, nothing above the band."""

import numpy as np
import pytest

from rt_render.scene import sounds


@pytest.mark.parametrize("fs_hz", [44100, 96000])
@pytest.mark.parametrize("make", [sounds.pluck, sounds.bell, sounds.wood, sounds.drop])
def test_one_shots_peak_at_one_and_end_in_silence(make, fs_hz):
    sound = make(fs_hz, 880.0)
    assert sound.dtype == np.float32 and np.abs(sound).max() == pytest.approx(1.0)
    assert abs(sound[0]) < 1e-3 and abs(sound[-1]) < 1e-6


@pytest.mark.parametrize("f_hz", [110.0, 440.0, 987.8])
def test_a_pluck_has_its_pitch(f_hz):
    sound = sounds.pluck(48000, f_hz)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 2**18))
    low = spectrum[: int(1.5 * f_hz * 2**18 / 48000)]
    assert np.argmax(low) * 48000 / 2**18 == pytest.approx(f_hz, rel=0.01)


def test_partials_above_the_band_are_left_out():
    spectrum = np.abs(np.fft.rfft(sounds.bell(8000, 1500.0)))
    assert spectrum[: int(0.45 * len(spectrum))].max() > 100 * spectrum[int(0.9 * len(spectrum)) :].max()


def test_a_noise_loop_has_no_seam_and_the_slope_asked_for():
    loop = sounds.noise_loop(48000, 96000, 3, low_hz=50.0, high_hz=15000.0, slope=1.0)
    assert np.sqrt(np.mean(loop**2)) == pytest.approx(1.0, rel=1e-5)
    power = np.abs(np.fft.rfft(loop)) ** 2
    octaves_db = [10 * np.log10(power[2 * f : 4 * f].sum()) for f in (250, 500, 1000, 2000, 4000)]
    np.testing.assert_allclose(octaves_db, octaves_db[0], atol=0.3)
    steps = np.abs(np.diff(loop))
    assert abs(loop[0] - loop[-1]) < 5 * steps.std() + steps.mean()


def test_equal_seeds_give_equal_noise_and_others_do_not():
    options = {"low_hz": 50.0, "high_hz": 9000.0, "slope": 0.0}
    one, same, other = (sounds.noise_loop(48000, 48000, seed, **options) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.05


def test_a_pad_fades_in_and_out_around_its_chord():
    chord = [220.0, 330.0]
    tone = sounds.pad(48000, chord, 3.0, 0.5, seed=4)
    assert len(tone) == 144000 and abs(tone[0]) < 1e-6 and abs(tone[-1]) < 1e-6
    spectrum = np.abs(np.fft.rfft(tone)) ** 2
    f_hz = np.fft.rfftfreq(len(tone), 1 / 48000)
    near = np.min([np.abs(f_hz / root - np.maximum(np.round(f_hz / root), 1)) * root for root in chord], axis=0)
    assert spectrum[near < 0.03 * f_hz].sum() > 0.99 * spectrum.sum()


def test_a_struck_partial_is_a_sine_that_falls_by_60_db_in_its_time():
    sound = sounds.struck(48000, np.array([700.0]), np.array([1.0]), np.array([0.5]), attack_s=1e-6)
    t_s = np.arange(20000) / 48000
    expected = np.sin(2 * np.pi * 700 * t_s) * 10 ** (-3 * t_s / 0.5)
    np.testing.assert_allclose(sound[:20000], expected / np.abs(expected).max(), atol=1e-6)
