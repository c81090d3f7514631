"""The desk: wishes are checked where they are made, carried out by one thread, and told to all who look."""

import json
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from rt_render.app import cli
from rt_render.app.controls.control import Control
from rt_render.app.controls.desk import MAX_WAITING, Desk
from rt_render.app.controls.keys import KEYS
from rt_render.app.controls.page import remote_page
from rt_render.app.controls.table import CONTROLS
from rt_render.app.session import Session
from rt_render.app.settings_file import load_settings
from rt_render.errors import ConfigurationError

QUICK = {"device": "virtual", "tracker": "simulated:1", "method": "ls", "head": "sphere", "taps": 64, "order": 1}


@pytest.fixture(scope="module")
def sounding():
    """A session of the scene that sounds, and what it said."""
    said = []
    settings = load_settings(None, {**QUICK, "remote_port": 0})
    with Session(settings, on_message=said.append) as session:
        session.said = said
        yield session


def set_and_look(session, name, value=None, who="test"):
    refused = session.desk.ask(name, value, who)
    session.desk.work(session)
    return refused


NUMBER = Control("gain_db", "number", "", lambda s, v: None, low=-60.0, high=24.0)
WHOLE = Control("item", "number", "", lambda s, v: None, low=1.0, whole=True)
SWITCH = Control("muted", "switch", "", lambda s, v: None)
CHOICE = Control("order", "choice", "", lambda s, v: None, choices=("1", "3"))
TEXT = Control("name", "text", "", lambda s, v: None)
ACTION = Control("recentre", "action", "", lambda s, v: None)


@pytest.mark.parametrize(
    ("control", "value", "taken"),
    [
        (NUMBER, -60, -60.0),
        (NUMBER, 24.0, 24.0),
        (WHOLE, 3.0, 3),
        (SWITCH, 1, True),
        (SWITCH, 0.0, False),
        (SWITCH, True, True),
        (CHOICE, "3", "3"),
        (CHOICE, 3.0, "3"),
        (TEXT, "sphere", "sphere"),
        (ACTION, None, True),
        (ACTION, 1.0, True),
        (ACTION, False, False),
    ],
)
def test_a_value_is_taken_as_its_control_means_it(control, value, taken):
    found = control.checked(value, ("1", "3"))
    assert found == taken and type(found) is type(taken)


@pytest.mark.parametrize(
    ("control", "value", "told"),
    [
        (NUMBER, 24.1, "allowed is a number from -60 to 24."),
        (NUMBER, float("nan"), "gain_db = nan"),
        (NUMBER, True, "a number from"),
        (NUMBER, "3", "a number from"),
        (NUMBER, 10**4000, "a number from"),
        (WHOLE, 1.5, "a whole number from 1."),
        (WHOLE, 0, "a whole number from 1."),
        (SWITCH, 2, "on or off."),
        (SWITCH, "on", "on or off."),
        (CHOICE, "5", "one of 1, 3."),
        (CHOICE, None, "one of 1, 3."),
        (TEXT, "a\nb", "a text of up to 200 letters."),
        (TEXT, "x" * 201, "a text of up to 200 letters."),
        (ACTION, "now", "no value."),
        (ACTION, b"\0", "no value."),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_is_allowed(control, value, told):
    with pytest.raises(ConfigurationError) as refusal:
        control.checked(value, ("1", "3"))
    assert told in str(refusal.value) and len(str(refusal.value)) < 160


@example(NUMBER, 10**5000)
@given(
    st.sampled_from([NUMBER, WHOLE, SWITCH, CHOICE, TEXT, ACTION]),
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.integers())),
)
def test_whatever_comes_is_taken_within_the_range_or_refused_in_a_sentence(control, value):
    refusal = ""
    try:
        taken = control.checked(value, ("1", "3"))
    except ConfigurationError as error:
        refusal = str(error)
    if refusal:
        assert refusal.startswith(f"{control.name} = ") and refusal.endswith(".")
    else:
        assert taken is not None and (control is not NUMBER or -60.0 <= taken <= 24.0)


def test_the_table_has_each_name_once_with_what_a_page_needs_and_all_is_json(sounding):
    names = [control.name for control in CONTROLS]
    assert len(names) == len(set(names)) and all(name.isidentifier() and name == name.lower() for name in names)
    table = json.loads(json.dumps(sounding.desk.controls(), allow_nan=False))
    assert [row["name"] for row in table] == names
    for row in table:
        assert row["kind"] in ("action", "number", "switch", "choice", "text") and row["about"]
        assert row["unit"] != "" or not row["name"].endswith(("_db", "_s", "_ms", "_deg"))


