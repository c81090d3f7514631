"""The native panorama: held against its numpy twin, and to what is promised of it."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panorama_twin import least_squares, overlap, panorama, separate

from rt_render.app.panorama.measure import (
    downmix_deviation_db,
    largest_db,
    level_between_ears_db,
    opening_deg,
    part_from_deg,
    power_change_db,
    rest_db,
    ringing_ahead_db,
    voice_under_pads,
)
from rt_render.app.panorama.signals import in_a_room, made_signals, mix, music, pink, plucks, with_times_between
from rt_render.engine.panorama import Panorama
from rt_render.engine.panorama_design import ambience_rotors
from rt_render.errors import ConfigurationError
from rt_render.kernels.kept_fold import keep_fold_rt

FS_HZ = 48000
SIGNALS = made_signals(FS_HZ, 4.0)
MEANT_FOR_TWO = with_times_between(FS_HZ, 4.0)


def noise(n_frames, seed=1):
    return (0.1 * np.random.default_rng(seed).standard_normal((n_frames, 2))).astype(np.float32)


@pytest.mark.parametrize(("order", "fs_hz"), [(0, 48000), (3, 48000), (7, 44100), (1, 96000)])
def test_the_kernel_says_what_its_slow_twin_says(order, fs_hz):
    stereo = mix(fs_hz, 0.25, 3.0, 0.4)
    want = panorama(stereo.astype(float), order, fs_hz, 45.0, 0.7)
    got = Panorama(order, fs_hz, width_deg=45.0, height=0.7).process(stereo[: len(want)])
    assert np.abs(got - want).max() < 1e-6 * np.abs(want).max()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 900), min_size=1, max_size=12))
def test_any_split_of_the_calls_gives_the_same_frames(sizes):
    stereo = noise(sum(sizes))
    whole = Panorama(1, FS_HZ).process(stereo)
    split = Panorama(1, FS_HZ)
    parts = np.split(stereo, np.cumsum(sizes)[:-1])
    np.testing.assert_array_equal(np.concatenate([split.process(part) for part in parts]), whole)


def test_mono_is_a_plane_wave_from_the_front_and_nothing_else():
    assert rest_db(Panorama(5, FS_HZ), SIGNALS["mono"]) < -100.0
    assert abs(level_between_ears_db(Panorama(5, FS_HZ), SIGNALS["mono"])) < 0.5


@pytest.mark.parametrize("width_deg", [30.0, 60.0, 90.0])
def test_what_is_panned_hard_is_heard_at_the_width(width_deg):
    stereo = SIGNALS["left alone"]
    assert opening_deg(Panorama(3, FS_HZ, width_deg=width_deg), stereo) == pytest.approx(width_deg, abs=0.1)
    assert opening_deg(Panorama(3, FS_HZ, width_deg=width_deg), stereo[:, ::-1]) == pytest.approx(-width_deg, abs=0.1)


def test_panning_moves_a_source_steadily_from_side_to_side():
    azimuths = [opening_deg(Panorama(3, FS_HZ), mix(FS_HZ, 1.0, 60.0, pan)) for pan in np.linspace(0.0, np.pi / 2, 9)]
    np.testing.assert_allclose(azimuths, np.linspace(60.0, -60.0, 9), atol=0.5)


def test_two_unrelated_sounds_hard_left_and_right_open_to_45_degrees_or_more():
    left, right = pink(FS_HZ, 4.0, 1), pink(FS_HZ, 4.0, 2)
    both, other = (Panorama(3, FS_HZ).process(np.stack([sign * left, right], axis=1)) for sign in (1.0, -1.0))
    # what turns its sign with the left sound is the left sound's
    w, y, _, x = (both - other)[:, :4].T
    assert np.rad2deg(np.arctan2(np.mean(w * y), np.mean(w * x))) > 45.0


def fold_deviation_db(stereo, **settings_):
    """Return the largest change of a third octave that is within 40 dB of the loudest."""
    return largest_db(downmix_deviation_db(Panorama(3, FS_HZ, **settings_), stereo)[1])


@pytest.mark.parametrize("name", list(SIGNALS))
def test_folded_down_to_stereo_third_octaves_stay_within_1_db(name):
    assert fold_deviation_db(SIGNALS[name]) < 0.8


@pytest.mark.parametrize("seed", range(6))
def test_the_fold_is_kept_for_notes_in_a_room_as_loud_as_they_are(seed):
    assert fold_deviation_db(in_a_room(plucks(FS_HZ, 4.0, seed), FS_HZ, seed, 1.0)) < 1.0


@pytest.mark.parametrize("name", list(MEANT_FOR_TWO))
def test_the_fold_is_kept_for_what_has_times_and_phases_between_left_and_right(name):
    assert fold_deviation_db(MEANT_FOR_TWO[name]) < 1.0


@pytest.mark.parametrize("settings_", [{"height": 0.0}, {"height": 1.0}, {"width_deg": 30.0}, {"width_deg": 90.0}])
def test_the_fold_is_kept_at_any_width_and_height(settings_):
    assert fold_deviation_db(SIGNALS["music"], **settings_) < 1.0
    assert fold_deviation_db(MEANT_FOR_TWO["12 ms later right"], **settings_) < 1.0


@settings(deadline=None)
@given(st.lists(st.floats(-1.0, 1.0), min_size=5, max_size=5), st.floats(0.0, 1.0))
def test_the_fold_hears_a_unitary_matrix_whatever_ambience_is_asked_for(parts, share):
    """Where there is nothing beside a primary, it is left alone."""
    heard = ambience_rotors(1024, FS_HZ)[1][200]
    angle = np.pi * parts[0]
    gain = np.sqrt(1.0 - share)
    ahead, aside = gain * np.cos(angle), gain * np.sin(angle)
    asked = [share * parts[1], parts[2], share * parts[3], parts[4]]
    mixed = np.reshape(keep_fold_rt(heard, np.sqrt(0.82), np.sqrt(0.18), ahead, aside, *asked, share), (2, 2))
    fold = (np.sqrt(0.82) * heard[0] + np.sqrt(0.18) * heard[1]) @ mixed + [[ahead, 0.0], [aside, 0.0]]
    np.testing.assert_allclose(np.sum(abs(fold) ** 2, axis=0), 1.0, atol=1e-6)
    assert abs(np.vdot(fold[:, 0], fold[:, 1])) < 1e-6
    if share == 0.0:
        np.testing.assert_allclose(mixed[:, 0], 0.0, atol=1e-9)


def test_a_wide_burst_rings_little_ahead_of_itself():
    """Of 5 ms of unrelated noise: what comes 2 to 5 and 5 to 10 ms before, of its whole energy."""
    assert ringing_ahead_db(Panorama(3, FS_HZ)) == pytest.approx([-29.3, -35.1], abs=1.0)


def test_what_is_loud_on_one_side_is_heard_on_that_side_and_in_front():
    """The left one of two unrelated sounds, and a voice that comes 12 ms later on the right."""
    assert 45.0 < part_from_deg(Panorama(3, FS_HZ), pink(FS_HZ, 4.0, 1), pink(FS_HZ, 4.0, 2)) < 65.0
    assert abs(opening_deg(Panorama(3, FS_HZ), MEANT_FOR_TWO["12 ms later right"])) < 30.0


@pytest.mark.parametrize(("voice_over_pads_db", "most_db"), [(6.0, -12.0), (0.0, -3.5)])
def test_a_voice_in_the_centre_stays_there_under_wide_pads(voice_over_pads_db, most_db):
    """What of the voice is no plane wave from the front, and where it is heard from."""
    rest_db, from_deg = voice_under_pads(Panorama(3, FS_HZ), voice_over_pads_db)
    assert rest_db < most_db
    assert abs(from_deg) < 5.0


@pytest.mark.parametrize("name", ["mono", "left alone", "music", "unrelated left and right", "source and ambience"])
def test_the_power_is_kept(name):
    assert abs(power_change_db(Panorama(5, FS_HZ), SIGNALS[name])) < 1.0


def test_silence_stays_silence_and_what_has_ended_ends_in_exact_zeros():
    panorama_ = Panorama(3, FS_HZ)
    assert not panorama_.process(np.zeros((5000, 2))).any()
    panorama_.process(noise(5000))
    assert not panorama_.process(np.zeros((5000, 2)))[panorama_.latency_frames + 1024 :].any()


def test_a_fading_tail_leaves_no_vanishing_numbers_behind():
    fade = noise(96000) * np.exp(-np.arange(96000) / 700.0)[:, None].astype(np.float32)
    out = Panorama(1, FS_HZ).process(fade)
    assert np.isfinite(out).all()
    assert not out[-20000:].any()


def test_broken_samples_count_as_silence():
    broken, mended = noise(20000), noise(20000)
    broken[3000:3100, 0], broken[4000, 1], broken[5000, 0] = np.nan, np.inf, -np.inf
    mended[3000:3100, 0] = mended[4000, 1] = mended[5000, 0] = 0.0
    np.testing.assert_array_equal(Panorama(1, FS_HZ).process(broken), Panorama(1, FS_HZ).process(mended))


def test_width_and_height_glide_without_a_click():
    """A low tone's field has nothing above 4 kHz, also where both settings jump from end to end."""
    tone = 0.3 * np.sin(2 * np.pi * 200.0 * np.arange(FS_HZ) / FS_HZ)
    upmix = Panorama(3, FS_HZ, width_deg=30.0, height=0.0)
    stereo = np.stack([tone, 0.2 * np.roll(tone, 61)], axis=1)
    begin = upmix.process(stereo[:24000])
    upmix.set(width_deg=90.0, height=1.0)
    field = np.concatenate([begin, upmix.process(stereo[24000:])])[12000:]
    spectrum = np.abs(np.fft.rfft(np.hanning(len(field))[:, None] * field, axis=0))
    high = np.fft.rfftfreq(len(field), 1 / FS_HZ) > 4000.0
    assert spectrum[high].max() < 1e-4 * spectrum.max()
    assert np.abs(begin[12000:, 1]).max() < np.abs(field[-12000:, 1]).max()


