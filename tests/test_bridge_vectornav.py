import struct
from dataclasses import replace

import numpy as np
import pytest

from firmware_bridge.dialects.checksums import crc16_xmodem, xor8
from firmware_bridge.dialects.vectornav import VectornavDecoder
from firmware_bridge.dialects.vectornav_device import OFF, QMR, QTN, YMR, YPR, VectornavDevice
from firmware_bridge.messages import Told
from firmware_bridge.quaternion import to_yaw_pitch_roll_deg
from firmware_bridge.virtual.device import DeviceState

YMR_LINE = (
    b"$VNYMR,-030.000,-010.000,+005.000,+1.0640,-0.2531,+3.0614,+00.005,+00.344,-09.758,"
    b"-0.001222,-0.000450,-0.001218*64\r\n"
)
QTN_LINE = b"$VNQTN,+0.019437,-0.095352,-0.253917,+0.962318*5F\r\n"
P0_QUAT = (0.962318, 0.019437, 0.095352, 0.253917)
STATE = DeviceState(12.25, 7, P0_QUAT, (0.1, -0.2, 1.5), (0.5, -1.0, 9.0), (20.0, -3.0, -40.0))


def line(body, sixteen_bits=False):
    return b"$%s*%s\r\n" % (body, b"%04X" % crc16_xmodem(body) if sixteen_bits else b"%02X" % xor8(body))


@pytest.mark.parametrize("published", [YMR_LINE, QTN_LINE])
def test_the_published_lines_are_p0(published):
    (motion,) = VectornavDecoder().feed(published)
    np.testing.assert_allclose(to_yaw_pitch_roll_deg(motion.quat_wxyz), [30.0, -10.0, 5.0], rtol=0, atol=1e-3)


def test_rates_and_accelerations_come_along_our_axes():
    (motion,) = VectornavDecoder().feed(YMR_LINE)
    assert motion.accel_m_s2 == (0.005, -0.344, 9.758)
    assert motion.gyro_rad_s == (-0.001222, 0.00045, 0.001218)
    np.testing.assert_allclose(motion.mag_ut, (106.4, 25.31, -306.14))


@pytest.mark.parametrize("body", [b"VNWRG,06,2", b"VNWRG,07,200", b"VNWRG,05,921600"])
def test_settings_are_echoed_with_their_published_sums(body):
    published = {b"VNWRG,06,2": b"6E", b"VNWRG,07,200": b"6F", b"VNWRG,05,921600": b"53"}
    assert line(body) == b"$%s*%s\r\n" % (body, published[body])
    device = VectornavDevice()
    assert device.answer(line(body), 0.0) == line(body)
    assert VectornavDecoder().feed(line(body)) == [Told("event", {"VNWRG": body[6:].decode()})]


@pytest.mark.parametrize("kind", [YPR, QTN, QMR, YMR])
@pytest.mark.parametrize("crc", [False, True])
def test_every_line_comes_back_with_either_sum(kind, crc):
    (motion,) = VectornavDecoder().feed(VectornavDevice(kind, crc=crc).encode(STATE))
    np.testing.assert_allclose(motion.quat_wxyz, P0_QUAT, rtol=0, atol=2e-5)
    if kind in (QMR, YMR):
        np.testing.assert_allclose(motion.gyro_rad_s, STATE.gyro_rad_s, rtol=0, atol=1e-6)
        np.testing.assert_allclose(motion.accel_m_s2, STATE.accel_m_s2, rtol=0, atol=1e-3)
        np.testing.assert_allclose(motion.mag_ut, STATE.mag_ut, rtol=0, atol=0.006)
    else:
        assert motion.gyro_rad_s is None and motion.accel_m_s2 is None


def test_binary_frames_come_back_with_the_time():
    (motion,) = VectornavDecoder().feed(VectornavDevice(binary=True).encode(STATE))
    np.testing.assert_allclose(motion.quat_wxyz, P0_QUAT, rtol=0, atol=1e-6)
    np.testing.assert_allclose(motion.gyro_rad_s, STATE.gyro_rad_s, rtol=0, atol=1e-6)
    np.testing.assert_allclose(motion.accel_m_s2, STATE.accel_m_s2, rtol=0, atol=1e-6)
    assert motion.device_time_s == pytest.approx(12.25)


