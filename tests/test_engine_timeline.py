"""Every block knows when it is heard; sound cards' jittering times become an even line."""

import time

import numpy as np
import pytest
from card_tools import call_card
from engine_tools import make_engine, noise_field, run_blocks

from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.errors import ConfigurationError
from rt_render.io.virtual_card import VirtualCard
from rt_render.kernels.state import (
    EVENT_CLOCK_JUMP,
    EVENT_HOST_UNDERFLOW,
    EVENT_NO_HOST_TIME,
    FLAG_HOST_UNDERFLOW,
    FLAG_LATE,
    LINK,
)
from rt_render.kernels.stream_clock import FOLLOW_S, JUMP_AFTER_S, JUMP_S, follow_line_rt
from rt_render.kernels.turn import pass_turn

FS_HZ = 48000
UNDERFLOW = 4


def traced_engine(block_size: int = 128) -> Engine:
    """An engine that lets channel 0 through to both ears, told by a ramp which frame it plays."""
    engine = Engine(Plan(1, block_size, FS_HZ, 1), np.full((2, 1, 1), 1.0), trace_rows=4000)
    ramp = np.zeros((90_000, 4), np.float32)
    ramp[:, 0] = (1 + np.arange(len(ramp))) / 2**18
    engine.ring.write(ramp)
    return engine


class PretendCard:
    """A sound card of a test: calls for frames and tells PortAudio's times as it likes."""

    def __init__(self, engine: Engine, latency_s: float = 0.0) -> None:
        self.link = np.zeros(1, LINK)
        self.link["state"], self.link["stream"], self.link["latency_s"] = engine.address, 1, latency_s
        assert pass_turn(engine.address, 0, 1)

        self._start_s, self._n_frames, self._presents = time.monotonic(), 0, 0

    def call_on_line(self, n_frames: int, later_s: float = 0.0) -> None:
        """Call, with frame 0 converted 1 s after the card was made, `later_s` later, however fast the test calls."""
        latency_s = self._start_s + 1.0 + later_s + self._n_frames / FS_HZ - time.monotonic()
        self._n_frames += n_frames
        self._presents += 1
        self.call(n_frames, (float(self._presents), self._presents + latency_s))

    def call(self, n_frames: int, times: tuple[float, float] | None, flags: int = 0) -> None:
        """`times`: PortAudio's present, and when the first frame is converted."""
        out = np.empty((n_frames, 2), np.float32)
        told = np.array([0.0, *times]) if times else None
        address = None if told is None else told.ctypes.data
        call_card(None, out.ctypes.data, n_frames, address, flags, self.link.ctypes.data)


def follow(dac_s: np.ndarray, n_frames: int = 128, ran_dry: tuple[int, ...] = ()) -> tuple[np.ndarray, np.ndarray]:
    """Feed the line with times that a host tells, one a call; return the line's times, and the stream's record."""
    link = np.zeros(1, LINK)
    line = np.array([follow_line_rt(link[0], t, n_frames, i in ran_dry, FS_HZ) for i, t in enumerate(dac_s)])
    return line, link


def calls_at(seconds: float, n_frames: int = 128) -> np.ndarray:
    return 1000.0 + np.arange(round(seconds * FS_HZ / n_frames)) * n_frames / FS_HZ


def test_an_even_host_is_followed_exactly():
    true_s = calls_at(1.0)
    line, _ = follow(true_s)
    assert np.abs(line - true_s).max() < 1e-9


def test_jitter_becomes_an_even_line():
    true_s = calls_at(10.0)
    told_s = true_s + np.random.default_rng(1).uniform(-0.001, 0.001, len(true_s))
    line, link = follow(told_s)
    # the mean of n uniform errors of +-1 ms: 0.58 ms / sqrt(n); n is twice the calls of a time constant
    settled = slice(round(2 * FOLLOW_S * FS_HZ / 128), None)
    assert np.std(line[settled] - true_s[settled]) < 2 * 0.58e-3 / np.sqrt(2 * FOLLOW_S * FS_HZ / 128)
    assert np.abs(np.diff(line)[settled] - 128 / FS_HZ).max() < 2 * 0.001 * 128 / FS_HZ / FOLLOW_S
    assert link["jump_s"][0] == 0.0


