"""Loudness by BS.1770: against the norm's own reference and a meter written from its text."""

import numpy as np
import pytest
from scipy.signal import lfilter

from rt_render.io.loudness_meter import LoudnessMeter

FS_HZ = 48000


def k_weighted(frames):
    """Filter by the coefficients of the tables 1 and 2 of ITU-R BS.1770-4 (48 kHz)."""
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285], [1.0, -1.69065929318241, 0.73248077421585]
    high_pass = [1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621]
    return lfilter(*high_pass, lfilter(*shelf, frames, axis=0), axis=0)


def as_the_norm_says(frames):
    """Return the integrated loudness in LUFS by the text of BS.1770-4, all blocks of one piece."""
    weighted = k_weighted(frames)
    starts = range(0, len(frames) - 19200 + 1, 4800)
    powers = np.array([np.mean(weighted[i : i + 19200] ** 2, axis=0).sum() for i in starts])
    powers = powers[-0.691 + 10 * np.log10(powers) >= -70]
    powers = powers[10 * np.log10(powers) > 10 * np.log10(powers.mean()) - 10]
    return -0.691 + 10 * np.log10(powers.mean())


def measured(frames, split=5000):
    meter = LoudnessMeter(FS_HZ)
    for start in range(0, len(frames), split):
        meter.add(frames[start : start + split])
    return meter.lufs()


def test_a_tone_at_full_scale_in_one_channel_is_minus_three_lufs():
    tone = np.sin(2 * np.pi * 997 * np.arange(5 * FS_HZ) / FS_HZ)
    assert measured(np.stack([tone, 0 * tone], 1)) == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize("seconds", [1.0, 9.99, 27.3])
def test_noise_that_swells_and_pauses_is_as_loud_as_by_the_norms_text(seconds):
    rng = np.random.default_rng(3)
    n_frames = round(seconds * FS_HZ)
    swell = 10 ** (
        np.interp(np.arange(n_frames), np.linspace(0, n_frames, 7), [-10, -30, -20, -60, -15, -80, -12]) / 20
    )
    frames = rng.normal(0, 1, (n_frames, 2)) * swell[:, None] * [1.0, 0.3]
    assert measured(frames) == pytest.approx(as_the_norm_says(frames), abs=0.15)


def test_the_split_makes_no_difference_within_a_piece():
    frames = np.random.default_rng(1).normal(0, 0.1, (3 * FS_HZ, 2))
    assert measured(frames, 100) == measured(frames, len(frames))


def test_silence_has_no_loudness_and_a_click_shorter_than_a_block_has():
    assert measured(np.zeros((FS_HZ, 2))) is None and LoudnessMeter(FS_HZ).lufs() is None
    assert measured(np.full((100, 2), 0.5) * np.sin(np.arange(100))[:, None]) < -20


def test_what_was_cut_apart_is_gated_together():
    loud, quiet = np.random.default_rng(1).normal(0, 0.1, (2, 2 * FS_HZ, 2)) * [[[1.0]], [[0.01]]]
    meter = LoudnessMeter(FS_HZ)
    for part in (loud, quiet):
        meter.add(part)
        meter.cut()
    assert meter.lufs() == pytest.approx(measured(loud), abs=0.01)
