"""Threads beside the sound: what fails in them is told and they go on; what dies or hangs is seen by the heart."""

import socket
import time
from queue import SimpleQueue
from threading import Event, Thread
from types import SimpleNamespace

import numpy as np
import pytest

from rt_render.app import remote as remote_module
from rt_render.app import trace_feed
from rt_render.app.beat import Beat
from rt_render.app.booth import config_watch, patient_page, visit_log
from rt_render.app.booth import heart as heart_module
from rt_render.app.booth.config_watch import ConfigWatch
from rt_render.app.booth.heart import Heart
from rt_render.app.comparison.choice_log import ChoiceLog
from rt_render.app.pose_logger import PoseLogger
from rt_render.app.remote import Remote
from rt_render.app.settings import Web
from rt_render.app.trace_feed import TraceFeed

PACKET = b"/a\0\0,\0\0\0"


def until(true, timeout_s=5.0):
    give_up_s = time.monotonic() + timeout_s
    while not true() and time.monotonic() < give_up_s:
        time.sleep(0.01)
    return true()


def run(work):
    thread = Thread(target=work)
    thread.start()
    thread.join()


def heart_of(*beats):
    told, anew = [], []
    line = SimpleNamespace(tell=lambda kind, **details: told.append(details["text"]))
    heart = Heart(line, None, lambda: 0.0, 20.0, beside=beats, begin_anew=anew.append)
    return heart, told, anew


def test_a_thread_that_goes_on_or_rests_or_was_never_begun_is_well():
    new, going, ended = Beat("new"), Beat("going"), Beat("ended")
    going.go()
    run(lambda: (ended.go(), ended.rest()))
    assert [one.trouble(20.0) for one in (new, going, ended)] == [None] * 3


def test_a_thread_that_died_is_told_once_and_the_booth_begins_anew():
    beat = Beat("the remote control")
    run(beat.go)
    heart, told, anew = heart_of(beat)
    heart._look_beside()
    heart._look_beside()
    assert told == ["the remote control has died; sound goes on."] and anew == ["the remote control has died"]


def test_a_thread_that_hangs_ends_nothing_where_a_disk_may_be_the_reason(monkeypatch):
    page, log = Beat("the page"), Beat("the log", on_disk=True)
    for beat in (page, log):
        beat.go()
    now_s = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now_s + 30.0)
    heart, told, anew = heart_of(page, log)
    heart._look_beside()
    assert len(told) == 2 and anew == ["the page has stood still for 30 s"]
    log.go()
    heart._look_beside()
    assert len(told) == 2


