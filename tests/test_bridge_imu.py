"""The virtual sensor against physics that can be written down, and a recording that wears it."""

import numpy as np
import pytest
from imu_tools import Held, Spin

from firmware_bridge import quaternion
from firmware_bridge.csv_poses import PoseTrack
from firmware_bridge.virtual.imu import GRAVITY_M_S2, ImuFaults, VirtualImu
from firmware_bridge.virtual.replayed_motion import ReplayedMotion
from firmware_bridge.virtual.simulated_head import SimulatedHead


def angles_deg(a, b):
    return np.degrees(
        np.linalg.norm(quaternion.to_rotation_vector(quaternion.multiply(quaternion.conjugate(a), b)), axis=-1)
    )


def test_a_level_sensor_at_rest_feels_gravity_upwards_and_nothing_else():
    state = VirtualImu(Held()).state_at(1.0, 7)
    assert (state.time_s, state.seq, state.quat_world_from_head) == (1.0, 7, (1.0, 0.0, 0.0, 0.0))
    np.testing.assert_allclose(state.accel_m_s2, [0.0, 0.0, GRAVITY_M_S2], atol=1e-12)
    np.testing.assert_allclose(state.gyro_rad_s, 0.0)
    np.testing.assert_allclose(state.mag_ut, [20.0, 0.0, -40.0])


def test_looking_up_puts_gravity_on_the_nose_and_a_left_turn_puts_north_on_the_right():
    np.testing.assert_allclose(
        VirtualImu(Held(pitch_deg=30.0)).state_at(0.0, 0).accel_m_s2,
        [0.5 * GRAVITY_M_S2, 0.0, np.sqrt(0.75) * GRAVITY_M_S2],
        atol=1e-9,
    )
    np.testing.assert_allclose(VirtualImu(Held(yaw_deg=90.0)).state_at(0.0, 0).mag_ut, [0.0, -20.0, -40.0], atol=1e-9)


def test_a_lever_arm_feels_the_turning():
    imu = VirtualImu(Spin(6.0), lever_arm_m=(0.1, 0.02, 0.05))
    accel = imu.measure(np.linspace(0.0, 1.0, 11)).accel_m_s2
    np.testing.assert_allclose(accel, np.tile([-3.6, -0.72, GRAVITY_M_S2], (11, 1)), rtol=1e-4)


def test_the_rates_integrate_to_the_poses():
    step_s = 1e-3
    times = np.arange(0.0, 5.0, step_s)
    head = SimulatedHead(3)
    middles = VirtualImu(head).measure(times[:-1] + 0.5 * step_s)
    quat = head.pose_at(0.0).quat_world_from_head
    for turn in quaternion.from_rotation_vector(middles.gyro_rad_s * step_s):
        quat = quaternion.multiply(quat, turn)
    assert angles_deg(quat, head.pose_at(times[-1]).quat_world_from_head) < 0.02


def test_noise_has_the_density_that_was_asked_for():
    faults = ImuFaults(gyro_noise_rad_s_sqrt_hz=2e-4, accel_noise_m_s2_sqrt_hz=3e-3, mag_noise_ut=0.5)
    samples = VirtualImu(Held(), faults=faults, rate_hz=800.0, seed=4).measure(np.arange(20000) / 800.0)
    np.testing.assert_allclose(samples.gyro_rad_s.std(axis=0), 2e-4 * 20.0, rtol=0.03)
    np.testing.assert_allclose(samples.accel_m_s2.std(axis=0), 3e-3 * 20.0, rtol=0.03)
    np.testing.assert_allclose(samples.mag_ut.std(axis=0), 0.5, rtol=0.03)


def test_the_bias_wanders_from_where_it_began_also_from_call_to_call():
    faults = ImuFaults(gyro_bias_rad_s=(0.1, -0.2, 0.3), gyro_walk_rad_s_per_sqrt_s=0.01)
    imu = VirtualImu(Held(), faults=faults, seed=5)
    first, second = (imu.measure(np.arange(start, start + 5000) * 0.01).gyro_rad_s for start in (0, 5000))
    np.testing.assert_allclose(first[0], [0.1, -0.2, 0.3])
    path = np.vstack([first, second])
    np.testing.assert_allclose(np.diff(path, axis=0).std(axis=0), 0.01 * np.sqrt(0.01), rtol=0.05)


def test_equal_seeds_give_equal_noise():
    faults = ImuFaults(gyro_noise_rad_s_sqrt_hz=1e-3)
    first, second = (VirtualImu(SimulatedHead(), faults=faults, seed=9).state_at(1.0, 0) for _ in range(2))
    assert first == second
    assert VirtualImu(SimulatedHead(), faults=faults, seed=10).state_at(1.0, 0) != first


@pytest.fixture(scope="module")
def head_track():
    times = np.arange(0.0, 12.0, 0.01)
    quats = SimulatedHead(1).pose_at(times).quat_world_from_head
    return PoseTrack(times + 100.0, quaternion.continuous(quats))


def test_a_replayed_recording_goes_through_its_poses_and_turns_as_the_head_did(head_track):
    replayed = ReplayedMotion(head_track)
    through = replayed.pose_at(head_track.times_s).quat_world_from_head
    assert angles_deg(through, head_track.quats_world_from_head).max() < 1e-5
    between = np.arange(101.0, 111.0, 0.0037)
    now, then = replayed.pose_at(between), SimulatedHead(1).pose_at(between - 100.0)
    assert angles_deg(now.quat_world_from_head, then.quat_world_from_head).max() < 0.01
    np.testing.assert_allclose(now.gyro_rad_s, then.gyro_rad_s, atol=0.02)


def test_a_replayed_recording_holds_still_before_and_after(head_track):
    held = ReplayedMotion(head_track).pose_at([0.0, 500.0])
    assert angles_deg(held.quat_world_from_head, head_track.quats_world_from_head[[0, -1]]).max() < 1e-5
    np.testing.assert_array_equal(held.gyro_rad_s, 0.0)


def test_one_pose_is_a_recording_too():
    quat = quaternion.from_yaw_pitch_roll_deg(20.0, 10.0, 0.0)
    head = ReplayedMotion(PoseTrack(np.array([3.0]), quat[None])).pose_at([0.0, 3.0, 9.0])
    np.testing.assert_allclose(head.quat_world_from_head, np.tile(quat, (3, 1)))
    np.testing.assert_array_equal(head.gyro_rad_s, 0.0)


def test_a_replayed_recording_can_wear_a_sensor(head_track):
    sensor = VirtualImu(ReplayedMotion(head_track)).measure(np.arange(102.0, 110.0, 0.005))
    ideal = VirtualImu(SimulatedHead(1)).measure(np.arange(2.0, 10.0, 0.005))
    np.testing.assert_allclose(sensor.accel_m_s2, ideal.accel_m_s2, atol=0.5)
