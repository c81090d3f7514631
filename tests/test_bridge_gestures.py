import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import quaternion
from firmware_bridge.errors import BridgeError
from firmware_bridge.stages.gestures import DoubleNod, HoldStill
from firmware_bridge.virtual.simulated_head import SimulatedHead

ODD_STARTS = st.sampled_from([0.0, 40.0, -100.0, 179.0])


def fired(gesture, yaw, pitch, roll, rate_hz, start_s=0.0):
    """Return the moments at which a gesture fired over courses of angles in degrees."""
    quats = quaternion.from_yaw_pitch_roll_deg(yaw, pitch, roll).tolist()
    return [k / rate_hz for k, quat in enumerate(quats) if gesture.feed(tuple(quat), start_s + k / rate_hz)]


def nods(n, depth_deg, nod_s, rate_hz, pause_s=0.0, power=1):
    """Return a course of pitch: a second of rest, so many nods, a second of rest."""
    phase = np.arange(0.0, 1.0, 1.0 / (nod_s * rate_hz))
    nod = -depth_deg * (np.sin(np.pi * phase) ** 2) ** power
    rest, pause = np.zeros(round(rate_hz)), np.zeros(round(pause_s * rate_hz))
    return np.concatenate([rest, *[np.concatenate([nod, pause])] * n, rest])


def with_sway(pitch, rate_hz, seed=0, sway_deg=0.5):
    random, time_s = np.random.default_rng(seed), np.arange(len(pitch)) / rate_hz
    phases = random.uniform(0, 2 * np.pi, (3, 1))
    yaw, pitch_sway, roll = sway_deg * np.sin(2 * np.pi * np.array([[0.3], [0.5], [0.7]]) * time_s + phases)
    return yaw, pitch + pitch_sway, roll


@settings(max_examples=150, deadline=None)
@given(
    st.floats(15.0, 45.0),
    st.floats(0.28, 0.65),
    st.sampled_from([25.0, 60.0, 100.0, 200.0]),
    st.floats(0.0, 0.12),
    st.integers(0, 99),
    ODD_STARTS,
    st.floats(-15.0, 15.0),
)
def test_double_nods_of_many_depths_and_speeds_are_seen_once(depth, nod_s, rate_hz, pause_s, seed, yaw_at, pitch_at):
    yaw, pitch, roll = with_sway(nods(2, depth, nod_s, rate_hz, pause_s), rate_hz, seed)
    moments = fired(DoubleNod(), yaw + yaw_at, pitch + pitch_at, roll, rate_hz)
    over_s = 1.0 + 2 * (nod_s + pause_s)
    assert len(moments) == 1 and moments[0] > over_s - 0.3


@pytest.mark.parametrize(
    "pitch",
    [
        nods(1, 30, 0.5, 100),
        nods(3, 30, 0.4, 100),
        nods(12, 25, 0.5, 100),
        nods(2, 8, 0.4, 100),
        nods(2, 30, 1.5, 100),
        nods(2, -30, 0.5, 100),
        nods(2, 30, 0.5, 100, pause_s=1.0),
        nods(2, 30, 0.05, 100),
    ],
    ids=["one", "three", "music", "shallow", "slow", "upwards", "apart", "knock"],
)
def test_other_nods_are_not_taken_for_it(pitch):
    assert not fired(DoubleNod(), *with_sway(pitch, 100.0), 100.0)


def test_a_nod_to_the_side_or_one_that_ends_elsewhere_is_not_taken_for_it():
    pitch = nods(2, 25, 0.5, 100)
    assert not fired(DoubleNod(), pitch, pitch, 0 * pitch, 100.0)
    assert not fired(DoubleNod(), 0 * pitch, pitch - 15.0 * (np.arange(len(pitch)) > 150), 0 * pitch, 100.0)


def test_poses_that_fail_to_come_begin_the_gesture_anew():
    pitch, gesture = nods(2, 25, 0.5, 100), DoubleNod()
    assert not fired(gesture, 0 * pitch[:140], pitch[:140], 0 * pitch[:140], 100.0)
    rest = pitch[140:]
    assert not fired(gesture, 0 * rest, rest, 0 * rest, 100.0, start_s=2.0)
    assert fired(gesture, 0 * pitch, pitch, 0 * pitch, 100.0, start_s=10.0)


@pytest.mark.parametrize(("seed", "rate_hz"), [(0, 50.0), (1, 25.0)])
def test_forty_minutes_of_natural_motion_are_not_taken_for_it(seed, rate_hz):
    head, gesture = SimulatedHead(seed), DoubleNod()
    for minute in range(40):
        times = 60.0 * minute + np.arange(0.0, 60.0, 1.0 / rate_hz)
        for time_s, quat in zip(times, head.pose_at(times).quat_world_from_head.tolist(), strict=True):
            assert not gesture.feed(tuple(quat), time_s), time_s


def test_holding_still_fires_once_and_again_when_asked_again():
    gesture, still = HoldStill(2.0), np.zeros(800)
    moments = fired(gesture, *with_sway(still, 100.0), 100.0)
    assert moments == [pytest.approx(2.0, abs=0.02)] and not gesture.armed
    gesture.arm()
    assert fired(gesture, *with_sway(still, 100.0), 100.0, start_s=8.0) == [pytest.approx(2.0, abs=0.02)]


@settings(max_examples=30, deadline=None)
@given(st.floats(0.5, 6.0), ODD_STARTS)
def test_holding_still_counts_from_the_last_movement(moves_until_s, yaw_at):
    time_s = np.arange(0.0, 12.0, 0.01)
    yaw = yaw_at + 30.0 * np.minimum(time_s - moves_until_s, 0.0)
    moments = fired(HoldStill(2.0), yaw, 0 * yaw, 0 * yaw, 100.0)
    assert len(moments) == 1 and moves_until_s + 1.8 < moments[0] < moves_until_s + 2.1


def test_a_tracker_on_a_table_and_one_that_was_gone_do_not_hold_still():
    gesture, still, drift_deg = HoldStill(2.0), np.zeros(800), 0.002 * np.arange(800)
    assert not fired(gesture, drift_deg, still, still + 0.05 * np.sin(np.arange(800)), 100.0)
    taken_up = -np.concatenate([still, np.minimum(np.arange(100), 40)])
    assert not fired(HoldStill(2.0), taken_up, taken_up, 0.0 * taken_up, 100.0)
    assert not fired(gesture, *with_sway(still[:150], 100.0), 100.0, start_s=9.0)
    moments = fired(gesture, *with_sway(still, 100.0), 100.0, start_s=12.0)
    assert moments == [pytest.approx(2.0, abs=0.02)]


@pytest.mark.parametrize(("pitch", "roll"), [(40.0, 0.0), (-40.0, 0.0), (0.0, 30.0)])
def test_a_head_that_does_not_look_ahead_is_not_recentred(pitch, roll):
    still = np.zeros(500)
    assert not fired(HoldStill(2.0), still, still + pitch, still + roll, 100.0)


def test_a_time_out_of_range_is_refused():
    with pytest.raises(BridgeError, match=r"allowed are 0\.5 to 30 s"):
        HoldStill(0.1)
