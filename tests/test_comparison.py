"""A/B: versions are equally loud, change without a click, keep the session's settings, and hide their names."""

import json
import time
from random import Random
from threading import Event

import numpy as np
import pytest
import soundfile
from engine_tools import convolve_direct
from hypothesis import given, settings
from hypothesis import strategies as st
from playlist_tools import noise, playlist_of, write

from rt_render.ambisonics.encoding import encode_plane_wave
from rt_render.app import ears as ears_module
from rt_render.app.budget_words import budget_line, motion_line
from rt_render.app.comparison.comparison import Comparison
from rt_render.app.comparison.down_mix import stereo_filters
from rt_render.app.comparison.level_match import N_FRAMES, LevelMatch, k_weights
from rt_render.app.controls.table import CONTROLS
from rt_render.app.decoding import make_decoder
from rt_render.app.ears import Ears
from rt_render.app.replay import replay_to_file
from rt_render.app.session import Session
from rt_render.app.settings import Head
from rt_render.app.settings_file import load_settings
from rt_render.conventions import n_sh
from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.errors import ConfigurationError, InputFileError
from rt_render.io.loudness_meter import LoudnessMeter

FS, ORDER, BLOCK = 48000, 3, 128
ALL = ("tracked", "untracked", "stereo", "head:sphere", "order:1")


@pytest.fixture(scope="module")
def kemar():
    return make_decoder(Head(), ORDER, FS)


def pink(n_frames, n_channels, seed=1):
    """Independent pink noise, (n_frames, n_channels)."""
    spectra = np.fft.rfft(np.random.default_rng(seed).standard_normal((n_frames, n_channels)), axis=0)
    spectra[0] = 0.0
    spectra[1:] /= np.sqrt(np.arange(1, len(spectra)))[:, None]
    noise = np.fft.irfft(spectra, n_frames, axis=0)
    return noise / noise.std()


def diffuse(n_frames):
    """Pink noise from everywhere: independent channels, each with an SN3D channel's share of the power."""
    degree = np.floor(np.sqrt(np.arange(n_sh(ORDER))))
    return 0.02 * pink(n_frames, n_sh(ORDER)) / np.sqrt(2 * degree + 1)


def stereo_pair(n_frames):
    """Two speakers 30° to each side: something in the middle, something at each."""
    middle, left, right = pink(n_frames, 3, seed=2).T
    field = 0.0
    for signal, azimuth_deg in ((middle + 0.7 * left, 30), (middle + 0.7 * right, -30)):
        field = field + encode_plane_wave(0.05 * signal, ORDER, np.radians(azimuth_deg), 0.0)
    return field


