"""Hatire: the published frame is the test pose; marks, ranges and counter are all that guard it."""

import math
import random
from struct import pack

import pytest

from firmware_bridge.dialects.hatire import HatireDecoder, HatireDevice
from firmware_bridge.messages import Told
from firmware_bridge.quaternion import from_yaw_pitch_roll_deg, to_yaw_pitch_roll_deg
from firmware_bridge.virtual.device import DeviceState

FRAME = bytes.fromhex("AA AA 07 00 00 00 F0 C1 00 00 A0 40 00 00 20 C1" + "00" * 12 + "55 55")


def frame(code, *values):
    return b"\xaa\xaa" + pack("<H6f", code, *values) + b"\x55\x55"


def test_the_published_frame_is_the_test_pose():
    (motion,) = HatireDecoder().feed(FRAME)
    assert to_yaw_pitch_roll_deg(motion.quat_wxyz) == pytest.approx((30.0, -10.0, 5.0))
    assert motion.quat_wxyz == pytest.approx((0.962318, 0.019437, 0.095352, 0.253917), abs=1e-6)
    assert motion.seq == 7


def test_the_virtual_tracker_sends_the_published_frame():
    quat = tuple(map(float, from_yaw_pitch_roll_deg(30.0, -10.0, 5.0)))
    (sent,) = HatireDecoder().feed(HatireDevice().encode(DeviceState(0.0, 2007, quat)))
    (published,) = HatireDecoder().feed(FRAME)
    assert sent.quat_wxyz == pytest.approx(published.quat_wxyz, abs=1e-7)
    assert sent.seq == published.seq


def test_frames_that_never_came_are_counted_over_the_wrap():
    decoder = HatireDecoder()
    for code in (998, 999, 0, 1, 5):
        decoder.feed(frame(code, *[0.0] * 6))
    assert (decoder.counts.frames, decoder.counts.lost) == (5, 3)


@pytest.mark.parametrize(
    ("code", "state"), [(2000, "information"), (3001, "initialising"), (5000, "started"), (9007, "error")]
)
def test_higher_codes_tell_of_the_device_and_are_no_pose(code, state):
    assert HatireDecoder().feed(frame(code, *[0.0] * 6)) == [Told("event", {"code": str(code), "state": state})]


@pytest.mark.parametrize(
    "values",
    [
        (math.nan, 0, 0, 0, 0, 0),
        (0, math.inf, 0, 0, 0, 0),
        (361, 0, 0, 0, 0, 0),
        (0, 0, -181, 0, 0, 0),
        (0, 0, 0, 0, 1001, 0),
        (0, 0, 0, 0, 0, math.nan),
    ],
)
def test_numbers_that_no_tracker_sends_are_implausible(values):
    decoder = HatireDecoder()
    assert decoder.feed(frame(1, *values)) == []
    assert decoder.counts.implausible == 1


def test_a_frame_cut_anywhere_costs_itself_only():
    for cut in range(1, len(FRAME)):
        decoder = HatireDecoder()
        assert len(decoder.feed(FRAME[:cut] + FRAME + FRAME)) == 2
        assert decoder.counts.damaged == 1


def test_more_marks_than_belong_to_a_frame_do_not_hide_it():
    assert len(HatireDecoder().feed(b"\xaa" * 41 + FRAME)) == 1


def test_random_bytes_raise_nothing_and_leave_little_behind():
    chance, decoder = random.Random(6), HatireDecoder()
    for _ in range(500):
        assert decoder.feed(chance.randbytes(chance.randrange(200))) == []
    assert len(decoder._pending) < 30
