"""Waves Nx and MetaMotion: Bluetooth notifications byte for byte."""

from math import radians
from struct import pack

import pytest
from dialect_tools import angle_deg, random_states

from firmware_bridge.dialects import metamotion, waves_nx
from firmware_bridge.dialects.metamotion import MetaMotionDecoder, MetaMotionDevice
from firmware_bridge.dialects.turns import angles_deg_from_quat
from firmware_bridge.dialects.waves_nx import WavesNxDecoder, WavesNxDevice

META = bytes.fromhex("19 07 1B 9B 70 3F 8C 5E 4D BD 07 7F 1D BE 78 02 9A BE")


@pytest.mark.parametrize(
    ("frame", "angles"),
    [
        ("FF FF 00 00 FF FF FF 3F 00 03", (-0.01, -0.01, 0.0)),
        ("78 18 D6 FF B4 FF 22 3B 00 03", (-0.54, 44.95, -0.1)),
        ("FC FB 9E 36 54 02 09 21 00 03", (8.32, -0.15, 117.67)),
    ],
)
def test_recorded_nx_frames_give_their_angles(frame, angles):
    (motion,) = WavesNxDecoder().feed(bytes.fromhex(frame))
    assert angles_deg_from_quat(motion.quat_wxyz) == pytest.approx(angles, abs=0.011)


def test_nx_starts_at_50_hz():
    assert waves_nx.DIALECT.talk.opening == (bytes.fromhex("32 00 00 00 01"),)


def test_nx_orientations_come_back():
    device, decoder = WavesNxDevice(), WavesNxDecoder()
    states = random_states(50, 50.0, seed=1)
    told = decoder.feed(b"".join(map(device.encode, states)))
    for motion, state in zip(told, states, strict=True):
        assert angle_deg(motion.quat_wxyz, state.quat_world_from_head) < 0.02
    assert device.answer(b"\x32\0\0\0\1", 0.0) == b""


def test_nx_frames_that_make_no_sense_are_counted():
    decoder = WavesNxDecoder()
    assert decoder.feed(bytes(8) + b"\0\3") == decoder.feed(bytes(9)) == decoder.feed(b"\xff\x3f" + bytes(8)) == []
    assert (decoder.counts.damaged, decoder.counts.implausible) == (2, 1)


def test_metamotions_quaternion_gives_its_numbers():
    (motion,) = MetaMotionDecoder().feed(META)
    assert motion.quat_wxyz == pytest.approx((0.940, -0.050, -0.154, -0.301), abs=0.001)
    assert motion.gyro_rad_s is None


def test_metamotions_turning_rate_goes_with_the_next_quaternion():
    decoder = MetaMotionDecoder()
    rate = bytes.fromhex("19 05 7A 56 91 42 B4 62 60 C2 73 34 04 44 00")
    assert decoder.feed(rate) == []
    (motion,) = decoder.feed(META)
    assert motion.gyro_rad_s == pytest.approx([radians(part) for part in (72.669, -56.096, 528.820)], abs=1e-4)
    decoder.reset()
    assert decoder.feed(META)[0].gyro_rad_s is None


def test_metamotion_orientations_and_rates_come_back():
    device, decoder = MetaMotionDevice(), MetaMotionDecoder()
    for state in random_states(20, 100.0, seed=2):
        (motion,) = decoder.feed(device.encode(state))
        assert angle_deg(motion.quat_wxyz, state.quat_world_from_head) < 0.001
        assert motion.gyro_rad_s == pytest.approx(state.gyro_rad_s, abs=1e-5)
    assert decoder.counts.frames == 20 and decoder.counts.dropped == 0


def test_metamotion_is_started_as_its_makers_tests_start_it():
    opening = [list(piece) for piece in metamotion.DIALECT.talk.opening]
    assert opening[3:7] == [[0x03, 0x02, 0x01, 0x00], [0x13, 0x02, 0x01, 0x00], [0x03, 0x01, 0x01], [0x13, 0x01, 0x01]]
    assert opening[7:] == [[0x19, 0x03, 0x0A, 0x00], [0x19, 0x01, 0x01]]
    assert metamotion.DIALECT.talk.closing == b"\x19\x01\x00"


def test_metamotion_notifications_that_make_no_sense_are_counted():
    decoder = MetaMotionDecoder()
    nan = b"\x19\x07" + pack("<4f", float("nan"), 0.0, 0.0, 0.0)
    wild = b"\x19\x05" + pack("<3fB", 1e9, 0.0, 0.0, 3)
    unknown = b"\x19\x05" + pack("<3fB", 1.0, 0.0, 0.0, 4)
    for bad in (b"", META[:-1], b"\x11\x07" + META[2:], nan, wild, unknown):
        assert decoder.feed(bad) == []
    assert (decoder.counts.damaged, decoder.counts.implausible) == (3, 3)
