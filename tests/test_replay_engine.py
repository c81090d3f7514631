"""The rows of a trace, played back: the very samples, whatever was done to the engine meanwhile."""

import time

import numpy as np
import pytest
from engine_tools import noise_field, noise_filters
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.pose import PoseSample
from rt_render.conventions import BLOCK_SIZES
from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.engine.replay import ReplayEngine
from rt_render.kernels.state import FLAG_CLEARED, FLAG_LIMITED, FLAG_PATH_BEGINS

TAPS = 200
N_FRAMES = 12_000
HEARD = ("frame", "consumed", "gain", "limiter", "filter_fade_frame", "mean_square")


class Live:
    """An engine with a reader and a tracker that do what a test says."""

    def __init__(self, order: int, block_size: int) -> None:
        self.field = noise_field(N_FRAMES, order)
        self.field[5000:5003] = np.nan
        self.sets = [30 * noise_filters(order, TAPS)]
        self.engine = Engine(Plan(order, block_size, n_taps=TAPS, ring_s=0.3), self.sets[0], trace_rows=3000)
        self.engine.tell_filters(lambda number, filters: self.sets.append(filters))
        self.mailbox = PoseMailbox.private()
        self.engine.follow_mailbox(self.mailbox)
        self.rng = np.random.default_rng(3)
        self.fed, self.blocks, self.number = 0, [], 0

    def feed(self, n_frames: int) -> None:
        n_frames = min(n_frames, self.engine.ring.free_frames(), N_FRAMES - self.fed)
        if int(self.engine._s["ring_end"]) >= 0:
            return
        self.engine.ring.write(self.field[self.fed : self.fed + n_frames])
        self.fed += n_frames
        if self.fed == N_FRAMES:
            self.engine.ring.set_end()

    def render(self, n_blocks: int) -> None:
        for _ in range(n_blocks):
            out = np.empty((self.engine.plan.block_size, 2), np.float32)
            self.engine.process(out)
            self.blocks.append(out)

    def pose(self, age_s: float = 0.0) -> None:
        q, self.number = self.rng.standard_normal(4), self.number + 1
        gyro = tuple(float(v) for v in self.rng.standard_normal(3))
        pose = PoseSample(time.monotonic() - age_s, tuple(q / np.linalg.norm(q)), gyro, seq=self.number)
        self.mailbox.publish(pose)

    def seek(self, frame: int) -> None:
        self.engine.pause()
        while not self.engine.snapshot().silent:
            self.render(1)
        self.engine.reset(frame)
        self.fed = frame
        self.feed(3000)
        self.engine.play()

    def lose_card(self) -> None:
        """What `CardKeeper` does between two cards."""
        self.engine._s["fade"] = 0.0
        self.engine._s["owner"] += 1

    def filters(self, seed: int) -> None:
        order = self.engine.plan.order - seed % 2 * (self.engine.plan.order > 0)
        self.engine.publish_filters(noise_filters(order, TAPS, seed))

    def predict(self, mode: int) -> None:
        self.engine.set_prediction(("off", "constant", "learnt")[mode])
        self.engine._s["hear_latency_s"] = 0.01


def replayed(live: Live, rows: np.ndarray) -> np.ndarray:
    """Play the rows of a live engine back and return all blocks; the trace of it must tell the same."""
    plan = live.engine.plan
    engine = ReplayEngine(plan, live.sets[0], trace_rows=len(rows) + 1)
    assert engine.plan_hash == live.engine.plan_hash
    fed, used, out = 0, 1, np.empty((len(rows), plan.block_size, 2), np.float32)
    for row, block in zip(rows, out, strict=True):
        if row["flags"] & FLAG_CLEARED:
            fed = int(row["frame"])
            engine.reset(fed)
        if row["filter_set"] != used:
            used = int(row["filter_set"])
            engine.publish_filters(live.sets[used - 1])
        while engine.ring.fill_frames < plan.block_size and int(engine._s["ring_end"]) < 0:
            n = min(701, N_FRAMES - fed)
            engine.ring.write(live.field[fed : fed + n])
            fed += n
            if fed == N_FRAMES:
                engine.ring.set_end()
        engine.replay(row, block)
    again = engine.drain_trace()
    for name in HEARD:
        sounding = rows["consumed"] > 0 if name == "frame" else slice(None)
        np.testing.assert_array_equal(again[name][sounding], rows[name][sounding], err_msg=name)
    return out


