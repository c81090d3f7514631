"""x-IMU3: text and binary messages byte for byte, in any mixture."""

from math import radians

import pytest
from dialect_tools import angle_deg, moving_head, random_states
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.dialects.turns import angles_deg_from_quat, quat_from_angles_deg
from firmware_bridge.dialects.ximu3 import ALONE_AFTER, DIALECT, Ximu3Decoder, Ximu3Device
from firmware_bridge.dialects.ximu3_frame import stuffed, unstuffed
from firmware_bridge.messages import Told

P0 = quat_from_angles_deg(30.0, -10.0, 5.0)
TEXT = b"Q,1000000,0.9623,0.0194,0.0954,0.2539\r\n"
BINARY = bytes.fromhex("D1 40 42 0F 00 00 00 00 00 7E 5A 76 3F A5 39 9F 3C 22 48 C3 3D 5C 01 82 3E 0A")
STUFFED = bytes.fromhex("D1 DB DD DB DC 00 00 00 00 00 00 00 00 80 3F 00 00 00 00 00 00 00 00 00 00 00 00 0A")


@pytest.mark.parametrize("line", [TEXT, BINARY])
def test_the_vectors_are_the_test_pose(line):
    (motion,) = Ximu3Decoder().feed(line)
    assert motion.quat_wxyz == pytest.approx(P0, abs=1e-4)
    assert motion.device_time_s == pytest.approx(1.0)


def test_a_stuffed_time_stamp_is_read():
    (motion,) = Ximu3Decoder().feed(STUFFED)
    assert motion.device_time_s == pytest.approx(0x0ADB * 1e-6) and motion.quat_wxyz == (1.0, 0.0, 0.0, 0.0)


@given(st.binary(max_size=60))
def test_stuffing_leaves_no_line_feed_and_is_undone(raw):
    sent = stuffed(raw)
    assert sent.index(b"\n") == len(sent) - 1
    assert unstuffed(sent[:-1]) == raw


@pytest.mark.parametrize("text", [False, True])
def test_orientation_rates_acceleration_and_battery_come_back(text):
    device, decoder = Ximu3Device(text=text), Ximu3Decoder()
    for state in random_states(120, 100.0, seed=1):
        (motion,) = decoder.feed(device.encode(state))
        assert angle_deg(motion.quat_wxyz, state.quat_world_from_head) < 0.02
        assert motion.gyro_rad_s == pytest.approx(state.gyro_rad_s, abs=1e-4)
        assert motion.accel_m_s2 == pytest.approx(state.accel_m_s2, abs=1e-3)
        assert motion.mag_ut == pytest.approx(state.mag_ut, abs=0.01)
        assert motion.device_time_s == pytest.approx(state.time_s, abs=1e-6)
        assert motion.battery == pytest.approx(1.0)
    assert decoder.counts.dropped == 0


def test_a_device_without_orientation_is_left_to_the_hosts_fusion():
    device, decoder = Ximu3Device(orientation=""), Ximu3Decoder()
    states = moving_head(ALONE_AFTER + 20, 100.0)
    told = [motion for state in states for motion in decoder.feed(device.encode(state))]
    assert len(told) == 20
    assert all(motion.quat_wxyz is None and motion.accel_m_s2 is not None for motion in told)
    assert len(decoder.feed(TEXT)) == 1
    assert decoder.feed(device.encode(states[0])) == []


def test_angles_and_matrices_are_orientations_too():
    (motion,) = Ximu3Decoder().feed(b"A,5,5.0,10.0,30.0\n")
    assert angles_deg_from_quat(motion.quat_wxyz) == pytest.approx((30.0, -10.0, 5.0), abs=1e-6)
    (motion,) = Ximu3Decoder().feed(b"R,5,0.0,-1.0,0.0,1.0,0.0,0.0,0.0,0.0,1.0\r\n")
    assert angles_deg_from_quat(motion.quat_wxyz) == pytest.approx((90.0, 0.0, 0.0), abs=1e-6)


def test_rates_that_are_old_do_not_go_with_an_orientation():
    decoder = Ximu3Decoder()
    decoder.feed(b"I,1000000,10.0,0.0,0.0,0.0,0.0,1.0\r\n")
    (near,) = decoder.feed(b"Q,1010000,1.0,0.0,0.0,0.0\r\n")
    (far,) = decoder.feed(b"Q,1100000,1.0,0.0,0.0,0.0\r\n")
    assert near.gyro_rad_s == pytest.approx((radians(10.0), 0.0, 0.0)) and far.gyro_rad_s is None


def test_a_ping_and_notes_are_told():
    assert DIALECT.talk.opening == (b'{"ping":null}\n',)
    device, decoder = Ximu3Device(), Ximu3Decoder()
    assert device.answer(b'{"pi', 0.0) == b""
    (told,) = decoder.feed(device.answer(b'ng":null}\n', 0.0))
    assert told == Told("info", {"interface": "USB", "name": "virtual x-IMU3", "sn": "00000000"})
    assert decoder.feed(b"N,5,Hello there\r\nF,6,Too hot\r\n") == [
        Told("log", {"text": "Hello there"}),
        Told("log", {"error": "Too hot"}),
    ]
    (told,) = decoder.feed(device.answer(b'{"ahrs_gain":0.5}\r\n', 0.0))
    assert told == Told("info", {"ahrs_gain": "0.5"})


def test_messages_without_use_here_are_nobodys_fault():
    decoder = Ximu3Decoder()
    assert decoder.feed(b"T,5,25.0\r\nW,5,90.0,-40.0\r\n^abc\n\r\nE,5,1.0,0.0,0.0,0.0,0.1,0.2,0.3\r\n") == []
    assert decoder.counts.dropped == 0


@pytest.mark.parametrize(
    "line",
    [
        BINARY[:-2] + b"\n",
        BINARY[:5] + b"\xdb\x00" + BINARY[5:],
        b"\xff" + BINARY[1:],
        BINARY[:9] + b"\xff\xff\xff\x7f" + BINARY[13:],
        b"Q,5,1.0,0.5,0.0,0.0\r\n",
        b"Q,5,1.0,0.0,0.0\r\n",
        b"Q,5,1e0,0.0,0.0,0.0\r\n",
        b"I,5,9999.0,0.0,0.0,0.0,0.0,1.0\r\n",
        b"I,5,0.0,0.0,0.0,0.0,0.0,99.0\r\n",
        b'{"ping":\n',
        b"{" + b'"a":{' * 180 + b"\n",
        b"A,5,0.0,500.0,0.0\n",
        b"\x80\n",
        b"\xdb\n",
    ],
)
def test_what_makes_no_sense_is_counted_and_the_next_message_read(line):
    decoder = Ximu3Decoder()
    assert decoder.feed(line) == []
    assert decoder.counts.damaged + decoder.counts.implausible == 1
    assert len(decoder.feed(TEXT)) == 1
