"""The booth beside a session: soft rest, each visitor's beginning, an edited configuration."""

import time
from itertools import pairwise
from threading import Event
from types import SimpleNamespace

import pytest

from rt_render.app.booth import booth as booth_module
from rt_render.app.booth import config_watch
from rt_render.app.booth.booth import Booth
from rt_render.app.booth.config_watch import ConfigWatch, Edited, check
from rt_render.app.booth.heart import what_hangs
from rt_render.app.booth.media_watch import CHANGED, LOOK_EVERY_S, MediaWatch
from rt_render.app.booth.soft_rest import DOWN_S, FLOOR_DB, UP_S, SoftRest
from rt_render.app.booth.take_over import as_heard, changed, take_over, waiting_for_new_beginning
from rt_render.app.booth.visits import State, Step
from rt_render.app.controls.desk import Change, Desk
from rt_render.app.settings import Settings
from rt_render.app.settings_file import load_settings


class FakeSession:
    """What the booth needs of a session, and what was done with it, in order."""

    def __init__(self, settings=None):
        self.settings = settings or load_settings(None, {"gain_db": -6.0})
        self.done, self.gain_db, self.playing, self.muted = [], -6.0, True, False
        self.engine = SimpleNamespace(
            set_gain_db=lambda db: self.done.append(("heard_db", db)),
            snapshot=lambda: SimpleNamespace(missed_slots=0, underruns=0),
        )
        self.comparison = SimpleNamespace(listen=lambda taker: None, begin_visit=lambda: None, flush=lambda: None)
        values = {"tracking": False, "muted": False}
        self.state = {"tracker": {"state": "live"}, "values": values}
        self.parts, self.put_back, self.limits = {}, [], []
        self.desk = SimpleNamespace(
            subscribe=lambda taker: None,
            limit=lambda name, high: self.limits.append((name, high)),
            add_part=self.parts.__setitem__,
            state=lambda: self.state,
            put_back=lambda session, values: self.put_back.append(dict(values)),
        )
        self.on_message = lambda text: self.done.append(("said", text))

    def newest_pose(self):
        return SimpleNamespace(time_s=time.monotonic(), quat_world_from_head=(1.0, 0.0, 0.0, 0.0))

    def set_playing(self, on):
        self.playing = on
        self.done.append(("playing", on))

    def set_gain_db(self, gain_db):
        self.gain_db = gain_db
        self.done.append(("gain_db", gain_db))

    def set_muted(self, on):
        self.muted = on
        self.done.append(("muted", on, self.gain_db))

    def recentre(self):
        self.done.append(("recentre",))

    def set_extra_latency_ms(self, extra_ms):
        self.done.append(("extra_latency_ms", extra_ms))

    def set_prediction(self, mode):
        self.done.append(("prediction", mode))


@pytest.fixture
def stage(monkeypatch):
    """A booth whose visits are told by the test: `steps` comes with the next look."""
    session, lines, begun, changed, chosen = FakeSession(), [], [0], [], []
    session.comparison.begin_visit = lambda: begun.__setitem__(0, begun[0] + 1)
    session.comparison.listen, session.desk.subscribe = chosen.append, changed.append
    now = [1000.0]
    monkeypatch.setattr(booth_module.time, "monotonic", lambda: now[0])
    booth = Booth(session, lambda event, **details: lines.append((event, details)))

    def look(*steps, state=None):
        now[0] += 0.05
        if state is not None:
            booth._visits.state = state
            booth._visits.since_s = now[0]
        monkeypatch.setattr(booth._visits, "look", lambda *_: list(steps))
        return booth(session)

    return SimpleNamespace(
        booth=booth, session=session, lines=lines, look=look, now=now, begun=begun, changed=changed, chosen=chosen
    )


