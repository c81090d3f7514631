import random
import struct
from functools import reduce
from operator import xor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.dialect import Axes
from firmware_bridge.dialects import cobs
from firmware_bridge.dialects.checksums import crc16_ibm3740, crc16_xmodem
from firmware_bridge.dialects.hbf1 import DIALECT, Hbf1Decoder
from firmware_bridge.dialects.hbf1_device import Hbf1Device
from firmware_bridge.messages import Motion, Pong, Told
from firmware_bridge.quaternion import from_yaw_pitch_roll_deg, to_yaw_pitch_roll_deg
from firmware_bridge.virtual.device import DeviceState

P0_RAW = bytes.fromhex("01 01 34 12 78 56 34 12 03 01 97 3D 3E 01 1A 06 40 10 C7 8F")
P0_WIRE = bytes.fromhex("15 01 01 34 12 78 56 34 12 03 01 97 3D 3E 01 1A 06 40 10 C7 8F 00")
P0_GYRO_ACCEL_WIRE = bytes.fromhex(
    "05 01 0D 35 12 0F 6A 34 12 03 01 97 3D 3E 01 1A 06 40 10 5C 06 49 FF 5F 05 19 03 F6 FF 04 08 F0 A5 00"
)
P0_LINE = b"$HT,4660,305419896,0.96232,0.01944,0.09535,0.25392,0103*0A\r\n"
P0_QUAT = (0.962318, 0.019437, 0.095352, 0.253917)


def ht_line(seq, yaw_deg=30.0, gyro=None):
    quat = from_yaw_pitch_roll_deg(yaw_deg, -10.0, 5.0)
    fields = ["HT", str(seq % 65536), str(seq * 5000 % 2**32), *(f"{part:.5f}" for part in quat), "0103"]
    fields += [f"{rate:.2f}" for rate in gyro or ()]
    body = ",".join(fields).encode()
    return b"$%s*%02X\r\n" % (body, reduce(xor, body))


def state(seq, time_s=None, yaw_deg=30.0, **more):
    quat = tuple(map(float, from_yaw_pitch_roll_deg(yaw_deg, -10.0, 5.0)))
    return DeviceState(seq * 0.005 if time_s is None else time_s, seq, quat, **more)


def with_crc(raw):
    return cobs.encode(raw + crc16_ibm3740(raw).to_bytes(2, "little")) + b"\0"


def reframed(changes, wire=P0_WIRE):
    """The frame with some raw bytes changed and its CRC made right again."""
    raw = bytearray(cobs.decode(wire[:-1])[:-2])
    for at, value in changes.items():
        raw[at] = value
    return with_crc(bytes(raw))


def test_the_two_crcs_have_their_published_check_words():
    assert crc16_ibm3740(b"123456789") == 0x29B1 and crc16_xmodem(b"123456789") == 0x31C3


@given(st.binary(max_size=700))
def test_stuffing_removes_all_zeros_and_is_undone(raw):
    stuffed = cobs.encode(raw)
    assert 0 not in stuffed and cobs.decode(stuffed) == raw
    assert len(stuffed) <= len(raw) + len(raw) // 254 + 1


@pytest.mark.parametrize(
    ("raw", "stuffed"),
    [  # the examples of the algorithm's public description
        ("00", "01 01"),
        ("00 00", "01 01 01"),
        ("11 22 00 33", "03 11 22 02 33"),
        ("11 22 33 44", "05 11 22 33 44"),
        ("11 00 00 00", "02 11 01 01 01"),
    ],
)
def test_stuffing_gives_the_published_bytes(raw, stuffed):
    assert cobs.encode(bytes.fromhex(raw)) == bytes.fromhex(stuffed)
    assert cobs.decode(bytes.fromhex(stuffed)) == bytes.fromhex(raw)


@pytest.mark.parametrize("stuffed", ["05 11", "00", "03 11 00", "02 11 05 22"])
def test_what_no_encoder_writes_is_refused(stuffed):
    assert cobs.decode(bytes.fromhex(stuffed)) is None


def test_the_published_frame_is_p0():
    assert cobs.decode(P0_WIRE[:-1]) == P0_RAW
    (motion,) = Hbf1Decoder().feed(P0_WIRE)
    np.testing.assert_allclose(motion.quat_wxyz, P0_QUAT, rtol=0, atol=5e-5)
    np.testing.assert_allclose(to_yaw_pitch_roll_deg(motion.quat_wxyz), [30.0, -10.0, 5.0], rtol=0, atol=7e-3)
    assert (motion.seq, motion.device_time_s, motion.reference) == (4660, 305.419896, 1)
    assert motion.gyro_rad_s is None and motion.battery == 0.0 and motion.at_rest is False


