from dataclasses import replace
from math import nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import quaternion
from firmware_bridge.dialect import Check
from firmware_bridge.messages import Motion
from firmware_bridge.stages.trust import FRAMES_IN_A_ROW, FRAMES_WITHOUT_STEADY_RATE, LOST_AFTER, TrustGate, is_steady
from firmware_bridge.virtual.simulated_head import SimulatedHead

AHEAD = (1.0, 0.0, 0.0, 0.0)


def turned(yaw_deg):
    return Motion(quat_wxyz=tuple(quaternion.from_yaw_pitch_roll_deg(yaw_deg, 0, 0).tolist()))


def admitted(gate, quats, times_s):
    return [gate.admit(Motion(quat_wxyz=tuple(q)), t) for q, t in zip(quats.tolist(), times_s.tolist(), strict=True)]


def trusted_gate(check, rate_hz=100.0):
    gate = TrustGate(check)
    n = FRAMES_IN_A_ROW[check] + 5
    for i in range(n):
        gate.admit(turned(0), i / rate_hz)
    assert gate.trusted
    return gate, n / rate_hz


def test_a_crc_is_believed_at_once_and_may_jump():
    gate = TrustGate(Check.CRC16)
    assert gate.admit(turned(0), 0.0) and gate.admit(turned(170), 0.01)
    assert not gate.admit(Motion(quat_wxyz=(nan, 0.0, 0.0, 0.0)), 0.02)
    assert gate.trusted and (gate.refused, gate.implausible) == (1, 1) and "not finite" in gate.why


def line(yaw_deg):
    return replace(turned(yaw_deg), weak=True)


def test_a_weaker_line_of_a_crc_dialect_is_believed_with_the_third_that_agrees():
    gate = TrustGate(Check.CRC16)
    assert [gate.admit(line(yaw), 0.0) for yaw in (0, 170, 171, 172, 173)] == [False, False, False, True, True]
    assert not gate.admit(line(0), 0.01) and gate.admit(line(174), 0.02)


def test_a_frame_with_a_crc_proves_the_lines_that_follow_it():
    gate = TrustGate(Check.CRC16)
    assert not gate.admit(line(0), 0.0)
    assert gate.admit(turned(170), 0.01) and gate.admit(line(171), 0.02)
    assert not gate.admit(line(0), 0.03) and gate.admit(turned(0), 0.04)


def test_lines_that_go_on_to_disagree_end_the_trust():
    gate = TrustGate(Check.CRC16)
    assert gate.admit(turned(0), 0.0)
    assert [gate.admit(line(yaw), 0.01) for yaw in (170, 170, 170)] == [False] * LOST_AFTER and not gate.trusted
    assert [gate.admit(line(170), 0.02) for _ in range(3)] == [False, False, True]


def test_an_eight_bit_sum_is_believed_with_the_third_frame():
    gate = TrustGate(Check.SUM8)
    assert [gate.admit(turned(i), 0.0) for i in range(4)] == [False, False, True, True]


def test_a_jump_begins_the_counting_anew():
    gate = TrustGate(Check.SUM8)
    assert [gate.admit(turned(a), 0.0) for a in (0, 1, 90, 91, 92)] == [False, False, False, False, True]


@pytest.mark.parametrize("rate_hz", [10, 25, 50, 100, 200, 1000])
@pytest.mark.parametrize("lump_s", [0.0, 0.016, 0.03])
def test_a_head_is_believed_soon_however_the_transport_lumps(rate_hz, lump_s):
    head = SimulatedHead(3)
    for start_s in (0.0, 5.0, 11.0, 20.0):
        times_s = start_s + np.arange(6 * rate_hz) / rate_hz
        arrivals_s = np.ceil(times_s / lump_s) * lump_s if lump_s else times_s
        gate = TrustGate(Check.NONE)
        found = admitted(gate, head.pose_at(times_s).quat_world_from_head, arrivals_s)
        first = found.index(True)
        assert first >= FRAMES_IN_A_ROW[Check.NONE] - 1
        assert times_s[first] - start_s <= max(0.3, 26 / rate_hz)
        assert all(found[first:])


