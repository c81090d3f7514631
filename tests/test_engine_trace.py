"""What every block leaves behind: rows from which its path and its levels can be told again, and events."""

import ctypes
import threading
import time

import numpy as np
import pytest
from engine_tools import make_engine, noise_field, noise_filters, run_blocks, run_to_end

from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.pose import PoseSample
from rt_render.conventions import BLOCK_SIZES
from rt_render.engine.engine import N_EVENTS, Engine
from rt_render.engine.plan import Plan
from rt_render.io.virtual_card import VirtualCard
from rt_render.kernels.state import (
    EVENT_LATE_BLOCK,
    EVENT_LONG_BLOCK,
    EVENT_MISSED_SLOTS,
    EVENT_NON_FINITE,
    EVENT_STALE_BEGIN,
    EVENT_STALE_END,
    EVENT_UNDERRUN_BEGIN,
    EVENT_UNDERRUN_END,
    FLAG_CLEARED,
    FLAG_FILTERS_FADE,
    FLAG_FROZEN,
    FLAG_LATE,
    FLAG_LIMITED,
    FLAG_NON_FINITE,
    FLAG_PATH_BEGINS,
    FLAG_STALE,
    FLAG_UNDERRUN,
)

FRONT = (1.0, 0.0, 0.0, 0.0)


def traced(order: int = 1, block_size: int = 64, trace_rows: int = 1000, n_taps: int = 100) -> Engine:
    plan = Plan(order, block_size, n_taps=n_taps)
    return Engine(plan, noise_filters(order, n_taps), trace_rows=trace_rows)


def turning_poses(mailbox: PoseMailbox, engine: Engine, n_blocks: int) -> np.ndarray:
    """Render blocks, with a new pose before every second one, and return their ears."""
    rng = np.random.default_rng(7)
    ears = []
    for i in range(n_blocks):
        if i % 2 == 0:
            q = np.array(FRONT) + 0.3 * rng.standard_normal(4)
            mailbox.publish(PoseSample(time.monotonic(), tuple(q / np.linalg.norm(q)), seq=i))
        ears.append(run_blocks(engine, 1))
    return np.concatenate(ears)


@pytest.mark.parametrize("block_size", BLOCK_SIZES)
def test_the_path_of_the_rows_is_the_path_that_was_heard(block_size):
    """The rows' knots, laid on a timeline, give the ears of poses that came through the mailbox."""
    live, again = traced(1, block_size), traced(1, block_size)
    field = noise_field(40 * block_size, 1)
    for engine in (live, again):
        engine.ring.write(field)
    mailbox = PoseMailbox.private()
    live.follow_mailbox(mailbox)
    n_blocks = 20
    ears = turning_poses(mailbox, live, n_blocks)
    rows = live.drain_trace()
    knots = rows["knots"]
    np.testing.assert_array_equal(knots[1:, 0], knots[:-1, -1])  # bit for bit
    spacing = block_size // (knots.shape[1] - 1)
    times = (rows["frame"][:, None] + spacing * np.arange(knots.shape[1] - 1)) / live.plan.fs_hz
    again.follow_timeline(
        np.append(times.reshape(-1), (rows["frame"][-1] + block_size) / live.plan.fs_hz),
        np.concatenate([knots[:, :-1].reshape(-1, 4), knots[-1, -1:]]),
    )
    assert np.abs(run_blocks(again, n_blocks) - ears).max() < 1e-5 * np.abs(ears).max()


def test_rows_number_blocks_and_frames():
    engine = traced()
    engine.ring.write(noise_field(10_000, 1))
    run_blocks(engine, 10)
    engine.pause()
    run_blocks(engine, 10)
    engine.play()
    run_blocks(engine, 10)
    rows = engine.drain_trace()
    assert list(rows["block"]) == list(range(1, 31))
    np.testing.assert_array_equal(np.cumsum(rows["consumed"])[:-1], rows["frame"][1:])
    frozen = rows["flags"] & FLAG_FROZEN != 0
    assert frozen.any() and not frozen[:10].any() and not frozen[20:].any()
    np.testing.assert_array_equal(rows["consumed"] == 0, frozen)
    np.testing.assert_array_equal(rows["fade_step"] == 2.0, frozen)
    assert list(rows["transport"][[0, 10, 20]]) == [0, 1, 2]
    assert (rows["order"] == 1).all() and (rows["block_ns"] > 0).all() and (np.diff(rows["begin_s"]) > 0).all()


