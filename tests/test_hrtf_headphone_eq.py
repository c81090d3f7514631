"""Headphone equalisers: AutoEq's text, impulse responses, level and phase; refusals name file and line."""

import numpy as np
import pytest
import soundfile
from scipy.signal import freqz, group_delay, tf2zpk

from rt_render.errors import InputFileError
from rt_render.hrtf.headphone_eq import (
    WHOLE_EQ_TAPS,
    Biquad,
    biquad_magnitude,
    measured_eq_taps,
    parametric_eq_taps,
    parse_parametric_eq,
    shortening_error,
)
from rt_render.hrtf.minimum_phase import minimum_phase_taps
from rt_render.io.headphone_eq_file import read_headphone_eq

AUTOEQ = """Preamp: -6.2 dB
Filter 1: ON LSC Fc 105 Hz Gain 5.5 dB Q 0.70
Filter 2: ON PK Fc 2100 Hz Gain -4.0 dB Q 1.40
Filter 3: OFF PK Fc 5000 Hz Gain 20 dB Q 1.0
Filter 4: ON HSC Fc 10000 Hz Gain -3.2 dB Q 0.70
"""


def test_autoeq_text_is_read():
    assert parse_parametric_eq(AUTOEQ, "here") == (
        Biquad("low", 105.0, 5.5, 0.7),
        Biquad("peak", 2100.0, -4.0, 1.4),
        Biquad("high", 10000.0, -3.2, 0.7),
    )


def test_a_file_with_windows_line_ends_and_a_mark_reads_alike():
    assert parse_parametric_eq("\ufeff" + AUTOEQ.replace("\n", "\r\n"), "here") == parse_parametric_eq(AUTOEQ, "")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Filter 2: ON PK Fc many Hz Gain 1 dB Q 1", "line 2"),
        ("Filter 2: ON NOTCH Fc 100 Hz Gain 1 dB Q 1", "NOTCH"),
        ("Filter 2: ON PK Fc 100 Hz Gain 400 dB Q 1", "-40 to 40 dB"),
        ("GraphicEQ: 20 0; 30 1", "GraphicEQ"),
    ],
)
def test_a_wrong_line_is_named(line, said):
    with pytest.raises(InputFileError, match=said) as told:
        parse_parametric_eq("Preamp: 0 dB\n" + line, "my.txt")
    assert "my.txt, line 2" in str(told.value)


def test_a_text_without_any_filter_is_refused():
    with pytest.raises(InputFileError, match="no filter is ON"):
        parse_parametric_eq("Preamp: -3 dB\n", "my.txt")


@pytest.mark.parametrize("gain_db", [-7.0, 4.0])
def test_filters_have_their_gain_where_they_say(gain_db):
    at = np.array([1.0, 1000.0, 90000.0])

    def level(kind):
        return 20 * np.log10(biquad_magnitude(Biquad(kind, 1000.0, gain_db, 0.7), at, 192000.0))

    assert np.allclose(level("peak"), [0, gain_db, 0], atol=0.02)
    assert np.allclose(level("low"), [gain_db, gain_db / 2, 0], atol=0.05)
    assert np.allclose(level("high"), [0, gain_db / 2, gain_db], atol=0.05)


@pytest.mark.parametrize("fs_hz", [44100.0, 96000.0])
def test_the_taps_follow_the_filters_and_keep_the_mean_level(fs_hz):
    filters = parse_parametric_eq(AUTOEQ, "here")
    frequency_hz, response = freqz(parametric_eq_taps(filters, fs_hz, 4096), worN=8192, fs=fs_hz)
    level_db = 20 * np.log10(np.abs(response))
    wanted = np.sum([20 * np.log10(biquad_magnitude(f, frequency_hz, 192000.0)) for f in filters], axis=0)
    heard = (frequency_hz > 30) & (frequency_hz < 20000)
    assert np.ptp((level_db - wanted)[heard]) < 0.1
    grid_hz = np.geomspace(200, 8000, 500)
    assert abs(10 * np.log10(np.mean(10 ** (np.interp(grid_hz, frequency_hz, level_db) / 10)))) < 0.05


def test_minimum_phase_is_found_again_from_its_magnitude():
    taps = np.array([1.0, 0.5, -0.3, 0.1])
    assert np.all(np.abs(tf2zpk(taps, [1])[0]) < 0.99)
    magnitude = np.abs(np.fft.rfft(taps, 4096))
    assert np.allclose(minimum_phase_taps(magnitude, 64)[:4], taps, atol=1e-9)


def test_an_impulse_response_loses_its_delay_and_its_level():
    late = np.zeros((2000, 1))
    late[300:303, 0] = [5.0, 2.0, -1.0]
    taps = measured_eq_taps(late, 48000.0, 48000.0, 128, "x.wav")
    assert taps.shape == (1, 128)
    assert abs(np.mean(group_delay((taps[0], 1), w=64)[1])) < 1.0
    ratio = np.abs(np.fft.rfft(taps[0], 512)) / np.abs(np.fft.rfft(late[300:303, 0], 512))
    assert np.allclose(ratio[:200], ratio[0], rtol=1e-3)


def test_ears_keep_their_difference_at_another_rate():
    response = np.zeros((64, 2))
    response[0] = [1.0, 0.5]
    taps = measured_eq_taps(response, 44100.0, 96000.0, 64, "x.wav")
    assert np.allclose(taps[0], 2 * taps[1])


def test_what_shortening_takes_from_an_equaliser_is_measured_where_it_is():
    def boost_at(centre_hz):
        filters = (Biquad("peak", centre_hz, 9.0, 3.0),)
        return shortening_error(parametric_eq_taps(filters, 48000.0, WHOLE_EQ_TAPS)[None], 256, 48000.0)

    change_db, at_hz = boost_at(70.0)
    assert -9.0 < change_db < -2.0 and 50.0 <= at_hz < 120.0
    assert abs(boost_at(4000.0)[0]) < 0.1
    assert shortening_error(np.eye(2, 5000), 256, 48000.0)[0] == pytest.approx(0.0, abs=1e-6)
    assert shortening_error(np.eye(2, 30), 256, 48000.0)[0] == 0.0


def test_files_are_read_and_refused_by_name(tmp_path):
    text = tmp_path / "HD ParametricEQ.txt"
    text.write_text(AUTOEQ)
    assert read_headphone_eq(text, 48000.0).shape == (1, WHOLE_EQ_TAPS)
    wav = tmp_path / "eq.wav"
    soundfile.write(wav, np.eye(100, 2), 44100)
    assert read_headphone_eq(wav, 48000.0, 128).shape == (2, 128)

    def told(path):
        with pytest.raises(InputFileError) as error:
            read_headphone_eq(path, 48000.0)
        assert path.name in str(error.value)
        return str(error.value)

    assert "No such file" in told(tmp_path / "none.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00\x81")
    assert "not a text file" in told(tmp_path / "binary.txt")
    for name, samples, said in (
        ("three.wav", np.eye(100, 3), "1 or 2 channels"),
        ("silent.wav", np.zeros((100, 1)), "silent"),
        ("song.wav", np.full((50000, 2), 0.1), "at most 1 s"),
    ):
        soundfile.write(tmp_path / name, samples, 44100)
        assert said in told(tmp_path / name)
    soundfile.write(tmp_path / "nan.wav", np.full((10, 1), np.nan), 44100, subtype="FLOAT")
    assert "not finite" in told(tmp_path / "nan.wav")
