"""BNO08x in its two UART modes: the published frames, the virtual devices, and what rubbish does to them."""

import random
from struct import pack

import pytest

from firmware_bridge.dialects.bno08x_rvc import RvcDecoder, RvcDevice
from firmware_bridge.dialects.bno08x_shtp import DIALECT as SHTP
from firmware_bridge.dialects.bno08x_shtp import USES, ShtpDecoder
from firmware_bridge.dialects.bno08x_shtp_device import ShtpDevice
from firmware_bridge.dialects.bno08x_shtp_frame import FLAG, frame, set_feature
from firmware_bridge.messages import Motion, Told
from firmware_bridge.quaternion import from_yaw_pitch_roll_deg, multiply, to_yaw_pitch_roll_deg
from firmware_bridge.virtual.device import DeviceState

RVC = bytes.fromhex("AA AA DE 01 00 92 FF 25 08 8D FE EC FF D1 03 00 00 00 E7")
GAME_ROTATION = bytes.fromhex("7E 01 15 00 03 07 FB 11 00 00 00 08 01 02 00 00 00 00 00 90 10 D2 3D 7E")
GAME_ROTATION_5_MS = bytes.fromhex("7E 01 15 00 02 00 FD 08 00 00 00 88 13 00 00 00 00 00 00 00 00 00 00 7E")
TIME_BASE = b"\xfb\0\0\0\0"
QUAT = (0.962318, 0.019437, 0.095352, 0.253917)


def state(seq, quat=QUAT, gyro=(0.5, -1.0, 2.0), time_s=0.0):
    return DeviceState(time_s, seq, quat, gyro)


def turn_report(report, seq, yaw_deg):
    w, x, y, z = from_yaw_pitch_roll_deg(yaw_deg, 0.0, 0.0)
    counts = [round(part * 16384) for part in (x, y, z, w)]
    return pack("<BBBB4h", report, seq, 3, 0, *counts) + bytes(2 if report in (0x05, 0x28) else 0)


def gyro_report(x, y, z):
    return pack("<BBBB3h", 0x02, 0, 3, 0, *(round(part * 512) for part in (x, y, z)))


def yaw_of(motion):
    return to_yaw_pitch_roll_deg(motion.quat_wxyz)[0]


def test_the_makers_rvc_frame_gives_its_values():
    (motion,) = RvcDecoder().feed(RVC)
    yaw, pitch, roll = to_yaw_pitch_roll_deg(motion.quat_wxyz)
    # Right-handed about y is nose down: our pitch has the other sign.
    assert (yaw, pitch, roll) == pytest.approx((0.01, 1.10, 20.85), abs=1e-9)
    assert motion.accel_m_s2 == pytest.approx((-0.371 * 9.80665, -0.020 * 9.80665, 0.977 * 9.80665))
    assert motion.seq == 222
    assert motion.gyro_rad_s is None and motion.device_time_s is None


def test_an_rvc_pose_is_z_then_y_then_x():
    sent = RvcDevice().encode(state(0))
    (motion,) = RvcDecoder().feed(sent)
    assert sent[3:9] == pack("<3h", 3000, 1000, 500)
    assert motion.quat_wxyz == pytest.approx(QUAT, abs=1e-4)


def test_rvc_frames_that_never_came_are_counted_over_the_wrap():
    device, decoder = RvcDevice(), RvcDecoder()
    for seq in (254, 255, 256, 260):
        decoder.feed(device.encode(state(seq)))
    assert (decoder.counts.frames, decoder.counts.lost, decoder.counts.damaged) == (4, 3, 0)


def test_a_header_within_an_rvc_payload_is_no_beginning():
    body = pack("<B6h", 7, 100, 200, -300, 400, -21846, 500) + b"\0\0\0"
    sent = b"\xaa\xaa" + body + bytes([sum(body) & 0xFF])
    for cut in range(len(sent)):
        decoder = RvcDecoder()
        # The head is missing: what looks like one within the payload must not swallow the next frame.
        messages = decoder.feed(sent[cut:] + RVC)
        assert [message.seq for message in messages] == ([7, 222] if cut == 0 else [222])


def test_rvc_angles_out_of_range_are_implausible():
    body = pack("<B6h", 1, 18001, 0, 0, 0, 0, 1000) + b"\0\0\0"
    decoder = RvcDecoder()
    assert decoder.feed(b"\xaa\xaa" + body + bytes([sum(body) & 0xFF])) == []
    assert decoder.counts.implausible == 1


def test_rubbish_before_rvc_frames_is_counted_once_and_cut_frames_cost_one():
    decoder = RvcDecoder()
    assert len(decoder.feed(b"\x01\x02\x03\xaa\x04" * 50 + RVC)) == 1
    assert decoder.counts.damaged == 1
    assert len(decoder.feed(RVC[:9] + RVC + RVC)) == 2
    assert decoder.counts.damaged == 2