def test_rows_tell_fade_gain_and_limiter_as_they_were():
    engine = traced()
    engine.ring.write(noise_field(20_000, 1))
    engine.set_gain_db(-12.0)
    run_blocks(engine, 30)
    engine.pause()
    run_blocks(engine, 10)
    engine.play()
    engine.set_gain_db(24.0)
    run_blocks(engine, 60)
    rows = engine.drain_trace()
    sounding = rows["flags"] & FLAG_FROZEN == 0
    np.testing.assert_array_equal(rows["gain_begin"][1:], rows["gain"][:-1])
    steps = np.clip(rows["fade"] + 64 * rows["fade_step"], 0.0, 1.0)
    assert rows["fade"][1:][sounding[:-1]] == pytest.approx(steps[:-1][sounding[:-1]])
    assert rows["gain"][0] < 1.0 < rows["gain"][-1] == engine.snapshot().gain_lin
    limited = rows["flags"] & FLAG_LIMITED != 0
    assert limited.any() and (rows["limiter"][rows["limiter"] < 1].size > 0)
    assert engine.snapshot().limited_blocks == limited.sum()
    assert rows["mean_square"][-1] == pytest.approx(np.square(engine.snapshot().rms))


def test_rows_name_the_filter_set_and_tell_its_fade():
    engine = traced()
    engine.ring.write(noise_field(20_000, 1))
    run_blocks(engine, 5)
    engine.publish_filters(noise_filters(1, 100, 5))
    run_blocks(engine, 30)
    rows = engine.drain_trace()
    assert list(rows["filter_set"][:5]) == [1] * 5 and (rows["filter_set"][5:] == 2).all()
    fading = rows["flags"] & FLAG_FILTERS_FADE != 0
    assert np.flatnonzero(fading)[0] == 5 and rows["filter_fade_frame"][5] == 64
    assert fading.sum() == int(engine._s["filter_fade_frames"]) // 64 - (engine._s["filter_fade_frames"] % 64 == 0)


def test_rows_tell_the_pose_and_where_a_path_begins():
    engine, mailbox = traced(), PoseMailbox.private()
    engine.follow_mailbox(mailbox)
    engine.ring.write(noise_field(20_000, 1))
    run_blocks(engine, 1)
    mailbox.publish(PoseSample(12.5, FRONT, seq=1))
    run_blocks(engine, 1)
    mailbox.publish(PoseSample(13.5, FRONT, seq=2))
    run_blocks(engine, 1)
    engine.follow_timeline([0.0], [FRONT])
    run_blocks(engine, 1)
    rows = engine.drain_trace()
    assert list(rows["pose_number"]) == [0, 1, 2, 0] and list(rows["pose_time_s"]) == [0.0, 12.5, 13.5, 0.0]
    assert [bool(f & FLAG_PATH_BEGINS) for f in rows["flags"]] == [True, False, False, False]


def test_the_first_block_behind_a_reset_says_so():
    engine = traced()
    engine.ring.write(noise_field(5_000, 1))
    run_blocks(engine, 5)
    engine.pause()
    run_blocks(engine, 8)
    engine.reset(480)
    engine.ring.write(noise_field(5_000, 1))
    engine.play()
    run_blocks(engine, 3)
    rows = engine.drain_trace()
    cleared = rows[rows["flags"] & FLAG_CLEARED != 0]
    assert len(cleared) == 1 and cleared["frame"][0] == 480 and cleared["flags"][0] & FLAG_PATH_BEGINS


def test_a_trace_that_is_drained_while_it_is_written_lacks_nothing():
    engine = traced(1, 32, trace_rows=64)
    engine.ring.write(noise_field(90_000, 1))
    out = np.empty((32, 2), np.float32)
    done = threading.Event()

    def render() -> None:
        for _ in range(2000):
            while int(engine._s["trace_written"] - engine._s["trace_read"]) >= 64:
                time.sleep(0)
            engine.process(out)
        done.set()

    thread = threading.Thread(target=render)
    thread.start()
    numbers = []
    while not done.is_set() or numbers[-1:] != [2000]:
        numbers += [int(n) for n in engine.drain_trace()["block"]]
    thread.join()
    assert numbers == list(range(1, 2001)) and engine.snapshot().trace_lost == 0


def test_a_full_trace_keeps_what_it_has_and_counts_what_is_lost():
    engine = traced(trace_rows=10)
    engine.ring.write(noise_field(5_000, 1))
    run_blocks(engine, 25)
    assert list(engine.drain_trace()["block"]) == list(range(1, 11)) and engine.snapshot().trace_lost == 15
    run_blocks(engine, 3)
    assert list(engine.drain_trace()["block"]) == [26, 27, 28]


