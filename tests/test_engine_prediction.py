"""Prediction in the engine's own path, and the figures by which it was chosen."""

import time

import numpy as np
import pytest
from engine_tools import make_engine, noise_field, run_blocks
from scipy.spatial.transform import Rotation

from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.pose import PoseSample
from firmware_bridge.virtual.simulated_head import HeadState, SimulatedHead
from rt_render.app.benchmarks.heads_for_prediction import RecordedHead, ReversingHead, StillHead
from rt_render.app.benchmarks.predicted_path import (
    TRANSPORT_S,
    Poses,
    Wearable,
    errors_deg,
    rendered_heads,
    wear,
)
from rt_render.app.benchmarks.prediction import REQUIRED, measure, reversals
from rt_render.errors import ConfigurationError, RenderError

SPIN_RAD_S = np.array([0.5, -1.0, 3.0])


class Spinning:
    def pose_at(self, time_s):
        turn = Rotation.from_rotvec(np.asarray(time_s, float).reshape(-1, 1) * SPIN_RAD_S)
        shape = np.shape(time_s)
        return HeadState(turn.as_quat(scalar_first=True).reshape(*shape, 4), np.broadcast_to(SPIN_RAD_S, (*shape, 3)))


@pytest.mark.parametrize("block_size", [32, 128, 2048])
@pytest.mark.parametrize("mode", ["constant", "learnt"])
@pytest.mark.parametrize("rate_hz", [25, 200])
def test_a_steady_turn_is_rendered_where_it_is_when_heard(block_size, mode, rate_hz):
    poses = wear(Spinning(), Wearable(rate_hz, noisy=False), 3.0, seed=1)
    heard_s, heads = rendered_heads(poses, mode, 0.02, 3.0, block_size, cap_ms=200.0)
    assert errors_deg(Spinning(), heard_s, heads)[heard_s > 1.0].max() < 1e-4


def test_without_prediction_the_last_pose_is_rendered_bit_for_bit():
    poses = wear(SimulatedHead(3), Wearable(100), 2.0, seed=1)
    _, heads = rendered_heads(poses, "off", 0.05, 2.0)
    begins_s = np.arange(len(heads)) * 128 / 48000
    newest = np.searchsorted(poses.times_s + 0.001, begins_s, side="right") - 1
    assert (heads[newest >= 0] == poses.quats_world_from_head[newest[newest >= 0]]).all()


@pytest.mark.parametrize("block_size", [32, 128, 2048])
@pytest.mark.parametrize("mode", ["constant", "learnt"])
def test_a_cap_of_zero_is_the_path_without_prediction_bit_for_bit(mode, block_size):
    poses = wear(SimulatedHead(3), Wearable(100), 4.0, seed=1)
    _, plain = rendered_heads(poses, "off", 0.05, 4.0, block_size)
    _, capped = rendered_heads(poses, mode, 0.05, 4.0, block_size, cap_ms=0.0)
    _, predicted = rendered_heads(poses, mode, 0.05, 4.0, block_size)
    assert (capped == plain).all()
    assert (predicted != plain).any()


@pytest.mark.parametrize("rate_hz", [25, 50, 200])
def test_the_end_of_no_block_is_further_ahead_of_its_pose_than_the_cap_and_one_interval(rate_hz):
    horizon_s, cap_s, block_s = 0.12, 0.06, 128 / 48000
    poses = wear(Spinning(), Wearable(rate_hz, noisy=False), 3.0, seed=1)
    kept = np.arange(len(poses.times_s)) % 7 != 6  # and where one is missing
    poses = Poses(*(column[kept] for column in (poses.times_s, poses.quats_world_from_head, poses.gyro_rad_s)))
    heard_s, heads = rendered_heads(poses, "constant", horizon_s, 3.0)
    newest = np.searchsorted(poses.times_s + TRANSPORT_S, heard_s - horizon_s - block_s, side="right") - 1
    ends = Rotation.from_quat(heads, scalar_first=True)
    ahead = (Rotation.from_quat(poses.quats_world_from_head[newest], scalar_first=True).inv() * ends).as_rotvec()
    ahead_s = (ahead @ SPIN_RAD_S / (SPIN_RAD_S @ SPIN_RAD_S))[heard_s > 1.0]
    mean_interval_s = float(np.diff(poses.times_s).mean())
    assert 0.9 * cap_s < np.median(ahead_s) < cap_s + mean_interval_s
    assert ahead_s.max() < cap_s + 1.3 / rate_hz + 0.0001


@pytest.mark.parametrize(("horizon_ms", "key"), [(20.0, "rms_20ms_100hz_deg"), (50.0, "rms_50ms_100hz_deg")])
def test_natural_motion_is_rendered_as_near_as_required(horizon_ms, key):
    head = SimulatedHead(7)
    speed = np.degrees(np.linalg.norm(head.pose_at(np.arange(0, 40, 0.005)).gyro_rad_s, axis=-1))
    assert np.median(speed) >= 4 and np.percentile(speed, 99) >= 190 and speed.max() >= 350
    figures = measure(head, Wearable(100), horizon_ms, 40.0)
    assert figures["learnt"]["rms_deg"] <= REQUIRED[key]
    assert figures["learnt"]["rms_deg"] < figures["constant"]["rms_deg"] < 0.5 * figures["off"]["rms_deg"]