def test_the_published_frame_with_gyro_and_accelerometer():
    (motion,) = Hbf1Decoder().feed(P0_GYRO_ACCEL_WIRE)
    np.testing.assert_allclose(motion.quat_wxyz, P0_QUAT, rtol=0, atol=5e-5)
    np.testing.assert_allclose(motion.gyro_rad_s, (0.1, -0.2, 1.5), rtol=0, atol=np.radians(1 / 32))
    np.testing.assert_allclose(motion.accel_m_s2, (0.12, -0.05, 9.80665), rtol=0, atol=9.80665 / 4096)
    assert (motion.seq, motion.device_time_s) == (4661, 305.424896)


def test_the_published_line_is_p0():
    (motion,) = Hbf1Decoder().feed(P0_LINE)
    np.testing.assert_allclose(to_yaw_pitch_roll_deg(motion.quat_wxyz), [30.0, -10.0, 5.0], rtol=0, atol=1e-3)
    assert (motion.seq, motion.device_time_s, motion.reference) == (4660, 305.419896, 1)
    assert motion.gyro_rad_s is None


def test_the_virtual_device_writes_the_published_frame_and_line():
    p0 = DeviceState(305.419896, 4660, P0_QUAT, battery=0.0)
    for text, expected in ((False, P0_WIRE), (True, P0_LINE)):
        device = Hbf1Device(fields=1, text=text)
        written = device.encode(p0)
        assert written[:1] == b"\0"
        (motion,), (published,) = Hbf1Decoder().feed(written), Hbf1Decoder().feed(expected)
        assert motion.reference == 0
        assert (motion.quat_wxyz, motion.seq, motion.device_time_s) == (
            published.quat_wxyz,
            published.seq,
            published.device_time_s,
        )
        assert len(written) == 1 + len(expected)


def test_gyro_rates_of_lines_come_in_radians_and_accelerations_are_allowed():
    (motion,) = Hbf1Decoder().feed(ht_line(1, gyro=(180.0, 0.0, -90.0)))
    assert motion.gyro_rad_s == pytest.approx((np.pi, 0.0, -np.pi / 2)) and motion.accel_m_s2 is None
    (motion,) = Hbf1Decoder().feed(ht_line(1, gyro=(180.0, 0.0, -90.0, 0.0, 0.0, 1.0)))
    assert motion.gyro_rad_s == pytest.approx((np.pi, 0.0, -np.pi / 2))
    assert motion.accel_m_s2 == pytest.approx((0.0, 0.0, 9.80665))


@pytest.mark.parametrize("fields", [0x01, 0x02, 0x05, 0x06, 0x0D, 0x3D, 0x3E, 0x0C, 0x1C, 0x3C])
def test_every_set_of_fields_comes_back(fields):
    sent = state(7, gyro_rad_s=(0.5, -1.0, 2.0), accel_m_s2=(1.0, -2.0, 9.0), mag_ut=(20.0, -3.0, -40.0))
    (motion,) = Hbf1Decoder().feed(Hbf1Device(fields=fields).encode(sent))
    if fields & 3:
        np.testing.assert_allclose(motion.quat_wxyz, sent.quat_world_from_head, rtol=0, atol=5e-5)
    else:
        assert motion.quat_wxyz is None
    for bit, got, want, step in (
        (4, motion.gyro_rad_s, sent.gyro_rad_s, np.radians(1 / 16)),
        (8, motion.accel_m_s2, sent.accel_m_s2, 9.80665 / 2048),
        (16, motion.mag_ut, sent.mag_ut, 1 / 16),
    ):
        if fields & bit:
            np.testing.assert_allclose(got, want, rtol=0, atol=0.51 * step)
        else:
            assert got is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({1: 0x00}, "damaged"),
        ({1: 0x03}, "damaged"),
        ({1: 0x41}, "damaged"),
        ({1: 0x05}, "damaged"),
        ({1: 0x04}, "damaged"),
        ({0: 0x06}, "damaged"),
        ({0: 0x00}, "damaged"),
        ({11: 0x10}, "implausible"),
        ({11: 0x7F}, "implausible"),
    ],
)
def test_a_right_crc_does_not_make_sense_of_nonsense(changes, why):
    decoder = Hbf1Decoder()
    assert decoder.feed(reframed(changes)) == []
    assert getattr(decoder.counts, why) == 1 and decoder.counts.dropped == 1


def test_a_gyro_beyond_its_scale_is_implausible_and_makers_own_frames_are_passed_over():
    decoder = Hbf1Decoder()
    assert decoder.feed(reframed({18: 0x00, 19: 0x80}, P0_GYRO_ACCEL_WIRE)) == []
    assert decoder.counts.implausible == 1
    assert decoder.feed(with_crc(b"\x80\x00" + bytes(30))) == []
    assert decoder.counts.dropped == 1


