"""What went wrong: every event becomes a glitch with its time and the likely cause, and all of them are counted."""

import ctypes
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from engine_tools import make_engine, noise_field
from rich.console import Console

from firmware_bridge.status import BridgeStatus
from rt_render.app import glitch_watch
from rt_render.app.causes import (
    Evidence,
    cause_of_clock_jump,
    cause_of_lateness,
    cause_of_stale_pose,
    cause_of_underrun,
    difference,
)
from rt_render.app.controls import state as state_module
from rt_render.app.controls.state import state_of
from rt_render.app.glitch_watch import GlitchWatch
from rt_render.app.glitch_words import glitches_markdown
from rt_render.app.glitches import KEPT, KINDS, Glitches, GlitchLog
from rt_render.app.live_view import view_of
from rt_render.app.outcome import session_json
from rt_render.app.session import Session
from rt_render.app.settings_file import load_settings
from rt_render.app.trace_feed import TraceFeed
from rt_render.app.words import counted, summary
from rt_render.io.ring_feeder import RingFeeder
from rt_render.io.system_counters import Counters, is_realtime, memory_bytes, read_counters
from rt_render.io.virtual_card import VirtualCard
from rt_render.kernels.cards import compile_sound_card
from rt_render.kernels.state import (
    EVENT,
    EVENT_CLOCK_JUMP,
    EVENT_HOST_UNDERFLOW,
    EVENT_INPUT_LOST,
    EVENT_LATE_BLOCK,
    EVENT_LONG_BLOCK,
    EVENT_MISSED_SLOTS,
    EVENT_NO_HOST_TIME,
    EVENT_NON_FINITE,
    EVENT_STALE_BEGIN,
    EVENT_STALE_END,
    EVENT_UNDERRUN_BEGIN,
    EVENT_UNDERRUN_END,
    LINK,
)
from rt_render.kernels.turn import pass_turn

BUDGET_S = 128 / 48000
QUICK = {"device": "virtual", "tracker": "none", "method": "ls", "head": "sphere", "order": 1, "block_size": 128}


def events(*rows):
    """Events of (time_s, kind, amount, block)."""
    return np.array(list(rows), EVENT)


def log_of(*rows, evidence=None):
    log = GlitchLog(100.0, BUDGET_S)
    log.take(events(*rows), lambda since_s: evidence or Evidence(), 1_700_000_000.0 - 100.0)
    return log


def test_a_late_block_is_one_glitch_with_its_delay_its_silence_and_both_clocks():
    told = log_of(
        (112.345, EVENT_LONG_BLOCK, 0.004, 7),
        (112.345, EVENT_LATE_BLOCK, 0.0015, 7),
        (112.345, EVENT_MISSED_SLOTS, 2, 7),
    ).told
    assert told.counts["late_block"] == 1 and told.counts["long_block"] == 0 and told.missed_slots == 2
    last = told.last
    assert (last.kind, last.block, last.missed_slots) == ("late_block", 7, 2)
    assert last.time_s == pytest.approx(12.345) and last.took_s == 0.004 and last.seconds == 0.0015
    assert last.at.startswith("20") and last.at[19:23] == ".345"
    assert last.text == "late block, by 1.5 ms, 2 blocks of silence"
    assert last.cause == "unknown" and told.causes == {"unknown": 1}
    assert last.in_words() == f"0:12.3 {last.text}; likely: {last.likely}"


def test_events_of_one_block_that_come_in_two_looks_are_still_one_glitch():
    log = log_of((101.0, EVENT_LONG_BLOCK, 0.004, 7))
    assert log.told.counts["long_block"] == 1
    for row in ((101.0, EVENT_LATE_BLOCK, 0.0015, 7), (101.0, EVENT_MISSED_SLOTS, 1, 7)):
        log.take(events(row), lambda since_s: Evidence(), 0.0)
    told = log.told
    assert told.counts["long_block"] == 0 and told.counts["late_block"] == 1 and told.last.missed_slots == 1
    assert sum(told.causes.values()) == 1


