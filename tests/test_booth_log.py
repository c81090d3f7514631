"""The booth's log: whole lines, files that rotate, disks that fail, and nothing personal."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from rt_render.app.booth.choices import Choices
from rt_render.app.booth.impersonal import impersonal
from rt_render.app.booth.logged_visits import last_visit, left_open
from rt_render.app.booth.visit_log import MAX_WAITING, LogPlace, VisitLog, append_line, read_events
from rt_render.app.controls.desk import Change


def log_of(place, said, events, clock=lambda: "now"):
    log = VisitLog(said.append, clock)
    for number in events:
        log.add("visit_begins", number=number)
    log.move(place)
    return log


def wait_until(what, seconds=10.0):
    end_s = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_each_event_is_a_line_with_its_time_and_the_last_visit_is_found_again(tmp_path):
    place, said = LogPlace(tmp_path / "deep" / "booth.jsonl", 10_000, 3), []
    log_of(place, said, [1, 2, 3]).stop()
    events = read_events(place)
    assert [event["number"] for event in events] == [1, 2, 3]
    assert all(event["time"] == "now" and event["event"] == "visit_begins" for event in events)
    assert last_visit(read_events(place)) == 3 and said == []


def test_the_wall_clock_may_jump_and_lines_stay_in_their_order(tmp_path):
    times = iter(["2026-11-23T12:00:00", "1970-01-01T00:00:00", "2038-01-19T00:00:00"])
    place = LogPlace(tmp_path / "booth.jsonl", 10_000, 2)
    log_of(place, [], [1, 2, 3], lambda: next(times)).stop()
    assert [event["number"] for event in read_events(place)] == [1, 2, 3]


def test_full_files_rotate_and_the_oldest_goes(tmp_path):
    place = LogPlace(tmp_path / "booth.jsonl", 1000, 3)
    log_of(place, [], range(1, 101)).stop()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["booth.jsonl", "booth.jsonl.1", "booth.jsonl.2"]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    numbers = [event["number"] for event in read_events(place)]
    assert numbers == list(range(numbers[0], 101)) and 20 < len(numbers) < 60


def test_a_single_file_begins_anew_when_it_is_full(tmp_path):
    place = LogPlace(tmp_path / "booth.jsonl", 300, 1)
    log_of(place, [], range(1, 31)).stop()
    assert [path.name for path in tmp_path.iterdir()] == ["booth.jsonl"]
    assert read_events(place)[-1]["number"] == 30


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_told_once_lines_wait_and_all_of_them_come(tmp_path):
    path, said = tmp_path / "booth.jsonl", []
    path.symlink_to("/dev/full")
    place = LogPlace(path, 10_000, 3)
    log = log_of(place, said, range(1, 11))
    wait_until(lambda: said)
    assert said == [
        "the log booth.jsonl cannot be written (no space left on device): lines wait until it can; make room or name "
        "another file with visits in [booth]."
    ]
    path.unlink()
    log.add("visit_begins", number=11)
    wait_until(lambda: len(said) == 2)
    assert said[1] == "the log booth.jsonl is written again."
    log.stop()
    assert [event["number"] for event in read_events(place)] == list(range(1, 12))


def test_of_too_many_lines_the_oldest_go_and_how_many_is_written(tmp_path):
    log = VisitLog(lambda text: None, lambda: "now")
    for number in range(MAX_WAITING + 5):
        log.add("visit_begins", number=number)
    place = LogPlace(tmp_path / "booth.jsonl", 10_000_000, 1)
    log.move(place)
    wait_until(lambda: place.path.exists() and last_visit(read_events(place)) == MAX_WAITING + 4)
    log.stop()
    events = read_events(place)
    assert events[0]["event"] == "lines_lost" and events[0]["lines"] == 5 and events[1]["number"] == 5


def test_a_log_that_cannot_rotate_says_the_reason_and_closes_each_file_once(tmp_path, monkeypatch):
    place, closed = LogPlace(tmp_path / "booth.jsonl", 10, 2), []
    append_line(place, b'{"number": 1}\n')
    (tmp_path / "booth.jsonl.1" / "in the way").mkdir(parents=True)
    close = os.close
    monkeypatch.setattr(os, "close", lambda descriptor: closed.append(descriptor) or close(descriptor))
    with pytest.raises(IsADirectoryError):
        append_line(place, b'{"number": 2}\n')
    assert len(closed) == len(set(closed))


def test_whatever_an_event_holds_and_whoever_fails_to_listen_the_log_goes_on(tmp_path):
    def deaf(text):
        raise RuntimeError(text)

    log = VisitLog(deaf, lambda: "now")
    log.move(LogPlace(tmp_path / "a\0b", 10_000, 1))
    log.add("said", text="a file named \udcff")
    wait_until(lambda: log._fails)
    place = LogPlace(tmp_path / "booth.jsonl", 10_000, 1)
    log.move(place)
    log.stop()
    assert [event["text"] for event in read_events(place)] == ["a file named \udcff"]


def test_a_line_that_is_cut_or_foreign_is_left_out(tmp_path):
    place = LogPlace(tmp_path / "booth.jsonl", 10_000, 1)
    append_line(place, b'{"event": "visit_begins", "number": 7}\n')
    append_line(place, b'{"event": "visit_beg\n')
    append_line(place, b"[1, 2]\n\xff\xfe\n")
    assert [event["number"] for event in read_events(place)] == [7]
    assert read_events(LogPlace(tmp_path / "none", 1, 1)) == [] and last_visit([]) == 0


def line(event, second, **more):
    return {"event": event, "time": f"2026-11-23T12:00:{second:02d}+01:00", **more}


def test_a_visit_that_a_power_cut_left_open_lasted_until_the_last_line_before_the_next_start():
    cut = [line("visit_begins", 1, number=4), line("choice", 21, number=4)]
    end = {"number": 4, "lasted_s": 20.0, "why": "the booth was cut off"}
    assert left_open(cut) == left_open([*cut, line("starts", 55), line("said", 56)]) == end
    assert left_open(cut[:1])["lasted_s"] == 0.0
    assert left_open([*cut, line("visit_ends", 30, number=4)]) is None and left_open([line("rest", 1)]) is None


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00+00:00", "2026-11-23T12:00:30", "noon", 7, None])
def test_a_clock_that_was_stepped_or_a_damaged_time_makes_no_visit_of_less_than_nothing(time):
    events = [line("visit_begins", 1, number=4), {"event": "said", "time": time}]
    assert left_open(events) == {"number": 4, "lasted_s": 0.0, "why": "the booth was cut off"}
    assert left_open([{"event": "visit_begins", "number": "x"}]) is None


@pytest.mark.skipif(sys.platform == "win32", reason="no such modes")
def test_the_log_is_for_its_owner(tmp_path):
    place = LogPlace(tmp_path / "booth.jsonl", 10_000, 1)
    append_line(place, b"{}\n")
    assert place.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("OSC from 192.168.1.17 is not heard", "OSC from another machine is not heard"),
        ("OSC from fe80::1c2d:3e4f:5a6b is not heard", "OSC from another machine is not heard"),
        ("listening at 127.0.0.1:9000, 0.0.0.0", "listening at 127.0.0.1:9000, 0.0.0.0"),
        ("the page: open http://10.0.0.5:8765/#token=secret-1 now", "the page: open its link now"),
        ("/home/anna/music/rain.wav stopped", "~/music/rain.wav stopped"),
        (r"C:\Users\Anna\rain.wav stopped", r"~\rain.wav stopped"),
        ("/media/ann/STICK/rain.wav stopped", "~/STICK/rain.wav stopped"),
        ("/run/media/ann/STICK/rain.wav stopped", "~/STICK/rain.wav stopped"),
        ("/home/anna/media/deep/rain.wav and /srv/media/a/rain.wav", "~/media/deep/rain.wav and /srv/media/a/rain.wav"),
        ("/Volumes/Ann's stick/rain.wav stopped", "~/rain.wav stopped"),
        ("OSC from ann-laptop.local is not heard", "OSC from another machine is not heard"),
        ("OSC from ann-laptop.fritz.box.", "OSC from another machine."),
        ("media/local.wav and 1.5.local.wav stopped", "media/local.wav and 1.5.local.wav stopped"),
        ("the card Ann's AirPods Pro is gone", "the card somebody's AirPods Pro is gone"),
        ("the card Élodie’s iPhone is gone", "the card somebody's iPhone is gone"),
        ("It's gone, and the card's name is kept", "It's gone, and the card's name is kept"),
        ("at 12:34:56 /rt/gain_db was 3", "at 12:34:56 /rt/gain_db was 3"),
        ("127.0.0.1:58847 says: you look 3° to the right, 5° down", "127.0.0.1:58847 tells how the head is turned."),
        ("serial port /dev/ttyACM0 is open", "serial port /dev/ttyACM0 is open"),
    ],
)
def test_nothing_that_names_a_person_is_kept(text, kept):
    assert impersonal(text) == kept


def test_of_a_slider_the_last_value_is_kept_and_of_who_moved_it_only_the_way():
    lines, now = [], [0.0]
    choices = Choices(lambda event, **details: lines.append((event, details)), lambda: now[0])
    for k in range(50):
        now[0] += 0.05
        choices.take(Change("gain_db", float(k), "osc 192.168.1.4"))
        choices.flush(3)
    choices.take(Change("playing", True, ""))
    assert lines == []
    now[0] += 2.1
    choices.flush(3)
    assert lines == [("choice", {"number": 3, "control": "gain_db", "value": 49.0, "by": "osc", "times": 50})]
    choices.take(Change("next", None, "page"))
    choices.flush(None, everything=True)
    assert lines[1][1] == {"number": None, "control": "next", "value": None, "by": "page", "times": 1}
    assert json.dumps(lines)


def test_a_newest_file_that_cannot_be_renamed_costs_none_of_the_older_ones_however_often_it_is_tried(
    tmp_path, monkeypatch
):
    place = LogPlace(tmp_path / "booth.jsonl", 20, 4)
    for number in range(1, 4):
        append_line(place, b'{"number": %d}\n' % number)
    rename = Path.replace

    def refuse(path, target):
        if path == place.path:
            raise PermissionError(13, "in use")
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        for _ in range(5):
            with pytest.raises(PermissionError):
                append_line(place, b'{"number": 4}\n')
    assert [event["number"] for event in read_events(place)] == [1, 2, 3]
    append_line(place, b'{"number": 4}\n')
    assert [event["number"] for event in read_events(place)] == [1, 2, 3, 4]


def test_a_last_line_that_was_cut_takes_none_with_it(tmp_path):
    place = LogPlace(tmp_path / "booth.jsonl", 10_000, 1)
    place.path.write_bytes(b'{"number": 1}\n{"numb')
    append_line(place, b'{"number": 2}\n')
    append_line(place, b'{"number": 3}\n')
    assert [event["number"] for event in read_events(place)] == [1, 2, 3]
    assert place.path.read_bytes().count(b"\n") == 4


@pytest.mark.skipif(shutil.which("bash") is None, reason="the guide's command is one of a shell")
def test_the_guides_command_tells_how_long_visitors_stayed_today_in_all_files_of_the_log(tmp_path):
    guide = (Path(__file__).parent.parent / "docs" / "booth.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^cat .*visit_ends.*$", guide, re.MULTILINE)
    folder = tmp_path / ".local" / "state" / "rt-render"
    folder.mkdir(parents=True)
    today = date.today().isoformat()
    times = {"booth.jsonl": (today, 600.0), "booth.jsonl.1": (today, 1200.0), "booth.jsonl.2": ("2026-01-01", 60.0)}
    for name, (day, lasted_s) in times.items():
        end = {"time": f"{day}T12:00:00+01:00", "event": "visit_ends", "number": 1, "lasted_s": lasted_s}
        (folder / name).write_text(json.dumps(end) + "\n" + json.dumps(end | {"event": "rest"}) + "\n")
    (folder / "booth.jsonl.lock").touch()
    told = subprocess.run(["bash", "-c", command], env=os.environ | {"HOME": str(tmp_path)}, capture_output=True)
    assert (told.stdout, told.stderr) == (b"2 visits, 30 minutes\n", b"")
