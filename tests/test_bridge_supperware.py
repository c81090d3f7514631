"""Supperware's head tracker: System Exclusive in, poses and status out, and the commands byte for byte."""

import pytest
from dialect_tools import angle_deg, random_states

from firmware_bridge.dialects.supperware import (
    DIALECT,
    READ_STATUS,
    TURN_OFF,
    TURN_ON,
    ZERO,
    SupperwareDecoder,
    SupperwareDevice,
)
from firmware_bridge.dialects.supperware_frame import OUTPUT_ANGLES, OUTPUT_MATRIX, OUTPUT_NONE, OUTPUT_QUATERNION
from firmware_bridge.dialects.turns import angles_deg_from_quat, quat_from_angles_deg
from firmware_bridge.messages import Motion, Told
from firmware_bridge.virtual.device import DeviceState

P0 = quat_from_angles_deg(30.0, -10.0, 5.0)
QUAT = bytes.fromhex("F0 00 21 42 40 01 0F 33 7E 3D 00 28 04 08 F7")
ANGLES = bytes.fromhex("F0 00 21 42 40 00 08 30 7D 1B 01 33 F7")


def test_a_quaternion_message_is_the_test_pose():
    (motion,) = SupperwareDecoder().feed(QUAT)
    assert angles_deg_from_quat(motion.quat_wxyz) == pytest.approx((30.0, -9.98, 5.01), abs=0.01)


def test_an_angles_message_is_the_test_pose():
    (motion,) = SupperwareDecoder().feed(ANGLES)
    assert angles_deg_from_quat(motion.quat_wxyz) == pytest.approx((29.991, -9.988, 5.008), abs=0.001)


def test_the_host_says_exactly_what_the_maker_says():
    assert bytes.fromhex("F0 00 21 42 00 00 28 01 05 03 40 F7") == TURN_ON == DIALECT.talk.opening[0]
    assert bytes.fromhex("F0 00 21 42 00 00 40 F7") == TURN_OFF == DIALECT.talk.closing
    assert bytes.fromhex("F0 00 21 42 01 00 01 F7") == ZERO == DIALECT.zero
    # The maker's own read-back leaves a byte of it unset; this one asks for all three.
    assert bytes.fromhex("F0 00 21 42 02 03 04 11 F7") == READ_STATUS == DIALECT.talk.opening[1]


@pytest.mark.parametrize("output", [OUTPUT_ANGLES, OUTPUT_QUATERNION, OUTPUT_MATRIX])
def test_all_three_forms_tell_the_same_orientation(output):
    device, decoder = SupperwareDevice(output), SupperwareDecoder()
    for state in random_states(200, 100.0, seed=output):
        (motion,) = decoder.feed(device.encode(state))
        assert angle_deg(motion.quat_wxyz, state.quat_world_from_head) < 0.15
    assert decoder.counts.frames == 200 and decoder.counts.dropped == 0


def test_status_is_told_in_words():
    decoder = SupperwareDecoder()
    (told,) = decoder.feed(bytes.fromhex("F0 00 21 42 42 03 7A 04 1B 11 06 06 05 F7"))
    assert told == Told(
        "info",
        {
            "compass": "good data",
            "compass on": "yes",
            "compass corrects": "no",
            "cable at": "right ear",
            "calibrates by gesture": "no",
            "zeroes by gesture": "yes",
            "travel mode": "slow",
            "pull speed": "0.30 °/s",
        },
    )
    (told,) = decoder.feed(bytes.fromhex("F0 00 21 42 42 05 06 F7"))
    assert told == Told("event", {"gyroscope": "calibrated"})
    (told,) = decoder.feed(bytes.fromhex("F0 00 21 42 42 7F 01 05 07 F7"))
    assert told.values == {"parameter 127": "1", "parameter 5": "7"}


def test_the_virtual_tracker_is_configured_by_the_host():
    device, decoder = SupperwareDevice(OUTPUT_NONE), SupperwareDecoder()

    def n_sent(n=8):
        return sum(bool(device.encode(DeviceState(0.01 * seq, seq, P0))) for seq in range(n))

    assert n_sent() == 0
    # Commands may come in pieces.
    device.answer(TURN_ON[:7], 0.0)
    device.answer(TURN_ON[7:], 0.0)
    assert n_sent() == 8
    for sensors, n in ((0x08, 4), (0x18, 2), (0x40, 0), (0x28, 8)):
        device.answer(bytes((0xF0, 0x00, 0x21, 0x42, 0x00, 0x00, sensors, 0xF7)), 0.0)
        assert n_sent() == n
    device.answer(bytes.fromhex("F0 00 21 42 00 04 03 F7 F0 00 21 42 01 01 07 F7"), 0.0)
    (told,) = decoder.feed(device.answer(READ_STATUS, 0.0))
    assert told.values["cable at"] == "right ear" and told.values["travel mode"] == "fast"
    assert device.answer(b"\xf0\x00\x21\x42\x02\x7f\xf7", 0.0) == b""


def test_zero_makes_the_present_heading_ahead_and_keeps_pitch_and_roll():
    device, decoder = SupperwareDevice(), SupperwareDecoder()
    device.answer(ZERO, 0.0)
    (motion,) = decoder.feed(device.encode(DeviceState(0.0, 0, P0)))
    assert angles_deg_from_quat(motion.quat_wxyz) == pytest.approx((0.0, -10.0, 5.0), abs=0.1)
    turned = quat_from_angles_deg(50.0, -10.0, 5.0)
    (motion,) = decoder.feed(device.encode(DeviceState(0.01, 1, turned)))
    assert angles_deg_from_quat(motion.quat_wxyz) == pytest.approx((20.0, -10.0, 5.0), abs=0.1)


def test_clock_bytes_may_stand_within_a_message():
    (motion,) = SupperwareDecoder().feed(b"\xf8" + QUAT[:6] + b"\xfe\xf8" + QUAT[6:] + b"\xfe")
    assert motion == SupperwareDecoder().feed(QUAT)[0]


def test_a_message_cut_off_by_the_next_costs_only_itself():
    decoder = SupperwareDecoder()
    for at in range(1, len(QUAT)):
        assert len(decoder.feed(QUAT[:at] + ANGLES)) == 1
    assert decoder.counts.damaged == len(QUAT) - 1
    assert decoder.counts.frames == len(QUAT) - 1


@pytest.mark.parametrize(
    "frame",
    [
        "F0 00 21 43 40 01 0F 33 7E 3D 00 28 04 08 F7",
        "F0 00 21 42 40 01 0F 33 7E 3D 00 28 04 F7",
        "F0 00 21 42 40 00 0F 33 7E 3D 00 28 04 08 F7",
        "F0 00 21 42 40 01 00 00 00 00 00 00 00 00 F7",
        "F0 00 21 42 40 00 3F 7F 00 00 00 00 F7",
        "F0 00 21 42 40 00 00 00 20 00 00 00 F7",
        "F0 00 21 42 40 F7",
        "F0 00 21 42 40 05 01 01 F7",
        "F0 F7",
    ],
)
def test_what_is_no_orientation_is_counted_and_dropped(frame):
    decoder = SupperwareDecoder()
    assert decoder.feed(bytes.fromhex(frame)) == []
    assert decoder.counts.damaged + decoder.counts.implausible == 1
    assert isinstance(decoder.feed(QUAT)[0], Motion)


def test_what_its_updater_and_later_models_say_is_nobodys_fault():
    decoder = SupperwareDecoder()
    assert decoder.feed(bytes.fromhex("F0 00 21 42 50 01 02 F7")) == []
    assert decoder.counts.dropped == 0