def test_rest_fades_down_before_it_pauses_and_a_visit_plays_before_it_fades_up(stage):
    stage.look(Step.RESTS, state=State.REST)
    for _ in range(round(DOWN_S / 0.05) + 2):
        stage.look()
    heard = [step[1] for step in stage.session.done if step[0] == "heard_db"]
    assert heard == sorted(heard, reverse=True) and heard[-1] == -6.0 + FLOOR_DB and len(heard) > 70
    assert max(a - b for a, b in pairwise(heard)) < 1.0, "no step is heard"
    assert stage.session.done[-1] == ("playing", False) and stage.booth._soft.rests
    stage.session.done.clear()
    stage.look(Step.BEGINS, state=State.VISIT)
    assert stage.session.done[:3] == [("gain_db", -6.0), ("heard_db", -6.0 + FLOOR_DB), ("playing", True)]
    for _ in range(round(UP_S / 0.05) + 2):
        stage.look()
    assert stage.session.done[-1] == ("heard_db", -6.0)


def test_a_visit_begins_with_the_safe_volume_and_the_controls_of_the_first(stage):
    stage.look()
    stage.session.gain_db, stage.session.muted = 20.0, True
    stage.session.state = {"tracker": {"state": "live"}, "values": {"tracking": True, "muted": False}}
    stage.look(Step.BEGINS, state=State.VISIT)
    assert ("gain_db", -6.0) in stage.session.done
    assert stage.session.put_back == [{"tracking": False, "muted": False}]
    assert stage.lines == [("visit_begins", {"number": 1})]
    assert stage.session.parts["visit"]() == {"number": 1, "since_s": 0.0}
    stage.look(Step.RECENTRE)
    assert stage.session.done[-1] == ("recentre",)


def test_a_visit_that_ends_is_told_without_the_time_that_they_lay(stage):
    stage.look(Step.BEGINS, state=State.VISIT)
    stage.now[0] += 85.0
    stage.look(Step.LEFT, Step.RESTS)
    event, details = stage.lines[1]
    assert event == "visit_ends" and details["number"] == 1 and details["why"] == "the headphones lie still"
    assert details["lasted_s"] == pytest.approx(60.0, abs=0.2) and details["missed_blocks"] == 0
    assert stage.lines[2][0] == "rest"


def test_who_presses_play_at_rest_hears_something(stage):
    stage.look(Step.RESTS, state=State.REST)
    for _ in range(100):
        stage.look()
    stage.session.playing = True
    stage.look()
    assert stage.booth.state is State.WAITING and not stage.booth._soft.rests


def test_a_new_beginning_waits_until_nobody_is_there(stage):
    stage.look(Step.BEGINS, state=State.VISIT)
    stage.booth.begin_anew("the configuration was edited")
    assert stage.look() is True
    assert stage.look(Step.LEFT, Step.RESTS, state=State.REST), "the sound fades out first"
    n_looks = next(n for n in range(200) if not stage.look())
    assert n_looks * 0.05 == pytest.approx(DOWN_S, abs=0.2) and stage.booth.rests, "so the next one begins at rest"


def test_what_the_last_visitor_left_is_undone_when_the_tracker_is_lost_in_the_visit_or_at_rest(stage):
    stage.look()
    for state, steps in ((State.VISIT, (Step.LOST, Step.WAITS)), (State.REST, (Step.WAITS,))):
        stage.look(Step.BEGINS, state=State.VISIT)
        stage.look(state=state)
        stage.session.done.clear()
        stage.session.put_back.clear()
        stage.session.gain_db, stage.session.playing, stage.begun[0] = -60.0, False, 0
        stage.look(*steps, state=State.WAITING)
        assert ("gain_db", -6.0) in stage.session.done and stage.session.playing
        assert stage.session.put_back == [{"tracking": False, "muted": False}] and stage.begun[0] == 1


def test_what_happens_between_visits_belongs_to_none_and_what_ends_a_visit_to_that(stage):
    def choose(name):
        stage.changed[0](Change(name, 1.0, "page 1"))
        stage.chosen[0]({"what": "heard", "version": name})

    stage.look(Step.BEGINS, state=State.VISIT)
    stage.session.comparison.flush = lambda: stage.chosen[0]({"what": "heard", "version": "last"})
    choose("within")
    stage.look(Step.LEFT, Step.RESTS, state=State.REST)
    choose("at rest")
    stage.look(Step.BEGINS, state=State.VISIT)
    told = [(d.get("control") or d.get("version"), d["number"]) for e, d in stage.lines if e in ("choice", "compared")]
    assert told == [("within", 1), ("within", 1), ("last", 1), ("at rest", None), ("at rest", None)]
    assert stage.lines[-1] == ("visit_begins", {"number": 2})
    assert stage.session.parts["visit"]() == {"number": 2, "since_s": 0.0}


