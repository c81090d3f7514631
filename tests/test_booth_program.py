"""The booth's program: which set-up it plays when one cannot be used, or ended before it played."""

import json
import socket
import sys
from contextlib import nullcontext
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest

from rt_render.app.booth import __main__ as booth_main
from rt_render.app.booth import good_keeper, patient_page
from rt_render.app.booth import program as program_module
from rt_render.app.booth.good_keeper import GoodKeeper
from rt_render.app.booth.life_line import AGAIN, FOR_GOOD
from rt_render.app.booth.program import Program
from rt_render.app.booth.state_files import keep_good, last_good
from rt_render.app.booth.visit_log import LogPlace, append_line
from rt_render.app.settings_file import load_settings

GOOD = load_settings(None, {"gain_db": -7.0})


@pytest.fixture
def start(monkeypatch, tmp_path):
    """Start the program with a set-up; `play` stands for playing. Returns the gains that were tried, and its words."""
    told = []
    line = SimpleNamespace(
        tell=lambda kind, **details: told.append(details.get("text", details.get("why"))), close=lambda: None
    )
    monkeypatch.setattr(program_module, "LifeLine", lambda on_gone: line)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    config = tmp_path / "booth.toml"
    keep_good(GOOD, config)

    def start_it(text, play=lambda settings: 0, **how):
        tried = []
        config.write_text(text)
        monkeypatch.setattr(Program, "_play", lambda self, settings: tried.append(settings) or play(settings))
        return Program(config, **how).run(), [settings.audio.gain_db for settings in tried], told

    return start_it


def fail(error, wrong_db=-3.0):
    def play(settings):
        if settings.audio.gain_db == wrong_db:
            raise error
        return 0

    return play


@pytest.mark.parametrize("why", ["", 'edited ("µ", \0)'])
def test_the_program_takes_from_its_keeper_what_it_is_told_and_needs_nothing(monkeypatch, why):
    taken = []
    monkeypatch.setattr(program_module, "Program", lambda *told: taken.append(told) or SimpleNamespace(run=lambda: 4))
    monkeypatch.setattr(booth_main.signal, "signal", lambda *_: None)
    monkeypatch.setattr(booth_main.faulthandler, "register", lambda *_, **__: None, raising=False)
    more = ["b.toml", f"--why={json.dumps(why)}", "--visit=3", "--after-failure", "--rests"] if why else []
    monkeypatch.setattr(sys, "argv", ["booth", *more])
    assert booth_main.main() == 4
    assert taken == [(Path("b.toml"), 3, True, True, why) if why else (None, 0, False, False, "")]


def test_a_set_up_that_cannot_be_used_is_followed_by_the_last_one_that_could(start):
    assert start("[audio]\ngain_db = " + 5000 * "9")[:2] == (0, [-7.0])
    status, tried, told = start("[audio]\ngain_db = -3.0\n", fail(RuntimeError("a library's own words")))
    assert (status, tried) == (0, [-3.0, -7.0]) and "RuntimeError: a library's own words" in told[-2]


def test_after_a_run_that_ended_before_it_played_the_last_set_up_that_did_is_used(start):
    assert start("[audio]\ngain_db = -3.0\n", after_failure=True)[:2] == (0, [-7.0])
    assert start("[audio]\ngain_db = -3.0\n")[:2] == (0, [-3.0])


def test_the_last_set_up_that_could_be_used_is_not_tried_twice(start):
    with pytest.raises(RuntimeError):
        start("[audio]\ngain_db = -7.0\n", fail(RuntimeError(), -7.0))
    status, tried, told = start("[audio]\ngain_db = -7.0\n", fail(program_module.RenderError("no card."), -7.0))
    assert (status, tried) == (FOR_GOOD, [-7.0])
    assert told[-2:] == ["no card.", "no card"], "it is said, and is why the booth begins anew"


class QuietBooth:
    """What the program needs of a booth that rests."""

    begins_anew, rests = "because", True

    def begin_anew(self, why):
        pass

    def __call__(self, session):
        return True


@pytest.fixture
def stage(monkeypatch, tmp_path):
    """The program with all that sounds replaced: `run(settings, course)` lets `course(look, booth)` be its session."""
    told, notes, hearts = [], [], []
    line = SimpleNamespace(tell=lambda kind, **details: told.append((kind, details)), close=lambda: None)
    desk = SimpleNamespace(note=notes.append)
    session = SimpleNamespace(desk=desk, beats=[], source=SimpleNamespace(title="rain"))
    page = SimpleNamespace(show=lambda session: [], look=lambda session: [])
    config = tmp_path / "booth.toml"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(program_module, "LifeLine", lambda on_gone: line)
    monkeypatch.setattr(program_module, "Session", lambda settings, on_message: session)
    monkeypatch.setattr(program_module, "PatientPage", lambda *_: nullcontext(page))
    monkeypatch.setattr(program_module, "GOOD_AFTER_S", -1.0)

    def heart(line, session, beat_s, hung_after_s, **_):
        hearts.append(SimpleNamespace(hung_after_s=hung_after_s, start=lambda: None, stop=lambda: None))
        return hearts[-1]

    def run(text, course, **how):
        booth = QuietBooth()

        def made(session, log, *, settings, **_):
            booth.settings = booth.heard = settings
            return booth

        config.write_text(text)
        monkeypatch.setattr(program_module, "Booth", made)
        monkeypatch.setattr(program_module, "Heart", heart)
        monkeypatch.setattr(program_module, "run_session", lambda session, look: course(look, booth))
        return Program(config, **how).run()

    return SimpleNamespace(run=run, told=told, notes=notes, hearts=hearts, session=session, config=config)