def test_two_late_blocks_in_a_row_are_two():
    told = log_of(
        (101.0, EVENT_LATE_BLOCK, 0.001, 7),
        (101.0, EVENT_MISSED_SLOTS, 1, 7),
        (101.1, EVENT_LATE_BLOCK, 0.002, 9),
        (101.1, EVENT_MISSED_SLOTS, 3, 9),
    ).told
    assert [g.missed_slots for g in told.listed] == [1, 3] and told.counts["late_block"] == 2 and told.missed_slots == 4


def test_what_begins_and_ends_has_a_duration_and_what_is_learnt_meanwhile_counts():
    log = GlitchLog(100.0, BUDGET_S)
    log.take(events((103.0, EVENT_UNDERRUN_BEGIN, 64, 5)), lambda since_s: Evidence(), 0.0)
    assert log.told.last.duration_s is None and log.told.causes == {"unknown": 1}
    log.take(events((104.0, EVENT_NON_FINITE, 3, 200)), lambda since_s: Evidence(), 0.0)
    log.take(events((105.5, EVENT_UNDERRUN_END, 9000, 900)), lambda since_s: Evidence(read_s=2.4), 0.0)
    first, second = log.told.listed
    assert first.duration_s == pytest.approx(2.5) and first.cause == "slow-source" and "2.4 s" in first.likely
    assert first.text == "the source ran dry for 2.50 s"
    assert second.cause == "source" and log.told.causes == {"slow-source": 1, "source": 1}


def test_a_stale_pose_lasted_from_its_last_measurement_on():
    told = log_of((103.0, EVENT_STALE_BEGIN, 0.5, 5), (104.0, EVENT_STALE_END, 0.01, 900)).told
    assert told.last.duration_s == pytest.approx(1.5) and told.last.text == "no new pose for 1.50 s"


def test_what_is_over_has_an_age_and_what_lasts_has_none_yet():
    rows = [
        (103.0, EVENT_UNDERRUN_BEGIN, 0, 5),
        (105.5, EVENT_UNDERRUN_END, 9000, 900),
        (106.0, EVENT_LATE_BLOCK, 0.001, 950),
        (110.0, EVENT_STALE_BEGIN, 0.5, 999),
    ]
    told = log_of(*rows).told
    assert told.newest("underrun", "late_block").block == 950 and told.newest("clock_jump") is None
    ages_s = [told.age_s(glitch, 120.0) for glitch in (*told.listed, None)]
    assert ages_s == [pytest.approx(14.5), pytest.approx(14.0), 0.0, None]
    ended = log_of(*rows, (112.0, EVENT_STALE_END, 0.01, 1300)).told
    assert ended.age_s(ended.last, 120.0) == pytest.approx(8.0)


def test_a_page_is_told_how_long_ago_it_was_by_one_machines_clock_alone(monkeypatch):
    told = log_of((103.0, EVENT_LATE_BLOCK, 0.001, 7), (104.0, EVENT_CLOCK_JUMP, 0.01, 8)).told
    monkeypatch.setattr(state_module, "time", SimpleNamespace(monotonic=lambda: 803.0))
    with Session(load_settings(None, QUICK | {"remote_port": 0}), seconds=0.2) as session:
        status = replace(session.status(), glitches=told)
        state = state_of(session, status)
        assert state["block"]["disturbed_s"] == pytest.approx(700.0)
        assert [one["age_s"] for one in state["glitches"]] == pytest.approx([700.0, 699.0])
        well = state_of(session, replace(status, glitches=Glitches()))
        assert well["block"]["disturbed_s"] is None and well["glitches"] == []


