"""Filters of a lower order while sound runs: they cost less, they sound the same, and the higher order comes back."""

import numpy as np
import pytest
from engine_tools import convolve_direct, make_engine, noise_field, noise_filters, run_blocks

from rt_render.app.benchmarks.turning_head import wandering_turn
from rt_render.conventions import n_sh
from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.engine.replay import ReplayEngine

BLOCK, FS_HZ, TAPS = 64, 48000, 200
PARTITIONS = 4  # of TAPS in BLOCKs


def engine_of(order=5, filters=None, rows=0):
    filters = noise_filters(order, TAPS) if filters is None else filters
    engine = Engine(Plan(order, BLOCK, FS_HZ, TAPS), filters, trace_rows=rows)
    engine.ring.write(noise_field(400 * BLOCK, order))
    return engine


def padded(filters, order):
    """The same filters with zeros for the channels they lack."""
    return np.pad(filters, ((0, 0), (0, n_sh(order) - filters.shape[1]), (0, 0)))


def turned(engine):
    times_s = np.arange(0.0, 1.0, 0.002)
    engine.follow_timeline(times_s, wandering_turn(400.0, 0.002, len(times_s)))
    return engine


@pytest.mark.parametrize("low", [0, 1, 2, 3, 4])
def test_a_lower_order_and_back_is_two_fades_between_convolutions_of_one_field(low):
    high_set, low_set = noise_filters(5, TAPS, 1), noise_filters(low, TAPS, 2)
    engine = engine_of(5, high_set, rows=400)
    parts = [run_blocks(engine, 40)]
    engine.publish_filters(low_set)
    parts.append(run_blocks(engine, 40))
    engine.publish_filters(high_set)
    parts.append(run_blocks(engine, 60))
    field = noise_field(400 * BLOCK, 5)[: 140 * BLOCK]
    with_high, with_low = convolve_direct(field, high_set), convolve_direct(field[:, : n_sh(low)], low_set)
    fade = np.clip(np.arange(140 * BLOCK) / 960, 0, 1)
    share_low = np.zeros(140 * BLOCK)
    share_low[40 * BLOCK :] = fade[: 100 * BLOCK]
    back = (80 + PARTITIONS) * BLOCK  # the delay line must first hold the higher order as far back as filters reach
    share_low[back:] -= fade[: len(share_low) - back]
    mix = share_low[:, None]
    expected = with_high[: len(mix)] * (1 - mix) + with_low[: len(mix)] * mix
    assert np.abs(np.concatenate(parts) - expected).max() < 2e-6
    orders = engine.drain_trace()["order"]
    assert list(orders[[39, 40, 54, 56, 79, 80]]) == [5, 5, 5, low, low, 5]


def test_a_turning_head_sounds_as_if_the_missing_channels_had_silent_filters():
    high_set, low_set = noise_filters(5, TAPS, 1), noise_filters(3, TAPS, 2)
    heard = []
    for lowered, wait in ((low_set, 0), (padded(low_set, 5), PARTITIONS)):
        engine = turned(engine_of(5, high_set))
        parts = [run_blocks(engine, 30)]
        engine.publish_filters(lowered)
        parts.append(run_blocks(engine, 50 + wait))
        engine.publish_filters(high_set)
        parts.append(run_blocks(engine, 80 - wait))
        heard.append(np.concatenate(parts))
    np.testing.assert_array_equal(heard[0], heard[1])