VIRTUAL = '[audio]\ndevice = "virtual"\n'


def test_an_edited_log_and_hang_are_told_to_keeper_and_heart_and_what_sounds_is_kept(stage, tmp_path):
    def course(look, booth):
        look(stage.session)
        assert [kind for kind, _ in stage.told] == ["opens", "plays"], "and told once"
        own = booth.settings.booth.model_copy(update={"visits": tmp_path / "v.jsonl", "hung_after_s": 40.0})
        booth.settings = booth.settings.model_copy(update={"booth": own})
        booth.heard = load_settings(None, {"gain_db": -30.0})
        while last_good(stage.config) != booth.heard:
            look(stage.session)

    assert stage.run(VIRTUAL, course) == AGAIN
    opens = [details for kind, details in stage.told if kind == "opens"]
    assert [one["hung_after_s"] for one in opens] == [20.0, 40.0] == [20.0, stage.hearts[0].hung_after_s]
    assert opens[1]["path"] == str(tmp_path / "v.jsonl")
    assert stage.told[-1] == ("anew", {"why": "because", "resting": True})


def test_a_sound_that_fails_is_begun_anew_and_its_set_up_is_not_to_blame(stage):
    keep_good(load_settings(None, {"device": "virtual", "gain_db": -7.0}), stage.config)

    def course(look, booth):
        look(stage.session)
        raise program_module.RenderError("the card stood still.")

    assert stage.run(VIRTUAL, course) == AGAIN and len(stage.hearts) == 1
    assert stage.told[-1] == ("anew", {"why": "the card stood still", "resting": True}) and stage.notes == []


def test_page_and_watch_are_told_why_the_booth_began_anew_and_that_it_is_not_the_file_that_plays(stage, tmp_path):
    keep_good(load_settings(None, {"device": "virtual"}), stage.config)
    (tmp_path / "media").mkdir()
    status = stage.run('[source]\ninput = "media"\n', lambda look, booth: None, why="it hung")
    anew, fallen = stage.notes
    assert status == AGAIN and anew == "the booth began anew: it hung."
    assert fallen.startswith("the configuration cannot be used, and the last one that could is: ")
    assert "media holds no sound files" in fallen


def test_a_disk_that_hangs_keeps_nobody_and_what_came_meanwhile_is_kept_behind_it(monkeypatch):
    begun, goes_on, kept = Event(), Event(), []

    def slow(settings, config):
        begun.set()
        goes_on.wait(10.0)
        kept.append(settings)

    monkeypatch.setattr(good_keeper, "keep_good", slow)
    keeper, first, second = GoodKeeper(None), GOOD, load_settings(None, {"gain_db": -8.0})
    keeper.keep(first)
    assert begun.wait(10.0)
    keeper.keep(second)
    assert kept == []
    goes_on.set()
    while len(kept) < 2:
        keeper.keep(second)
    keeper.keep(second)
    assert kept == [first, second]


def test_a_visit_of_a_booth_that_was_cut_off_is_ended_by_the_next_one_and_once(monkeypatch, tmp_path):
    told = []
    line = SimpleNamespace(tell=lambda kind, **details: told.append((kind, details)))
    monkeypatch.setattr(program_module, "LifeLine", lambda on_gone: line)
    place = LogPlace(tmp_path / "booth.jsonl", 10_000, 1)
    assert Program(None, visit=3)._last_visit(place) == 3 and told == []
    append_line(place, b'{"event": "visit_begins", "number": 8, "time": "2026-11-23T12:00:00"}\n')
    assert Program(None, visit=9)._last_visit(place) == 9 and told == [], "the keeper tells of those that it knows of"
    assert Program(None)._last_visit(place) == 8
    end = {"number": 8, "lasted_s": 0.0, "why": "the booth was cut off"}
    assert told == [("log", {"event": "visit_ends", "details": end})]
    nowhere = LogPlace(tmp_path / "booth.jsonl" / "no folder", 1, 1)
    assert Program(None, visit=2)._last_visit(nowhere) == 2 and len(told) == 1


def test_a_port_that_is_taken_is_said_once_and_had_as_soon_as_it_is_free(monkeypatch):
    now, said, shown = [0.0], [], []
    monkeypatch.setattr(patient_page.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(patient_page.WebPage, "show", lambda page, session: shown.append(page.port))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        web = load_settings(None, {"web": True, "web_port": port}).web
        page = patient_page.PatientPage(web, pytest.fail, said.append).__enter__()
        for now[0] in (5.0, 11.0, 22.0):
            page.show(None)
            assert page.look(None) == []
        assert shown == [] and len(said) == 1 and f"port {port} of 127.0.0.1 is in use" in said[0]
    page.look(None)
    assert shown == [], "not yet"
    now[0] = 33.0
    page.look(None)
    page.__exit__()
    assert shown == [port] and len(said) == 1
