import numpy as np
import pytest

from firmware_bridge import quaternion
from firmware_bridge.virtual.simulated_head import SimulatedHead


@pytest.mark.parametrize("seed", range(5))
def test_a_head_moves_as_fast_as_heads_do(seed):
    speed_deg_s = np.degrees(np.linalg.norm(SimulatedHead(seed).pose_at(np.arange(0, 30, 0.005)).gyro_rad_s, axis=-1))
    assert np.median(speed_deg_s) >= 4.0 and np.percentile(speed_deg_s, 99) >= 190.0
    assert 350.0 <= speed_deg_s.max() <= 600.0


def test_the_gyro_is_the_derivative_of_the_pose():
    head, times, step = SimulatedHead(1), np.arange(0, 20, 0.0173), 1e-5
    before, after = (head.pose_at(times + side * step).quat_world_from_head for side in (-1, 1))
    turn = quaternion.to_rotation_vector(quaternion.multiply(quaternion.conjugate(before), after))
    np.testing.assert_allclose(turn / (2 * step), head.pose_at(times).gyro_rad_s, rtol=0, atol=1e-4)


def test_equal_seeds_are_equal_heads_asked_in_any_order():
    times = np.random.default_rng(1).uniform(0, 100, 50)
    whole = SimulatedHead(3).pose_at(times).quat_world_from_head
    one_by_one = [SimulatedHead(3).pose_at(t).quat_world_from_head for t in times]
    np.testing.assert_allclose(whole, one_by_one, rtol=0, atol=1e-14)
    assert not np.allclose(whole, SimulatedHead(4).pose_at(times).quat_world_from_head, atol=1e-2)


def test_the_head_never_leaps_not_even_where_its_course_begins_anew():
    head = SimulatedHead(2)
    times = head.period_s + np.arange(-3, 3, 0.001)
    quats = head.pose_at(times).quat_world_from_head
    step = quaternion.to_rotation_vector(quaternion.multiply(quaternion.conjugate(quats[:-1]), quats[1:]))
    assert np.degrees(np.linalg.norm(step, axis=-1)).max() < 0.6