def test_height_lifts_the_ambience_and_leaves_the_centre():
    low, high = (
        Panorama(3, FS_HZ, height=height).process(SIGNALS["unrelated left and right"]) for height in (0.0, 1.0)
    )
    assert np.mean(high[:, 0] * high[:, 2]) > 0.1 * np.mean(high[:, 0] ** 2)
    assert abs(np.mean(low[:, 0] * low[:, 2])) < 1e-6
    front = [Panorama(3, FS_HZ, height=height).process(SIGNALS["mono"]) for height in (0.0, 1.0)]
    assert np.abs(front[0] - front[1]).max() < 1e-5


@pytest.mark.parametrize(
    ("par_db", "pan", "primary_db", "ambient_db"),
    [(0.0, 0.25, -2.7, -2.6), (6.0, 0.25, -8.8, -2.8), (12.0, 0.25, -14.9, -2.9), (6.0, 0.1, -8.8, -2.8)],
)
def test_what_is_told_apart_is_as_near_the_truth_as_published_for_least_squares(par_db, pan, primary_db, ambient_db):
    """Error to signal ratios of the estimates before they are scaled, noise in noise; within 1 dB or better."""
    stereo, primary, ambience = mix(FS_HZ, 3.0, par_db, pan * np.pi, parts=True)
    frames, n = separate(stereo.astype(float), FS_HZ)
    estimates = [least_squares(frame) for frame in frames]
    gains = np.array([np.cos(pan * np.pi), np.sin(pan * np.pi)])
    found, rest = (
        np.stack([overlap([estimate[part][i] for estimate in estimates], n) for i in range(2)], axis=1)
        for part in range(2)
    )
    late = slice(n + 24000, None)
    for estimate, truth, limit_db in ((found, primary[:, None] * gains, primary_db), (rest, ambience, ambient_db)):
        truth = np.concatenate([np.zeros((n, 2)), truth])[: len(estimate)]
        error_db = 10 * np.log10(np.sum((estimate - truth)[late] ** 2) / np.sum(truth[late] ** 2))
        assert error_db < limit_db + 1.0


