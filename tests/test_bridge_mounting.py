import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from firmware_bridge import plain_quaternion as plain
from firmware_bridge import quaternion
from firmware_bridge.errors import BridgeError
from firmware_bridge.pose import PoseSample
from firmware_bridge.stages.mounting import Mounting, inverted, mounting_from_axes
from firmware_bridge.stages.recentre import EASE_S, Recentre
from firmware_bridge.stages.slow_recentre import SlowRecentre

P0 = (0.962318, 0.019437, 0.095352, 0.253917)


def unit_quats():
    part = st.floats(-1.0, 1.0)
    return st.tuples(part, part, part, part).filter(lambda q: sum(p * p for p in q) > 0.01).map(plain.normalise)


def looking(yaw, pitch=0.0, roll=0.0):
    return tuple(quaternion.from_yaw_pitch_roll_deg(yaw, pitch, roll).tolist())


def same_turn(a, b):
    return plain.angle_rad(a, b) < 1e-7


@given(unit_quats(), unit_quats(), st.floats(0.0, 1.0))
def test_plain_quaternions_say_what_arrays_say(a, b, fraction):
    vector = (0.3, -1.0, 2.0)
    assert plain.multiply(a, b) == pytest.approx(quaternion.multiply(a, b).tolist(), abs=1e-14)
    assert plain.rotate(a, vector) == pytest.approx((quaternion.rotation_matrix(a) @ vector).tolist(), abs=1e-13)
    assert same_turn(plain.slerp(a, b, fraction), tuple(quaternion.slerp(a, b, fraction).tolist()))
    yaw_deg = quaternion.to_yaw_pitch_roll_deg(a)[0]
    heading = quaternion.from_yaw_pitch_roll_deg(yaw_deg, 0.0, 0.0)
    assert same_turn(plain.about_vertical(plain.heading_rad(a)), tuple(heading.tolist()))
    between = quaternion.to_rotation_vector(quaternion.multiply(quaternion.conjugate(a), b))
    assert plain.angle_rad(a, b) == pytest.approx(np.linalg.norm(between), abs=1e-7)


@given(unit_quats(), unit_quats())
def test_a_mounting_gives_the_head_back_whatever_the_sensor_sits_like(head, sensor_from_head):
    sensor = plain.multiply(head, plain.conjugate(sensor_from_head))
    rates_of_head = (1.0, -2.0, 0.5)
    quat, gyro = Mounting(sensor_from_head).apply(sensor, plain.rotate(sensor_from_head, rates_of_head))
    assert same_turn(quat, head) and gyro == pytest.approx(rates_of_head, abs=1e-12)


def mounting_from_ups(up_neutral, up_nodded):
    """The mounting from "up" in sensor axes, looking ahead and nodded down: their cross product points to the left."""
    return mounting_from_axes(tuple(up_neutral), tuple(np.cross(up_nodded, up_neutral)))


@settings(max_examples=200)
@given(unit_quats(), st.floats(11.0, 80.0))
def test_two_ups_recover_any_mounting_exactly(sensor_from_head, nod_deg):
    in_sensor = Rotation.from_quat(sensor_from_head, scalar_first=True)
    ups = [
        in_sensor.apply(Rotation.from_rotvec([0, np.radians(down), 0]).inv().apply([0, 0, 1])) for down in (0, nod_deg)
    ]
    assert same_turn(mounting_from_ups(*ups).quat_sensor_from_head, sensor_from_head)


def test_the_mounting_of_the_reference_recovers_p0():
    sensor_from_head = looking(111, 22, 33)
    up_neutral = plain.rotate(sensor_from_head, (0.0, 0.0, 1.0))
    nodded = plain.multiply(looking(0, -25), plain.conjugate(sensor_from_head))
    up_nodded = plain.rotate(plain.conjugate(nodded), (0.0, 0.0, 1.0))
    quat, _ = mounting_from_ups(up_neutral, up_nodded).apply(
        plain.multiply(P0, plain.conjugate(sensor_from_head)), None
    )
    assert quat == pytest.approx(P0, abs=1e-6)


