import random
from functools import reduce
from operator import xor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.quaternion import from_yaw_pitch_roll_deg, to_yaw_pitch_roll_deg
from firmware_bridge.serial_text import SerialTextDecoder

P0_LINE = b"$HT,4660,305419896,0.96232,0.01944,0.09535,0.25392,0103*0A\r\n"


def ht_line(seq, yaw_deg=30.0, gyro=None):
    quat = from_yaw_pitch_roll_deg(yaw_deg, -10.0, 5.0)
    fields = ["HT", str(seq % 65536), str(seq * 5000 % 2**32), *(f"{part:.5f}" for part in quat), "0103"]
    fields += [f"{rate:.2f}" for rate in gyro or ()]
    body = ",".join(fields).encode()
    return b"$%s*%02X\r\n" % (body, reduce(xor, body))


def razor_line(yaw, pitch=-10.0, roll=5.0):
    return f"#YPR={yaw:.2f},{pitch:.2f},{roll:.2f}\r\n".encode()


def test_the_published_line_is_p0():
    (pose,) = SerialTextDecoder().feed(P0_LINE)
    angles = to_yaw_pitch_roll_deg(pose.quat_world_from_head)
    np.testing.assert_allclose(angles, [30.0, -10.0, 5.0], rtol=0, atol=1e-3)
    assert pose.device_time_us == 305419896 and pose.gyro_rad_s is None


def test_gyro_rates_come_in_radians_and_accelerations_are_allowed():
    (pose,) = SerialTextDecoder().feed(ht_line(1, gyro=(180.0, 0.0, -90.0)))
    assert pose.gyro_rad_s == pytest.approx((np.pi, 0.0, -np.pi / 2))
    (pose,) = SerialTextDecoder().feed(ht_line(1, gyro=(180.0, 0.0, -90.0, 0.0, 0.0, 1.0)))
    assert pose.gyro_rad_s == pytest.approx((np.pi, 0.0, -np.pi / 2))


def test_razor_angles_are_right_handed_about_down_and_trusted_from_the_third_frame():
    decoder = SerialTextDecoder()
    assert decoder.feed(razor_line(-30.0) * 2) == []
    (pose,) = decoder.feed(razor_line(-30.0))
    angles = to_yaw_pitch_roll_deg(pose.quat_world_from_head)
    np.testing.assert_allclose(angles, [30.0, -10.0, 5.0], rtol=0, atol=1e-9)


def test_razor_trust_is_lost_by_a_leap_a_wild_angle_or_damage():
    for disturbance in (razor_line(80.0), razor_line(0.0, pitch=95.0), b"#YPR=1,2\r\n"):
        decoder = SerialTextDecoder()
        assert len(decoder.feed(razor_line(-30.0) * 3)) == 1
        assert decoder.feed(disturbance) == []
        assert decoder.counts.dropped == 1
        assert decoder.feed(razor_line(-30.0)) == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 200), max_size=60))
def test_any_pieces_of_a_stream_give_the_same_poses(sizes):
    stream = b"".join(ht_line(k, gyro=(1.0, 2.0, 3.0)) + razor_line(k) for k in range(12))
    whole = SerialTextDecoder().feed(stream)
    decoder, pieces, at = SerialTextDecoder(), [], 0
    for size in [*sizes, len(stream)]:
        pieces += decoder.feed(stream[at : at + size])
        at += size
    assert pieces == whole and len(whole) == 22


def test_a_stream_joined_at_any_byte_loses_at_most_one_frame():
    stream = b"".join(ht_line(k) for k in range(4))
    for cut in range(len(ht_line(0))):
        decoder = SerialTextDecoder()
        assert len(decoder.feed(stream[cut:])) >= 3


def test_a_frame_cut_at_any_byte_costs_itself_only():
    for cut in range(1, len(ht_line(1)) - 2):
        decoder = SerialTextDecoder()
        poses = decoder.feed(ht_line(0) + ht_line(1)[:cut] + ht_line(2) + ht_line(3))
        assert [pose.device_time_us for pose in poses] == [0, 10000, 15000]
        assert decoder.counts.lost == 1


def test_a_changed_byte_never_passes_the_checksum():
    line = ht_line(7)
    for at in range(len(line) - 2):
        for flip in (1, 2, 16, 128):
            damaged = bytearray(line)
            damaged[at] ^= flip
            for pose in SerialTextDecoder().feed(bytes(damaged)):
                # A flip may only change the case of a checksum digit.
                assert pose == SerialTextDecoder().feed(line)[0]


def test_comments_are_welcome_and_noise_is_counted():
    decoder = SerialTextDecoder()
    assert decoder.feed(b"# booting\r\n\r\nGuru Meditation\r\n") == []
    assert decoder.counts.damaged == 1


def test_random_bytes_give_no_pose_and_keep_no_memory():
    decoder, chance = SerialTextDecoder(), random.Random(1)
    for _ in range(300):
        assert decoder.feed(chance.randbytes(1000).replace(b"\n", b"")) == []
    assert len(decoder._pending) <= 256
    decoder.feed(b"x" * 10_000)
    assert len(decoder._pending) == 0
    assert len(decoder.feed(b"\n" + ht_line(1))) == 1


@pytest.mark.parametrize("body", [b"HT,1,5,nan,0,0,0,0103", b"HT,1,5,2.0,0,0,0,0103", b"HT,99999,5,1,0,0,0,0103"])
def test_a_valid_checksum_does_not_make_sense_of_nonsense(body):
    decoder = SerialTextDecoder()
    assert decoder.feed(b"$%s*%02X\r\n" % (body, reduce(xor, body))) == []
    assert decoder.counts.dropped == 1


def test_the_sequence_wraps_without_a_loss():
    decoder = SerialTextDecoder()
    decoder.feed(b"".join(ht_line(k) for k in range(65530, 65546)))
    assert decoder.counts.poses == 16 and decoder.counts.lost == 0
