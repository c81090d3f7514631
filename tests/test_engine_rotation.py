"""A turning head: against ideal rotation sample by sample, and by source time."""

import numpy as np
import pytest
from engine_tools import make_engine, noise_field, run_blocks, run_to_end

from rt_render.ambisonics.encoding import encode_plane_wave
from rt_render.app.benchmarks.rotation import REQUIRED_DB, SPEED_DEG_S, rotation_error_db
from rt_render.app.benchmarks.turning_head import constant_turn
from rt_render.conventions import BLOCK_SIZES

TIMES_S = np.arange(0.0, 0.2, 0.001)


@pytest.mark.parametrize("block_size", BLOCK_SIZES)
def test_a_fast_turn_is_ideal_to_80_db(block_size):
    # a horizontal wave under yaw has the most energy at high degrees: the worst case there is
    turn = constant_turn([0, 0, 1], SPEED_DEG_S, TIMES_S)
    assert rotation_error_db(block_size, np.array([1.0, 0, 0]), TIMES_S, turn) < REQUIRED_DB
    turn = constant_turn([1, -2, 0.5], SPEED_DEG_S, TIMES_S)
    assert rotation_error_db(block_size, np.array([0.3, 0.5, -0.8]), TIMES_S, turn) < REQUIRED_DB


def test_a_source_that_turns_with_the_head_stays_where_it_is():
    n = 4096
    yaw = np.deg2rad(200.0) * np.arange(n) / 48000
    turning = encode_plane_wave(np.ones(n), 3, yaw, np.zeros(n)).astype(np.float32)
    engine = make_engine(3, 128, np.ones((2, 16, 1)))
    engine.follow_timeline(TIMES_S, constant_turn([0, 0, 1], 200.0, TIMES_S))
    engine.ring.write(turning)
    engine.ring.set_end()
    front = encode_plane_wave(np.ones(1), 3, 0.0, 0.0)
    for _ in range(n // 128):
        run_blocks(engine, 1)
        assert np.abs(engine.last_field() - front).max() < 2e-4


def test_the_first_block_starts_where_the_head_is():
    q = [np.cos(0.5), 0, 0, np.sin(0.5)]
    field = noise_field(64, 1)
    engine = make_engine(1, 64)
    engine.follow_timeline([0.0], [q])
    still = run_to_end(engine, field)
    late = make_engine(1, 64)
    run_blocks(late, 10)  # nothing to play yet: the head turns meanwhile
    late.follow_timeline([0.0], [q])
    assert np.array_equal(run_to_end(late, field), still)


def test_tracking_off_eases_the_field_to_the_head():
    engine = make_engine(1, 128)
    engine.follow_timeline([0.0], [[0.0, 0.0, 0.0, 1.0]])
    engine.ring.write(noise_field(60000, 1))
    run_blocks(engine, 4)
    engine.set_tracking(False)
    speeds, before = [], np.array(engine.snapshot().quat_world_from_head)
    for _ in range(80):
        run_blocks(engine, 1)
        now = np.array(engine.snapshot().quat_world_from_head)
        speeds.append(2 * np.degrees(np.arccos(min(1.0, abs(now @ before)))))
        before = now
    assert abs(before[0]) == pytest.approx(1.0)
    assert max(speeds) < 180 / (0.2 * 48000 / 128) * 1.1
    engine.set_tracking(True)
    run_blocks(engine, 80)
    assert abs(engine.snapshot().quat_world_from_head[3]) == pytest.approx(1.0)