def test_a_tracker_on_a_table_that_repeats_itself_is_believed():
    gate = TrustGate(Check.NONE)
    assert [gate.admit(turned(0), 0.02 * i) for i in range(25)][-1]


def test_frames_that_come_at_once_show_no_rate():
    gate = TrustGate(Check.NONE)
    assert not any(gate.admit(turned(0), 5.0) for _ in range(90))
    assert not gate.implausible and "steady rate" in gate.why


def test_a_sender_on_change_is_believed_for_its_smooth_motion_after_a_while():
    gate = TrustGate(Check.NONE)
    times_s = np.cumsum(np.random.default_rng(0).exponential(0.02, 150))
    found = [gate.admit(turned(0.4 * i), t) for i, t in enumerate(times_s.tolist())]
    assert found.index(True) == FRAMES_WITHOUT_STEADY_RATE - 1


def test_random_arrivals_hardly_ever_look_steady():
    random = np.random.default_rng(0)
    n_steady = sum(is_steady(np.cumsum(random.exponential(1.0, 40)).tolist(), 24) for _ in range(5000))
    assert n_steady <= 5


def test_a_believed_stream_drops_a_bad_frame_and_goes_on():
    gate, now_s = trusted_gate(Check.NONE)
    assert not gate.admit(turned(120), now_s)
    assert "turned by more than 60°" in gate.why
    assert gate.admit(turned(1), now_s + 0.01) and gate.trusted


@pytest.mark.parametrize("check", [Check.SUM8, Check.NONE])
def test_several_bad_frames_in_a_row_end_the_trust(check):
    gate, now_s = trusted_gate(check)
    for i in range(LOST_AFTER):
        assert gate.trusted
        assert not gate.admit(turned(120 if i % 2 else -120), now_s + 0.01 * i)
    assert not gate.trusted
    again = [gate.admit(turned(120), now_s + 1 + 0.01 * i) for i in range(30)]
    assert again.index(True) >= FRAMES_IN_A_ROW[check] - 1


def test_a_turn_is_judged_by_the_time_it_had():
    gate, now_s = trusted_gate(Check.NONE)
    assert gate.admit(turned(80), now_s + 0.1)
    assert gate.admit(turned(-100), now_s + 2.0)


def test_a_new_reference_of_the_device_is_no_jump():
    gate, now_s = trusted_gate(Check.SUM8)
    moved = turned(150)
    assert gate.admit(Motion(quat_wxyz=moved.quat_wxyz, reference=1), now_s)


@pytest.mark.parametrize(
    ("motion", "why"),
    [
        (Motion(quat_wxyz=(1.06, 0.0, 0.0, 0.0)), "1.06 long"),
        (Motion(quat_wxyz=AHEAD, gyro_rad_s=(70.0, 0.0, 0.0)), "4000"),
        (Motion(gyro_rad_s=(0.0, 0.0, 0.0), accel_m_s2=(0.0, 0.0, 170.0)), "17 g"),
        (Motion(quat_wxyz=AHEAD, mag_ut=(nan, 0.0, 0.0)), "not finite"),
        (Motion(battery=0.5), "no motion"),
    ],
)
def test_what_cannot_be_true_is_refused_in_words_whatever_the_check(motion, why):
    for check in Check:
        gate = TrustGate(check)
        assert not gate.admit(motion, 0.0)
        assert why in gate.why and gate.implausible == 1


def test_a_sensor_in_free_fall_is_believed_only_if_it_was_before():
    falling = Motion(gyro_rad_s=(0.0, 0.0, 0.0), accel_m_s2=(0.0, 0.0, 1.0))
    asking = TrustGate(Check.NONE)
    assert TrustGate(Check.CRC16).admit(falling, 0.0)
    assert not any(asking.admit(falling, 0.01 * i) for i in range(300)) and "gravity" in asking.why