def test_the_published_shtp_report_gives_its_values():
    (motion,) = ShtpDecoder().feed(GAME_ROTATION)
    assert motion.quat_wxyz == pytest.approx((0.96594, 0.0, 0.0, 0.25879), abs=1e-5)
    assert yaw_of(motion) == pytest.approx(30.0, abs=0.005)
    assert motion.seq == 1


def test_set_feature_is_the_published_command_and_the_talk_asks_for_turn_and_gyro():
    assert set_feature(0x08, 5000, 0) == GAME_ROTATION_5_MS
    assert [piece[7:9] for piece in SHTP.talk.opening] == [b"\x02\x00", b"\x29\x00"]
    assert [piece[5] for piece in SHTP.talk.opening] == [0, 1]
    assert SHTP.talk.byte_gap_s >= 1e-4


@pytest.mark.parametrize("report", [0x05, 0x08, 0x28, 0x29])
def test_every_rotation_report_is_read_with_its_scalar_last(report):
    (motion,) = ShtpDecoder().feed(frame(3, 0, TIME_BASE + turn_report(report, 9, 40.0)))
    assert yaw_of(motion) == pytest.approx(40.0, abs=0.01)
    assert motion.seq == 9


def test_several_reports_in_one_cargo_give_one_motion_a_quaternion_with_the_latest_gyro():
    cargo = (
        TIME_BASE + gyro_report(1, 2, 3) + turn_report(0x29, 1, 10) + gyro_report(4, 5, 6) + turn_report(0x29, 2, 11)
    )
    first, second = ShtpDecoder().feed(frame(3, 0, cargo))
    assert (first.gyro_rad_s, second.gyro_rad_s) == ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    assert (first.seq, second.seq) == (1, 2)
    assert yaw_of(second) == pytest.approx(11.0, abs=0.01)


def test_accelerometer_and_magnetometer_reports_go_with_the_next_quaternion():
    cargo = TIME_BASE + pack("<BBBB3h", 1, 0, 3, 0, 0, 256, 2560) + pack("<BBBB3h", 3, 0, 3, 0, 16, -32, 640)
    (motion,) = ShtpDecoder().feed(frame(3, 0, cargo + turn_report(0x08, 0, 0)))
    assert motion.accel_m_s2 == (0.0, 1.0, 10.0)
    assert motion.mag_ut == (1.0, -2.0, 40.0)


def test_a_gyro_that_no_longer_comes_is_not_repeated_for_ever():
    decoder = ShtpDecoder()
    decoder.feed(frame(3, 0, TIME_BASE + gyro_report(1, 2, 3)))
    motions = [decoder.feed(frame(3, k, TIME_BASE + turn_report(0x08, k, 0)))[0] for k in range(1, USES + 3)]
    assert [motion.gyro_rad_s is not None for motion in motions] == [True] * USES + [False, False]


def test_the_gyro_integrated_vector_comes_on_its_own_channel_without_report_headers():
    w, x, y, z = (round(part * 16384) for part in QUAT)
    cargo = pack("<7h", x, y, z, w, 1024, -2048, 512)
    (motion,) = ShtpDecoder().feed(frame(5, 77, cargo))
    assert motion.quat_wxyz == pytest.approx(QUAT, abs=1e-4)
    assert motion.gyro_rad_s == (1.0, -2.0, 0.5)
    assert motion.seq == 77
    assert len(ShtpDecoder().feed(frame(5, 78, cargo * 2))) == 2


def test_a_cargo_that_continues_in_further_frames_is_joined():
    cargo = TIME_BASE + gyro_report(1, 2, 3) + turn_report(0x29, 1, 10) + turn_report(0x29, 2, 11)
    decoder, sent, missing = ShtpDecoder(), b"", len(cargo)
    for k, start in enumerate(range(0, len(cargo), 16)):
        header = pack("<HBB", 4 + missing | (0x8000 if k else 0), 3, k)
        piece = cargo[start : start + 16]
        missing -= len(piece)
        sent += FLAG + (b"\x01" + header + piece).replace(b"\x7d", b"\x7d\x5d").replace(FLAG, b"\x7d\x5e") + FLAG
    messages = decoder.feed(sent)
    assert [message.seq for message in messages] == [1, 2]
    assert decoder.counts.damaged == 0

    frames = [FLAG + piece + FLAG for piece in sent.split(FLAG) if piece]
    decoder = ShtpDecoder()
    assert decoder.feed(frames[0] + frames[2] + GAME_ROTATION) == ShtpDecoder().feed(GAME_ROTATION)
    assert decoder.counts.damaged >= 1


