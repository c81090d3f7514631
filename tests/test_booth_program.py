"""The booth's program: which set-up it plays when one cannot be used, or ended before it played."""

import socket
from types import SimpleNamespace

import pytest

from rt_render.app.booth import patient_page
from rt_render.app.booth import program as program_module
from rt_render.app.booth.life_line import FOR_GOOD
from rt_render.app.booth.program import Program
from rt_render.app.booth.state_files import keep_good
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