def test_between_slow_poses_the_head_moves_smoothly():
    head = SimulatedHead(7)
    poses = wear(head, Wearable(25), 20.0, seed=1)
    speeds = {}
    for mode in ("off", "learnt"):
        _, heads = rendered_heads(poses, mode, 0.02, 20.0)
        path = Rotation.from_quat(heads, scalar_first=True)
        turns = path[:-1].inv() * path[1:]
        speeds[mode] = np.degrees(turns.magnitude()).max() * 48000 / 128
    true = np.degrees(np.linalg.norm(head.pose_at(np.arange(0, 20, 0.005)).gyro_rad_s, axis=-1)).max()
    assert speeds["off"] > 10 * true
    assert speeds["learnt"] < 2 * true


def test_rest_stays_rest_under_noise():
    for rate_hz in (25, 100, 200):
        figures = measure(StillHead(), Wearable(rate_hz), 50.0, 10.0)
        assert figures["learnt"]["rms_deg"] <= figures["off"]["rms_deg"] + REQUIRED["rest_excess_deg"]


@pytest.mark.parametrize(("rate_hz", "horizon_ms"), [(25, 120.0), (100, 50.0), (200, 80.0)])
def test_no_movement_that_turns_back_gets_worse(rate_hz, horizon_ms):
    assert reversals(Wearable(rate_hz), horizon_ms, seed=5)["learnt"] <= REQUIRED["reversal_ratio"]


@pytest.mark.parametrize("fault", [{"late_s": 0.03}, {"smoothing_s": 0.03}])
def test_a_sensor_that_lags_is_not_made_worse(fault):
    figures = measure(SimulatedHead(8), Wearable(100, **fault), 50.0, 20.0)
    assert figures["learnt"]["rms_deg"] <= REQUIRED["lag_ratio"] * figures["off"]["rms_deg"]


def test_reversing_heads_turn_as_their_rates_say_and_return():
    head = ReversingHead(6, seed=2)
    times_s = np.arange(0.0, head.spans_s[-1, 1] + 0.5, 1e-3)
    state = head.pose_at(times_s)
    turns = Rotation.from_quat(state.quat_world_from_head, scalar_first=True)
    rates = (turns[:-1].inv() * turns[1:]).as_rotvec() / 1e-3
    np.testing.assert_allclose(rates, 0.5 * (state.gyro_rad_s[1:] + state.gyro_rad_s[:-1]), atol=0.02)
    for begin_s, end_s in head.spans_s:
        np.testing.assert_allclose(head.pose_at([begin_s, end_s]).quat_world_from_head, [[1, 0, 0, 0]] * 2, atol=1e-12)


def test_a_recording_is_predicted_like_any_head(tmp_path):
    from imu_tools import write_imu_recording

    from firmware_bridge.imu_recording import ImuRecording

    times_s = np.arange(0.0, 15.0, 0.005)
    state = SimulatedHead(4).pose_at(times_s)
    moving, quats = np.ones(len(times_s), bool), state.quat_world_from_head.copy()
    quats[200] = np.nan  # the cameras lost it: the piece behind is the longest whole one
    force = np.broadcast_to([0.0, 0.0, 9.81], (len(times_s), 3))
    write_imu_recording(ImuRecording("x", times_s, state.gyro_rad_s, force, None, quats, moving), tmp_path / "head.npz")
    head = RecordedHead(tmp_path / "head.npz")
    assert head.seconds == pytest.approx(times_s[-1] - times_s[201])
    at_s = np.linspace(0.1, head.seconds - 0.1, 500)
    assert errors_deg(SimulatedHead(4), at_s + times_s[201], head.pose_at(at_s).quat_world_from_head).max() < 0.05
    figures = measure(head, Wearable(100), 20.0, head.seconds)
    assert figures["learnt"]["rms_deg"] < 0.2 * figures["off"]["rms_deg"]


def test_a_recording_that_is_too_short_is_an_error(tmp_path):
    from imu_tools import write_imu_recording

    from firmware_bridge.imu_recording import ImuRecording

    times_s = np.arange(0.0, 3.0, 0.01)
    quats = np.broadcast_to([1.0, 0.0, 0.0, 0.0], (len(times_s), 4))
    rows = np.zeros((len(times_s), 3))
    write_imu_recording(ImuRecording("x", times_s, rows, rows, None, quats, np.ones(300, bool)), tmp_path / "head.npz")
    with pytest.raises(RenderError, match=r"holds 3\.0 s of movement in one piece: name a .* 10 s or more\."):
        RecordedHead(tmp_path / "head.npz")


@pytest.mark.parametrize("latency_s", [0.0, 0.04])
def test_the_block_function_predicts_to_when_its_card_says_it_is_heard(latency_s):
    engine = make_engine(block_size=128)
    mailbox = PoseMailbox.private()
    engine.follow_mailbox(mailbox)
    engine.set_prediction("constant", cap_ms=200.0)
    engine.ring.write(noise_field(1280, 1))
    now_s = time.monotonic()
    mailbox.publish(PoseSample(now_s, (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 2.0)))
    if latency_s:
        engine._s["dac_s"] = now_s + latency_s
    run_blocks(engine, 1)
    predicted_s = Rotation.from_quat(engine.snapshot().quat_world_from_head, scalar_first=True).as_rotvec()[2] / 2.0
    block_s = 128 / 48000
    if latency_s:
        assert predicted_s == pytest.approx(latency_s + block_s, abs=1e-6)
    else:
        assert predicted_s > 0.99 * block_s, "offline a block is heard as it is made"


def test_prediction_is_set_in_words_and_within_limits():
    engine = make_engine()
    engine.set_prediction("learnt", cap_ms=40.0)
    with pytest.raises(ConfigurationError, match="no prediction 'kalman': choose one of off, constant, learnt"):
        engine.set_prediction("kalman")
    for cap_ms in (-1.0, 201.0, float("nan")):
        with pytest.raises(ConfigurationError, match="choose 0 to 200 ms"):
            engine.set_prediction("constant", cap_ms)
