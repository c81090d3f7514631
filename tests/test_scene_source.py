"""The built-in scene: equal at every run and split, at any order and rate, from where it says."""

import numpy as np
import pytest

from rt_render.ambisonics.harmonics import real_sh_sn3d
from rt_render.errors import ConfigurationError
from rt_render.scene.garden import garden
from rt_render.scene.parts import Bed, Note, Voice
from rt_render.scene.scene_source import SCENES, SceneSource


@pytest.fixture(scope="module")
def straight():
    """The first eight seconds of the garden at order 2."""
    return SceneSource(order=2).read(8 * 48000)


def test_any_split_of_the_reads_gives_the_same_frames(straight):
    source = SceneSource(order=2)
    pieces = [source.read(k) for k in (1, 2, 959, 0, 960, 961, 5000, 128, 77777)]
    assert all(piece.dtype == np.float32 and piece.flags.c_contiguous for piece in pieces)
    together = np.concatenate(pieces)
    np.testing.assert_array_equal(together, straight[: len(together)])


def test_reading_after_a_seek_equals_the_straight_read(straight):
    source = SceneSource(order=2)
    for frame in (300_000, 0, 4711, 100_000):
        source.seek(frame)
        np.testing.assert_array_equal(source.read(3000), straight[frame : frame + 3000])


def test_the_scene_goes_on_after_ten_hours():
    source = SceneSource(order=1)
    source.seek(10 * 3600 * 48000)
    late = source.read(4 * 48000)
    assert source.n_frames is None and 0.02 < np.std(late[:, 0]) < 0.3


@pytest.mark.parametrize("order", range(8))
def test_a_lower_order_is_the_beginning_of_a_higher_one(order, straight):
    frames = SceneSource(order=order).read(5000)
    assert frames.shape == (5000, (order + 1) ** 2)
    shared = min(frames.shape[1], 9)
    np.testing.assert_allclose(frames[:, :shared], straight[:5000, :shared], atol=1e-6)


def test_the_level_leaves_room_and_is_not_faint():
    source = SceneSource(order=0)
    w = np.concatenate([source.read(48000) for _ in range(60)])
    assert -6 < 20 * np.log10(np.abs(w).max()) < -3
    assert -24 < 20 * np.log10(np.std(w)) < -18


def test_nothing_clicks_where_blocks_meet(straight):
    block_frames = 960
    second_difference = np.abs(np.diff(straight, n=2, axis=0))
    seams = second_difference[block_frames - 2 :: block_frames].mean()
    assert seams < 1.1 * second_difference.mean()


@pytest.mark.parametrize("fs_hz", [44100, 48000, 88200, 96000])
def test_the_scene_has_the_same_level_and_events_at_every_rate(fs_hz, straight):
    source = SceneSource(order=0, fs_hz=fs_hz)
    w = source.read(4 * fs_hz)[:, 0]
    assert source.fs_hz == fs_hz

    def envelope(sound, rate_hz):
        return np.sqrt(np.mean(sound[: 4 * rate_hz].reshape(40, -1) ** 2, axis=1))

    level = envelope(straight[:, 0], 48000)
    assert np.corrcoef(envelope(w, fs_hz), level)[0, 1] > 0.9
    assert abs(20 * np.log10(np.std(w) / np.std(straight[: 4 * 48000, 0]))) < 1.0


def test_the_garden_has_still_and_moving_voices_and_a_diffuse_part():
    scene = garden(48000)
    times_s = np.linspace(0, 60, 241)
    moves = [len({voice.path(float(t)) for t in times_s}) > 1 for voice in scene.voices]
    assert sum(moves) >= 3 and len(moves) - sum(moves) >= 3
    assert sum(len(bed.directions) for bed in scene.beds) >= 12


def test_the_wind_streams_are_decorrelated_and_surround_evenly():
    (wind,) = garden(48000).beds
    streams = np.empty((len(wind.directions), 5 * 48000), np.float32)
    wind.write_to(streams, 12345)
    assert np.abs(np.corrcoef(streams) - np.eye(len(streams))).max() < 0.02
    azimuth, elevation = np.deg2rad(np.array(wind.directions)).T
    harmonics = real_sh_sn3d(2, azimuth, elevation)
    np.testing.assert_allclose(harmonics[:, 1:].mean(axis=0), 0, atol=1e-4)


def test_a_still_voice_is_a_plane_wave_from_its_direction():
    frames = SceneSource("noise", order=7).read(3000)
    np.testing.assert_allclose(frames, frames[:, :1] * real_sh_sn3d(7, 0.0, 0.0), atol=1e-6)


def test_clicks_are_single_samples_once_a_second():
    frames = SceneSource("clicks", order=1, fs_hz=44100).read(3 * 44100)
    np.testing.assert_array_equal(np.flatnonzero(frames[:, 0]), [0, 44100, 88200])
    np.testing.assert_allclose(frames[44100], [0.5, 0, 0, 0.5], atol=1e-7)


def test_a_voice_sounds_its_notes_where_the_score_says_for_any_cut():
    sounds = [np.arange(1, 101, dtype=np.float32), np.full(250, 7.0, np.float32)]
    voice = Voice(sounds, lambda bar: [Note(0.05, bar % 2, 2.0), Note(0.19, 0, 1.0)], 0.2, lambda time_s: (0, 0))
    slow = np.zeros(3000, np.float32)
    for bar in range(20):
        for start_s, sound, gain in voice.score(bar):
            start = round((bar * 0.2 + start_s) * 1000)
            piece = gain * sounds[sound][: max(len(slow) - start, 0)]
            slow[start : start + len(piece)] += piece
    for block in (1, 7, 100, 3000):
        out = np.zeros(3000, np.float32)
        for first in range(0, 3000, block):
            voice.add_to(out[first : first + block], first, 1000)
        np.testing.assert_allclose(out, slow)


def test_a_bed_repeats_its_loop_without_a_seam():
    loop = np.arange(100, dtype=np.float32)
    bed = Bed(loop, [(0, 0), (90, 0)], lambda time_s: np.ones(2))
    out = np.empty((2, 40), np.float32)
    bed.write_to(out, 1080)
    np.testing.assert_array_equal(out[0], np.arange(80, 120) % 100)
    np.testing.assert_array_equal(out[1], np.arange(130, 170) % 100)


def test_wrong_names_and_orders_are_refused_in_a_sentence():
    with pytest.raises(ConfigurationError, match="garden"):
        SceneSource("jungle")
    for order in (-1, 8):
        with pytest.raises(ConfigurationError, match="0 to 7"):
            SceneSource(order=order)
    assert all(SceneSource(name, order=0).title for name in SCENES)
