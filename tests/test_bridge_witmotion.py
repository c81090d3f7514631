"""WitMotion: published and captured frames, bursts as one motion, and BLE frames that nothing guards."""

import random
from struct import pack

import pytest

from firmware_bridge.dialects.witmotion import BLE_DIALECT, BURSTS_WITHOUT_QUAT, DIALECT, WitmotionDecoder
from firmware_bridge.dialects.witmotion_device import WitmotionBleDevice, WitmotionDevice
from firmware_bridge.dialects.witmotion_frame import SAVE, UNLOCK, write_register
from firmware_bridge.quaternion import from_yaw_pitch_roll_deg, to_yaw_pitch_roll_deg
from firmware_bridge.virtual.device import DeviceState

ANGLE = bytes.fromhex("55 53 8E 03 E4 F8 55 15 00 00 7F")
QUAT_FRAME = bytes.fromhex("55 59 2D 7B 7D 02 35 0C 80 20 B6")
CAPTURED = bytes.fromhex("55 61 77 02 A8 FE 92 FE 06 02 30 FE CD FF F8 F0 53 FC AB C4")
QUAT = (0.962318, 0.019437, 0.095352, 0.253917)


def serial_frame(kind, *values):
    body = pack("<BB4h", 0x55, kind, *values)
    return body + bytes([sum(body) & 0xFF])


def state(seq, yaw_deg=30.0):
    quat = tuple(map(float, from_yaw_pitch_roll_deg(yaw_deg, -10.0, 5.0)))
    return DeviceState(0.01 * seq, seq, quat, (0.5, -1.0, 2.0), (1.0, -2.0, 9.0))


def test_the_published_angle_frame_alone_gives_the_pose():
    (motion,) = WitmotionDecoder().feed(ANGLE)
    yaw, pitch, roll = to_yaw_pitch_roll_deg(motion.quat_wxyz)
    # Right-handed about y is nose down: what the device calls -9.998 is up for us.
    assert (yaw, pitch, roll) == pytest.approx((29.998, 9.998, 4.999), abs=5e-4)


def test_the_published_quaternion_frame_alone_gives_the_pose():
    (motion,) = WitmotionDecoder().feed(QUAT_FRAME)
    assert motion.quat_wxyz == pytest.approx(QUAT, abs=5e-5)


def test_the_captured_ble_frame_gives_its_values():
    (motion,) = WitmotionDecoder().feed(CAPTURED)
    yaw, pitch, roll = to_yaw_pitch_roll_deg(motion.quat_wxyz)
    assert (roll, -pitch, yaw) == pytest.approx((-21.138, -5.169, -83.436), abs=5e-4)
    assert motion.accel_m_s2 == pytest.approx([9.80665 * g for g in (0.3081, -0.168, -0.1787)], abs=5e-4)
    assert motion.gyro_rad_s == pytest.approx([rate * 0.0174533 for rate in (31.616, -28.32, -3.113)], abs=1e-5)


def test_the_published_commands():
    assert bytes.fromhex("FF AA 69 88 B5") == UNLOCK
    assert write_register(0x03, 0x0B) == bytes.fromhex("FF AA 03 0B 00")
    assert write_register(0x04, 0x09) == bytes.fromhex("FF AA 04 09 00")
    assert write_register(0x02, 0x020C) == bytes.fromhex("FF AA 02 0C 02")
    assert write_register(SAVE, 0) == bytes.fromhex("FF AA 00 00 00")
    assert DIALECT.talk.opening == (UNLOCK, bytes.fromhex("FF AA 02 06 02"))


def test_a_burst_as_shipped_is_one_motion_with_all_it_holds():
    decoder = WitmotionDecoder()
    burst = WitmotionDevice().encode(state(0))
    assert burst[1::11] == b"\x51\x52\x53"
    (motion,) = decoder.feed(burst)
    assert to_yaw_pitch_roll_deg(motion.quat_wxyz) == pytest.approx((30.0, -10.0, 5.0), abs=0.01)
    assert motion.gyro_rad_s == pytest.approx((0.5, -1.0, 2.0), abs=6e-4)
    assert motion.accel_m_s2 == pytest.approx((1.0, -2.0, 9.0), abs=3e-3)


def test_after_the_talk_the_device_sends_quaternions_and_bursts_are_still_one_motion():
    device, decoder = WitmotionDevice(), WitmotionDecoder()
    assert device.answer(DIALECT.talk.opening[1], 0.0) == b""
    assert device.encode(state(0))[1::11] == b"\x51\x52\x53"
    for piece in DIALECT.talk.opening:
        device.answer(piece[:2], 0.0)
        device.answer(piece[2:], 0.0)
    burst = device.encode(state(0))
    assert burst[1::11] == b"\x51\x52\x59"
    (motion,) = decoder.feed(burst)
    assert motion.quat_wxyz == pytest.approx(QUAT, abs=5e-5)
    assert None not in (motion.gyro_rad_s, motion.accel_m_s2)


