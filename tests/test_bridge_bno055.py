"""BNO055 as a register device: the published exchange, the virtual chip, and answers that are none."""

import random
from struct import pack

import pytest

from firmware_bridge.dialects.bno055 import DIALECT, READ_MOTION, Bno055Decoder, Bno055Device, write_register
from firmware_bridge.quaternion import to_yaw_pitch_roll_deg
from firmware_bridge.virtual.device import DeviceState

READ_QUAT = bytes.fromhex("AA 01 20 08")
QUAT_ANSWER = bytes.fromhex("BB 08 D2 3D 00 00 00 00 90 10")
SIX_AXIS = bytes.fromhex("AA 00 3D 01 08")
QUAT = (0.962318, 0.019437, 0.095352, 0.253917)
STATE = DeviceState(0.0, 0, QUAT, (0.5, -1.0, 2.0))


def ready_device():
    device = Bno055Device()
    for piece in DIALECT.talk.opening:
        assert device.answer(piece, 0.0) == b"\xee\x01"
    return device


def test_the_published_answer_gives_its_values():
    (motion,) = Bno055Decoder().feed(QUAT_ANSWER)
    assert motion.quat_wxyz == pytest.approx((0.96594, 0.0, 0.0, 0.25879), abs=1e-5)
    assert to_yaw_pitch_roll_deg(motion.quat_wxyz)[0] == pytest.approx(29.997, abs=1e-3)
    assert motion.gyro_rad_s is None


def test_the_talk_sets_units_and_six_axis_fusion_and_reads_gyro_to_quaternion():
    assert DIALECT.talk.opening[-1] == SIX_AXIS == write_register(0x3D, 0x08)
    assert DIALECT.talk.opening[1:3] == (write_register(0x3D, 0), write_register(0x3B, 0))
    assert DIALECT.talk.keep_alive == bytes.fromhex("AA 01 14 14")
    assert 0x14 + 20 == 0x28
    assert DIALECT.talk.keep_alive_s == pytest.approx(0.01)


def test_one_read_gives_turn_and_gyro_of_one_moment():
    device, decoder = ready_device(), Bno055Decoder()
    assert device.encode(STATE) == b""
    (motion,) = decoder.feed(device.answer(READ_MOTION, 0.0))
    assert motion.quat_wxyz == pytest.approx(QUAT, abs=1e-4)
    assert motion.gyro_rad_s == pytest.approx((0.5, -1.0, 2.0), abs=6e-4)
    (motion,) = decoder.feed(device.answer(READ_QUAT, 0.0))
    assert motion.quat_wxyz == pytest.approx(QUAT, abs=1e-4)


def test_a_chip_in_configuration_mode_gives_zeros_which_are_no_turn():
    device, decoder = Bno055Device(), Bno055Decoder()
    device.encode(STATE)
    assert decoder.feed(device.answer(READ_MOTION, 0.0)) == []
    assert decoder.counts.implausible == 1


def test_a_busy_bus_is_nothing_and_other_errors_are_counted():
    decoder = Bno055Decoder()
    assert len(decoder.feed(b"\xee\x01\xee\x07" + QUAT_ANSWER + b"\xee\x07" + QUAT_ANSWER)) == 2
    assert decoder.counts.dropped == 0
    assert decoder.feed(b"\xee\x02\xee\x0a") == []
    assert decoder.counts.damaged == 2


def test_an_answer_that_stops_midway_does_not_take_the_next_one_with_it():
    whole = ready_device()
    whole.encode(STATE)
    answer = whole.answer(READ_MOTION, 0.0)
    for cut in range(1, len(answer)):
        decoder = Bno055Decoder()
        assert len(decoder.feed(answer[:cut] + answer + answer)) == 2


def test_gyro_rates_beyond_the_chips_range_are_implausible():
    decoder = Bno055Decoder()
    assert decoder.feed(b"\xbb\x14" + pack("<10h", 32001, 0, 0, 0, 0, 0, 16384, 0, 0, 0)) == []
    assert decoder.counts.implausible >= 1


def test_the_virtual_chip_knows_its_id_and_refuses_what_it_does_not_have():
    device = Bno055Device()
    assert device.answer(b"\x00\x55\xaa\x01", 0.0) == b""
    assert device.answer(b"\x00\x01", 0.0) == b"\xbb\x01\xa0"
    assert device.answer(b"\xaa\x01\x7f\x08", 0.0) == b"\xee\x04"
    assert device.answer(b"\xaa\x05\x00\x01", 0.0) == b"\xee\x06"


def test_random_bytes_raise_nothing_and_leave_little_behind():
    chance, decoder = random.Random(5), Bno055Decoder()
    for _ in range(500):
        decoder.feed(chance.randbytes(chance.randrange(200)))
    assert len(decoder._pending) < 22
    decoder.reset()
    assert len(decoder.feed(QUAT_ANSWER)) == 1
