"""Loudspeaker layouts: directions, names, tables of one's own, and where they are heard."""

from dataclasses import replace

import numpy as np
import pytest

from rt_render.ambisonics.encoding import encode_plane_wave
from rt_render.ambisonics.layouts import LAYOUTS, Layout, Speaker, layout_of
from rt_render.app.benchmarks.layouts import REQUIRED, run, worst_errors
from rt_render.app.benchmarks.words import in_words
from rt_render.errors import ConfigurationError, InputFileError
from rt_render.hrtf.evaluate import EarCues
from rt_render.io.layout_file import layout_named

SIZES = {"mono": 1, "stereo": 2, "quad": 4, "5.1": 6, "7.1": 8, "5.1.4": 10, "7.1.4": 12, "9.1.6": 16}


def test_every_layout_has_its_speakers_mirrored_and_its_number_of_channels():
    assert {name: len(layout.speakers) for name, layout in LAYOUTS.items()} == SIZES
    for layout in LAYOUTS.values():
        placed = {(s.azimuth_deg, s.elevation_deg) for s in layout.speakers if not s.lfe}
        assert placed == {(-azimuth, elevation) for azimuth, elevation in placed}, layout.name
        assert all(s.azimuth_deg > 0 for s in layout.speakers if s.name.endswith("L") and len(s.name) > 1)


@pytest.mark.parametrize(
    ("name", "azimuths_deg"),
    [
        ("stereo", [30, -30]),
        ("5.1", [30, -30, 0, None, 110, -110]),
        ("7.1", [30, -30, 0, None, 90, -90, 135, -135]),
        ("5.1.4", [30, -30, 0, None, 110, -110, 30, -30, 110, -110]),
        ("7.1.4", [30, -30, 0, None, 90, -90, 135, -135, 45, -45, 135, -135]),
    ],
)
def test_directions_are_those_of_bs_2051(name, azimuths_deg):
    assert [None if s.lfe else s.azimuth_deg for s in LAYOUTS[name].speakers] == azimuths_deg
    assert [s.elevation_deg for s in LAYOUTS[name].speakers[-4:]] == [30.0 if name.endswith(".4") else 0.0] * min(
        4, len(azimuths_deg)
    )


@pytest.mark.parametrize(
    ("names", "name", "azimuths_deg"),
    [
        ("FL FR FC LFE BL BR", "5.1", [30, -30, 0, 0, 110, -110]),
        ("FL FC FR SL SR LFE", "5.1", [30, 0, -30, 110, -110, 0]),
        ("FL FR FC LFE BL BR SL SR", "7.1", [30, -30, 0, 0, 135, -135, 90, -90]),
        ("FL FR BL BR", "quad", [45, -45, 135, -135]),
        ("FL FR FC BL BR", "5.1 but for its LFE", [30, -30, 0, 110, -110]),
        ("FL FR LFE", "stereo and LFE", [30, -30, 0]),
        ("FL FR FC BC", "4 speakers", [30, -30, 0, 180]),
        ("BC", "1 speaker", [180]),
    ],
)
def test_a_set_of_speakers_stands_where_its_layout_has_them(names, name, azimuths_deg):
    layout = layout_of(names.split())
    assert layout.name == name
    assert [s.azimuth_deg for s in layout.speakers] == azimuths_deg
    assert [s.name for s in layout.speakers] == names.split()
    assert [s.name for s in layout.speakers if s.lfe] == [each for each in names.split() if each == "LFE"]


def test_speakers_that_nobody_knows_make_no_layout():
    assert layout_of(["FL", "XX"]) is None
    assert layout_of(["FL", "FL"]) is None


def test_a_speaker_is_a_plane_wave_and_an_lfe_comes_from_everywhere():
    layout = Layout("own", (Speaker("a", 70.0, -20.0, gain_db=-6.0), Speaker("b", lfe=True, gain_db=2.0)))
    matrix = layout.encoding_matrix(5, lfe_db=4.0)
    wave = encode_plane_wave(np.array([10 ** (-6 / 20)]), 5, np.deg2rad(70), np.deg2rad(-20))
    np.testing.assert_allclose(matrix[0], wave[0], atol=1e-15)
    np.testing.assert_allclose(matrix[1], [10 ** (6 / 20)] + [0.0] * 35, atol=1e-15)