def test_an_engine_without_a_trace_renders_the_same():
    field = noise_field(3000, 1)
    np.testing.assert_array_equal(run_to_end(traced(), field), run_to_end(make_engine(), field))
    assert len(make_engine().drain_trace()) == 0


# events


def kinds(engine: Engine) -> list[int]:
    return [int(kind) for kind in engine.drain_events()["kind"]]


def test_a_ring_that_runs_dry_and_fills_again_is_told_twice():
    engine = traced()
    engine.ring.write(noise_field(2000, 1))
    before_s = time.monotonic()
    run_blocks(engine, 40)
    assert [bool(f & FLAG_UNDERRUN) for f in engine.drain_trace()["flags"]][-1]
    (event,) = engine.drain_events()
    assert event["kind"] == EVENT_UNDERRUN_BEGIN and event["amount"] < engine.plan.reserve_frames
    assert before_s <= event["time_s"] <= time.monotonic() and 20 < event["block"] <= 40
    engine.ring.write(noise_field(engine.plan.resume_frames, 1))
    run_blocks(engine, 5)
    assert kinds(engine) == [EVENT_UNDERRUN_END]
    assert engine.snapshot().underruns == 1


def test_a_pose_that_grows_old_and_young_again_is_told_twice():
    engine, mailbox = traced(), PoseMailbox.private()
    engine.follow_mailbox(mailbox)
    engine.ring.write(noise_field(9000, 1))
    mailbox.publish(PoseSample(time.monotonic() - 3.0, FRONT, seq=1))
    run_blocks(engine, 5)
    begin = engine.drain_events()
    assert list(begin["kind"]) == [EVENT_STALE_BEGIN] and 3.0 <= begin["amount"][0] < 60.0
    mailbox.publish(PoseSample(time.monotonic() + 100.0, FRONT, seq=2))
    run_blocks(engine, 5)
    assert kinds(engine) == [EVENT_STALE_END]
    assert [bool(f & FLAG_STALE) for f in engine.drain_trace()["flags"]] == [True] * 5 + [False] * 5


def test_numbers_that_are_none_are_told_once_a_row_of_blocks():
    engine = traced()
    field = noise_field(64 * 30, 1)
    field[640:1280] = np.nan
    engine.ring.write(field)
    run_blocks(engine, 25)
    (event,) = engine.drain_events()
    assert event["kind"] == EVENT_NON_FINITE and event["amount"] == 64 and event["block"] == 11
    flagged = np.flatnonzero(engine.drain_trace()["flags"] & FLAG_NON_FINITE)
    assert list(flagged) == list(range(10, 20))


def test_a_late_block_is_told_with_its_delay_and_the_slots_it_cost():
    engine = traced(1, 128)
    engine.ring.write(noise_field(40_000, 1))
    prompt, calls = engine._call, []

    def once_late(state: int, out: int) -> None:
        calls.append(0)
        prompt(state, out)
        if len(calls) == 20:
            time.sleep(0.05)

    slow = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(once_late)
    engine._s["process_block"] = ctypes.cast(slow, ctypes.c_void_p).value
    with VirtualCard(engine):
        time.sleep(0.3)
    events, snapshot, rows = engine.drain_events(), engine.snapshot(), engine.drain_trace()
    late, missed = (events[events["kind"] == kind] for kind in (EVENT_LATE_BLOCK, EVENT_MISSED_SLOTS))
    assert len(late) == snapshot.late_blocks and missed["amount"].sum() == snapshot.missed_slots
    mine = late[late["block"] == 20]
    assert len(mine) == 1 and mine["amount"][0] > 0.05 - 2 * 128 / 48000
    assert rows["flags"][20] & FLAG_LATE
    assert EVENT_LONG_BLOCK not in events["kind"] or snapshot.longest_block_s > 128 / 48000


def test_events_that_find_no_room_are_counted():
    engine = traced()
    field = noise_field(64, 1)
    bad = np.full((64, 4), np.nan, np.float32)
    for _ in range(N_EVENTS + 8):
        for block in (bad, field):
            engine.ring.write(block)
        engine._s["fresh"] = 1  # no reserve is waited for
        run_blocks(engine, 1)
        engine._s["fresh"] = 1
        run_blocks(engine, 1)
    assert len(engine.drain_events()) == N_EVENTS
    assert engine.snapshot().events_lost > 0