def test_a_visit_whose_tracker_fell_silent_lasted_until_it_did(stage):
    stage.look(Step.BEGINS, state=State.VISIT)
    stage.now[0] += 360.0
    stage.look(Step.LOST, Step.WAITS)
    event, details = stage.lines[-1]
    assert event == "visit_ends" and details["why"] == "the tracker is silent"
    assert details["lasted_s"] == pytest.approx(60.0, abs=0.2)


def test_a_new_beginning_for_who_hears_nothing_waits_for_nobody(stage):
    stage.look(Step.BEGINS, state=State.VISIT)
    stage.booth.begin_anew("a sound card is there now", at_once=True)
    assert stage.look() is False and stage.lines[-1][0] == "visit_ends"


def test_what_a_visitor_set_does_not_stay_and_what_the_operator_wrote_does(stage):
    first = {"gain_db": -6.0, "playing": True, "item": 1, "order": "3", "prediction": "learnt", "head": "kemar"}
    stage.session.state = {"tracker": {"state": "live"}, "values": first}
    stage.look()
    found = [Edited(load_settings(None, {"gain_db": -6.0, "prediction": "off"}))]
    stage.booth._config = SimpleNamespace(edited=lambda: found.pop() if found else None)
    stage.look()
    then = {**first, "gain_db": 3.0, "playing": False, "item": 5, "order": "1", "prediction": "constant"}
    stage.session.state = {"tracker": {"state": "live"}, "values": then}
    stage.look(Step.BEGINS, state=State.VISIT)
    assert stage.session.put_back == [{"order": "3", "prediction": "off", "head": "kemar"}]


def test_a_ceiling_holds_the_volume_also_when_it_comes_while_it_plays(stage, tmp_path):
    stage.session.gain_db, stage.session.muted = 9.0, True
    assert stage.session.limits == [("gain_db", 24.0)]
    before, after = Settings(), Settings.model_validate({"booth": {"max_gain_db": 6.0}})
    assert take_over(stage.session, before, after) == ["booth.max_gain_db"]
    assert stage.session.limits[-1] == ("gain_db", 6.0)
    assert stage.session.done[-1] == ("muted", True, 6.0), "and a muted session stays muted"
    desk = Desk()
    desk.limit("gain_db", 6.0)
    assert next(control["high"] for control in desk.controls() if control["name"] == "gain_db") == 6.0
    path = tmp_path / "loud.toml"
    path.write_text("[audio]\ngain_db = 12.0\n[booth]\nmax_gain_db = 6.0\n")
    assert "above max_gain_db = 6 in [booth]" in check(path).refused


def test_a_session_that_is_left_ends_its_visit(stage):
    stage.look(Step.BEGINS, state=State.VISIT)
    stage.booth.leave()
    assert stage.look() is False
    assert stage.lines[-1][0] == "visit_ends" and stage.lines[-1][1]["why"] == "the booth stopped"


def test_an_edited_configuration_is_refused_taken_over_or_waits(stage):
    found = []
    stage.booth._config = SimpleNamespace(edited=lambda: found.pop() if found else None)
    found.append(Edited(None, "booth.toml, line 2: no."))
    assert stage.look()
    assert stage.session.done[-1][1].endswith("is refused, and the one before is kept: booth.toml, line 2: no.")
    found.append(Edited(load_settings(None, {"gain_db": -12.0})))
    assert stage.look()
    assert ("gain_db", -12.0) in stage.session.done and stage.booth.begins_anew is None
    found.append(Edited(load_settings(None, {"gain_db": -12.0, "order": 5})))
    assert stage.look() is False, "nobody is there, so it begins anew at once"
    assert stage.booth.begins_anew == "the configuration was edited (head.order)"
    assert [details for event, details in stage.lines if event == "configuration"] == [
        {"refused": "booth.toml, line 2: no."},
        {"taken": ["audio.gain_db"], "waits": []},
        {"taken": [], "waits": ["head.order"]},
    ]