def test_axes_that_are_one_are_refused():
    with pytest.raises(BridgeError, match="no length"):
        mounting_from_axes((0.0, 0.0, 1.0), (0.0, 0.0, 2.0))


@pytest.mark.parametrize(
    ("invert", "told"),
    [({"yaw"}, (-30, -10, 5)), ({"pitch"}, (30, 10, 5)), ({"roll"}, (30, -10, -5)), ({"yaw", "roll"}, (-30, -10, -5))],
)
def test_inverted_angles_change_sign_and_the_gyro_is_left_out(invert, told):
    quat, gyro = Mounting(invert=frozenset(invert)).apply(looking(30, -10, 5), (1.0, 2.0, 3.0))
    assert quaternion.to_yaw_pitch_roll_deg(quat) == pytest.approx(told, abs=1e-9) and gyro is None


def test_a_gyro_that_is_not_the_heads_is_left_out():
    assert Mounting(gyro=False).apply(P0, (1.0, 2.0, 3.0))[1] is None


def test_a_switch_turned_twice_is_off():
    mounting = Mounting(P0, frozenset({"yaw"}))
    assert inverted(mounting, ["yaw", "roll"]) == Mounting(P0, frozenset({"roll"}))


def test_an_angle_of_another_name_is_refused():
    with pytest.raises(BridgeError, match="cannot invert 'nose': allowed are yaw, pitch, roll"):
        Mounting(invert=frozenset({"nose"}))


def test_a_reference_is_remembered_and_restored_at_once():
    first, pose = Recentre(), PoseSample(0.0, looking(70, -10, 5))
    first.request(pose, 0.0)
    second = Recentre()
    second.restore(first.reference)
    assert second.apply(pose, 0.0) == first.apply(pose, EASE_S) and not second.easing
    whole = Recentre(yaw_only=False)
    whole.restore(pose.quat_world_from_head)
    assert same_turn(whole.apply(pose, 0.0).quat_world_from_head, plain.IDENTITY)


def listen(slow, heading_deg, seconds, rate_hz=25.0, start_s=0.0):
    """Turn the reference as told while a head looks where `heading_deg` says; return the headings after it."""
    recentre, seen = Recentre(), []
    for time_s in start_s + np.arange(0.0, seconds, 1.0 / rate_hz):
        pose = recentre.apply(PoseSample(time_s, looking(heading_deg(time_s))), time_s)
        recentre.turn(slow.step_rad(pose.quat_world_from_head, time_s))
        seen.append(pose.yaw_pitch_roll_deg()[0])
    return np.array(seen)


def test_the_usual_direction_slowly_becomes_ahead_without_overshoot():
    seen = listen(SlowRecentre(0.5), lambda time_s: 20.0 + 3.0 * np.sin(time_s), 400.0)
    assert np.abs(seen[-500:].mean()) < 1.0 and seen.min() > -5.0
    assert np.abs(np.diff(listen(SlowRecentre(0.5), lambda time_s: 20.0, 100.0))).max() <= 0.5 / 25.0 * 1.001


def test_a_drifting_heading_is_held_near_the_front():
    seen = listen(SlowRecentre(0.5), lambda time_s: 10.0 / 60.0 * time_s, 600.0)
    assert abs(seen[-1]) < 15.0


def test_short_looks_to_the_side_move_nothing_that_is_heard():
    seen = listen(SlowRecentre(0.5), lambda time_s: 60.0 if 100.0 < time_s < 103.0 else 0.0, 110.0)
    assert abs(seen[-1]) < 1.5


def test_off_is_off_and_fast_turns_pause_it():
    assert SlowRecentre(0.0).step_rad(looking(50), 1.0) == 0.0
    slow = SlowRecentre(1.0)
    listen(slow, lambda time_s: 40.0, 60.0)
    steps = [slow.step_rad(looking(100.0 * time_s), 60.0 + time_s) for time_s in np.arange(0.1, 1.0, 0.02)]
    assert not any(steps[1:])


def test_a_rate_that_would_be_heard_is_refused():
    with pytest.raises(BridgeError, match=r"allowed are 0 \(off\) to 2"):
        SlowRecentre(5.0)
