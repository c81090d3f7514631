"""MicroStrain MIP: messages and fields byte for byte."""

from math import radians
from struct import pack

import pytest
from dialect_tools import angle_deg, random_states

from firmware_bridge.dialects.microstrain import (
    ACCELERATION,
    BASE_SET,
    EULER,
    FILTER_SET,
    PING,
    QUATERNION,
    TURNING_RATE,
    MicroStrainDecoder,
    MicroStrainDevice,
    message,
)
from firmware_bridge.dialects.turns import angles_deg_from_quat, quat_from_angles_deg

P0 = quat_from_angles_deg(30.0, -10.0, 5.0)
VECTOR = bytes.fromhex("75 65 82 14 14 03 3F 76 5A 7E 3C 9F 39 A5 BD C3 48 22 BE 82 01 5C 00 01 55 8A")


def test_the_vector_is_the_test_pose():
    (motion,) = MicroStrainDecoder().feed(VECTOR)
    assert motion.quat_wxyz == pytest.approx(P0, abs=1e-6)
    assert motion.device_time_s is None and motion.gyro_rad_s is None


def test_a_ping_is_that_of_the_protocol_and_is_answered():
    ping = message(BASE_SET, (PING, b""))
    assert ping == bytes.fromhex("75 65 01 02 02 01 E0 C6")
    answer = MicroStrainDevice().answer(ping, 0.0)
    assert answer[:8] == bytes.fromhex("75 65 01 04 04 F1 01 00")
    decoder = MicroStrainDecoder()
    assert decoder.feed(answer) == [] and decoder.counts.damaged == 0
    assert MicroStrainDevice().answer(ping[:-1], 0.0) == b""


def test_motion_comes_back_with_its_time_of_week():
    device, decoder = MicroStrainDevice(), MicroStrainDecoder()
    for state in random_states(40, 100.0, seed=1, start_s=100.0):
        (motion,) = decoder.feed(device.encode(state))
        assert angle_deg(motion.quat_wxyz, state.quat_world_from_head) < 1e-3
        assert motion.gyro_rad_s == pytest.approx(state.gyro_rad_s, abs=1e-5)
        assert motion.accel_m_s2 == pytest.approx(state.accel_m_s2, abs=1e-5)
        assert motion.device_time_s == pytest.approx(state.time_s)
    assert decoder.counts.dropped == 0


def test_a_level_device_at_rest_feels_its_weight_upwards():
    fields = (QUATERNION, pack(">4fH", 1.0, 0.0, 0.0, 0.0, 1)), (ACCELERATION, pack(">3fH", 0.0, 0.0, -9.8, 1))
    (motion,) = MicroStrainDecoder().feed(message(FILTER_SET, *fields))
    assert motion.accel_m_s2 == pytest.approx((0.0, 0.0, 9.8), abs=1e-5)


def test_angles_serve_where_no_quaternion_comes():
    angles = pack(">3fH", radians(5.0), radians(-10.0), radians(-30.0), 1)
    (motion,) = MicroStrainDecoder().feed(message(FILTER_SET, (EULER, angles)))
    assert angles_deg_from_quat(motion.quat_wxyz) == pytest.approx((30.0, -10.0, 5.0), abs=1e-4)


def test_what_the_device_marks_as_not_valid_is_not_used():
    quat = (QUATERNION, pack(">4fH", 1.0, 0.0, 0.0, 0.0, 1))
    (motion,) = MicroStrainDecoder().feed(message(FILTER_SET, quat, (TURNING_RATE, pack(">3fH", 1.0, 0.0, 0.0, 0))))
    assert motion.gyro_rad_s is None
    decoder = MicroStrainDecoder()
    assert decoder.feed(message(FILTER_SET, (QUATERNION, pack(">4fH", 1.0, 0.0, 0.0, 0.0, 0)))) == []
    assert decoder.counts.implausible == 1


@pytest.mark.parametrize(
    "fields",
    [
        [(QUATERNION, pack(">4fH", 1.0, 1.0, 0.0, 0.0, 1))],
        [(QUATERNION, pack(">4fH", float("inf"), 0.0, 0.0, 0.0, 1))],
        [(QUATERNION, b"\0")],
        [(EULER, pack(">3fH", 0.0, 2.0, 0.0, 1))],
        [(EULER, pack(">3fH", float("nan"), 0.0, 0.0, 1))],
    ],
)
def test_sound_messages_that_cannot_be_true_are_counted_and_dropped(fields):
    decoder = MicroStrainDecoder()
    assert decoder.feed(message(FILTER_SET, *fields)) == []
    assert decoder.counts.implausible == 1
    assert len(decoder.feed(VECTOR)) == 1


def test_fields_whose_lengths_do_not_fit_are_damage():
    decoder = MicroStrainDecoder()
    for payload in (b"\1\3", b"\x09\3\0"):
        body = b"\x75\x65\x82" + bytes((len(payload),)) + payload
        a = b = 0
        for byte in body:
            a, b = a + byte, b + a + byte
        assert decoder.feed(body + bytes((a & 0xFF, b & 0xFF))) == []
        assert len(decoder.feed(VECTOR)) == 1
    assert decoder.counts.damaged == 2