def test_a_card_that_runs_fast_is_followed():
    true_s = calls_at(20.0)
    line, _ = follow(1000.0 + (true_s - 1000.0) * (1 - 100e-6))
    assert np.abs(line - (1000.0 + (true_s - 1000.0) * (1 - 100e-6))).max() < 1.1 * 100e-6 * FOLLOW_S


def test_one_time_that_lies_far_off_moves_the_line_a_little_and_is_no_jump():
    true_s = calls_at(5.0)
    told_s = true_s.copy()
    told_s[1000] += 0.05
    line, link = follow(told_s)
    assert np.abs(line - true_s).max() < 1.01 * JUMP_S * 128 / FS_HZ / FOLLOW_S
    assert link["jump_s"][0] == 0.0


@pytest.mark.parametrize("by_s", [0.02, -0.02])
def test_a_line_that_moved_for_good_is_taken_up_and_told(by_s):
    true_s = calls_at(5.0)
    moved_s = true_s + np.where(true_s > 1002.0, by_s, 0.0)
    line, link = follow(moved_s)
    n_after = round(JUMP_AFTER_S * FS_HZ / 128) + 2
    after = np.flatnonzero(true_s > 1002.0)[0] + n_after
    assert np.abs(line[after:] - moved_s[after:]).max() < 1e-9
    assert link["jump_s"][0] == pytest.approx(by_s, abs=JUMP_S)


def test_times_of_a_coarse_host_are_no_jumps():
    true_s = calls_at(60.0, 1024)
    told_s = true_s + np.random.default_rng(2).uniform(-0.01, 0.01, len(true_s))
    _, link = follow(told_s, 1024)
    assert link["jump_s"][0] == 0.0


def test_a_host_that_ran_dry_begins_a_new_line_at_once():
    true_s = calls_at(2.0)
    told_s = true_s + np.where(np.arange(len(true_s)) >= 300, 0.002, 0.0)
    line, _ = follow(told_s, ran_dry=(300,))
    assert np.abs(line - told_s).max() < 1e-9


@pytest.mark.parametrize("sizes", [[128], [96], [480], [64, 300, 128, 1], [512]])
def test_blocks_lie_on_the_cards_line_whatever_it_asks_for(sizes):
    engine = traced_engine()
    card = PretendCard(engine)
    for i in range(60):
        n_frames = sizes[i % len(sizes)]
        card.call_on_line(n_frames)
        start_s = card.link["start_s"][0]
        for row in engine.drain_trace():
            # the stream began with frame 0 of the source, so that a block's place in it is the source's
            assert row["hear_s"] == pytest.approx(start_s + row["frame"] / FS_HZ, abs=1e-8)
            assert row["stream"] == 1
    assert engine.snapshot().frames > 2000
    assert engine.snapshot().device_latency_s == card.link["call_latency_s"][0]


def test_blocks_of_one_host_buffer_are_heard_one_behind_the_other():
    """PortAudio then calls several times with one present, and moves the time of conversion on."""
    engine = traced_engine()
    card = PretendCard(engine)
    for i in range(8):
        card.call(128, (100.0, 100.05 + i * 128 / FS_HZ))
    heard_s = engine.drain_trace()["hear_s"]
    assert np.diff(heard_s) == pytest.approx(np.full(7, 128 / FS_HZ), abs=1e-8)