class Set:
    """An engine in whose ring a field lies, its ears and a comparison; time stands still but for `clock_s`."""

    def __init__(self, decoder, names=ALL, field=None, **options):
        self.said, self.told, self.now_s, self.written = [], [], 0.0, 0
        plan = Plan(ORDER, BLOCK, FS, decoder.n_taps, ring_s=options.pop("ring_s", 2.0))
        self.engine = Engine(plan, decoder.filters)
        self.field = np.zeros((0, n_sh(ORDER))) if field is None else np.asarray(field, np.float32)
        self.ears = Ears(self.engine, Head(), decoder, on_message=self.said.append)
        self.ab = Comparison(
            self.engine,
            self.ears,
            names,
            on_message=self.said.append,
            random=Random(4),
            clock_s=lambda: self.now_s,
            **options,
        )
        self.ab.begin_visit()
        assert self.ears.finish(60)
        self.ab.listen(self.told.append)
        self.ab.look()

    def play(self, n_frames):
        """Render so many frames of the field, with looks between; returns both ears."""
        ears = np.zeros((n_frames // BLOCK, BLOCK, 2), np.float32)
        for number, block in enumerate(ears):
            while self.engine.ring.fill_frames < 2 * self.engine.plan.reserve_frames:
                self.engine.ring.write(np.take(self.field, np.arange(2048) + self.written, axis=0, mode="wrap"))
                self.written += 2048
            if number % 75 == 0:
                self.now_s += 1.0
                self.ab.look()
            self.engine.process(block)
        return ears.reshape(-1, 2)


def lufs(frames):
    meter = LoudnessMeter(FS)
    meter.add(frames)
    return meter.lufs()


@pytest.mark.parametrize("field", [diffuse, stereo_pair])
def test_all_versions_are_equally_loud_in_pink_noise_from_everywhere_and_from_two_speakers(kemar, field):
    it = Set(kemar, field=field(3 * FS))
    it.play(2 * FS)
    levels = {}
    for name in ALL:
        it.ab.choose(name)
        it.play(FS // 4)
        levels[name] = lufs(it.play(3 * FS))
    assert all(abs(level - levels["tracked"]) < 0.5 for level in levels.values()), levels


def test_before_anything_has_sounded_versions_are_as_loud_in_a_diffuse_field_and_never_far_from_that(kemar):
    down_mix, match = stereo_filters(ORDER, kemar.onset_frames), LevelMatch(FS)
    match.compare(kemar.filters, {"stereo": down_mix})
    field = diffuse(2 * FS)
    before = match.gain_lin("stereo")
    reference, version = (lufs(convolve_direct(field, filters)) for filters in (kemar.filters, before * down_mix))
    assert abs(reference - version) < 3.0
    low = 0.1 * np.sin(2 * np.pi * 30 / FS * np.arange(N_FRAMES))
    match.take(encode_plane_wave(low, ORDER, 0.0, 0.0).astype(np.float32))
    assert before / 2 <= match.gain_lin("stereo") <= before * 2


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, 1e-7])
def test_silence_and_what_is_not_finite_do_not_count(kemar, bad):
    match = LevelMatch(FS)
    match.take(np.ones((N_FRAMES, n_sh(ORDER)), np.float32))  # nothing to compare yet
    match.compare(kemar.filters, {"stereo": stereo_filters(ORDER, 40)})
    match.take(diffuse(N_FRAMES).astype(np.float32))
    before = match.gain_lin("stereo")
    match.take(np.full((N_FRAMES, n_sh(ORDER)), bad, np.float32))
    assert match.gain_lin("stereo") == before


@pytest.mark.parametrize("fs_hz", [44100, 48000, 96000])
def test_the_weighting_is_that_of_the_meter(fs_hz):
    t = np.arange(2 * fs_hz) / fs_hz
    levels, at = [], np.array([40.0, 100.0, 1000.0, 4000.0, 12000.0])
    for frequency_hz in at:
        meter = LoudnessMeter(fs_hz)
        meter.add(np.stack([np.sin(2 * np.pi * frequency_hz * t)] * 2, axis=1))
        levels.append(meter.lufs())
    weights_db = 20 * np.log10(k_weights(at, fs_hz))
    assert np.abs((np.array(levels) - levels[2]) - (weights_db - weights_db[2])).max() < 0.1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 7), st.floats(-180, 180), st.floats(-90, 90))
def test_the_down_mix_is_a_cardioid_to_each_side_and_its_sum_is_mono(order, azimuth_deg, elevation_deg):
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    impulse = np.zeros(8)
    impulse[0] = 1.0
    ears = convolve_direct(encode_plane_wave(impulse, order, azimuth, elevation), stereo_filters(order, 5))
    to_the_left = np.sin(azimuth) * np.cos(elevation) if order else 0.0
    assert ears[5] == pytest.approx([0.5 + 0.5 * to_the_left, 0.5 - 0.5 * to_the_left], abs=1e-12)
    assert not ears[:5].any() and ears[5].sum() == pytest.approx(1.0)


def roughness(frames):
    """Level above 6 kHz of what lies around each of 20 ms, the loudest: a click is short and bright."""
    bright = np.fft.rfft(frames, axis=0)
    bright[np.fft.rfftfreq(len(frames), 1 / FS) < 6000.0] = 0.0
    power = np.square(np.fft.irfft(bright, len(frames), axis=0)).sum(axis=1)
    return np.sqrt(power.reshape(-1, BLOCK).mean(axis=1).max())