def assert_same_again(live: Live) -> np.ndarray:
    rows = live.engine.drain_trace()
    assert len(rows) == len(live.blocks)
    np.testing.assert_array_equal(replayed(live, rows), live.blocks)
    return rows


def everything(live: Live) -> None:
    """One of each: poses, gain up to the limiter, tracking, pause, filters, a ring run dry, seeks, another card."""
    live.render(3)
    live.feed(4000)
    for i in range(30):
        live.pose(0.6 * (i % 5 == 0))
        live.render(1)
    live.engine.set_gain_db(24.0)
    live.render(20)
    live.engine.set_tracking(False)
    live.render(10)
    live.filters(5)
    live.render(2)
    live.filters(6)
    live.filters(7)
    live.engine.pause()
    live.render(9)
    live.engine.play()
    live.feed(1000)
    live.predict(2)
    live.engine.set_tracking(True)
    live.render(200)  # until it starves
    live.feed(4000)
    live.lose_card()
    live.engine.set_gain_db(-np.inf)
    live.render(30)
    live.engine.set_gain_db(0.0)
    live.seek(4321)
    live.render(10)
    live.seek(0)
    for _ in range(60):
        live.feed(1500)
        live.pose()
        live.render(7)


@pytest.mark.parametrize("block_size", BLOCK_SIZES)
@pytest.mark.parametrize("order", [0, 2])
def test_a_session_with_everything_in_it_is_played_back_bit_for_bit(order, block_size):
    live = Live(order, block_size)
    everything(live)
    rows = assert_same_again(live)
    happened = np.bitwise_or.reduce(rows["flags"])
    for flag in (FLAG_CLEARED, FLAG_LIMITED, FLAG_PATH_BEGINS):
        assert happened & flag
    assert len(set(rows["filter_set"])) > 1 and np.abs(live.blocks).max() > 0.1
    assert live.engine.snapshot().underruns


def test_the_test_sees_another_path_by_one_bit_another_gain_and_another_fade():
    live = Live(1, 128)
    live.feed(6000)
    for _ in range(20):
        live.pose()
        live.render(1)
    live.engine.pause()
    live.render(4)
    rows = live.engine.drain_trace()
    for name, change in [("gain", np.nextafter), ("fade_step", lambda *_: 0.0), ("knots", None)]:
        other = rows.copy()
        if change is None:
            other["knots"][5, 1] = [1.0, 0.0, 0.0, 0.0]
        elif name == "fade_step":
            other[name][20] = 0.0
        else:
            other[name][3] *= 1.001
        with pytest.raises(AssertionError):
            np.testing.assert_array_equal(replayed(live, other), live.blocks)


STEPS = st.one_of(
    st.tuples(st.just("render"), st.integers(1, 12)),
    st.tuples(st.just("feed"), st.integers(1, 3000)),
    st.tuples(st.just("pose"), st.sampled_from([0.0, 0.7])),
    st.tuples(st.just("gain"), st.sampled_from([-np.inf, -20.0, 0.0, 24.0])),
    st.tuples(st.just("tracking"), st.booleans()),
    st.tuples(st.just("playing"), st.booleans()),
    st.tuples(st.just("filters"), st.integers(0, 9)),
    st.tuples(st.just("predict"), st.integers(0, 2)),
    st.tuples(st.just("seek"), st.integers(0, N_FRAMES)),
    st.tuples(st.just("lose_card"), st.none()),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
@given(st.sampled_from([32, 128, 512]), st.lists(STEPS, min_size=3, max_size=40))
def test_whatever_is_done_to_an_engine_is_played_back_bit_for_bit(block_size, steps):
    live = Live(1, block_size)
    for name, value in [("feed", 3000), ("render", 3), *steps, ("render", 3)]:
        if name == "gain":
            live.engine.set_gain_db(value)
        elif name == "tracking":
            live.engine.set_tracking(value)
        elif name == "playing":
            (live.engine.play if value else live.engine.pause)()
        elif name == "lose_card":
            live.lose_card()
        else:
            getattr(live, name)(value)
    assert_same_again(live)