def test_the_status_word_is_told():
    def status(word):
        (motion,) = Hbf1Decoder().feed(reframed({8: word & 255, 9: word >> 8}))
        return motion

    assert status(0x0004).at_rest and not status(0x0004).button
    assert status(0x0020).button and status(0x0040).overrun
    assert status(0x0080).saturated and not status(0x0040).saturated
    assert status(0x0F00).reference == 15
    assert status(0x7000).battery == 0.5 and status(0xE000).battery == 1.0 and status(0xF000).battery is None


def test_whether_the_gyros_bias_is_taken_off_is_told_with_the_gyro():
    def known(high):
        (motion,) = Hbf1Decoder().feed(reframed({8: high}, P0_GYRO_ACCEL_WIRE))
        return motion.gyro_bias_known

    assert known(0x10) is True and known(0x01) is False
    assert Hbf1Decoder().feed(P0_WIRE)[0].gyro_bias_known is None


def test_a_rounded_float_quaternion_is_taken_and_a_longer_one_is_not():
    def parts(*quat):
        return Hbf1Decoder().feed(with_crc(struct.pack("<BBHIH4f", 1, 2, 7, 1000, 0xF000, *quat)))

    (motion,) = parts(1.0000001, 0.0, 0.0, 0.0)
    assert motion.quat_wxyz == (1.0, 0.0, 0.0, 0.0) and motion.norm == pytest.approx(1.0, abs=1e-6)
    assert parts(-1.0000001, 0.0, 0.0, 0.0) and not parts(1.001, 0.0, 0.0, 0.0)


def test_lines_are_told_as_weaker_than_frames():
    assert Hbf1Decoder().feed(P0_LINE)[0].weak and not Hbf1Decoder().feed(P0_WIRE)[0].weak


def test_how_the_sensor_sits_is_not_taken_for_granted():
    assert DIALECT.axes is Axes.SENSOR


def test_the_answers_of_the_firmware_are_understood():
    device, decoder = Hbf1Device(), Hbf1Decoder()
    (info,) = decoder.feed(device.answer(b"HELLO\n", 1.0))
    assert info.kind == "info" and info.values["proto"] == "1" and info.values["ticks"] == "us32"
    (pong,) = decoder.feed(device.answer(DIALECT.make_ping(2**32 - 1), 2.5))
    assert pong == Pong(2**32 - 1, 2.5, 2.5)
    for command in (b"STOP\n", b"START\n", b"SAVE\n", b"CAL GYRO\n", b"CAL STOP\n", b"MODE TXT\n", b"ZERO\n"):
        (event,) = decoder.feed(device.answer(command, 3.0))
        assert event.kind == "event" and "error" not in event.values
    for command in (b"JUMP\n", b"RATE 0\n", b"RATE x\n", b"FIELDS 43\n", b"FIELDS zz\n", b"FIELDS 0C\n", b"PING -1\n"):
        (event,) = decoder.feed(device.answer(command, 3.0))
        assert "error" in event.values
    assert device.answer(b"\n HEL", 3.0) == b"" and device.answer(b"LO\r\n", 3.0) != b""
    assert decoder.counts.dropped == 0


def test_commands_do_what_they_say():
    device, decoder = Hbf1Device(), Hbf1Decoder()

    def motions(seqs):
        return [m for k in seqs for m in decoder.feed(device.encode(state(k))) if isinstance(m, Motion)]

    assert [m.seq for m in motions(range(3))] == [0, 1, 2]
    device.answer(b"STOP\n", 0.0)
    assert motions(range(3, 6)) == []
    device.answer(b"START\nRATE 100\n", 0.0)
    slower = motions(range(6, 26))
    assert [m.seq for m in slower] == list(range(3, 13))
    np.testing.assert_allclose(np.diff([m.device_time_s for m in slower]), 0.01)
    device.answer(b"RATE 1000\nFIELDS 0D\n", 0.0)
    (motion,) = motions([26])
    assert motion.accel_m_s2 is not None
    device.answer(b"MODE TXT\n", 0.0)
    line = device.encode(state(27))
    assert line.startswith(b"$HT,") and len(decoder.feed(line)) == 1
    device.answer(b"MODE BIN\nZERO\n", 0.0)
    (motion,) = motions([28])
    assert motion.reference == 1
    np.testing.assert_allclose(to_yaw_pitch_roll_deg(motion.quat_wxyz), [0.0, -10.0, 5.0], rtol=0, atol=0.02)
    device.answer(b"REBOOT\n", 0.14)
    written = device.encode(state(29))
    (motion,) = decoder.feed(written)
    assert written[0] == 0 and (motion.seq, motion.reference) == (0, 0)
    assert motion.device_time_s == pytest.approx(0.005)
    assert decoder.counts.dropped == 0 and decoder.counts.lost == 0