def test_every_kind_has_words_and_a_count():
    rows = [
        (101.0, EVENT_LATE_BLOCK, 0.001, 1),
        (102.0, EVENT_LONG_BLOCK, 0.004, 2),
        (103.0, EVENT_HOST_UNDERFLOW, 1, 3),
        (104.0, EVENT_UNDERRUN_BEGIN, 0, 4),
        (105.0, EVENT_STALE_BEGIN, 0.5, 5),
        (106.0, EVENT_NON_FINITE, 9, 6),
        (107.0, EVENT_CLOCK_JUMP, -0.01, 7),
        (107.5, EVENT_INPUT_LOST, 1, 8),
        (108.0, EVENT_NO_HOST_TIME, 0.1, 9),  # a note, nothing that went wrong
    ]
    told = log_of(*rows).told
    assert told.counts == dict.fromkeys(KINDS, 1) and [g.kind for g in told.listed] == list(KINDS)
    assert all(g.text and g.likely for g in told.listed)
    assert "moved by -10.0 ms" in told.listed[-2].text
    assert counted(told).count(",") == 7 and counted(Glitches()) == "none"
    section = glitches_markdown(told)
    assert section.count("\n| ") == 2 + 8 and "the source ran dry" in section
    assert glitches_markdown(Glitches()) == ""
    assert json.loads(json.dumps(told.as_json()))["listed"][0]["text"].startswith("late block")


def test_only_the_newest_are_kept_whole_but_all_are_counted():
    log = log_of(*((101.0 + 0.001 * i, EVENT_LATE_BLOCK, 0.001, i) for i in range(KEPT + 500)))
    assert len(log.told.listed) == KEPT and log.told.counts["late_block"] == KEPT + 500
    assert log.told.last.block == KEPT + 499
    assert "newest 20 of 1500" in glitches_markdown(log.told)
    # the end of what is not kept any more changes nothing
    log.take(events((109.0, EVENT_UNDERRUN_END, 1, 9999)), lambda since_s: Evidence(), 0.0)
    assert log.told.last.duration_s is None


LATE = {"late_s": 0.004, "took_s": 0.0, "budget_s": BUDGET_S}


@pytest.mark.parametrize(
    ("evidence", "cause"),
    [
        (Evidence(asleep_s=60.0, waited_s=1.0), "suspend"),
        (Evidence(page_reads=3, waited_s=1.0), "waited"),
        (Evidence(page_reads=1), "page-reads"),
        (Evidence(page_reads=1, stolen_s=0.003), "stolen"),
        (Evidence(waited_s=0.003, realtime=False, stolen=0.5), "waited"),
        (Evidence(waited_s=0.001, stolen=0.5), "stolen"),
        (Evidence(waited_s=0.001, stolen_s=0.01), "stolen"),
        (Evidence(stood_still_s=0.5), "stood-still"),
        (Evidence(speed=0.3), "slow-clock"),
        (Evidence(interruptions=4, busy=1.0), "interrupted"),
        (Evidence(busy=1.0), "busy"),
        (Evidence(interruptions=4), "unknown"),
        (Evidence(), "unknown"),
    ],
)
def test_the_cause_of_a_late_block_is_what_explains_most_of_it(evidence, cause):
    found = cause_of_lateness(**LATE, e=evidence)
    assert found.name == cause and found.text and not found.text.endswith(".")


def test_all_that_may_have_delayed_a_block_is_told_the_strongest_first():
    e = Evidence(page_reads=2, waited_s=0.005, stood_still_s=0.4, speed=0.5, busy=1.0)
    found = cause_of_lateness(**LATE, e=e)
    hints = found.text.split("; also ")
    assert found.name == "waited"
    words = ("waited 5.0 ms", "stood still for 0.4 s", "read from disk (2 times)", "50 % of its clock", "busy")
    assert len(hints) == 5 and all(word in hint for word, hint in zip(words, hints, strict=True))
    longer = cause_of_lateness(0.5, 0.0, BUDGET_S, e)
    assert longer.name == "stood-still" and "waited" not in longer.text and "disk" not in longer.text


def test_one_page_read_from_disk_explains_no_long_delay():
    assert cause_of_lateness(0.3, 0.0, BUDGET_S, Evidence(page_reads=1)).name == "unknown"
    assert cause_of_lateness(0.3, 0.0, BUDGET_S, Evidence(page_reads=400)).name == "page-reads"
    assert cause_of_lateness(0.3, 0.0, BUDGET_S, Evidence(page_reads=400, waited_s=0.2)).name == "page-reads"
    assert cause_of_lateness(0.3, 0.0, BUDGET_S, Evidence(page_reads=100, waited_s=0.2)).name == "waited"