def test_the_chunks_of_the_higher_order_are_not_even_read():
    engine = turned(engine_of(5))
    run_blocks(engine, 10)
    engine.publish_filters(noise_filters(3, TAPS))
    run_blocks(engine, 30)
    assert engine.snapshot().order == 3
    slots = engine._state.fdl.reshape(PARTITIONS, -1)
    slots[:, slots.shape[1] // 3 :] = np.nan  # two chunks of three
    engine._state.rows[:, :, 16:] = np.nan
    heard = run_blocks(engine, 20)
    assert np.isfinite(heard).all() and np.abs(heard).max() > 0.01
    assert np.isnan(slots[:, slots.shape[1] // 3 :]).all() and np.isfinite(engine.last_field()).all()
    # what was left there is overwritten before it is heard
    engine.publish_filters(noise_filters(5, TAPS))
    assert np.abs(run_blocks(engine, 40)).max() > 0.01 and engine.snapshot().order == 5


@pytest.mark.parametrize("seed", range(6))
def test_sets_of_any_order_in_any_haste_end_with_the_last(seed):
    rng = np.random.default_rng(seed)
    engine = engine_of(5)
    done = 0
    for _ in range(12):
        order, blocks = int(rng.integers(0, 6)), int(rng.integers(0, 12))
        last = noise_filters(order, TAPS, int(rng.integers(100)))
        engine.publish_filters(last)
        assert np.isfinite(run_blocks(engine, blocks)).all()
        done += blocks
    run_blocks(engine, 60)
    done += 60
    heard = run_blocks(engine, 20)
    field = noise_field(400 * BLOCK, 5)[: (done + 20) * BLOCK, : n_sh(order)]
    assert np.abs(heard - convolve_direct(field, last)[done * BLOCK : (done + 20) * BLOCK]).max() < 2e-6
    assert engine.snapshot().order == order


def test_a_pause_and_a_reset_between_orders_lose_nothing():
    engine = engine_of(5)
    run_blocks(engine, 10)
    engine.publish_filters(noise_filters(1, TAPS, 3))
    run_blocks(engine, 30)
    engine.publish_filters(noise_filters(5, TAPS, 4))
    run_blocks(engine, 2)
    engine.pause()
    run_blocks(engine, 20)
    assert engine.snapshot().silent
    engine.reset()
    engine.ring.write(noise_field(60 * BLOCK, 5, seed=8))
    engine.play()
    heard = run_blocks(engine, 40)
    expected = convolve_direct(noise_field(60 * BLOCK, 5, seed=8), noise_filters(5, TAPS, 4))
    assert np.abs(heard[20 * BLOCK :] - expected[20 * BLOCK : 40 * BLOCK]).max() < 2e-6


@pytest.mark.parametrize("seed", range(3))
def test_a_trace_with_changing_orders_is_played_back_bit_for_bit(seed):
    rng = np.random.default_rng(seed)
    live = turned(engine_of(5, rows=400))
    sets = {1: noise_filters(5, TAPS)}
    live.tell_filters(lambda number, filters: sets.__setitem__(number, filters))
    heard = []
    for _ in range(14):
        live.publish_filters(noise_filters(int(rng.integers(0, 6)), TAPS, int(rng.integers(100))))
        heard.append(run_blocks(live, int(rng.integers(0, 25))))
    rows = live.drain_trace()
    again = ReplayEngine(live.plan, sets[1])
    again.ring.write(noise_field(400 * BLOCK, 5))
    out, current, replayed = np.zeros((BLOCK, 2), np.float32), 1, []
    for row in rows:
        if row["filter_set"] != current:
            current = int(row["filter_set"])
            again.publish_filters(sets[current])
        again.replay(row, out)
        replayed.append(out.copy())
    assert len(set(rows["order"])) > 2
    np.testing.assert_array_equal(np.concatenate(replayed), np.concatenate(heard))


def test_a_set_waits_unharmed_while_another_fades():
    engine = make_engine(5, BLOCK, noise_filters(5, TAPS))
    engine.ring.write(noise_field(100 * BLOCK, 5))
    run_blocks(engine, 4)
    engine.publish_filters(noise_filters(1, TAPS, 5))
    run_blocks(engine, 3)
    engine.publish_filters(noise_filters(0, TAPS, 6))
    run_blocks(engine, 3)
    assert int(engine._s["filters_next"]) in engine._filters.packed, "kept while it waits"
    assert engine.snapshot().order == 5, "what fades away is still fed"
    run_blocks(engine, 40)
    assert engine.snapshot().order == 0