def test_processing_lets_the_interpreter_run():
    """This thread wakes up again and again while another is within one call."""
    upmix, begun, done = Panorama(7, FS_HZ), threading.Event(), threading.Event()
    stereo = noise(20 * FS_HZ)

    def work():
        begun.set()
        upmix.process(stereo)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait()
    woken = 0
    while not done.wait(0.002):
        woken += 1
    thread.join()
    assert woken > 3


def test_reset_forgets_all():
    upmix = Panorama(2, FS_HZ)
    first = upmix.process(noise(7000))
    upmix.process(noise(3333, 2))
    upmix.reset()
    np.testing.assert_array_equal(upmix.process(noise(7000)), first)


def test_music_is_not_flattened_to_the_front():
    field = Panorama(3, FS_HZ).process(music(FS_HZ, 4.0))
    assert np.mean(field[:, 1] ** 2) > 0.05 * np.mean(field[:, 0] ** 2)


@pytest.mark.parametrize("wrong", [{"order": 8}, {"fs_hz": 22050}, {"width_deg": 29.0}, {"height": 1.5}])
def test_what_is_not_allowed_is_told(wrong):
    with pytest.raises(ConfigurationError, match=r"choose .*\.$"):
        Panorama(**({"order": 1, "fs_hz": FS_HZ} | wrong))


def test_frames_that_are_not_stereo_are_refused():
    with pytest.raises(ValueError, match="frames, 2"):
        Panorama(1, FS_HZ).process(np.zeros((10, 3)))