def test_a_block_that_took_too_long_with_nobody_in_its_way_is_its_own_cause():
    assert cause_of_lateness(0.0, 0.004, BUDGET_S, Evidence(usual_block_s=0.002)).name == "work"
    assert cause_of_lateness(0.0, 0.004, BUDGET_S, Evidence(usual_block_s=0.0002)).name == "unknown"
    assert cause_of_lateness(0.0, 0.004, BUDGET_S, Evidence(interruptions=2)).name == "interrupted"
    assert "real-time" not in cause_of_lateness(0.0, 0.004, BUDGET_S, Evidence(waited_s=0.004, realtime=True)).text
    assert "real-time" in cause_of_lateness(0.0, 0.004, BUDGET_S, Evidence(waited_s=0.004, realtime=False)).text


def test_a_program_that_stood_still_for_less_than_the_delay_explains_nothing():
    assert cause_of_lateness(5.0, 0.0, BUDGET_S, Evidence(stood_still_s=0.4)).name == "unknown"


def test_causes_of_an_empty_ring_and_of_a_moved_clock():
    assert cause_of_underrun(Evidence(asleep_s=9.0, read_s=9.0)).name == "suspend"
    assert cause_of_underrun(Evidence(read_s=1.0)).name == "slow-source"
    assert cause_of_underrun(Evidence(stood_still_s=1.0)).name == "stood-still"
    assert cause_of_underrun(Evidence(busy=1.0)).name == "busy"
    assert cause_of_underrun(Evidence()).name == "unknown"
    assert cause_of_clock_jump(Evidence(asleep_s=9.0)).name == "suspend"
    assert cause_of_clock_jump(Evidence()).name == "card-clock"


def test_causes_of_a_pose_that_does_not_come():
    status = BridgeStatus("", "hbf1 on /dev/ttyUSB0", connected=True)
    assert cause_of_stale_pose(Evidence(tracker=status)).name == "tracker-gap"
    gone = cause_of_stale_pose(Evidence(tracker=replace(status, connected=False)))
    assert gone.name == "tracker-gone" and "/dev/ttyUSB0" in gone.text
    assert cause_of_stale_pose(Evidence()).name == "unknown"
    assert cause_of_stale_pose(Evidence(asleep_s=1.0, tracker=status)).name == "suspend"


def test_what_a_system_does_not_tell_is_no_evidence():
    assert Evidence(**difference(Counters(1.0), Counters(2.0))) == Evidence()
    before = Counters(1.0, 0.0, 1.0, 5, 9, 0, 1.0, 10.0, 20.0)
    after = Counters(2.0, 3.0, 1.5, 7, 9, 1, 1.5, 10.5, 22.0)
    found = Evidence(**difference(before, after))
    assert (found.asleep_s, found.waited_s, found.interruptions, found.page_reads) == (3.0, 0.5, 2, 1)
    assert found.stolen == 0.25 and found.busy == 0.75
    other = Evidence(**difference(before, replace(after, thread_id=7)))
    assert (other.asleep_s, other.waited_s, other.interruptions, other.page_reads) == (3.0, 0.0, 0, 0)


def test_a_watch_leaves_out_what_a_thread_always_waits(monkeypatch):
    """Half a millisecond of waiting in every fifth of a second is usual; 7 ms more are not."""
    said, now = [], Counters(0.0)
    monkeypatch.setattr(glitch_watch, "read_counters", lambda thread_id: now)
    monkeypatch.setattr(glitch_watch.time, "monotonic", lambda: now.time_s)
    watch = GlitchWatch(make_engine(1, 128), lambda since_s: 0.0, lambda: None, said.append)
    for k in range(1, 10):
        now = Counters(0.2 * k, waited_s=0.0005 * k)
        watch.look()
    now = Counters(2.0, waited_s=0.005 + 0.007)
    watch.take_events(events((1.95, EVENT_LATE_BLOCK, 0.006, 9), (1.96, EVENT_NO_HOST_TIME, 0.02, 9)))
    assert watch.told.last.cause == "waited" and "7.0 ms" in watch.told.last.likely
    assert len(said) == 1 and "20 ms after it was asked for" in said[0]