def test_no_change_of_versions_clicks(kemar):
    """Of tones below 1.5 kHz nothing is above 6 kHz, and changes between any two versions leave it so."""
    t = np.arange(FS) / FS
    tones = sum(
        encode_plane_wave(0.02 * np.sin(2 * np.pi * f * t), ORDER, np.radians(a), 0.0)
        for f, a in ((200, 50), (700, -100), (1500, 170))
    )
    it = Set(kemar, field=tones)
    it.play(FS // 2)
    heard = []
    for name in [*ALL, *ALL[::-1], "untracked", "stereo", "tracked"]:
        it.ab.choose(name)
        heard.append(it.play(24 * BLOCK))
    heard = np.concatenate(heard)[: 300 * BLOCK]
    inner = heard * np.hanning(len(heard))[:, None]
    cut = inner.copy()
    cut[150 * BLOCK + 20 :] *= -1.0  # what a click would be
    level = np.sqrt(np.mean(heard**2))
    assert roughness(inner) < 1e-3 * level < 30 * roughness(inner) < roughness(cut)


def test_versions_without_tracking_do_not_turn_with_the_head_and_the_others_do(kemar):
    times_s = np.linspace(0.0, 30.0, 301)
    angle = 0.6 * np.sin(2 * np.pi * 0.7 * times_s)
    quats = np.stack([np.cos(angle), 0 * angle, 0 * angle, np.sin(angle)], axis=1)
    still, turning = Set(kemar, field=diffuse(FS)), Set(kemar, field=diffuse(FS))
    turning.engine.follow_timeline(times_s, quats)
    for name, turns in (("untracked", False), ("stereo", False), ("order:1", True), ("tracked", True)):
        heard = []
        for it in (still, turning):
            it.ab.choose(name)
            it.play(FS // 2)
            heard.append(it.play(FS // 2))
        difference = np.abs(heard[0] - heard[1]).max()
        assert difference > 1e-2 * np.abs(heard[0]).max() if turns else difference < 1e-6


def test_a_session_without_tracking_has_none_in_any_version(kemar):
    it = Set(kemar)
    it.engine.follow_timeline([0.0, 1.0], [[0, 0, 0, 1.0]] * 2)
    it.ab.set_tracking(False)
    for name, mix in (("untracked", 0.0), ("tracked", 0.0)):
        it.ab.choose(name)
        it.field = diffuse(FS)
        it.play(FS // 2)
        assert it.engine.snapshot().tracking_mix == mix
    it.ab.set_tracking(True)
    it.play(FS // 2)
    assert it.engine.snapshot().tracking_mix == 1.0


def test_the_order_that_is_rendered_and_what_the_session_is_set_to_tell_no_version(kemar):
    it = Set(kemar, field=diffuse(FS))
    for name in ALL:
        it.ab.choose(name)
        it.play(FS // 4)
        assert (it.engine.snapshot().order, it.ears.head, it.ears.order) == (ORDER, "kemar", ORDER)
        assert it.ears.decoder is kemar


def test_another_head_of_the_session_takes_all_versions_along(kemar):
    it = Set(kemar, ("tracked", "stereo", "order:1"))
    it.ab.choose("order:1")
    before = it.ears._instead
    it.ears.choose(head="sphere")
    assert it.ears.finish(60)
    it.ab.look()
    assert it.ears.finish(60)
    it.ab.look()
    sphere = make_decoder(Head(head="sphere"), 1, FS).filters
    now = it.ears._instead[:, :4] / np.abs(it.ears._instead).max()
    assert np.allclose(now, sphere / np.abs(sphere).max(), atol=1e-6)
    assert not np.allclose(before, it.ears._instead)
    it.ab.choose("tracked")
    assert it.ears._instead is None and it.ears.decoder.head != kemar.head


def test_versions_follow_the_head_and_the_order_that_the_session_is_set_to(kemar):
    it = Set(kemar, ("tracked", "head:sphere", "head:kemar", "order:1"))
    assert it.ab.names == ("tracked", "head:sphere", "order:1")
    it.ab.choose("head:sphere")
    it.now_s += 3.0
    it.ears.choose(head="sphere")
    it.ab.look()
    assert it.ears.finish(60)
    it.ab.look()
    assert it.ab.names == ("tracked", "head:kemar", "order:1") and it.ab.active == "tracked"
    assert it.told == [{"what": "heard", "version": "head:sphere", "letter": None, "for_s": 3.0}]
    assert it.ears._instead is None and it.ears.decoder.head != kemar.head
    it.ears.choose(order=1)
    it.ab.look()
    assert it.ab.names == ("tracked", "head:kemar")
    it.ears.choose(head="kemar", order=ORDER)
    it.ab.look()
    assert it.ab.names == ("tracked", "head:sphere", "order:1")
    assert it.said == [
        "head:kemar is not compared: it is the head that is heard.",
        "head:sphere is not compared: it is the head that is heard.",
        "order:1 is not compared: what plays is of order 1.",
        "head:kemar is not compared: it is the head that is heard.",
    ]


def test_letters_stay_as_they_are_until_the_round_is_over(kemar):
    it = Set(kemar, ("tracked", "stereo", "head:sphere"), blind=True)
    it.ears.choose(head="sphere")
    it.ab.look()
    assert it.ab.names == ("A", "B", "C")
    it.ab.set_blind(False)
    it.ab.look()
    assert it.ab.names == ("tracked", "stereo")


def test_one_version_that_is_left_is_heard_by_nobody(kemar):
    it = Set(kemar, ("stereo", "order:1"))
    it.ab.choose("stereo")
    it.ears.choose(order=1)
    it.ab.look()
    assert not it.ab.there and it.ears._instead is None and it.ab.follows_head


def test_blind_no_letter_is_told_from_others_by_being_prepared(kemar):
    it = Set(kemar, ("tracked", "untracked", "stereo"), blind=True)
    it.ab._missing = [it.ab._shown[2]]
    for letter in "ABC":
        with pytest.raises(ConfigurationError, match=f"version {letter} is being prepared"):
            it.ab.choose(letter)


def test_what_is_not_ready_waits_and_what_cannot_be_designed_is_left_out(kemar, monkeypatch):
    def fail(*_):
        raise InputFileError("there is no such ear.")

    monkeypatch.setattr(ears_module, "make_decoder", fail)
    it = Set(kemar, ("tracked", "head:sphere", "stereo"))
    assert it.ab.names == ("tracked", "stereo")
    assert it.said == ["sphere at order 3 cannot be heard: there is no such ear."]
    it.ab._missing = [it.ab._shown[1]]
    with pytest.raises(ConfigurationError, match="stereo is being prepared: try again in a moment"):
        it.ab.choose("stereo")
    assert it.ab.state()["slots"][1]["about"] == "is being prepared" and it.ab.active == "tracked"


@pytest.mark.parametrize("blind", [False, True])
def test_what_is_heard_first_and_cannot_be_designed_makes_way_for_the_next(kemar, monkeypatch, blind):
    begun, goes_on = Event(), Event()

    def fail(*_):
        begun.set()
        goes_on.wait(30.0)
        raise InputFileError("there is no such ear.")

    monkeypatch.setattr(ears_module, "make_decoder", fail)
    plan = Plan(ORDER, BLOCK, FS, kemar.n_taps, ring_s=2.0)
    engine = Engine(plan, kemar.filters)
    ears = Ears(engine, Head(), kemar)
    ab = Comparison(engine, ears, ("head:sphere", "stereo", "tracked"), blind=blind, random=Random(4))
    ab.begin_visit()
    assert begun.wait(30.0) and ab.active == ("A" if blind else "head:sphere")
    goes_on.set()
    assert ears.finish(60)
    ab.look()
    assert ab.names == (("A", "B") if blind else ("stereo", "tracked"))
    assert ab.active in ab.names and ab.after() in ab.names and ab.state()["active"] == ab.active
    ab.set_blind(False)
    ab.choose(ab.after())
    assert (ears._instead is None) == (ab.active == "tracked")


def test_the_next_version_is_heard_and_not_only_named_where_the_first_cannot_be(kemar, monkeypatch):
    def fail(*_):
        raise InputFileError("there is no such ear.")

    monkeypatch.setattr(ears_module, "make_decoder", fail)
    it = Set(kemar, ("head:sphere", "stereo", "tracked"))
    assert it.ab.active == "stereo" and it.ears._instead is not None and not it.ab.follows_head


def test_where_one_is_left_of_blind_versions_there_is_no_comparison_and_nothing_is_closed(kemar, monkeypatch):
    def fail(*_):
        raise InputFileError("there is no such ear.")

    monkeypatch.setattr(ears_module, "make_decoder", fail)
    it = Set(kemar, ("stereo", "head:sphere"), blind=True)
    assert not it.ab.there and not it.ab.blind and it.ab.state() is None and it.ab.names == ()
    assert it.ears._instead is None and it.ab.follows_head


def test_blind_begins_with_a_also_while_versions_are_being_prepared(kemar):
    it = Set(kemar, ("tracked", "untracked", "stereo"))
    seconds = set()
    for missing in it.ab._usual * 20:
        it.ab.set_blind(False)
        it.ab._missing = [missing]
        it.ab.set_blind(True)
        assert it.ab.active == "A" and it.ab._shown[0] != missing
        seconds.add(tuple(slot.name for slot in it.ab._shown))
    assert len(seconds) == 6


def test_blind_begins_also_where_all_versions_are_still_being_prepared(kemar):
    it = Set(kemar, ("head:sphere", "order:1"), blind=True)
    assert it.ab.blind and it.ab.active == "A" and it.ab.names == ("A", "B")
    assert it.ears._instead is not None, "what was designed is heard"


def test_what_would_be_the_same_is_left_out_with_a_sentence(kemar):
    it = Set(kemar, ("tracked", "tracked", "order:3", "head:kemar", "stereo"))
    assert it.ab.names == ("tracked", "stereo")
    assert it.said == [
        "order:3 is not compared: what plays is of order 3.",
        "head:kemar is not compared: it is the head that is heard.",
    ]


def test_one_version_or_none_is_no_comparison(kemar):
    for names in ((), ("tracked",)):
        ab = Set(kemar, names, blind=True).ab
        assert not ab.there and ab.state() is None and ab.after() is None and not ab.blind


def test_names_go_round_and_have_numbers(kemar):
    ab = Set(kemar, ("tracked", "untracked", "stereo")).ab
    assert (ab.after(), ab.numbered(3), ab.numbered(4)) == ("untracked", "stereo", None)
    ab.choose("stereo")
    assert ab.after() == "tracked"
    with pytest.raises(ConfigurationError, match="there is no version A: choose one of tracked, untracked, stereo"):
        ab.choose("A")


def test_blind_versions_are_letters_that_tell_nothing_until_the_listener_has_chosen(kemar):
    it = Set(kemar, ("tracked", "untracked", "stereo"))
    ab = it.ab
    it.now_s += 3.0
    ab.set_blind(True)
    assert ab.names == ("A", "B", "C") and ab.active == "A" and ab.blind
    assert not any(word in json.dumps(ab.state()) for word in ("racked", "tereo", "room"))
    it.now_s += 2.0
    ab.choose("C")
    it.now_s += 5.0
    ab.reveal()
    letters = it.told[-1]["letters"]
    assert sorted(letters.values()) == ["stereo", "tracked", "untracked"]
    assert it.told == [
        {"what": "heard", "version": "tracked", "letter": None, "for_s": 3.0},
        {"what": "heard", "version": letters["A"], "letter": "A", "for_s": 2.0},
        {"what": "heard", "version": letters["C"], "letter": "C", "for_s": 5.0},
        {
            "what": "chosen",
            "version": letters["C"],
            "letter": "C",
            "letters": letters,
            "heard_s": {letters["A"]: 2.0, letters["C"]: 5.0},
        },
    ]
    assert it.said[-1].startswith("A was ") and it.said[-1].endswith("; C was chosen")
    assert not ab.blind and ab.names == tuple(letters.values()) and ab.active == letters["C"]
    with pytest.raises(ConfigurationError, match=r"turn Blind \(compare_blind\) on"):
        ab.reveal()


def test_letters_are_shuffled_for_each_visit_and_each_round(kemar):
    it = Set(kemar, ("tracked", "untracked", "stereo"), blind=True)
    orders = set()
    for _ in range(40):
        assert it.ab.blind and it.ab.active == "A"
        orders.add(tuple(slot.name for slot in it.ab._shown))
        it.ab.begin_visit()
    assert len(orders) == 6


def test_a_visitor_who_left_it_blind_or_elsewhere_leaves_nothing_to_the_next(kemar):
    it = Set(kemar, ("tracked", "untracked", "stereo"))
    it.ab.choose("stereo")
    it.ab.set_blind(True)
    it.ab.begin_visit()
    assert (it.ab.blind, it.ab.active, it.ab.names) == (False, "tracked", ("tracked", "untracked", "stereo"))
    it.now_s += 1.0
    it.ab.flush()
    told = [{"what": "heard", "version": "tracked", "letter": None, "for_s": 1.0}]
    assert it.told == told
    it.now_s += 100.0
    it.ab.begin_visit()
    assert it.told == told  # nobody was there


def test_a_session_is_compared_through_its_desk():
    quick = {"device": "virtual", "tracker": "simulated:1", "method": "ls", "head": "sphere", "taps": 64, "order": 1}
    with Session(load_settings(None, {**quick, "remote_port": 0})) as session:
        for name in ("untracked", "stereo", "tracked"):
            assert session.desk.ask("compare", name, "test") is None
            session.desk.work(session)
            state = session.desk.state()
            assert state["values"]["compare"] == state["compare"]["active"] == name
        assert session.desk.ask("compare_blind", True, "test") is None
        session.desk.work(session)
        assert "one of A, B, C" in session.desk.ask("compare", "tracked", "test")
        json.dumps(session.desk.state(), allow_nan=False)


def test_nothing_that_is_shown_or_can_be_set_tells_blind_versions_apart():
    quick = {"device": "virtual", "tracker": "simulated:1", "method": "ls", "head": "sphere", "taps": 64, "order": 1}
    setup = {control.name for control in CONTROLS if control.setup}
    with Session(load_settings(None, {**quick, "remote_port": 0})) as session:
        time.sleep(0.3)
        desk = session.desk
        desk.ask("compare_blind", True, "test")
        desk.ask("prediction", "off", "test")  # comes as it is closed
        desk.work(session)
        assert set(desk.state()["closed"]) == setup & set(desk.state()["values"]) > {"tracking", "head", "order"}
        assert session.prediction != "off" and desk.state()["messages"][-1].startswith("prediction is closed while")
        for name in desk.state()["closed"]:
            assert desk.ask(name, desk.state()["values"][name]).startswith(f"{name} is closed while")
        surroundings, seen, follows = session.surroundings(), [], set()
        for letter in session.comparison.names:
            desk.ask("compare", letter, "test")
            time.sleep(0.4)
            desk.work(session)
            status, state, newest = session.status(), desk.state(), session.newest_pose()
            follows.add(session.comparison.follows_head)
            heads = [status.head, surroundings.look(0.0)[1]]
            near = [abs(np.dot(head, newest.quat_world_from_head)) > 0.99 for head in heads]
            told = {name: state[name] for name in ("head", "order", "tracking", "closed", "messages")}
            told |= {name: state["values"][name] for name in setup & set(state["values"])}
            seen.append((near, told, motion_line(status) == budget_line(status.budget), status.follows_head))
        assert seen == [([True, True], seen[0][1], True, True)] * 3 and follows == {True, False}
        desk.put_back(session, {"prediction": "off"})  # the booth's own wish, for the next visitor
        assert session.prediction == "off"
        desk.ask("compare_reveal", None, "test")
        desk.work(session)
        assert desk.state()["answers"][-1].startswith("A was ") and "prediction" not in str(desk.state()["answers"])
        assert desk.state()["closed"] == [] and desk.ask("tracking", False, "test") is None
        desk.work(session)
        assert desk.state()["budget"] is None and desk.state()["no_budget"].startswith("tracking is off")


def test_a_blind_session_begins_with_letters_and_its_log_keeps_what_was_heard_and_chosen(tmp_path):
    quick = {"device": "virtual", "tracker": "none", "method": "ls", "head": "sphere", "taps": 64, "order": 1}
    wanted = {"compare_blind": True, "compare_log": tmp_path / "choices.jsonl", "remote_port": 0}
    with Session(load_settings(None, quick | wanted)) as session:
        assert session.desk.state()["values"]["compare"] == "A"
        for name, value in (("compare", "B"), ("compare_reveal", None)):
            time.sleep(0.25)
            assert session.desk.ask(name, value, "test") is None
            session.desk.work(session)
        time.sleep(0.25)
    lines = [json.loads(line) for line in (tmp_path / "choices.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["heard", "heard", "chosen", "heard"]
    assert [line["letter"] for line in lines] == ["A", "B", "B", None]
    assert lines[2]["version"] == lines[2]["letters"]["B"] == lines[3]["version"] and all(
        line["time"] for line in lines
    )


def test_a_log_of_a_session_that_is_compared_blind_is_played_back_to_the_same_samples(tmp_path):
    quick = {"device": "virtual", "tracker": "simulated:1", "method": "ls", "head": "sphere", "taps": 64, "order": 1}
    log, kept = tmp_path / "a.rtlog", tmp_path / "kept.wav"
    wanted = {"compare_blind": True, "log": log, "record": kept, "remote_port": 0}
    with Session(load_settings(None, quick | wanted)) as session:
        for name in "CBA":
            session.desk.ask("compare", name, "test")
            session.desk.work(session)
            time.sleep(0.1)
    rendered = replay_to_file(log, tmp_path / "again.wav")
    assert rendered.replay.heard_again
    live, again = (soundfile.read(path)[0] for path in (kept, tmp_path / "again.wav"))
    n = min(len(live), len(again))
    assert n > FS // 5 and np.array_equal(live[:n], again[:n])


def test_versions_go_along_with_the_order_of_each_item_of_a_playlist(tmp_path):
    items = [write(tmp_path / f"{n}.wav", noise(0.6, n)) for n in (4, 16)]
    wanted = {"loop": True, "loudness_lufs": "off", "compare": ("tracked", "stereo", "order:1", "head:kemar")}
    said, seen = [], {name: set() for name in wanted["compare"]}
    with Session(playlist_of(*items, **wanted), on_message=said.append) as session:
        assert session.ears.finish(60)
        for name in wanted["compare"]:
            give_up_s = time.monotonic() + 20
            while len(seen[name]) < 2 and time.monotonic() < give_up_s:
                if session.comparison.active != name and session.comparison.state():
                    session.desk.ask("compare", name, "test")
                session.desk.work(session)
                filters = session.ears._instead
                heard = session.ears.decoder.filters if filters is None else filters
                seen[name].add(heard.shape[1])
                time.sleep(0.02)
    assert all(orders == {4, 16} for orders in seen.values()), seen
    assert not [text for text in said if "work" in text or "cannot" in text], said


def test_a_source_of_order_zero_has_nothing_to_compare():
    quick = {"device": "virtual", "tracker": "none", "method": "ls", "head": "sphere", "taps": 64, "order": 0}
    with Session(load_settings(None, {**quick, "remote_port": 0})) as session:
        assert "needs versions to compare" in session.desk.ask("compare", "stereo")


@pytest.mark.parametrize("bad", [["untrackd"], ["head:/etc/passwd"], ["order:7"], "stereo", [1]])
def test_what_cannot_be_compared_is_refused_with_what_can(bad):
    with pytest.raises(ConfigurationError, match='allowed is a list of up to 9 of "tracked", "untracked", "stereo"'):
        load_settings(None, {"compare": bad})