def binary(fields, payload):
    body = struct.pack("<BH", 1, fields) + payload
    return b"\xfa" + body + crc16_xmodem(body).to_bytes(2, "big")


def test_all_fields_of_the_common_group_are_stepped_over():
    sizes = (8, 8, 8, 12, 16, 12, 24, 12, 12, 24, 20, 28, 2, 4, 8)
    fields = [bytes(size) for size in sizes]
    fields[3] = struct.pack("<3f", -30.0, -10.0, 5.0)
    fields[5] = struct.pack("<3f", 1.0, 2.0, 3.0)
    fields[8] = struct.pack("<3f", 0.0, 0.0, -9.81)
    fields[10] = struct.pack("<5f", 0.2, 0.1, 0.4, 25.0, 101.0)
    (motion,) = VectornavDecoder().feed(binary(0x7FFF & ~(1 << 4), b"".join(f for k, f in enumerate(fields) if k != 4)))
    np.testing.assert_allclose(to_yaw_pitch_roll_deg(motion.quat_wxyz), [30.0, -10.0, 5.0], rtol=0, atol=1e-5)
    assert motion.gyro_rad_s == (1.0, -2.0, -3.0) and motion.accel_m_s2 == pytest.approx((0.0, 0.0, 9.81))
    np.testing.assert_allclose(motion.mag_ut, (20.0, -10.0, -40.0), rtol=1e-6)


def test_a_frame_inside_what_looked_like_one_is_found():
    good = VectornavDevice(binary=True).encode(STATE)
    decoder = VectornavDecoder()
    assert len(decoder.feed(good[:20] + good + QTN_LINE[:15] + QTN_LINE + b"\xfa\x01" + YMR_LINE + good)) == 4
    assert decoder.counts.damaged >= 3


@pytest.mark.parametrize(
    "frame",
    [
        line(b"VNQTN,+0.9,-0.9,-0.9,+0.9"),
        line(b"VNYPR,+190.0,+0.0,+0.0"),
        line(b"VNYMR,+1.0,+2.0,+3.0"),
        line(b"VNQMR,+0.0,+0.0,+0.0,+1.0,+0.1,+0.1,+0.1,+999.0,+0.0,+0.0,+0.0,+0.0,+0.0"),
        binary(1 << 4, struct.pack("<4f", float("nan"), 0.0, 0.0, 1.0)),
        binary(1 << 4 | 1 << 5, struct.pack("<7f", 0.0, 0.0, 0.0, 1.0, float("inf"), 0.0, 0.0)),
        binary(1 << 5, bytes(12)),
        QTN_LINE.replace(b"5F", b"5E"),
    ],
)
def test_what_cannot_be_is_dropped_and_counted(frame):
    decoder = VectornavDecoder()
    assert decoder.feed(frame + b"\n") == [] and decoder.counts.dropped >= 1
    assert decoder.counts.frames == 0


def test_the_type_of_lines_can_be_chosen_and_mistakes_are_answered():
    device = VectornavDevice()
    device.answer(b"$VNWRG,06,2*XX\r\n", 0.0)
    assert device.encode(STATE).startswith(b"$VNQTN,")
    device.answer(line(b"VNWRG,06,0"), 0.0)
    assert device.encode(STATE) == b"" and OFF == 0
    assert device.answer(b"$VNWRG,06,2*00\r\n", 0.0) == line(b"VNERR,03")
    assert device.answer(line(b"VNRRG,05"), 0.0) == line(b"VNERR,04")
    assert device.answer(line(b"VNWRG,06,77"), 0.0) == line(b"VNERR,05")


@pytest.mark.parametrize("device", [VectornavDevice(QTN), VectornavDevice(binary=True)])
def test_the_length_of_the_quaternion_is_told(device):
    short = replace(STATE, quat_world_from_head=tuple(0.99 * part for part in STATE.quat_world_from_head))
    (motion,) = VectornavDecoder().feed(device.encode(short))
    assert motion.norm == pytest.approx(0.99, abs=1e-3)