def test_an_edit_that_is_taken_back_in_a_visit_waits_no_more_and_other_reasons_do(stage):
    found = []
    stage.booth._config = SimpleNamespace(edited=lambda: found.pop() if found else None)
    stage.look(Step.BEGINS, state=State.VISIT)

    def edit(**settings):
        found.append(Edited(load_settings(None, {"gain_db": -6.0, **settings})))
        assert stage.look()
        return stage.booth.begins_anew

    assert edit(order=5) == "the configuration was edited (head.order)"
    assert edit(order=5, input="other.wav") == "the configuration was edited (head.order, source.input)"
    edit(order=5, gain_db=-30.0)
    assert stage.booth.heard == load_settings(None, {"gain_db": -30.0}), "what sounds, to be kept"
    assert edit() is None and stage.session.done[-1] == ("said", "the edit that waited is taken back.")
    stage.booth.begin_anew("a thread died")
    edit(order=5)
    assert edit() == "a thread died"


def test_a_booth_that_begins_in_rest_is_not_heard_until_the_headphones_are_taken():
    session, lines = FakeSession(), []
    booth = Booth(session, lambda event, **details: lines.append(event), rests=True)
    assert session.done == [("heard_db", -6.0 + FLOOR_DB), ("playing", False)]
    assert booth(session) and booth.state is State.REST and session.parts["resting"]() and not session.playing
    booth._visits.look = lambda *_: [Step.BEGINS]
    booth(session)
    assert session.playing and lines == ["visit_begins"]


def test_what_is_taken_over_at_once_and_what_waits():
    session, before = FakeSession(), Settings()
    after = load_settings(None, {"extra_latency_ms": 40.0, "prediction": "off", "input": "other.wav"})
    assert changed(before, before) == []
    assert take_over(session, before, after) == ["audio.extra_latency_ms", "tracking.prediction"]
    assert waiting_for_new_beginning(before, after) == ["source.input"]
    assert as_heard(before, after) == load_settings(None, {"extra_latency_ms": 40.0, "prediction": "off"})
    assert session.done == [("extra_latency_ms", 40.0), ("prediction", "off")]


def test_a_soft_rest_leaves_a_muted_session_muted():
    session, soft = FakeSession(), SoftRest()
    session.muted = True
    soft.step(session, 10.0)
    soft.rest()
    for k in range(120):
        soft.step(session, 10.0 + 0.05 * k)
    assert soft.rests and session.done == [("playing", False)]


def test_an_edited_file_is_checked_once_it_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("rt_render.app.booth.config_watch.LOOK_S", 0.05)
    path = tmp_path / "booth.toml"
    path.write_text("[audio]\ngain_db = -3.0\n")
    watch = ConfigWatch(path)
    watch.start()
    try:
        time.sleep(0.15)
        assert watch.edited() is None, "it is as it was"

        def after(text):
            new = tmp_path / "new"
            new.write_text(text)
            new.replace(path)
            end_s = time.monotonic() + 10.0
            while (found := watch.edited()) is None:
                assert time.monotonic() < end_s
                time.sleep(0.01)
            return found

        assert after("[audio]\ngain_db = -4.0\n").settings.audio.gain_db == -4.0
        refused = after("[audio]\ngain_db = 99\n")
        assert refused.settings is None and refused.refused.startswith("booth.toml, line 2: gain_db = 99")
        path.unlink()
        end_s = time.monotonic() + 10.0
        while (gone := watch.edited()) is None:
            assert time.monotonic() < end_s
            time.sleep(0.01)
        assert "No such file" in gone.refused
    finally:
        watch.stop()