def mixture(n=12):
    """Both modes, answers and comments in one stream, and how many messages that is."""
    frames, lines = Hbf1Device(fields=0x0D), Hbf1Device(text=True)
    pieces = [b"# made by hand\r\n"]
    for k in range(n):
        pieces += [frames.encode(state(k)), lines.answer(b"HELLO\n", 0.1 * k), lines.encode(state(k))]
        pieces += [b"# $HT, is how lines begin\n", frames.answer(b"PING 7\n", 1.0)]
    return b"".join(pieces)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 300), max_size=60))
def test_any_pieces_of_a_mixed_stream_give_the_same_messages(sizes):
    stream = mixture()
    whole = Hbf1Decoder().feed(stream)
    decoder, pieces, at = Hbf1Decoder(), [], 0
    for size in [*sizes, len(stream)]:
        pieces += decoder.feed(stream[at : at + size])
        at += size
    assert pieces == whole
    assert sum(isinstance(m, Motion) for m in whole) == 24 and sum(isinstance(m, Pong) for m in whole) == 12
    assert sum(isinstance(m, Told) and m.kind == "info" for m in whole) == 12


def test_a_frame_or_a_line_cut_at_any_byte_costs_itself_only():
    for text in (False, True):
        device = Hbf1Device(fields=0x0D, text=text)
        pieces = [device.encode(state(k)) for k in range(4)]
        for cut in range(1, len(pieces[1])):
            decoder = Hbf1Decoder()
            seqs = [m.seq for m in decoder.feed(pieces[0] + pieces[1][:cut] + pieces[2] + pieces[3])]
            # A frame's end is what tells it from the next: both go together.
            assert seqs in ([[0, 2, 3]] if text else [[0, 2, 3], [0, 3]]), cut
            assert decoder.counts.lost == 4 - len(seqs) and decoder.counts.damaged >= 1


def test_a_changed_byte_never_passes_the_sum_of_a_line():
    line = ht_line(7)
    for at in range(len(line) - 2):
        for flip in (1, 2, 16, 128):
            damaged = bytearray(line)
            damaged[at] ^= flip
            for motion in Hbf1Decoder().feed(bytes(damaged)):
                # A flip may only change the case of a checksum digit.
                assert motion == Hbf1Decoder().feed(line)[0]


def test_comments_are_told_and_noise_is_counted():
    decoder = Hbf1Decoder()
    assert decoder.feed(b"# booting\r\n\r\nGuru Meditation\r\n\0") == [Told("log", {"text": "booting"})]
    assert decoder.counts.damaged == 1


def test_noise_without_ends_is_not_kept():
    decoder, chance = Hbf1Decoder(), random.Random(1)
    for _ in range(300):
        noise = chance.randbytes(1000).replace(b"\n", b"").replace(b"\0", b"")
        assert decoder.feed(noise) == []
        assert len(decoder._pending) <= decoder.max_frame_bytes
    assert decoder.counts.damaged > 100
    assert len(decoder.feed(b"\n\0" + ht_line(1))) == 1


@pytest.mark.parametrize("body", [b"HT,1,5,nan,0,0,0,0103", b"HT,1,5,2.0,0,0,0,0103", b"HT,99999,5,1,0,0,0,0103"])
def test_a_right_sum_does_not_make_sense_of_a_nonsense_line(body):
    decoder = Hbf1Decoder()
    assert decoder.feed(b"$%s*%02X\r\n" % (body, reduce(xor, body))) == []
    assert decoder.counts.dropped == 1


@pytest.mark.parametrize("text", [False, True])
def test_sequence_and_clock_wrap_without_a_loss_and_gaps_are_counted(text):
    device, decoder = Hbf1Device(text=text), Hbf1Decoder()
    start = 65536 - 8
    motions = [decoder.feed(device.encode(state(start + k, 4294.92 + 0.01 * k)))[0] for k in range(16)]
    assert [m.seq for m in motions] == [*range(start, 65536), *range(8)]
    assert motions[-1].device_time_s == pytest.approx(4294.92 + 0.15 - DIALECT.clock_wrap_s)
    assert decoder.counts.lost == 0
    decoder.feed(device.encode(state(start + 20, 4296.0)))
    assert decoder.counts.lost == 4
    decoder.feed(device.encode(state(3, 0.1)))
    assert decoder.counts.lost == 4
    decoder.reset()
    decoder.feed(device.encode(state(300, 0.2)))
    assert decoder.counts.lost == 4