@pytest.mark.parametrize("times", [None, (0.0, 0.0), (5.0, 4.0), (5.0, 5.0), (5.0, float("nan")), (1.0, 1e6)])
def test_a_host_without_times_is_taken_at_the_streams_word_and_told_once(times):
    engine = traced_engine()
    card = PretendCard(engine, latency_s=0.2)
    before_s = time.monotonic()
    for _ in range(3):
        card.call(128, times)
    after_s = time.monotonic()
    first = engine.drain_trace()[0]
    assert before_s + 0.2 <= first["hear_s"] <= after_s + 0.2
    events = engine.drain_events()
    assert [(e["kind"], e["amount"]) for e in events if e["kind"] == EVENT_NO_HOST_TIME] == [(EVENT_NO_HOST_TIME, 0.2)]


def test_a_card_whose_time_line_moves_is_counted():
    engine = traced_engine()
    card = PretendCard(engine)
    for i in range(100):
        card.call_on_line(128, 0.2 if i >= 40 else 0.0)
    jumps = [float(e["amount"]) for e in engine.drain_events() if e["kind"] == EVENT_CLOCK_JUMP]
    assert len(jumps) == engine.snapshot().clock_jumps >= 1
    assert sum(jumps) == pytest.approx(0.2, abs=0.1)


def test_a_host_that_ran_dry_is_flagged_and_told():
    engine = traced_engine()
    card = PretendCard(engine)
    for i in range(4):
        card.call(128, (float(i), i + 0.01), UNDERFLOW if i == 2 else 0)
    assert [bool(row["flags"] & FLAG_HOST_UNDERFLOW) for row in engine.drain_trace()] == [False, False, True, False]
    assert EVENT_HOST_UNDERFLOW in engine.drain_events()["kind"]
    assert engine.snapshot().host_underflows == engine.snapshot().late_blocks == 1


def test_offline_nobody_hears():
    engine = make_engine(1, 64)
    engine.ring.write(noise_field(1000, 1))
    engine.set_extra_latency(0.2)
    run_blocks(engine, 3)
    snapshot = engine.snapshot()
    assert snapshot.hear_latency_s == 0.0 and engine._s["hear_s"] == 0.0


def test_a_block_that_no_card_asked_for_has_no_time_of_the_card_before():
    engine = traced_engine()
    card = PretendCard(engine)
    card.call(129, (1.0, 1.01))
    card.call(2, (1.0, 1.01))  # out of the adapter: no block begins
    run_blocks(engine, 1)
    assert engine.drain_trace()["hear_s"][-1] == 0.0


@pytest.mark.parametrize(("extra_s", "card_s"), [(0.0, 0.0), (0.15, 0.0), (0.0, 0.03)])
def test_the_virtual_cards_capture_is_heard_when_its_blocks_say(extra_s, card_s):
    engine = traced_engine()
    engine.set_extra_latency(extra_s)
    with VirtualCard(engine, capture=True, latency_s=card_s):
        time.sleep(0.4)
        snapshot = engine.snapshot()
    captured = engine.read_capture()[:, 0]
    heard_s = {round(float(v) * 2**18) - 1: engine.capture_start_s + i / FS_HZ for i, v in enumerate(captured) if v}
    rows = engine.drain_trace()
    rows = rows[rows["frame"] > 1000]
    late = np.append(rows["flags"][1:] & FLAG_LATE, 0) != 0  # a late block is known by the next
    assert len(rows) > 10
    for row in rows[~late]:
        assert row["hear_s"] == pytest.approx(heard_s[int(row["frame"])] + extra_s, abs=1e-7)
        assert row["begin_s"] < row["hear_s"]
    # a slot is a block long; a block begins in it, later or earlier
    assert -0.5 < snapshot.hear_latency_s - extra_s - card_s <= 128 / FS_HZ + 1e-6


@pytest.mark.parametrize("seconds", [-0.001, 2.5, float("nan"), float("inf")])
def test_an_extra_latency_out_of_range_is_refused_with_the_range(seconds):
    with pytest.raises(ConfigurationError, match="0 to 2 s"):
        make_engine().set_extra_latency(seconds)