def test_a_block_late_after_a_lost_card_is_compared_with_the_moment_before_it_and_not_with_the_silence(monkeypatch):
    """The thread waited 2 s and the processors were stolen while no block came; then one is late by itself."""
    now = Counters(0.0, waited_s=0.0, stolen_s=0.0, processors_s=0.0, idle_s=0.0)
    monkeypatch.setattr(glitch_watch, "read_counters", lambda thread_id: now)
    monkeypatch.setattr(glitch_watch.time, "monotonic", lambda: now.time_s)
    engine = make_engine(1, 128)
    feed, watch = TraceFeed(engine, print), GlitchWatch(engine, lambda since_s: 0.0, lambda: None, lambda text: None)
    monkeypatch.setattr(glitch_watch, "processor_speed", lambda: 1.0)
    feed.add(on_events=watch.take_events, on_look=watch.look)
    for k in range(1, 100):  # no row and no event for five seconds, two of them on the side of others
        while_s = min(0.05 * k, 2.0)
        now = Counters(0.05 * k, waited_s=while_s, stolen_s=while_s, processors_s=0.1 * k, idle_s=0.05 * k)
        feed._hand_on()
    last = now
    now = replace(last, time_s=5.0, processors_s=10.0, idle_s=5.0)
    watch.take_events(events((4.99, EVENT_LATE_BLOCK, 0.006, 9)))
    assert watch.told.last.cause == "unknown"
    now = replace(now, time_s=5.05, waited_s=2.007)
    watch.take_events(events((5.04, EVENT_LATE_BLOCK, 0.006, 12)))
    assert watch.told.last.cause == "waited"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not tell")
def test_linux_tells_about_a_thread_that_plays():
    engine = make_engine(1, 128)
    engine.ring.write(noise_field(20000, 1))
    with VirtualCard(engine):
        while engine.snapshot().blocks < 40:
            time.sleep(0.01)
        counters = read_counters(engine.thread_id)
        assert None not in (counters.interruptions, counters.page_faults, counters.page_reads, counters.asleep_s)
        assert counters.processors_s > counters.idle_s >= 0.0 <= counters.stolen_s
        assert is_realtime(engine.thread_id) in (True, False)
    assert is_realtime(0) is None and read_counters(0).interruptions is None
    assert 10e6 < memory_bytes() < 100e9 and memory_bytes(os.getpid()) == pytest.approx(memory_bytes(), rel=0.2)
    assert memory_bytes(1 << 30) is None


class SlowSource:
    """A source whose second read takes long."""

    notes: tuple[str, ...] = ()
    order, n_channels, n_frames, title = 1, 4, None, "slow"

    def __init__(self) -> None:
        self.reads = 0

    def read(self, n_frames):
        self.reads += 1
        if self.reads == 2:
            time.sleep(0.3)
        return np.zeros((n_frames, 4), np.float32)

    def close(self) -> None:
        pass


def test_a_slow_read_of_the_source_is_remembered_also_while_it_lasts():
    engine = make_engine(1, 128, ring_s=0.5)
    feeder = RingFeeder(SlowSource(), engine.ring)
    begun_s = time.monotonic()
    feeder.start()
    seen = []
    while not feeder.wait_until_full(0.0):
        seen.append(feeder.longest_read_s(begun_s))
        time.sleep(0.01)
    assert any(0.05 < took_s < 0.29 for took_s in seen), "under way"
    assert feeder.longest_read_s(begun_s) >= 0.3
    assert feeder.longest_read_s(time.monotonic()) == 0.0, "long ago"
    feeder.close()