def test_a_wish_is_carried_out_by_the_one_who_works_and_its_change_is_told(sounding):
    changes, desk = [], sounding.desk
    desk.work(sounding)
    leave = desk.subscribe(changes.append)
    asked = Thread(target=lambda: changes.append(desk.ask("gain_db", -7.0, "page")))
    asked.start()
    asked.join()
    assert changes.pop() is None and sounding.gain_db != -7.0
    desk.work(sounding)
    assert sounding.gain_db == -7.0
    assert [(change.name, change.value, change.who) for change in changes] == [("gain_db", -7.0, "page")]
    leave()
    set_and_look(sounding, "gain_db", -8.0)
    assert len(changes) == 1


def test_every_control_can_be_set_to_what_it_is(sounding):
    for name, value in dict(sounding.desk.state()["values"]).items():
        if value is not None:
            assert set_and_look(sounding, name, value) is None
    assert not any("did not work" in text for text in sounding.said)


def test_what_a_session_lacks_cannot_be_asked_for(sounding):
    assert sounding.desk.ask("next") == "next cannot be used here: it needs a playlist."
    assert "next" not in sounding.desk.state()["values"]


def test_unknown_controls_and_bad_values_are_refused_at_once_and_change_nothing(sounding):
    before = dict(sounding.desk.state()["values"])
    assert "there is no control 'volume'" in sounding.desk.ask("volume", 3)
    assert "allowed is a number from -60 to 24 dB" in sounding.desk.ask("gain_db", 400)
    assert "one of off, constant, learnt" in sounding.desk.ask("prediction", "always")
    sounding.desk.work(sounding)
    values = sounding.desk.state()["values"]
    assert {name: values[name] for name in values if name != "position_s"} == {
        name: before[name] for name in before if name != "position_s"
    }


def test_before_its_first_look_a_desk_asks_for_patience():
    assert Desk().ask("gain_db", 0.0) == "the session is not ready yet: try again in a moment."
    assert Desk().state() == {}


class Alone:
    """As much of a session as a desk of its own controls needs."""

    def __init__(self, real):
        self._real, self.told, self.source = real, [], real.source
        self.decoder, self.engine, self.playlist, self.status = real.decoder, real.engine, None, real.status

    def on_message(self, text):
        self.told.append(text)


def test_the_newest_value_replaces_one_that_waits_but_actions_queue_up_to_a_limit(sounding):
    done = []
    slide = Control("slide", "number", "", lambda s, v: done.append(v), lambda s: 0.0, low=0.0, high=1e9)
    step = Control("step", "action", "", lambda s, v: done.append("step"))
    desk, session = Desk([slide, step]), Alone(sounding)
    desk.work(session)
    assert not any(desk.ask("slide", value) for value in range(10_000))
    asked = [desk.ask("step") for _ in range(MAX_WAITING)]
    assert asked[-1] == "too much is asked for at once: try again in a moment." and not any(asked[:-1])
    assert desk.ask("step", 0) is None  # a button let go
    desk.work(session)
    assert done == [9999.0] + ["step"] * (MAX_WAITING - 1)


def test_a_control_a_part_or_a_listener_that_fails_becomes_a_sentence(sounding):
    def fail(*_):
        raise ZeroDivisionError("oh")

    def refuse(*_):
        raise ConfigurationError("there is no item 9: the playlist has 1 to 3.")

    desk, session = Desk([Control("a", "action", "", fail), Control("b", "action", "", refuse)]), Alone(sounding)
    desk.subscribe(fail)
    desk.add_part("visit", fail)
    desk.work(session)
    desk.ask("a")
    desk.ask("b")
    desk.work(session)
    assert session.told == [
        "a did not work (ZeroDivisionError: oh); playing goes on.",
        "b: there is no item 9: the playlist has 1 to 3.",
    ]
    assert desk.state()["visit"] is None
    assert any("visit could not be told" in text for text in desk.state()["messages"])


def test_only_what_is_said_as_a_wish_of_anybody_is_carried_out_is_an_answer(sounding):
    def refuse(session, value):
        raise ConfigurationError("no.")

    def reveal(session, value):
        elsewhere = Thread(target=desk.note, args=("/home/booth/a.wav cannot be read.",))
        elsewhere.start()
        elsewhere.join()
        desk.note("A was Tracked")

    acts = {"reveal": reveal, "refused": refuse, "fails": lambda s, v: Path("/nowhere/at/all").read_text()}
    everybodys = [Control(name, "action", "", act) for name, act in acts.items()]
    desk, session = Desk([*everybodys, Control("head", "action", "", refuse, setup=True)]), Alone(sounding)
    session.on_message, session.comparison = desk.note, SimpleNamespace(blind=False)
    desk.work(session)
    for name in (*acts, "head"):
        assert desk.ask(name) is None
    desk.work(session)
    desk.work(session)
    assert desk.state()["answers"] == ["A was Tracked", "refused: no."]
    assert len(desk.state()["messages"]) == 5 and "/nowhere/at/all" in str(desk.state()["messages"])


