"""Ambisonic files as a source: what is played, what is said, and that no split, seek or loop is heard."""

import numpy as np
import pytest
import soundfile
import soxr
from format_tools import fuma, n3d

from rt_render.ambisonics.encoding import encode_plane_wave
from rt_render.errors import ConfigurationError, InputFileError
from rt_render.io.audio_file import AudioFileReader
from rt_render.io.source_ambix import AmbixFileSource

RNG = np.random.default_rng(3)
BELOW_120_DB = 1e-6


def file_of(tmp_path, field, fs_hz=48000, name="f.wav"):
    soundfile.write(tmp_path / name, field, fs_hz, subtype="FLOAT")
    return tmp_path / name


def ambix_file(path, fs_hz, **options):
    return AmbixFileSource(AudioFileReader(path), fs_hz, **options)


def noise(n_frames, n_channels):
    return RNG.uniform(-0.5, 0.5, (n_frames, n_channels)).astype(np.float32)


def read_all(source, sizes=(4096,)):
    pieces, k = [], 0
    while True:
        pieces.append(source.read(sizes[k % len(sizes)]))
        assert pieces[-1].dtype == np.float32 and pieces[-1].flags.c_contiguous
        if len(pieces[-1]) < sizes[k % len(sizes)]:
            return np.concatenate(pieces)
        k += 1


@pytest.mark.parametrize("n_channels", [1, 4, 9, 16, 25, 36, 49, 64])
def test_full_orders_are_played_bit_for_bit(tmp_path, n_channels):
    field = noise(5000, n_channels)
    source = ambix_file(file_of(tmp_path, field), 48000)
    assert (source.order + 1) ** 2 == n_channels and source.n_frames == 5000 and source.title == "f"
    np.testing.assert_array_equal(read_all(source, (1000, 1, 77)), field)


@pytest.mark.parametrize(
    ("n_channels", "max_order", "order", "said"),
    [
        (1, 7, 0, "no directions"),
        (2, 7, 0, "the last one is not used"),
        (6, 7, 1, "the last 2 are not used"),
        (15, 7, 2, "the last 6 are not used"),
        (64, 3, 3, "played at order 3: channels above 16"),
        (121, 7, 7, "played at order 7: channels above 64"),
        (4, 7, 1, "4 channels → order 1"),
    ],
)
def test_other_channel_counts_are_played_as_far_as_they_go_and_said(tmp_path, n_channels, max_order, order, said):
    field = noise(200, n_channels)
    source = ambix_file(file_of(tmp_path, field), 48000, max_order=max_order)
    assert source.order == order
    assert any(said in note for note in source.notes), source.notes
    np.testing.assert_array_equal(read_all(source), field[:, : (order + 1) ** 2])


@pytest.mark.parametrize(("convention", "written"), [("n3d", n3d), ("fuma", fuma)])
def test_other_conventions_are_converted_when_said(tmp_path, convention, written):
    field = encode_plane_wave(noise(300, 1)[:, 0], 3, 0.7, -0.4)
    path = file_of(tmp_path, written(field))
    np.testing.assert_allclose(read_all(ambix_file(path, 48000, convention=convention)), field, atol=1e-6)
    assert np.abs(read_all(ambix_file(path, 48000)) - field).max() > 0.05


def test_fuma_ends_at_order_three_and_says_so(tmp_path):
    source = ambix_file(file_of(tmp_path, noise(100, 25)), 48000, convention="fuma")
    assert source.order == 3 and any("order 3" in note for note in source.notes)


