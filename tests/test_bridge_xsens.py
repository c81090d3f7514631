"""Xsens MTData2: messages, packets and their formats byte for byte."""

from struct import pack

import pytest
from dialect_tools import angle_deg, random_states

from firmware_bridge.dialects.checksums import sum8
from firmware_bridge.dialects.turns import angles_deg_from_quat, quat_from_angles_deg
from firmware_bridge.dialects.xsens import (
    COUNTER,
    DIALECT,
    EULER,
    GO_TO_CONFIG,
    GO_TO_MEASUREMENT,
    MT_DATA_2,
    QUATERNION,
    SET_OUTPUT,
    XsensDecoder,
    XsensDevice,
    message,
)
from firmware_bridge.virtual.device import DeviceState

VECTOR = bytes.fromhex(
    "FA FF 36 1F 10 20 02 12 34 10 60 04 00 01 E2 40 20 10 10 3F 76 5A 7E 3C 9F 39 A5 3D C3 48 22 3E 82 01 5C 90"
)
P0 = quat_from_angles_deg(30.0, -10.0, 5.0)


def test_the_vector_is_the_test_pose_with_counter_and_time():
    (motion,) = XsensDecoder().feed(VECTOR)
    assert motion.quat_wxyz == pytest.approx(P0, abs=1e-6)
    assert motion.seq == 4660 and motion.device_time_s == pytest.approx(12.3456)


def test_commands_are_those_of_the_protocol():
    assert message(GO_TO_CONFIG) == bytes.fromhex("FA FF 30 00 D1")
    assert message(GO_TO_MEASUREMENT) == bytes.fromhex("FA FF 10 00 F1") == DIALECT.talk.opening[0]
    outputs = bytes.fromhex("10 20 FF FF 10 60 FF FF 20 10 00 64")
    assert message(SET_OUTPUT, outputs) == bytes.fromhex("FA FF C0 0C 10 20 FF FF 10 60 FF FF 20 10 00 64 05")


@pytest.mark.parametrize("form", [0x0, 0x3, 0x4, 0x7, 0x8])
def test_all_worlds_and_precisions_tell_the_same_motion(form):
    device, decoder = XsensDevice(form), XsensDecoder()
    for state in random_states(40, 100.0, seed=form):
        (motion,) = decoder.feed(device.encode(state))
        assert angle_deg(motion.quat_wxyz, state.quat_world_from_head) < 1e-3
        assert motion.gyro_rad_s == pytest.approx(state.gyro_rad_s, abs=1e-5)
        assert motion.accel_m_s2 == pytest.approx(state.accel_m_s2, abs=1e-5)
    assert decoder.counts.dropped == 0


def test_angles_serve_where_no_quaternion_comes():
    (motion,) = XsensDecoder().feed(message(MT_DATA_2, pack(">HB3f", EULER, 12, 5.0, 10.0, 30.0)))
    assert angles_deg_from_quat(motion.quat_wxyz) == pytest.approx((30.0, -10.0, 5.0), abs=1e-4)


def test_raw_values_alone_are_a_motion_that_the_host_fuses():
    data = pack(">HB3f", 0x4020, 12, 0.0, 0.0, 9.8) + pack(">HB3f", 0x8020, 12, 0.1, 0.2, 0.3)
    (motion,) = XsensDecoder().feed(message(MT_DATA_2, data))
    assert motion.quat_wxyz is None and motion.accel_m_s2 == pytest.approx((0.0, 0.0, 9.8), abs=1e-6)


def test_long_messages_are_read_and_absurd_ones_are_not_waited_for():
    data = VECTOR[4:-1] + pack(">HB", 0x1000, 250) + bytes(250)
    body = b"\xff\x36\xff" + len(data).to_bytes(2, "big") + data
    long = b"\xfa" + body + bytes((-sum8(body) & 0xFF,))
    assert len(XsensDecoder().feed(long)) == 1
    assert len(XsensDecoder().feed(b"\xfa\xff\x36\xff\xff\xff" + VECTOR)) == 1


def test_other_messages_are_passed_over_and_lost_ones_counted():
    decoder = XsensDecoder()
    decoder.feed(VECTOR + message(GO_TO_CONFIG + 1))
    later = VECTOR[4:-1].replace(b"\x12\x34", b"\x12\x38")
    decoder.feed(message(MT_DATA_2, later))
    assert (decoder.counts.frames, decoder.counts.lost, decoder.counts.damaged) == (2, 3, 0)


@pytest.mark.parametrize(
    "data",
    [
        pack(">HB4f", QUATERNION, 16, 1.0, 1.0, 0.0, 0.0),
        pack(">HB4f", QUATERNION, 16, float("nan"), 1.0, 0.0, 0.0),
        pack(">HB3f", QUATERNION, 12, 1.0, 0.0, 0.0),
        pack(">HB3f", EULER, 12, 5.0, 200.0, 30.0),
        pack(">HBH", COUNTER, 2, 5),
        pack(">HB", COUNTER, 9),
        b"\x10",
    ],
)
def test_sound_messages_that_hold_no_orientation_are_counted_and_dropped(data):
    decoder = XsensDecoder()
    assert decoder.feed(message(MT_DATA_2, data)) == []
    assert decoder.counts.damaged + decoder.counts.implausible >= 1
    assert len(decoder.feed(VECTOR)) == 1


def test_the_virtual_device_goes_to_configuration_and_back():
    device, state = XsensDevice(), DeviceState(0.0, 0, P0)
    go = message(GO_TO_CONFIG)
    assert device.answer(go[:3], 0.0) == b""
    assert device.answer(go[3:], 0.0) == message(GO_TO_CONFIG + 1)
    assert device.encode(state) == b""
    broken = go[:-1] + b"\0"
    assert device.answer(broken + message(SET_OUTPUT), 0.0) == message(SET_OUTPUT + 1)
    assert device.encode(state) == b""
    assert device.answer(b"xyz" + message(GO_TO_MEASUREMENT), 0.0) == message(GO_TO_MEASUREMENT + 1)
    assert device.encode(state)
