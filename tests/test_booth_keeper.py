"""The keeper: what ends or hangs begins anew, with the reason in the log; and the words for systemd."""

import configparser
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from threading import Thread

import pytest

from rt_render.app.booth import keeper as keeper_module
from rt_render.app.booth.keeper import Keeper
from rt_render.app.booth.notify import notify
from rt_render.app.booth.only_one import ANOTHER_RUNS, OnlyOne
from rt_render.app.booth.state_files import keep_good, kept_token, last_good
from rt_render.app.booth.unit import NAME, unit_text, write_unit
from rt_render.app.booth.visit_log import LogPlace, read_events
from rt_render.app.settings_file import load_settings
from rt_render.errors import ConfigurationError

PROGRAM = """
import json, os, sys, time, signal, faulthandler
faulthandler.register(signal.SIGUSR1)
def tell(kind, **details): print(json.dumps({{"kind": kind, **details}}), flush=True)
tell("opens", path={log!r}, max_bytes=100000, n_files=2, hung_after_s=1.0)
tell("plays", title="rain")
tell("beat", n=1)
with open({runs!r}, "a") as file:
    file.write("x")
run = os.path.getsize({runs!r})
{then}
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such signals")


class Kept:
    """A keeper with a program of the test's, on a thread; `then` is what the program does behind its first beat."""

    def __init__(self, folder: Path, then: str):
        self.log, self.said, self.lines = folder / "log.jsonl", [], []
        text = PROGRAM.format(log=str(self.log), runs=str(folder / "runs"), then=then)
        self.keeper = Keeper(None, self.said.append, self.lines.append)
        self.keeper._command = [sys.executable, "-c", text]
        self.thread = Thread(target=self.keeper.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.keeper.stop()
        self.thread.join(20.0)
        assert not self.thread.is_alive()

    def events(self, kind):
        place = LogPlace(self.log, 100_000, 2)
        return [event for event in read_events(place) if event["event"] == kind]

    def wait(self, what, seconds=15.0):
        end_s = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end_s, self.said
            time.sleep(0.02)


BEATS = """
import select
while not select.select([0], [], [], 0.1)[0]:
    tell("beat", n=2)
"""


def test_a_program_that_is_killed_begins_anew_at_once_and_the_log_says_why(tmp_path):
    with Kept(tmp_path, BEATS) as kept:
        kept.wait(lambda: kept.events("plays"))
        os.kill(kept.keeper.process_id, signal.SIGKILL)
        kept.wait(lambda: len(kept.events("plays")) == 2)
    assert [event["why"] for event in kept.events("begins_anew")] == ["its program ended by itself (signal 9)"]
    assert kept.events("plays")[0]["down_s"] is None and kept.events("plays")[1]["down_s"] >= 0.0
    assert kept.said[0] == "the booth begins anew: its program ended by itself (signal 9)."
    assert len(kept.events("starts")) == len(kept.events("ends")) == 1


def test_a_program_that_hangs_is_ended_and_where_it_stood_is_kept(tmp_path):
    hangs = "def stands_still():\n    time.sleep(1000)\n(stands_still() if run == 1 else None)\n" + BEATS
    with Kept(tmp_path, hangs) as kept:
        kept.wait(lambda: len(kept.events("plays")) == 2)
    (event,) = kept.events("begins_anew")
    assert event["why"] == "it gave no sign of life for 1 s"
    assert "in stands_still" in event["stacks"]


def test_a_program_that_says_what_hangs_is_believed(tmp_path):
    then = "\nif run == 1:\n    tell('hangs', why='the source has not answered for 20 s')\n    sys.exit(4)\n" + BEATS
    with Kept(tmp_path, then) as kept:
        kept.wait(lambda: len(kept.events("plays")) == 2)
    assert kept.events("begins_anew")[0]["why"] == "the source has not answered for 20 s"


def test_an_error_of_the_program_is_kept_without_the_folders_of_this_machine(tmp_path):
    with Kept(tmp_path, "import runpy\n(runpy.run_path('/nowhere/x.py') if run == 1 else None)\n" + BEATS) as kept:
        kept.wait(lambda: len(kept.events("plays")) == 2)
    stacks = kept.events("begins_anew")[0]["stacks"]
    assert "FileNotFoundError" in stacks and 'File "<frozen runpy>"' in stacks and 'File "/' not in stacks


def test_a_program_that_cannot_begin_is_tried_less_and_less_often(tmp_path, monkeypatch):
    waited = []
    monkeypatch.setattr(Keeper, "_wait", lambda self, seconds: waited.append(seconds))
    with Kept(tmp_path, "sys.exit(2)") as kept:
        kept.wait(lambda: len(waited) >= 4)
    assert waited[:4] == list(keeper_module.BACK_OFF_S[1:5])


def test_a_start_that_ends_before_it_plays_is_followed_by_one_with_the_last_set_up_that_did(tmp_path, monkeypatch):
    monkeypatch.setattr(Keeper, "_wait", lambda self, seconds: None)
    with Kept(tmp_path, "") as kept:
        told = f"import sys\nopen({str(tmp_path / 'told')!r}, 'a').write(sys.argv[-1] + ' ')\nsys.exit(2)"
        kept.keeper._command = [sys.executable, "-c", told]
        kept.wait(lambda: (tmp_path / "told").exists() and len((tmp_path / "told").read_text().split()) >= 3)
    assert (tmp_path / "told").read_text().split()[:3] == ["--visit=0", "--after-failure", "--visit=0"]


def test_the_newest_visit_is_handed_to_the_next_program_for_a_full_disk_may_have_kept_it_from_the_log(tmp_path):
    then = (
        "tell('log', event='visit_begins', details={'number': 41 + run})\n"
        "tell('log', event='told', details={'how': sys.argv[-1]})\n(sys.exit(4) if run == 1 else None)\n"
    )
    with Kept(tmp_path, then + BEATS) as kept:
        kept.wait(lambda: len(kept.events("told")) == 2)
    assert [event["how"] for event in kept.events("told")] == ["--visit=0", "--visit=42"]


def test_a_visit_whose_program_is_killed_ends_in_the_log_before_the_booth_begins_anew(tmp_path):
    then = (
        "if run == 1:\n"
        "    tell('log', event='visit_begins', details={'number': 7})\n"
        "    tell('beat', visit={'number': 7, 'since_s': 12.34})\n"
        "    tell('beat', visit={'number': 6, 'since_s': 99.0})\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with Kept(tmp_path, then + BEATS) as kept:
        kept.wait(lambda: len(kept.events("plays")) == 2)
    (end,) = kept.events("visit_ends")
    assert (end["number"], end["lasted_s"], end["why"]) == (7, 12.3, "the program ended")
    kinds = [event["event"] for event in read_events(LogPlace(kept.log, 100_000, 2))]
    assert kinds.index("visit_begins") < kinds.index("visit_ends") < kinds.index("begins_anew")


def test_a_visit_that_its_program_ended_is_not_ended_twice(tmp_path):
    then = (
        "tell('log', event='visit_begins', details={'number': run})\n"
        "tell('log', event='visit_ends', details={'number': run, 'lasted_s': 3.0})\n"
        "(sys.exit(4) if run == 1 else None)\n"
    )
    with Kept(tmp_path, then + BEATS) as kept:
        kept.wait(lambda: len(kept.events("visit_ends")) == 2)
    assert [event["number"] for event in kept.events("visit_ends")] == [1, 2]


def test_a_visit_whose_program_does_not_end_when_it_is_told_to_has_an_end_too(tmp_path, monkeypatch):
    monkeypatch.setattr(keeper_module, "STOP_S", 0.2)
    hangs = "tell('log', event='visit_begins', details={'number': 3})\nwhile True: tell('beat'); time.sleep(0.1)\n"
    with Kept(tmp_path, hangs) as kept:
        kept.wait(lambda: kept.events("visit_begins"))
    assert [event["number"] for event in kept.events("visit_ends")] == [3]


def test_a_program_that_ended_at_rest_is_followed_by_one_that_begins_at_rest(tmp_path):
    then = (
        "tell('beat', resting=run == 1)\ntell('log', event='told', details={'how': sys.argv[-1]})\n"
        "(sys.exit(4) if run <= 2 else None)\n"
    )
    with Kept(tmp_path, then + BEATS) as kept:
        kept.wait(lambda: len(kept.events("told")) == 3)
    assert [event["how"] for event in kept.events("told")] == ["--visit=0", "--rests", "--visit=0"]


def test_the_next_program_is_told_why_the_one_before_ended_and_that_all_was_quiet_then(tmp_path):
    then = (
        "tell('log', event='told', details={'how': sys.argv[1:]})\n"
        "if run == 1:\n"
        "    tell('beat', resting=False)\n"
        "    tell('anew', why='edited (\\u00b5\\0\\udc80)', resting=True)\n"
        "    sys.exit(4)\n"
    )
    with Kept(tmp_path, then + BEATS) as kept:
        kept.wait(lambda: len(kept.events("told")) == 2)
    why, *others = kept.events("told")[1]["how"]
    assert json.loads(why.removeprefix("--why=")) == "edited (\u00b5\0\udc80)" and others == ["--visit=0", "--rests"]


def test_a_second_booth_with_the_same_log_says_so_ends_and_leaves_the_log_alone(tmp_path):
    with Kept(tmp_path, BEATS) as kept:
        kept.wait(lambda: kept.events("plays"))
        written = kept.log.read_bytes()
        second = Kept(tmp_path, "tell('says', text='it plays')\n" + BEATS)
        assert second.keeper.run() == ANOTHER_RUNS
        assert second.said == [
            f"a booth runs already, with the log {kept.log}: end it first, or name another file with visits in "
            "[booth] for this one."
        ]
        assert kept.log.read_bytes() == written
    third = OnlyOne()
    assert third.take(kept.log) and third.holds, "who has ended holds nothing"
    assert not OnlyOne().take(kept.log) and third.take(tmp_path / "other.jsonl") and OnlyOne().take(kept.log)
    third.release()
    nowhere = OnlyOne()
    assert nowhere.take(kept.log / "no folder" / "log.jsonl") and not nowhere.holds


def test_sentences_that_nobody_can_take_end_nothing(tmp_path):
    def full(text):
        raise OSError(28, "No space left on device")

    with Kept(tmp_path, "(sys.exit(4) if run == 1 else None)\n" + BEATS) as kept:
        kept.keeper._on_message = full
        kept.wait(lambda: len(kept.events("plays")) == 2)
        assert kept.thread.is_alive()


def test_the_same_sentence_is_logged_once_a_minute_and_a_private_one_never(tmp_path):
    then = (
        "for _ in range(50): tell('says', text='the tracker is silent')\ntell('says', text='the link', private=True)\n"
    )
    with Kept(tmp_path, then + BEATS) as kept:
        kept.wait(lambda: "the link" in kept.said)
    assert len(kept.events("said")) == 1 and kept.said.count("the tracker is silent") == 50


def test_what_the_program_logs_comes_into_the_log_and_garbage_does_no_harm(tmp_path):
    then = "print('no json'); print('[1]'); tell('log', event='rest', details={'a': 1}); print('{}')\n" + BEATS
    with Kept(tmp_path, then) as kept:
        kept.wait(lambda: kept.events("rest"))
    assert kept.events("rest")[0]["a"] == 1 and not kept.events("begins_anew")


def test_a_service_manager_is_told_and_without_one_nothing_happens(tmp_path, monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5.0)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with Kept(tmp_path, BEATS) as kept:
            kept.wait(lambda: kept.events("plays"))
            told = {manager.recv(100) for _ in range(2)}
        assert told == {b"READY=1", b"WATCHDOG=1"}
    notify("READY=1")  # the manager has gone


def test_the_unit_starts_this_python_with_the_whole_path_and_is_not_overwritten(tmp_path):
    config = tmp_path / "my booth.toml"
    path = write_unit(config, tmp_path / "systemd" / "user", force=False)
    assert path.name == NAME
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string(path.read_text())
    assert unit["Service"]["ExecStart"] == f'{sys.executable} -m rt_render booth --config "{config}"'
    assert unit["Service"]["RestartPreventExitStatus"] == str(ANOTHER_RUNS)
    assert unit["Service"]["Restart"] == "always" and unit["Install"]["WantedBy"] == "default.target"
    with pytest.raises(ConfigurationError, match="exists already"):
        write_unit(config, path.parent, force=False)
    write_unit(None, path.parent, force=True)
    assert "--config" not in path.read_text()
    assert "100%%" in unit_text(Path("/100%.toml"))
    assert '--config "/Ann\'s; \\"best\\" $$5.toml"\n' in unit_text(Path('/Ann\'s; "best" $5.toml'))


def test_the_last_good_configuration_and_the_token_come_back_and_damage_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    config, folder = tmp_path / "mine.toml", tmp_path / "rt-render"
    assert last_good(config) is None
    settings = load_settings(None, {"gain_db": -7.5, "poses": tmp_path / "p.csv", "gestures": ["double-nod"]})
    keep_good(settings, config)
    assert last_good(config) == settings
    token = kept_token(config)
    assert len(token) == 16 and kept_token(config) == token
    good, kept = (next(folder.glob(f"mine-????????.{kind}")) for kind in ("good.json", "token"))
    good.write_text('{"audio": {"gain_db": 99}}')
    assert last_good(config) is None
    kept.write_text("x\ny")
    assert kept_token(config) not in (token, "x\ny")
    assert kept.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("XDG_STATE_HOME", str(kept))
    keep_good(settings, config)  # no folder: nothing is kept, nothing raised
    assert last_good(config) is None


def test_each_configuration_file_has_its_own_last_good_one_and_its_own_token(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    configs = [None, Path("mine.toml"), tmp_path / "deep" / "mine.toml"]
    for n, config in enumerate(configs):
        keep_good(load_settings(None, {"gain_db": float(n)}), config)
    assert [last_good(config).audio.gain_db for config in configs] == [0.0, 1.0, 2.0]
    assert last_good(tmp_path / "mine.toml").audio.gain_db == 1.0, "from wherever it is started"
    assert len({kept_token(config) for config in configs}) == 3


def test_token_and_last_good_set_up_are_the_same_however_the_path_is_spelt(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    config, settings = tmp_path / "deep" / "booth.toml", load_settings(None, {"gain_db": -3.0})
    config.parent.mkdir()
    config.touch()
    (tmp_path / "link.toml").symlink_to(config)
    (tmp_path / "round.toml").symlink_to(tmp_path / "round.toml")
    token = kept_token(config)
    keep_good(settings, config)
    monkeypatch.chdir(config.parent)
    for spelt in (Path("booth.toml"), Path("../deep/booth.toml"), tmp_path / "link.toml"):
        assert kept_token(spelt) == token and last_good(spelt) == settings
    assert last_good(tmp_path / "round.toml") is None


def test_a_reason_that_was_told_is_kept_when_the_program_then_hangs(tmp_path):
    then = "\nif run == 1:\n    tell('anew', why='what plays has ended')\n    time.sleep(1000)\n" + BEATS
    with Kept(tmp_path, then) as kept:
        kept.wait(lambda: len(kept.events("plays")) == 2)
    (event,) = kept.events("begins_anew")
    assert event["why"] == "what plays has ended; then it gave no sign of life for 1 s"


def test_a_line_that_makes_no_sense_does_not_end_the_keeper(tmp_path):
    then = "tell('opens')\ntell('log', event=1, details=2)\nprint('[' * 100000, flush=True)\n"
    with Kept(tmp_path, then + "tell('says', text='still here')\n" + BEATS) as kept:
        kept.wait(lambda: "still here" in kept.said)
    assert any("was not understood (KeyError: 'path')" in text for text in kept.said)
    assert len(kept.events("ends")) == 1