def test_where_quaternions_come_the_angles_are_left_and_taken_up_again_when_they_stop():
    decoder = WitmotionDecoder()
    gyro = serial_frame(0x52, 164, 0, 0, 0)
    decoder.feed(QUAT_FRAME)
    for _ in range(3):
        (motion,) = decoder.feed(gyro + ANGLE + QUAT_FRAME)
        assert motion.quat_wxyz == pytest.approx(QUAT, abs=5e-5)
        assert motion.gyro_rad_s == pytest.approx((0.17470, 0.0, 0.0), abs=1e-4)
    heard = [len(decoder.feed(gyro + ANGLE)) for _ in range(BURSTS_WITHOUT_QUAT + 2)]
    assert heard == [0] * BURSTS_WITHOUT_QUAT + [1, 1]


def test_what_a_burst_lacks_is_not_taken_from_the_one_before():
    decoder = WitmotionDecoder()
    (first,) = decoder.feed(serial_frame(0x52, 100, 0, 0, 0) + ANGLE)
    (second,) = decoder.feed(ANGLE)
    assert first.gyro_rad_s is not None
    assert second.gyro_rad_s is None


def test_other_frames_of_the_burst_are_passed_over():
    others = b"".join(serial_frame(kind, 1, 2, 3, 4) for kind in (0x50, 0x54, 0x55, 0x56, 0x57, 0x58, 0x5A, 0x5F))
    decoder = WitmotionDecoder()
    assert len(decoder.feed(others + ANGLE)) == 1
    assert decoder.counts.dropped == 0


def test_a_changed_byte_costs_its_frame_and_no_other():
    for at in range(len(ANGLE)):
        for flip in (1, 0x80, 0xFF):
            damaged = bytearray(ANGLE)
            damaged[at] ^= flip
            decoder = WitmotionDecoder()
            assert decoder.feed(ANGLE + bytes(damaged) + ANGLE) == WitmotionDecoder().feed(ANGLE) * 2
            assert decoder.counts.dropped >= 1


def test_impossible_pitches_and_lengths_are_implausible():
    decoder = WitmotionDecoder()
    assert decoder.feed(serial_frame(0x53, 0, 16385, 0, 0) + serial_frame(0x59, 32767, 16384, 0, 0)) == []
    assert decoder.counts.implausible == 2


def test_after_rubbish_a_ble_frame_is_believed_only_where_another_follows():
    decoder = WitmotionDecoder()
    assert decoder.feed(b"\x01\x02\x03" + CAPTURED) == []
    assert decoder.feed(b"\x00" * 20) == []
    assert len(decoder.feed(CAPTURED + CAPTURED)) == 2
    assert len(decoder.feed(CAPTURED)) == 1


def test_random_bytes_hold_no_ble_frame():
    chance, decoder, n_marks = random.Random(4), WitmotionDecoder(), 0
    for _ in range(2000):
        piece = chance.randbytes(60) + b"\x55\x61" + chance.randbytes(18)
        n_marks += len([1 for message in decoder.feed(piece) if message.accel_m_s2 is not None])
    assert n_marks == 0


def test_the_virtual_ble_tracker_sends_motion_and_answers_reads():
    device, decoder = WitmotionBleDevice(), WitmotionDecoder()
    sent = device.encode(state(0))
    assert len(sent) == 20
    (motion,) = decoder.feed(sent)
    assert to_yaw_pitch_roll_deg(motion.quat_wxyz) == pytest.approx((30.0, -10.0, 5.0), abs=0.01)
    answers = device.answer(bytes.fromhex("FF AA 27 3A 00 FF AA 27 51 00"), 0.0)
    assert (len(answers), answers[:4]) == (40, b"\x55\x71\x3a\x00")
    (motion,) = decoder.feed(answers)
    assert motion.quat_wxyz == pytest.approx(QUAT, abs=5e-5)
    assert motion.mag_ut == pytest.approx((20.0, 0.0, -40.0), abs=0.01)
    assert BLE_DIALECT.make_decoder is DIALECT.make_decoder


def test_quaternions_are_asked_for_over_ble_and_used_instead_of_the_angles():
    talk = BLE_DIALECT.talk
    assert talk.keep_alive == bytes.fromhex("FF AA 27 51 00") and not talk.opening
    device, decoder, told = WitmotionBleDevice(), WitmotionDecoder(), []
    for k in range(100):
        told.append(decoder.feed(device.encode(state(k)))[:1])
        if k % 4 == 3:
            (motion,) = decoder.feed(device.answer(talk.keep_alive, 0.01 * k))
            assert motion.quat_wxyz == pytest.approx(QUAT, abs=5e-5)
            # The very first frames gave their rates away with their angles.
            assert k == 3 or motion.gyro_rad_s is not None
    assert all(told[:4]) and not any(told[4:])


def test_a_serial_read_is_answered_and_gives_no_pose():
    device, decoder = WitmotionDevice(), WitmotionDecoder()
    device.encode(state(0))
    answer = device.answer(bytes.fromhex("00 FF FF AA 27 51 00"), 0.0)
    assert answer[:2] == b"\x55\x5f"
    assert decoder.feed(answer) == []
    assert decoder.counts.dropped == 0
