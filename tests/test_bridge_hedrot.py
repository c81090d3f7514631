"""hedrot: the published frame count by count, units and axes of a level board, pings, settings, lost bytes."""

import random

import pytest

from firmware_bridge.dialects.hedrot import DIALECT, HedrotDecoder
from firmware_bridge.dialects.hedrot_device import HedrotDevice
from firmware_bridge.dialects.hedrot_frame import pack_counts, unpack_counts
from firmware_bridge.messages import Told
from firmware_bridge.virtual.device import DeviceState

FRAME = bytes.fromhex("80 9E 9F EA E0 86 B5 80 80 FF FF C0 84 81 FF FC C0 80 80 9F FF 00")
COUNTS = (120, -340, 410, 3, -8, 256, -14, 0, 2047)
STATE = DeviceState(0.0, 0, (1.0, 0.0, 0.0, 0.0), (0.5, -1.0, 2.0), (1.0, -2.0, 9.0), (20.0, 5.0, -40.0))


def test_the_published_frame_holds_its_counts():
    assert unpack_counts(FRAME) == COUNTS
    assert pack_counts(list(COUNTS)) == FRAME


def test_the_published_frame_in_our_units_and_axes():
    (motion,) = HedrotDecoder().feed(FRAME)
    assert motion.quat_wxyz is None
    # Level: what the board calls +1 g down is +9.81 up for us.
    assert motion.accel_m_s2 == pytest.approx((-3 * 9.80665 / 256, -8 * 9.80665 / 256, 9.80665))
    assert motion.gyro_rad_s == pytest.approx((-0.016998, 0.0, -2.485349), abs=1e-6)
    assert motion.mag_ut == pytest.approx((27.27, 77.27, -93.18), abs=0.01)


def test_any_counts_survive_packing():
    chance = random.Random(7)
    for _ in range(200):
        counts = [chance.randrange(-32768, 32768) for _ in range(9)]
        sent = pack_counts(counts)
        assert len(sent) == 22 and min(sent[:21]) >= 0x80 and sent[21] == 0
        assert unpack_counts(sent) == tuple(counts)


def test_the_virtual_board_is_silent_until_pinged_and_after_a_second_without():
    device, decoder = HedrotDevice(), HedrotDecoder()
    assert device.encode(STATE) == b""
    assert device.answer(b"\x7e", 0.0) == b"\x7e"
    assert device.encode(STATE) == b""
    assert device.answer(DIALECT.talk.keep_alive, 0.0) == b"\x7f"
    (motion,) = decoder.feed(b"\x7e\x7f" + device.encode(STATE))
    assert motion.gyro_rad_s == pytest.approx(STATE.gyro_rad_s, abs=7e-4)
    assert motion.accel_m_s2 == pytest.approx(STATE.accel_m_s2, abs=0.02)
    assert motion.mag_ut == pytest.approx(STATE.mag_ut, abs=0.12)
    assert device.encode(DeviceState(1.0, 1000, STATE.quat_world_from_head)) == b""
    device.answer(b"\x7f", 1.0)
    assert DIALECT.talk.keep_alive_s < 1.0
    assert device.answer(DIALECT.talk.closing, 1.0) == b""
    assert device.encode(DeviceState(1.1, 1100, STATE.quat_world_from_head)) == b""
    assert decoder.counts.dropped == 0


def test_the_talk_asks_for_settings_first_and_pings_after():
    device, decoder = HedrotDevice(), HedrotDecoder()
    (told,) = decoder.feed(b"".join(device.answer(piece, 0.0) for piece in DIALECT.talk.opening))
    assert told.kind == "info" and told.values["samplerate"] == "1000"
    assert len(decoder.feed(device.encode(STATE))) == 1


def test_a_stored_calibration_of_the_accelerometer_is_used_and_nonsense_is_not():
    level = pack_counts([0, 0, 0, 10, -20, 280, 0, 0, 0])
    decoder = HedrotDecoder()
    told = decoder.feed(b"\x0baccOffset 10.00 -20.00 30.00,accScaling 250.00 250.00 250.00\x0c")
    assert isinstance(told[0], Told)
    assert decoder.feed(level)[0].accel_m_s2 == pytest.approx((0.0, 0.0, 9.80665))
    plain = HedrotDecoder().feed(level)[0].accel_m_s2
    for settings in (
        b"accOffset 0 0 0,accScaling 1 1 1",
        b"accOffset 900 0 0,accScaling 250 250 250",
        b"accOffset 1,x",
    ):
        decoder = HedrotDecoder()
        assert len(decoder.feed(b"\x0b" + settings + b"\x0c")) == 1
        assert decoder.feed(level)[0].accel_m_s2 == plain


def test_an_overloaded_board_is_told_with_the_next_frame():
    first, second = HedrotDecoder().feed(b"\x01" + FRAME + FRAME)
    assert (first.overrun, second.overrun) == (True, False)


def test_a_byte_lost_or_changed_costs_one_frame():
    (true,) = HedrotDecoder().feed(FRAME)
    for at in range(len(FRAME)):
        decoder = HedrotDecoder()
        assert decoder.feed(FRAME + FRAME[:at] + FRAME[at + 1 :] + FRAME) == [true] * 2
        assert decoder.counts.damaged >= 1
        low = FRAME[:at] + bytes([FRAME[at] ^ 0x80]) + FRAME[at + 1 :]
        assert HedrotDecoder().feed(FRAME + low + FRAME) == [true] * 2


def test_frames_without_their_ones_or_beyond_the_chips_range_are_none():
    for at in (6, 13, 20):
        decoder = HedrotDecoder()
        assert decoder.feed(FRAME[:at] + bytes([FRAME[at] ^ 1]) + FRAME[at + 1 :]) == []
        assert decoder.counts.damaged == 1
    decoder = HedrotDecoder()
    assert decoder.feed(pack_counts([0, 0, 0, 5000, 0, 0, 0, 0, 0])) == []
    assert decoder.counts.implausible == 1


def test_the_same_motions_however_the_stream_is_cut():
    stream = b"\x7f" + FRAME * 3 + b"\x0bfirmware_version 10\x0c" + FRAME[5:] + FRAME + b"noise" + FRAME
    whole = HedrotDecoder().feed(stream)
    assert len(whole) == 6
    for size in (1, 2, 3, 7, 21, 22, 23):
        decoder = HedrotDecoder()
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert [message for piece in pieces for message in decoder.feed(piece)] == whole


def test_random_bytes_raise_nothing_and_leave_little_behind():
    chance, decoder = random.Random(8), HedrotDecoder()
    for _ in range(500):
        decoder.feed(chance.randbytes(chance.randrange(200)))
    decoder.feed(b"\x0b" + b"a" * 5000)
    assert len(decoder._pending) <= decoder.max_frame_bytes