def test_flags_and_escapes_within_a_frame_survive_and_one_flag_may_part_two_frames():
    cargo = TIME_BASE + pack("<BBBB3h", 0x02, 0x7E, 0x7D, 0x5E, 0x7D7E, 0x5E7D, 0x7E5D) + turn_report(0x08, 0x7E, 5)
    sent = frame(3, 0x7D, cargo)
    assert sent.count(FLAG) == 2
    messages = ShtpDecoder().feed(sent[:-1] + frame(3, 0x7E, cargo))
    assert [message.seq for message in messages] == [0x7E, 0x7E]
    assert messages[0].gyro_rad_s == pytest.approx((0x7D7E / 512, 0x5E7D / 512, 0x7E5D / 512))


def test_shtp_cargoes_that_never_came_are_counted_by_channel():
    decoder = ShtpDecoder()
    for seq in (254, 255, 0, 5):
        decoder.feed(frame(3, seq, TIME_BASE + turn_report(0x08, seq, 0)))
        decoder.feed(frame(2, 0, b"\xfc" + bytes(16)))
    assert (decoder.counts.frames, decoder.counts.lost, decoder.counts.damaged) == (4, 4, 0)


@pytest.mark.parametrize(
    "cargo",
    [
        turn_report(0x08, 0, 0),  # no time base
        TIME_BASE + b"\x77" + bytes(11),  # no such report
        TIME_BASE + turn_report(0x08, 0, 0)[:-1],  # cut short
        TIME_BASE + turn_report(0x08, 0, 0) + b"\0",  # too long
        b"",
    ],
)
def test_an_input_cargo_of_the_wrong_form_is_damaged(cargo):
    decoder = ShtpDecoder()
    assert decoder.feed(frame(3, 0, cargo)) == []
    assert decoder.counts.damaged == 1


def test_a_quaternion_that_is_none_is_implausible_and_a_reset_is_told():
    decoder = ShtpDecoder()
    assert decoder.feed(frame(3, 0, TIME_BASE + pack("<BBBB4h", 8, 0, 3, 0, 0, 0, 0, 8000))) == []
    assert decoder.counts.implausible == 1
    assert decoder.feed(frame(1, 0, b"\x01")) == [Told("event", {"event": "reset"})]
    assert decoder.feed(b"\x7e\x00\x40\x00\x7e") == []
    assert decoder.counts.damaged == 0


def test_a_changed_byte_costs_one_shtp_frame_and_never_the_next():
    good = [frame(3, k, TIME_BASE + turn_report(0x29, k, k)) for k in range(3)]
    for at in range(len(good[1])):
        damaged = bytearray(good[1])
        damaged[at] ^= 0xA5
        decoder = ShtpDecoder()
        seqs = [m.seq for m in decoder.feed(good[0] + bytes(damaged) + good[2]) if isinstance(m, Motion)]
        assert seqs[0] == 0
        # A closing flag lost leaves this frame and the next as one.
        assert seqs[-1] == 2 or at in (0, len(good[1]) - 1)


def test_the_virtual_shtp_device_obeys_set_feature_and_its_answers_are_no_motion():
    device, decoder = ShtpDevice(reports=()), ShtpDecoder()
    assert device.encode(state(0)) == b""
    for piece in SHTP.talk.opening:
        assert decoder.feed(device.answer(piece[:5], 0.0) + device.answer(piece[5:], 0.0)) == []
    (motion,) = decoder.feed(device.encode(state(300)))
    assert motion.quat_wxyz == pytest.approx(QUAT, abs=1e-4)
    assert motion.gyro_rad_s == pytest.approx((0.5, -1.0, 2.0), abs=1 / 512)
    assert motion.seq == 300 % 256
    device.answer(set_feature(0x02, 0, 2), 0.0)
    assert decoder.feed(device.encode(state(301)))[0].gyro_rad_s == pytest.approx((0.5, -1.0, 2.0), abs=1 / 512)
    assert len(device.encode(state(302))) < 28
    assert decoder.counts.damaged == 0


def test_any_orientation_survives_both_ways():
    chance = random.Random(2)
    rvc, shtp = (RvcDevice(), RvcDecoder()), (ShtpDevice(), ShtpDecoder())
    for seq in range(200):
        angles = chance.uniform(-180, 180), chance.uniform(-85, 85), chance.uniform(-180, 180)
        quat = tuple(map(float, from_yaw_pitch_roll_deg(*angles)))
        for device, decoder in (rvc, shtp):
            (motion,) = decoder.feed(device.encode(state(seq, quat)))
            turn = multiply((quat[0], -quat[1], -quat[2], -quat[3]), motion.quat_wxyz)
            assert sum(part * part for part in turn[1:]) ** 0.5 < 2e-4


def test_random_bytes_raise_nothing_and_leave_little_behind():
    chance = random.Random(3)
    for decoder in (RvcDecoder(), ShtpDecoder()):
        for _ in range(500):
            decoder.feed(chance.randbytes(chance.randrange(200)))
        assert len(decoder._pending) <= decoder.max_frame_bytes
        decoder.feed(bytes(2000))
    assert len(RvcDecoder().feed(bytes(3000) + RVC)) == 1