def test_a_set_up_that_was_refused_is_looked_at_again_for_what_it_names_may_come(tmp_path, monkeypatch):
    now_s = [0.0]
    monkeypatch.setattr(config_watch.time, "monotonic", lambda: now_s[0])
    path, media = tmp_path / "booth.toml", tmp_path / "media"
    path.write_text('[source]\ninput = "media"\n')
    media.mkdir()
    refused = check(path).refused
    assert "media holds no sound files" in refused
    watch = ConfigWatch(path, refused=refused)

    def looked():
        now_s[0] += config_watch.AGAIN_S + 1.0
        watch._look()
        return watch.edited()

    assert looked() is None, "the same refusal is not told again"
    (media / "rain.wav").touch()
    watch._look()
    assert watch.edited() is None, "not at each look"
    assert looked().settings.source.input == str(media)
    (media / "rain.wav").unlink()
    assert looked() is None, "what was taken is looked at when it is edited"


def test_without_a_file_a_watch_looks_for_what_else_may_come(monkeypatch):
    monkeypatch.setattr(config_watch, "LOOK_S", 0.01)
    looks, said = Event(), []
    watch = ConfigWatch(None, looks.set, said.append)
    watch.start()
    try:
        assert looks.wait(10.0) and watch.edited() is None and said == []
    finally:
        watch.stop()


def test_pieces_that_come_into_a_folder_are_told_once_when_nothing_is_copied_any_more(tmp_path):
    now_s, told = [0.0], []
    (tmp_path / "1.wav").touch()
    source = load_settings(None, {"input": str(tmp_path)}).source
    watch = MediaWatch(source, told.append, lambda: now_s[0])
    meanwhile = MediaWatch(source, told.append, lambda: now_s[0])

    def go_on(seconds):
        for _ in range(round(seconds / LOOK_EVERY_S)):
            now_s[0] += LOOK_EVERY_S
            watch.look()

    go_on(100.0)
    (tmp_path / "1.wav").write_bytes(b"longer")
    go_on(100.0)
    (tmp_path / "1.wav").rename(tmp_path / "gone")
    go_on(100.0)
    assert told == [], "another take of a piece, and no pieces at all, are no other pieces"
    (tmp_path / "gone").rename(tmp_path / "1.wav")
    for n in range(12):
        (tmp_path / "2.wav").write_bytes(n * b"slowly copied")
        go_on(10.0)
    assert told == []
    go_on(100.0)
    assert told == [CHANGED]
    for _ in range(20):
        now_s[0] += LOOK_EVERY_S
        meanwhile.look()
    assert told == 2 * [CHANGED], "also those that came before the first look"
    quiet = MediaWatch(load_settings(None, {"input": "scene"}).source, told.append, lambda: now_s[0])
    for _ in range(20):
        now_s[0] += LOOK_EVERY_S
        quiet.look()
    assert told == 2 * [CHANGED]


@pytest.mark.parametrize(
    "text",
    [
        '[source]\ninput = "~nobody-of-that-name/a.wav"\n',
        '[source]\ninput = "' + 5000 * "a" + '"\n',
        "[audio]\ngain_db = " + 5000 * "9" + "\n",
        "[audio]\ngain_db = " + 5000 * "[" + 5000 * "]" + "\n",
        '[booth]\nvisits = "a\\u0000b"\n',
        '[web]\nweb_names = ["a\\u0000b"]\n',
    ],
    ids=["home", "long path", "long number", "deep", "NUL", "NUL in a list"],
)
def test_whatever_a_file_holds_is_refused_in_a_sentence_that_names_it(tmp_path, text):
    path = tmp_path / "booth.toml"
    path.write_text(text)
    found = check(path)
    assert found.settings is None and "booth.toml" in found.refused and found.refused.endswith(".")
    assert "\n" not in found.refused and "\0" not in found.refused


def test_a_control_loop_or_a_source_that_stands_still_is_named():
    answers, now_s = SimpleNamespace(source_silent_s=lambda: 0.2), time.monotonic()
    assert what_hangs(answers, now_s - 5.0, 20.0) is None
    assert what_hangs(answers, now_s - 30.0, 20.0) == "the control loop has stood still for 30 s"
    hangs = SimpleNamespace(source_silent_s=lambda: 25.0)
    assert what_hangs(hangs, now_s, 20.0) == "the source has not answered for 25 s"