def test_a_remote_whose_handler_fails_says_so_and_hears_the_next_packet():
    said, heard, fails = [], [], [True, True, False]

    def handle(number, arguments):
        heard.append(1)
        if fails.pop(0):
            raise ZeroDivisionError("a fault")

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind(("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        remote = Remote("127.0.0.1", port, said.append)
        remote.add("/a", handle)
        remote.start()
        try:
            for n in (1, 2, 3):
                out.sendto(PACKET, ("127.0.0.1", port))
                assert until(lambda n=n: len(heard) == n)
            assert until(lambda: remote.counts.done == 1) and remote.beat.trouble(20.0) is None
        finally:
            remote.stop()
    assert said == ["a packet to the remote control did nothing (ZeroDivisionError: a fault)."]
    assert not remote.beat.died


def test_a_watch_that_fails_says_so_once_and_looks_again(tmp_path, monkeypatch):
    monkeypatch.setattr(config_watch, "LOOK_S", 0.01)
    said, looks, enough = [], [], Event()

    def look():
        looks.append(1)
        if len(looks) > 3:
            enough.set()
        raise ValueError("a fault")

    watch = ConfigWatch(tmp_path / "booth.toml", look, said.append)
    watch.start()
    assert enough.wait(5.0)
    watch.stop()
    assert said == ["the watch of the configuration failed (ValueError: a fault) and looks again."]


def test_a_log_with_a_fault_ends_in_a_sentence_and_its_thread_goes_on():
    said, closed = [], []
    logger = PoseLogger.__new__(PoseLogger)
    logger.beat, logger._on_message, logger._waiting = Beat("the log"), said.append, SimpleQueue()
    logger._broken = logger._closed = False

    def write(piece):
        raise KeyError("a fault")

    logger._writer = SimpleNamespace(
        path="log.rtlog", take_name=lambda: None, write=write, close=lambda: closed.append(1)
    )
    for piece in ("rows", "more rows", None):
        logger._waiting.put(piece)
    run(logger._run)
    assert len(said) == 1 and said[0].startswith("log.rtlog is written no further (KeyError") and closed
    assert not logger.beat.died


def test_a_log_of_choices_whose_disk_hangs_is_seen_and_one_that_waits_for_choices_is_well(tmp_path, monkeypatch):
    answers = Event()
    monkeypatch.setattr(visit_log, "append_line", lambda place, line: answers.wait(10))
    log = ChoiceLog(tmp_path / "choices.jsonl", pytest.fail)
    assert log.beat.trouble(0.0) is None
    log.add({"what": "chosen"})
    assert until(lambda: log.beat.trouble(0.0)) and log.beat.on_disk
    assert log.beat.trouble(0.0).startswith("the log of choices has stood still for")
    answers.set()
    log.stop()
    assert log.beat.trouble(0.0) is None


def test_a_page_that_stands_still_is_seen(monkeypatch):
    pytest.importorskip("websockets", reason="needs the Python package websockets")
    from page_tools import served

    with served() as page:
        assert until(lambda: page.server.beat.trouble(20.0) is None and page.server.beat._going)
        goes_on = Event()
        page.server._tell = lambda number: goes_on.wait(5.0)
        assert until(lambda: page.server.beat.trouble(0.3))
        assert page.server.beat.trouble(0.3).startswith("the page has stood still")
        goes_on.set()
    assert page.server.beat.trouble(0.0) is None


class QuietEngine:
    """An engine that leaves a row and an event at each look."""

    def drain_trace(self):
        return np.zeros(1)

    drain_events = drain_trace


def test_what_follows_the_sound_goes_on_when_one_of_those_that_follow_it_fails(monkeypatch):
    monkeypatch.setattr(trace_feed, "LOOK_S", 0.01)
    said, rows, events, looks = [], [], [], []

    def fail(*found):
        raise ValueError("a fault")

    feed = TraceFeed(QuietEngine(), said.append)
    feed.add(on_rows=fail, on_events=fail, on_look=fail)
    feed.add(rows.append, events.append, lambda: looks.append(1))
    feed.start()
    assert until(lambda: min(map(len, (rows, events, looks))) > 3) and feed.beat.trouble(20.0) is None
    feed.stop()
    assert len(said) == 1 and said[0].startswith("what follows the sound has a fault (ValueError: a fault):")
    assert not feed.beat.died


def test_what_follows_the_sound_is_seen_to_hang(monkeypatch):
    monkeypatch.setattr(trace_feed, "LOOK_S", 0.01)
    goes_on, feed = Event(), TraceFeed(QuietEngine(), pytest.fail)
    feed.add(on_look=lambda: goes_on.wait(5.0))
    feed.start()
    assert until(lambda: feed.beat.trouble(0.1))
    goes_on.set()
    feed.stop()


def test_a_remote_with_a_handler_that_hangs_is_stopped_all_the_same(monkeypatch):
    monkeypatch.setattr(remote_module, "STOP_S", 0.1)
    hangs, goes_on = Event(), Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind(("127.0.0.1", 0))
        port = out.getsockname()[1]
    remote = Remote("127.0.0.1", port, pytest.fail)
    remote.add("/a", lambda number, arguments: (hangs.set(), goes_on.wait(10.0)))
    remote.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(PACKET, ("127.0.0.1", port))
    assert hangs.wait(5.0)
    thread = remote._thread
    stopping = Thread(target=remote.stop, daemon=True)
    stopping.start()
    stopping.join(5.0)
    assert not stopping.is_alive() and thread.is_alive() and remote.port is None
    goes_on.set()
    thread.join(5.0)
    assert not thread.is_alive()


def test_a_log_that_gets_no_name_for_a_fault_ends_in_a_sentence_and_its_thread_goes_on():
    said, written = [], []
    logger = PoseLogger.__new__(PoseLogger)
    logger.beat, logger._on_message, logger._waiting = Beat("the log"), said.append, SimpleQueue()
    logger._broken = logger._closed = False

    def take_name():
        raise KeyError("a fault")

    logger._writer = SimpleNamespace(
        path="log.rtlog", take_name=take_name, write=written.append, close=lambda: written.append("closed")
    )
    for piece in ("rows", None):
        logger._waiting.put(piece)
    run(logger._run)
    assert len(said) == 1 and written == ["closed"] and not logger.beat.died


def test_a_page_that_fails_in_a_way_nobody_thought_of_leaves_the_booth_without_a_page(monkeypatch):
    def fail(*_):
        raise UnicodeError("label empty or too long")

    monkeypatch.setattr(patient_page, "WebPage", fail)
    said = []
    with patient_page.PatientPage(Web(), print, said.append) as page:
        page._next_s = 0.0
        assert page.look(None) == []
    assert len(said) == 1 and said[0].endswith("UnicodeError: label empty or too long.")


def test_a_heart_that_never_began_can_be_ended_so_that_the_reason_why_is_kept():
    heart, told, _ = heart_of()
    heart.stop()
    assert told == []


def test_a_heart_with_a_fault_says_so_once_and_beats_again_when_it_is_over(monkeypatch):
    monkeypatch.setattr(heart_module, "BEAT_S", 0.01)
    told, looks = [], []

    def look():
        looks.append(1)
        if len(looks) < 4:
            raise KeyError("a fault")
        return SimpleNamespace(blocks=len(looks))

    line = SimpleNamespace(tell=lambda kind, **details: told.append((kind, details)))
    session = SimpleNamespace(engine=SimpleNamespace(snapshot=look), source_silent_s=lambda: 0.0)
    heart = Heart(line, session, time.monotonic, 20.0)
    monkeypatch.setattr(heart, "_told", dict)
    heart.start()
    assert until(lambda: ("beat", {}) in told)
    heart.stop()
    assert told[:2] == [("says", {"text": "the heart has a fault (KeyError: 'a fault')."}), ("beat", {})]