def test_a_table_of_ones_own_is_read(tmp_path):
    path = tmp_path / "studio.toml"
    path.write_text(
        '[[speaker]]\nname = "left"\nazimuth_deg = 26\n[[speaker]]\nelevation_deg = -12.5\ngain_db = -3\n'
        "[[speaker]]\nlfe = true\n"
    )
    expected = (Speaker("left", 26.0), Speaker("", 0.0, -12.5, -3.0), Speaker("", lfe=True))
    assert layout_named(str(path)) == Layout("studio", expected)
    assert Layout("studio", expected).in_words() == "1 left 26°, 2 0° -12.5° up, 3 everywhere"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("speaker = 3", "1 to 64"),
        ("", "1 to 64"),
        ("[[speaker]]\n[other]", "no more"),
        ("[[speaker]]\nazimut_deg = 3", "speaker 1: unknown key 'azimut_deg'"),
        ("[[speaker]]\n[[speaker]]\nelevation_deg = 91", "speaker 2: elevation_deg = 91"),
        ("[[speaker]]\ngain_db = nan", "gain_db = nan"),
        ('[[speaker]]\nlfe = "yes"', "true or false"),
        ("speaker = [1]", "[[speaker]]"),
        ("[[speaker", "not valid TOML"),
    ],
)
def test_a_table_that_is_wrong_is_refused_in_a_sentence(tmp_path, text, said):
    path = tmp_path / "studio.toml"
    path.write_text(text)
    with pytest.raises(InputFileError) as caught:
        layout_named(str(path))
    assert said in str(caught.value) and "studio.toml" in str(caught.value) and str(caught.value).endswith(".")


def test_a_layout_that_nobody_knows_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(ConfigurationError, match=r"9\.1\.6"):
        layout_named("5.1.5")
    with pytest.raises(InputFileError, match="No such file"):
        layout_named(str(tmp_path / "absent.toml"))


def test_every_speaker_is_heard_from_its_direction_and_as_loud_as_the_others():
    results = run(orders=(7,))
    for name, orders in results["layouts"].items():
        errors = orders["7"]
        assert errors["field_energy_db"] < 1e-6, name
        assert all(errors[key] <= most for key, most in REQUIRED[7].items()), name
        # between the head's directions, which lie up to 10° apart, the nearest may be another one
        assert errors["direction_deg"] < 6.0, name
    text = in_words(results)
    assert text.count(" ok") == 3 * len(LAYOUTS) and "MISSED" not in text


def test_the_order_that_plays_is_judged_at_three_figures_and_no_other():
    good = {"itd_us": 5.0, "ild_db": 1.0, "energy_db": 0.4, "direction_deg": 1.0, "field_energy_db": 0.0}
    rows = {"3": {**good, "energy_db": 9.0}, "7": {**good, "energy_db": 0.6, "ild_db": 1.6}}
    required = {"7": REQUIRED[7]}
    other, judged = in_words({"layouts": {"stereo": rows}, "layouts_required": required}).splitlines()[1:]
    assert "required" not in other and "ok" not in other
    assert "5.0 us (required 20) ok" in judged and "1.60 dB (required 1.5) MISSED" in judged
    assert judged.endswith("energy 0.60 dB (required 0.5) MISSED")


def test_energy_is_told_from_the_faintest_speaker_to_the_loudest():
    """A speaker 1 dB up among two is 1 dB apart from the other, not 0.5 from their mean."""
    place = np.eye(3)
    time, bands = np.zeros(3), np.zeros((3, 2, 2))
    cues = EarCues(time, time, bands[:, 0], bands, bands)
    louder = replace(cues, band_db=np.array([0.0, 1.0, 0.0])[:, None, None] + bands)
    assert worst_errors(louder, cues, place, place)["energy_db"] == 1.0
