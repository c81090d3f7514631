import random
import struct

import numpy as np
import pytest

from firmware_bridge.dialects.razor import DIALECT, RazorDecoder, RazorDevice
from firmware_bridge.messages import Told
from firmware_bridge.quaternion import from_yaw_pitch_roll_deg, to_yaw_pitch_roll_deg
from firmware_bridge.virtual.device import DeviceState

P0_BINARY = bytes.fromhex("00 00 F0 C1 00 00 20 C1 00 00 A0 40")
P0_TEXT = b"#YPR=-30.00,-10.00,5.00\r\n"


def binary(yaw, pitch=-10.0, roll=5.0):
    return struct.pack("<3f", yaw, pitch, roll)


def angles(motions):
    return [tuple(np.round(to_yaw_pitch_roll_deg(motion.quat_wxyz), 3)) for motion in motions]


def drifting(n):
    """Frames whose numbers have every byte in use, as measured ones have."""
    chance = random.Random(3)
    return [(10.0 + 0.3 * k + chance.random(), -8.0 + chance.random(), 3.0 + chance.random()) for k in range(n)]


@pytest.mark.parametrize("frame", [P0_BINARY, P0_TEXT])
def test_the_published_frames_are_p0(frame):
    (motion,) = RazorDecoder().feed(frame)
    np.testing.assert_allclose(to_yaw_pitch_roll_deg(motion.quat_wxyz), [30.0, -10.0, 5.0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(motion.quat_wxyz, (0.962318, 0.019437, 0.095352, 0.253917), rtol=0, atol=1e-6)
    assert motion.seq is None and motion.device_time_s is None


def test_the_virtual_device_writes_the_published_frames():
    p0 = DeviceState(0.0, 0, tuple(map(float, from_yaw_pitch_roll_deg(30.0, -10.0, 5.0))))
    assert RazorDevice().encode(p0) == P0_TEXT
    np.testing.assert_allclose(
        struct.unpack("<3f", RazorDevice(binary=True).encode(p0)), (-30.0, -10.0, 5.0), atol=1e-5
    )


@pytest.mark.parametrize(
    "line", [b"#YPR=181.00,0.00,0.00\r\n", b"#YPR=0.00,95.00,0.00\r\n", b"#YPR=0.00,0.00,-181.00\n"]
)
def test_angles_out_of_range_are_implausible(line):
    decoder = RazorDecoder()
    assert decoder.feed(line) == [] and decoder.counts.implausible == 1


@pytest.mark.parametrize(
    "line", [b"#YPR=1,2\r\n", b"#YPR=1,2,nan\r\n", b"#YPR=1,2,3,4\r\n", b"#YPR=1.0,2.0,3." + b"1" * 40]
)
def test_lines_that_are_none_are_damaged_and_the_next_is_read(line):
    decoder = RazorDecoder()
    assert len(decoder.feed(line + b"\r\n" + P0_TEXT)) == 1
    assert decoder.counts.damaged >= 1


def test_a_line_cut_at_any_byte_costs_itself_only():
    for cut in range(1, len(P0_TEXT) - 2):
        for start, end in ((0, cut), (cut, None)):
            decoder = RazorDecoder()
            motions = decoder.feed(P0_TEXT + P0_TEXT[start:end] + P0_TEXT * 4)
            # What stands before a cut line's end may be a shorter number: no sum would tell.
            assert len(motions) == 5, (cut, start, end)


@pytest.mark.parametrize(
    "frame",
    [
        binary(181.0),
        binary(0.0, 91.0),
        binary(float("nan")),
        binary(float("inf")),
        binary(1e-30),
        bytes(12),
        b"what is this",
    ],
)
def test_twelve_bytes_that_are_no_angles_are_no_frame(frame):
    decoder = RazorDecoder()
    assert decoder.feed(frame) == []
    assert decoder.feed(bytes(60)) == []
    assert decoder.counts.damaged > 0


def test_a_lost_byte_is_noticed_and_the_alignment_found_again():
    frames = drifting(40)
    stream = b"".join(binary(*frame) for frame in frames)
    for lost in range(10 * 12, 11 * 12):
        decoder = RazorDecoder()
        got = angles(decoder.feed(stream[:lost] + stream[lost + 1 :]))
        sent = [tuple(np.round((-yaw, pitch, roll), 3)) for yaw, pitch, roll in frames]
        strays = [pose for pose in got if min(np.abs(np.subtract(pose, s)).max() for s in sent) > 0.01]
        # A frame with one byte of another may still look like angles; the trust gate is for those.
        assert len(strays) <= 3 and len(got) >= 32, lost
        assert np.allclose(got[-20:], sent[-20:], atol=0.01)


def test_whatever_comes_between_whole_frames_the_numbers_keep_their_places():
    frames = drifting(30)
    stream = [binary(*frame) for frame in frames]
    for noise in (b"\xff" * 7, b"\x00" * 5, random.Random(5).randbytes(29)):
        decoder = RazorDecoder()
        got = angles(decoder.feed(b"".join(stream[:10]) + noise + b"".join(stream[10:])))
        assert np.allclose(got[-16:], [(-y, p, r) for y, p, r in frames[-16:]], atol=0.01)


def test_the_answer_to_a_synchronisation_marks_where_frames_begin():
    device, decoder = RazorDevice(), RazorDecoder()
    decoder.feed(b"\xff" * 5)
    assert decoder.feed(device.answer(b"#s00", 0.0)) == [Told("event", {"synch": "00"})]
    assert len(decoder.feed(P0_BINARY)) == 1


def test_the_virtual_device_takes_the_commands_of_the_firmware():
    device = RazorDevice()
    level = DeviceState(0.0, 0, (1.0, 0.0, 0.0, 0.0))
    assert device.answer(b"#o", 0.0) == b"" and device.answer(b"b#s4", 0.0) == b""
    assert len(device.encode(level)) == 12
    assert device.answer(b"2#o0#oe0", 0.0) == b"#SYNCH42\r\n"
    assert device.encode(level) == b""
    device.answer(b"#f", 0.0)
    assert len(device.encode(level)) == 12 and device.encode(level) == b""
    for piece in DIALECT.talk.opening:
        device.answer(piece, 0.0)
    assert device.encode(level).startswith(b"#YPR=")


def test_text_and_binary_follow_each_other_without_a_loss():
    stream = P0_BINARY * 3 + P0_TEXT * 3 + b"#SYNCH01\r\n" + P0_BINARY * 3
    decoder = RazorDecoder()
    assert len(decoder.feed(stream)) == 10 and decoder.counts.dropped == 0