def test_a_session_tells_what_went_wrong_live_in_its_last_words_and_to_programs(tmp_path):
    settings = load_settings(None, QUICK)
    with Session(settings, seconds=3.0) as session:
        until_s = time.monotonic() + 5.0
        while session.engine.snapshot().blocks < 50:
            assert time.monotonic() < until_s
            time.sleep(0.01)
        # as if the card had told: a late block, and numbers that are none
        index = int(session.engine._s["events_written"])
        ring = session.engine._events.records
        now_s = time.monotonic()
        for k, row in enumerate([(now_s, EVENT_LATE_BLOCK, 0.004, 40), (now_s, EVENT_MISSED_SLOTS, 2, 40)]):
            ring[(index + k) % len(ring)] = row
        session.engine._s["events_written"] = index + 2
        session.engine._s["late_blocks"] += 1
        while session.status().glitches.counts["late_block"] == 0:
            assert time.monotonic() < until_s
            time.sleep(0.01)
        status = session.status()
        console = Console(width=80, file=io.StringIO())
        console.print(view_of(session, status))
        shown = console.file.getvalue()
        assert "late block" in shown and "likely" in shown
    last = session.ended_with(status)
    assert last.glitches.unaccounted(last.engine) == 0
    assert "late block" in summary(last)
    told = json.loads(json.dumps(session_json(last)))
    assert told["glitches"]["unaccounted"] == 0 and told["glitches"]["counts"]["late_block"] >= 1
    assert sum(row["blocks"] for row in told["block_time"]["histogram"]) == told["blocks"]


STOPPED = """
import json, sys, time
from rt_render.app import api
from rt_render.app.outcome import session_json
def watch(session):
    if session.status().engine.blocks > 200 and not told:
        told.append(1); print("playing", flush=True)
    return True
told = []
status = api.play(seconds=2.5, watch=watch, device="virtual", tracker="none", method="ls", head="sphere", order=1)
print(json.dumps(session_json(status)))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no such signal here")
def test_a_program_that_was_stopped_accounts_for_what_was_missed():
    with subprocess.Popen([sys.executable, "-c", STOPPED], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "playing\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.6)
        process.send_signal(signal.SIGCONT)
        told = json.loads(process.stdout.read())
    glitches = told["glitches"]
    assert glitches["unaccounted"] == 0 and told["late_blocks"] >= 1
    longest = max((g for g in glitches["listed"] if g["kind"] == "late_block"), key=lambda g: g["missed_slots"])
    assert longest["missed_slots"] > 50 and 0.1 < longest["time_s"] < 60.0
    assert longest["cause"] == "stood-still"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not number threads for the asking")
def test_the_thread_of_a_sound_card_is_known_and_what_its_host_tells_is_accounted_for():
    engine = make_engine(1, 128)
    engine.ring.write(noise_field(20000, 1))
    link, out = np.zeros(1, LINK), np.zeros((128, 2), np.float32)
    link["state"], link["stream"] = engine.address, 1
    assert pass_turn(engine.address, 0, 1)
    callback = compile_sound_card()
    pointer, ulong = ctypes.c_void_p, ctypes.c_ulong
    call = ctypes.CFUNCTYPE(ctypes.c_int, pointer, pointer, ulong, pointer, ulong, pointer)(callback.address)
    watch = GlitchWatch(engine, lambda since_s: 0.0, lambda: None, lambda text: None)
    for flags in (0, 0, 4, 0, 4):  # PortAudio's word for an output that ran dry
        call(None, out.ctypes.data, 128, None, flags, link.ctypes.data)
    assert engine.thread_id == threading.get_native_id()
    watch.take_events(engine.drain_events())
    assert watch.told.counts["host_underflow"] == 2 and watch.told.unaccounted(engine.snapshot()) == 0


def test_the_command_line_prints_one_json_object_and_nothing_else():
    command = "play --device virtual --tracker none --head sphere --method ls --order 1 --seconds 0.3 --degrade --json"
    done = subprocess.run(
        [sys.executable, "-m", "rt_render", *command.split()], capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert told["blocks"] > 50 and told["glitches"]["unaccounted"] == 0 and told["order"] == 1