@pytest.mark.parametrize(("fs_in_hz", "fs_out_hz"), [(44100, 48000), (96000, 44100), (8000, 96000)])
def test_resampled_frames_lie_exactly_on_the_time_line(tmp_path, fs_in_hz, fs_out_hz):
    n_frames = fs_in_hz // 2 + 17

    def wave(fs_hz, n):
        t_s = np.arange(n)[:, None] / fs_hz
        return 0.3 * np.exp(-(((t_s - 0.25) / 0.05) ** 2)) * np.sin(2 * np.pi * np.array([440, 1234.5, 50, 2000]) * t_s)

    source = ambix_file(file_of(tmp_path, wave(fs_in_hz, n_frames), fs_in_hz), fs_out_hz)
    out = read_all(source, (1000, 33))
    assert len(out) == source.n_frames == -(-n_frames * fs_out_hz // fs_in_hz)
    assert np.abs(out - wave(fs_out_hz, len(out))).max() < BELOW_120_DB
    assert any("resampled" in note for note in source.notes)


def test_the_resampled_end_is_the_one_of_a_whole_conversion(tmp_path):
    field = noise(3001, 4)
    out = read_all(ambix_file(file_of(tmp_path, field, 44100), 48000))
    padded = np.concatenate([field, np.zeros((4000, 4), np.float32)])
    np.testing.assert_allclose(out, soxr.resample(padded, 44100, 48000, "VHQ")[: len(out)], atol=BELOW_120_DB)


@pytest.mark.parametrize("fs_hz", [48000, 44100, 96000])
@pytest.mark.parametrize("loop", [False, True])
def test_any_split_of_the_reads_gives_the_same_frames(tmp_path, fs_hz, loop):
    path = file_of(tmp_path, noise(9000, 4), fs_hz)
    one, other = (ambix_file(path, 48000, loop=loop) for _ in range(2))
    straight = one.read(7000)
    np.testing.assert_array_equal(np.concatenate([other.read(k) for k in (1, 2, 3, 1000, 2048, 0, 3946)]), straight)


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("fs_hz", [8000, 44100, 48000, 88200, 192000])
def test_reading_after_a_seek_equals_the_straight_read(tmp_path, fs_hz, loop):
    path = file_of(tmp_path, noise(fs_hz, 4), fs_hz)
    source = ambix_file(path, 48000, loop=loop)
    straight = source.read(100_000 if loop else 60_000)
    for frame in (30000, 0, 1, 47000, 4711, *([48000, 95000] if loop else [])):
        source.seek(frame)
        expected = straight[frame : frame + 3000]
        np.testing.assert_allclose(source.read(len(expected)), expected, rtol=0, atol=BELOW_120_DB)


def test_seeking_beyond_the_ends_is_clipped(tmp_path):
    field = noise(1000, 4)
    source = ambix_file(file_of(tmp_path, field), 48000)
    source.seek(5000)
    assert len(source.read(10)) == 0
    source.seek(-5)
    np.testing.assert_array_equal(source.read(10), field[:10])


def test_a_loop_joins_end_to_start_without_a_gap(tmp_path):
    field = noise(3000, 4)
    source = ambix_file(file_of(tmp_path, field), 48000, loop=True)
    assert source.n_frames is None
    np.testing.assert_array_equal(source.read(10000), np.resize(field, (10000, 4)))


def test_a_resampled_loop_is_the_resampled_endless_file(tmp_path):
    field = noise(3001, 1)
    source = ambix_file(file_of(tmp_path, field, 44100), 48000, loop=True)
    endless = soxr.resample(np.tile(field, (6, 1)), 44100, 48000, "VHQ")
    np.testing.assert_allclose(source.read(15000), endless[:15000], atol=BELOW_120_DB)


@pytest.mark.parametrize("n_frames", [1, 2, 50])
def test_the_shortest_files_play_and_loop(tmp_path, n_frames):
    field = noise(n_frames, 4)
    path = file_of(tmp_path, field, 44100)
    assert len(read_all(ambix_file(path, 48000))) == -(-n_frames * 48000 // 44100)
    assert len(ambix_file(path, 48000, loop=True).read(5000)) == 5000


def test_non_finite_samples_are_passed_on(tmp_path):
    field = noise(1000, 4)
    field[500, 2], field[600, 0] = np.nan, np.inf
    np.testing.assert_array_equal(read_all(ambix_file(file_of(tmp_path, field), 48000)), field)


def test_a_bad_sample_does_not_stay_in_the_resampler(tmp_path):
    field = noise(40000, 1)
    clean = read_all(ambix_file(file_of(tmp_path, field, 44100), 48000))
    field[20000] = np.nan
    out = read_all(ambix_file(file_of(tmp_path, field, 44100), 48000))
    assert np.isnan(out).any()
    np.testing.assert_allclose(out[24000:], clean[24000:], atol=BELOW_120_DB)


@pytest.mark.parametrize("fs_hz", [44100, 48000])
@pytest.mark.parametrize("loop", [False, True])
def test_a_file_that_vanishes_while_playing_ends_with_a_note(tmp_path, fs_hz, loop):
    path = file_of(tmp_path, noise(100_000, 4), fs_hz)
    source = ambix_file(path, 48000, loop=loop)
    assert len(source.read(10000)) == 10000
    with path.open("r+b") as file:
        file.truncate(500_000)
    assert 10000 < 10000 + len(source.read(200_000)) < 40000
    assert len(source.read(100)) == 0
    assert sum("cut short, removed or damaged" in note for note in source.notes) == 1
    source.seek(50_000)
    assert len(source.read(100)) == 0
    source.close()
    source.close()


def test_wrong_options_and_files_are_refused_in_a_sentence(tmp_path):
    path = file_of(tmp_path, noise(100, 4))
    with pytest.raises(ConfigurationError, match="ambix, n3d, fuma"):
        ambix_file(path, 48000, convention="furse")
    with pytest.raises(ConfigurationError, match="0 to 7"):
        ambix_file(path, 48000, max_order=8)
    with pytest.raises(InputFileError, match="does not exist"):
        ambix_file(tmp_path / "absent.wav", 48000)