def test_rare_frames_and_changing_references_are_never_believed():
    rare, changing = TrustGate(Check.NONE), TrustGate(Check.NONE)
    for i in range(300):
        assert not rare.admit(turned(0), 1.5 * i)
        assert not changing.admit(Motion(quat_wxyz=AHEAD, reference=i % 7), 0.01 * i)


def test_raw_values_are_believed_too_but_not_if_they_jump():
    random = np.random.default_rng(1)
    calm, wild = TrustGate(Check.NONE), TrustGate(Check.NONE)
    for i in range(60):
        noise = random.normal(size=3)
        near = Motion(gyro_rad_s=tuple(0.1 * noise), accel_m_s2=(*noise[:2], noise[2] + 9.8))
        far = Motion(gyro_rad_s=tuple(10.0 * noise), accel_m_s2=tuple(30.0 * noise))
        calm.admit(near, 0.01 * i)
        wild.admit(far, 0.01 * i)
    assert calm.trusted and not wild.trusted


def test_after_a_reset_everything_is_to_be_proven_again():
    gate, now_s = trusted_gate(Check.SUM8)
    gate.reset()
    assert not gate.trusted and not gate.admit(turned(0), now_s)


# Streams of random bytes, as decoders without a checksum would pass them on: what is finite and in range.


def random_floats(n_bytes, seed, smallest):
    data = np.random.default_rng(seed).integers(0, 256, n_bytes, dtype=np.uint8)
    with np.errstate(invalid="ignore"):
        frames = np.lib.stride_tricks.sliding_window_view(data, 12)[:, :].copy().view("<f4")
        good = (np.abs(frames) <= (180, 90, 180)).all(axis=1) & (np.abs(frames) >= smallest).all(axis=1)
    places, last = [], -12
    for place in np.flatnonzero(good).tolist():
        if place >= last + 12:
            places.append(place)
            last = place
    angles = frames[places].astype(float)
    return quaternion.from_yaw_pitch_roll_deg(*angles.T), np.array(places)


@pytest.mark.parametrize("smallest", [0.0, 1e-6])
def test_random_floats_are_never_believed_however_they_come(smallest):
    quats, places = random_floats(400_000, 7, smallest)
    assert len(quats) > 300
    byte_s = 1.0 / 5760.0
    ways = [places * byte_s, np.ceil(places / 64) * 64 * byte_s, np.arange(len(quats)) / 50.0, np.zeros(len(quats))]
    for arrivals_s in ways:
        assert not any(admitted(TrustGate(Check.NONE), quats, arrivals_s))


def test_random_unit_quaternions_at_a_perfect_rate_are_never_believed():
    quats = quaternion.normalise(np.random.default_rng(3).normal(size=(20_000, 4)))
    assert not any(admitted(TrustGate(Check.NONE), quats, np.arange(20_000) / 100.0))


def test_random_datagrams_of_doubles_are_never_believed():
    angles = np.random.default_rng(5).integers(0, 256, 24 * 100_000, dtype=np.uint8).view("<f8").reshape(-1, 3)
    places = np.flatnonzero((np.abs(angles) <= (180, 90, 180)).all(axis=1))
    assert len(places) > 5000
    quats = quaternion.from_yaw_pitch_roll_deg(*angles[places].T)
    assert not any(admitted(TrustGate(Check.NONE), quats, places / 250.0))


@given(
    st.lists(
        st.tuples(st.lists(st.floats(width=32), min_size=10, max_size=10), st.floats(0.0, 1.0)), min_size=1, max_size=40
    ),
    st.sampled_from(Check),
)
@settings(max_examples=60, deadline=None)
def test_nothing_that_comes_makes_it_raise(frames, check):
    gate, now_s = TrustGate(check), 0.0
    for numbers, step_s in frames:
        now_s += step_s
        gate.admit(Motion(tuple(numbers[:4]), tuple(numbers[4:7]), tuple(numbers[7:])), now_s)
    assert 0 <= gate.implausible <= gate.refused <= len(frames)