def test_a_sentence_that_could_be_called_up_again_and_again_is_said_a_few_times_only(sounding):
    def refuse(*_):
        raise ConfigurationError("no.")

    desk, session = Desk([Control("a", "switch", "", refuse)]), Alone(sounding)
    desk.work(session)
    for _ in range(100):
        desk.ask("a", 1)
        desk.work(session)
    assert 1 <= len(session.told) < 20


def test_a_state_that_cannot_be_told_stays_as_it_was(sounding, monkeypatch):
    desk, session = Desk(), sounding
    desk.work(session)
    before = desk.state()
    monkeypatch.setattr(session, "status", lambda: 1 / 0)
    desk.work(session)
    assert desk.state() is before and "ZeroDivisionError" in session.said[-1]


def test_many_ask_at_once_and_the_last_value_is_one_that_was_asked_for(sounding):
    threads = [
        Thread(target=lambda n=n: [sounding.desk.ask("gain_db", -float(n), str(n)) for _ in range(500)])
        for n in range(1, 9)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        sounding.desk.work(sounding)
    sounding.desk.work(sounding)
    assert -sounding.gain_db in range(1, 9)


@pytest.mark.parametrize("wanted_s", [0.0, 1e6])
def test_no_position_that_is_taken_ends_or_silences_what_plays(sounding, wanted_s):
    for _ in range(2):
        assert set_and_look(sounding, "position_s", wanted_s) is None
        assert sounding.position_s >= wanted_s and not sounding.ended
    assert "from 0 to 1000000 s" in sounding.desk.ask("position_s", 1e15)


def test_moving_about_in_what_plays_once_does_not_end_it():
    with Session(load_settings(None, {**QUICK, "remote_port": 0}), seconds=30.0) as session:
        assert set_and_look(session, "position_s", 1e6) is None
        assert 28.0 <= session.position_s < 29.0 and not session.ended


def test_what_a_source_does_as_it_is_sought_does_not_leave_it_paused(sounding, monkeypatch):
    def fail(frame):
        raise ZeroDivisionError("oh")

    with monkeypatch.context() as broken:
        broken.setattr(sounding.engine, "reset", fail)
        set_and_look(sounding, "position_s", 1.0)
    assert sounding.desk.state()["values"]["playing"] and not sounding.engine.snapshot().silent
    set_and_look(sounding, "position_s", 1.0)


def test_the_state_is_json_with_all_that_the_page_shows(sounding):
    sounding.desk.note("hello.")
    sounding.desk.add_part("visit", lambda: {"number": 1})
    sounding.desk.work(sounding)
    state = json.loads(json.dumps(sounding.desk.state(), allow_nan=False))
    assert state["messages"][-1] == "hello." and state["visit"] == {"number": 1}
    wanted = "values playing_title next_title position_s length_s lap tracker card budget block glitches messages"
    assert set(wanted.split()) <= set(state)
    assert state["tracker"]["text"] and state["card"]["text"]
    assert {"late", "missed", "underruns", "p999_us", "budget_us"} <= set(state["block"])


def test_the_page_in_docs_is_what_the_command_writes():
    page = Path(__file__).parent.parent / "docs" / "remote.md"
    assert page.read_text(encoding="utf-8") == remote_page(), "run: rt-render controls --page docs/remote.md --force"
    for control in CONTROLS:
        assert f"| `/rt/{control.name}` |" in remote_page()
    for key in KEYS.values():
        assert f"`{key.shown}`" in remote_page()


def test_the_command_lists_all_controls_and_writes_the_page_but_over_nothing(tmp_path):
    runner = CliRunner()
    listed = json.loads(runner.invoke(cli.app, ["controls", "--json"]).stdout)
    assert [row["name"] for row in listed] == [control.name for control in CONTROLS]
    page = tmp_path / "remote.md"
    assert runner.invoke(cli.app, ["controls", "--page", str(page)]).exit_code == 0
    assert page.read_text(encoding="utf-8") == remote_page()
    with pytest.raises(ConfigurationError, match="exists already"):
        runner.invoke(cli.app, ["controls", "--page", str(page)], catch_exceptions=False)
