"""SOFA files: any coordinates in, one sentence for whatever is no head; the verdict before sound."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from matplotlib.figure import Figure
from sofa_writer import write_sofa

from rt_render.errors import ConfigurationError, InputFileError
from rt_render.hrtf.heads import kemar, sphere_head
from rt_render.hrtf.hrir_set import HrirSet
from rt_render.hrtf.verdict import judge_head
from rt_render.io.sofa_file import check_sofa, load_head, read_sofa
from rt_render.io.verdict_plot import plot_verdict

HEAD = sphere_head()


def same(read: HrirSet, head: HrirSet = HEAD) -> bool:
    vectors = np.allclose(read.unit_vectors, head.unit_vectors, atol=1e-9)
    return vectors and np.allclose(read.hrirs, head.hrirs, atol=1e-12)


def test_a_file_reads_back_as_it_was_written(tmp_path):
    read = read_sofa(write_sofa(tmp_path / "a.sofa", HEAD))
    assert same(read) and read.fs_hz == 48000.0
    assert read.distance_m == pytest.approx(1.4)
    assert "a.sofa" in read.name and "no licence" in read.terms


def test_cartesian_and_radian_positions_mean_the_same(tmp_path):
    cartesian = {"SourcePosition:Type": "cartesian", "SourcePosition:Units": "metre"}
    path = write_sofa(tmp_path / "c.sofa", HEAD, attributes=cartesian, SourcePosition=HEAD.unit_vectors * 1.4)
    assert same(read_sofa(path))
    angles = np.stack([HEAD.azimuth_rad, HEAD.elevation_rad, np.full(HEAD.n_dirs, 2.0)], axis=1)
    path = write_sofa(
        tmp_path / "r.sofa",
        HEAD,
        attributes={"SourcePosition:Units": "radian, radian, metre"},
        SourcePosition=angles,
    )
    assert same(read_sofa(path))


def test_a_turned_and_moved_listener_is_followed(tmp_path):
    # The listener looks to +y: what is in front of him lies at +y of the file's room.
    room = HEAD.unit_vectors @ np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]) * 1.4
    place = np.array([[3.0, -2.0, 1.0]])
    path = write_sofa(
        tmp_path / "t.sofa",
        HEAD,
        attributes={"SourcePosition:Type": "cartesian", "SourcePosition:Units": "metre"},
        SourcePosition=room + place,
        ListenerPosition=place,
        ListenerView=np.array([[0, 1.0, 0]]),
    )
    assert same(read_sofa(path))


def test_receivers_in_the_other_order_are_put_left_first(tmp_path):
    path = write_sofa(
        tmp_path / "o.sofa",
        replace(HEAD, hrirs=HEAD.hrirs[:, ::-1]),
        ReceiverPosition=np.array([[[0.0], [-0.09], [0.0]], [[0.0], [0.09], [0.0]]]),
    )
    assert same(read_sofa(path))


def test_delays_become_part_of_the_responses(tmp_path):
    delay = np.zeros((HEAD.n_dirs, 2))
    delay[:, 0], delay[:, 1] = 40.0, 47.0
    read = read_sofa(write_sofa(tmp_path / "d.sofa", HEAD, Data_Delay=delay))
    assert np.allclose(read.hrirs[:, 0, :256], HEAD.hrirs[:, 0], atol=1e-12)
    assert np.allclose(read.hrirs[:, 1, 7:263], HEAD.hrirs[:, 1], atol=1e-12)
    half = read_sofa(write_sofa(tmp_path / "h.sofa", HEAD, Data_Delay=np.array([[0.0, 0.5]])))
    frequency = 2 * np.pi * np.arange(40) / 1024
    turned = np.fft.rfft(half.hrirs[:, 1], 1024)[:, :40] / np.fft.rfft(HEAD.hrirs[:, 1], 1024)[:, :40]
    assert np.allclose(turned, np.exp(-0.5j * frequency), atol=1e-2)


BROKEN = {
    "room": ({"attributes": {"SOFAConventions": "SingleRoomSRIR"}}, "SingleRoomSRIR"),
    "transfer functions": ({"attributes": {"DataType": "TF"}}, "'TF'"),
    "no convention": ({"attributes": {"Conventions": "", "SOFAConventions": ""}}, "no SOFA convention"),
    "no responses": ({"leave_out": ("Data.IR",)}, "Data.IR is missing"),
    "one ear": ({"Data_IR": HEAD.hrirs[:, :1]}, "2 ears"),
    "two dimensions": ({"Data_IR": HEAD.hrirs[:, 0]}, "2 ears"),
    "no directions": ({"Data_IR": HEAD.hrirs[:0]}, "2 ears"),
    "text for numbers": ({"Data_IR": np.bytes_("hello")}, "no numbers"),
    "no positions": ({"leave_out": ("SourcePosition",)}, "0 source positions"),
    "too few positions": ({"SourcePosition": np.ones((5, 3))}, "5 source positions for 882"),
    "flat positions": ({"SourcePosition": np.ones(3)}, "instead of (n, 3)"),
    "position not finite": ({"SourcePosition": np.full((882, 3), np.nan)}, "not finite"),
    "unknown coordinates": ({"attributes": {"SourcePosition:Type": "polar"}}, "'polar'"),
    "no rate": ({"Data_SamplingRate": np.array([0.0])}, "SamplingRate"),
    "two rates": ({"Data_SamplingRate": np.array([44100.0, 48000.0])}, "one rate"),
    "wrong delays": ({"Data_Delay": np.zeros((3, 2))}, "Data.Delay of shape (3, 2)"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_file_that_is_no_head_is_refused_in_one_sentence(tmp_path, what):
    changed, said = BROKEN[what]
    path = write_sofa(tmp_path / "b.sofa", HEAD, **changed)
    with pytest.raises(InputFileError) as told:
        read_sofa(path)
    text = str(told.value)
    assert said in text and str(path) in text and text.endswith(".") and "\n" not in text


def test_a_file_cut_anywhere_or_of_another_kind_is_refused(tmp_path):
    whole = write_sofa(tmp_path / "w.sofa", HEAD).read_bytes()
    spoilt = tmp_path / "s.sofa"
    for n_bytes in (0, 100, 4000, len(whole) // 2, len(whole) - 1000):
        spoilt.write_bytes(whole[:n_bytes])
        with pytest.raises(InputFileError, match=r"s\.sofa"):
            read_sofa(spoilt)
    spoilt.write_text("this is a text file renamed\n" * 100)
    with pytest.raises(InputFileError, match="not a SOFA"):
        read_sofa(spoilt)
    with h5py.File(spoilt, "w") as file:
        file["Data.IR"] = 1.0
    with pytest.raises(InputFileError, match="no SOFA convention"):
        read_sofa(spoilt)
    with pytest.raises(InputFileError, match="not a file"):
        read_sofa(tmp_path)
    with pytest.raises(InputFileError, match="not found"):
        read_sofa(tmp_path / "none.sofa")


def level(verdict, topic):
    return {finding.topic: finding.level for finding in verdict.findings}[topic]


def test_good_heads_pass_and_the_default_head_needs_no_gain():
    for head in (kemar(), HEAD):
        verdict = judge_head(head, 48000.0)
        assert not verdict.refused and verdict.reason == ""
        assert level(verdict, "sides") == level(verdict, "filters") == level(verdict, "likeness") == "ok"
    verdict = judge_head(kemar(), 44100.0)
    assert verdict.gain_db == pytest.approx(0.0) and level(verdict, "rate") == "ok"
    assert level(judge_head(kemar(), 48000.0), "rate") == "note"
    assert level(verdict, "grid") == "note" and level(judge_head(HEAD, 48000.0), "grid") == "ok"


def test_the_gain_makes_up_for_the_level_of_the_file():
    quiet = replace(kemar(), hrirs=kemar().hrirs * 0.01)
    assert judge_head(quiet, 44100.0).gain_db == pytest.approx(40.0)


def spoil(change):
    hrirs = kemar().hrirs.copy()
    return replace(kemar(), hrirs=change(hrirs))


def with_value(index, value):
    def change(hrirs):
        hrirs[index] = value
        return hrirs

    return change


REFUSED = {
    "silence": (lambda h: 0 * h, "all filters are silent"),
    "a silent ear": (with_value((slice(None), 1), 0.0), "710 of 1420 filters are silent"),
    "not finite": (with_value((7, 1, 30), np.nan), "1 of 1420 filters are not finite"),
    "noise": (lambda h: np.random.default_rng(0).standard_normal(h.shape), "this is noise"),
    "one direction far too loud": (lambda h: h * np.where(np.arange(710) == 9, 300, 1)[:, None, None], "far too loud"),
    "an absurd level": (lambda h: h * 1e6, "+120 dB"),
    "too short": (lambda h: h[:, :, 50:60], "too short"),
    "a constant over everything": (lambda h: h + 0.5, "99 % of the energy is a constant offset"),
    "the same from everywhere": (lambda h: np.repeat(h[:1], 710, axis=0), "all directions sound alike"),
    "cut off in the middle": (lambda h: h[:, :, :40], "cut off in the middle: -6 dB"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_would_play_silence_noise_or_far_too_loud_is_refused(tmp_path, what):
    change, said = REFUSED[what]
    verdict = judge_head(spoil(change), 48000.0)
    assert verdict.refused and said in verdict.reason
    path = write_sofa(tmp_path / "r.sofa", spoil(change))
    assert check_sofa(path, 48000.0).refused
    with pytest.raises(InputFileError) as told:
        load_head(path, 48000.0)
    assert said in str(told.value)


NOTED = {
    "swapped ears": (
        lambda h: h[:, ::-1],
        "sides",
        "left and right look swapped: the ear nearer to the source is 10.9 dB softer",
    ),
    "an uneven pair": (lambda h: h * np.array([1.0, 0.5])[:, None], "balance", "uneven ears: left ear +6.0 dB"),
    "a lost beginning": (lambda h: h[:, :, 45:], "onset", "lost their beginning"),
    "a cut end": (lambda h: h[:, :, :75], "end", "cut short: -19 dB"),
    "a small constant": (lambda h: h + 0.02, "offset", "17 % of the energy is a constant offset"),
    "one silent filter": (with_value((5, 0), 0.0), "filters", "1 of 1420"),
    "no side at all": (lambda h: np.repeat(h[:, :1], 2, axis=1), "sides", "hardly any side"),
}


@pytest.mark.parametrize("what", NOTED)
def test_what_is_odd_but_plays_is_noted(what):
    change, topic, said = NOTED[what]
    verdict = judge_head(spoil(change), 44100.0)
    found = next(finding for finding in verdict.findings if finding.topic == topic)
    assert found.level == "note" and said in found.text and found.text in verdict.notes
    assert not verdict.refused


def test_the_gravest_is_told_first():
    swapped = judge_head(spoil(NOTED["swapped ears"][0]), 48000.0)
    assert swapped.notes[0].startswith("left and right look swapped")
    assert [finding.text for finding in swapped.findings[: len(swapped.notes)]] == list(swapped.notes)
    assert judge_head(spoil(REFUSED["a constant over everything"][0]), 48000.0).findings[0].level == "refuse"


def test_a_louder_file_says_by_how_much_it_is_normalised():
    louder = judge_head(spoil(lambda h: 4 * h), 44100.0)
    assert "12.0 dB louder than the default head: normalised by -12.0 dB" in louder.notes


def test_a_grid_with_a_hole_is_noted_and_a_handful_of_directions_refused():
    upper = HEAD.elevation_rad > -0.2
    some = replace(
        HEAD, hrirs=HEAD.hrirs[upper], azimuth_rad=HEAD.azimuth_rad[upper], elevation_rad=HEAD.elevation_rad[upper]
    )
    assert level(judge_head(some, 48000.0), "grid") == "note"
    few = replace(HEAD, hrirs=HEAD.hrirs[:6], azimuth_rad=HEAD.azimuth_rad[:6], elevation_rad=HEAD.elevation_rad[:6])
    assert level(judge_head(few, 48000.0), "grid") == "refuse"


def test_a_head_loads_as_measured_with_its_verdict(tmp_path):
    path = write_sofa(tmp_path / "k.sofa", kemar())
    head, verdict = load_head(str(path), 48000.0)
    assert "measured at 44100 Hz, resampled to 48000 Hz" in verdict.notes
    assert head.fs_hz == 44100.0 and np.array_equal(head.hrirs, kemar().hrirs)
    with pytest.raises(ConfigurationError, match="kemar, kemar-df, sphere"):
        load_head("ku100", 48000.0)


def test_the_verdict_is_drawn(tmp_path):
    picture = tmp_path / "verdict.png"
    plot_verdict(HEAD, judge_head(HEAD, 48000.0), picture)
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    with pytest.raises(InputFileError, match="cannot be written"):
        plot_verdict(HEAD, judge_head(HEAD, 48000.0), tmp_path / "no" / "v.png")


@pytest.mark.parametrize(
    ("gain", "colour", "said"),
    [(1.0, "seagreen", "can be played"), (-4.0, "darkorange", "normalised by"), (0.0, "firebrick", "silent")],
)
def test_the_title_of_the_picture_has_the_verdicts_colour(tmp_path, monkeypatch, gain, colour, said):
    titles = []
    monkeypatch.setattr(Figure, "suptitle", lambda self, text, **style: titles.append((text, style["color"])))
    level = 10 ** (judge_head(HEAD, 48000.0).gain_db / 20)
    head = replace(HEAD, hrirs=gain * level * HEAD.hrirs)
    plot_verdict(head, judge_head(head, 48000.0), tmp_path / "v.png")
    assert titles[0][1] == colour and said in titles[0][0]


def test_a_silent_head_is_drawn(tmp_path):
    picture = tmp_path / "silent.png"
    silent = replace(HEAD, hrirs=0 * HEAD.hrirs)
    plot_verdict(silent, judge_head(silent, 48000.0), picture)
    assert picture.exists()
