import random

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from firmware_bridge import quaternion
from firmware_bridge.osc.decoder import OscDecoder
from firmware_bridge.osc.dialects import find_dialect
from firmware_bridge.osc.sweep import HABIT_SWEEPS, PATIENCE_S

NAMES = ("yaw", "pitch", "roll")


def message(name, angle):
    builder = OscMessageBuilder(f"/{name}")
    builder.add_arg(float(angle))
    return builder.build()


def bundle(*messages):
    builder = OscBundleBuilder(IMMEDIATELY)
    for content in messages:
        builder.add_content(content)
    return builder.build().dgram


def angles(motion):
    """What was sent: yaw, pitch, roll in the sender's signs (pitch down); None without a pose."""
    if motion is None:
        return None
    yaw, pitch, roll = quaternion.to_yaw_pitch_roll_deg(motion.quat_wxyz)
    return pytest.approx((yaw, -pitch, roll), abs=1e-9)


@pytest.fixture
def decoder():
    return OscDecoder(find_dialect(None))


def fed(decoder, name, angle, now_s):
    return angles(decoder.feed(message(name, angle).dgram, now_s))


def test_one_angle_alone_is_a_pose_when_its_patience_ends_and_only_once(decoder):
    assert fed(decoder, "yaw", 60, 1.0) is None
    assert decoder.overdue(1.0 + 0.9 * PATIENCE_S) == []
    (late,) = decoder.overdue(1.0 + PATIENCE_S)
    assert angles(late.message) == (60, 0, 0) and late.arrival_s == 1.0
    assert decoder.overdue(2.0) == []
    assert decoder.counts.frames == 1


def test_angles_that_come_singly_hold_each_other(decoder):
    said = []
    for k, (name, angle) in enumerate(zip(NAMES, (60, 10, 5), strict=True)):
        fed(decoder, name, angle, float(k))
        said += [angles(late.message) for late in decoder.overdue(k + PATIENCE_S)]
    assert said == [(60, 0, 0), (60, 10, 0), (60, 10, 5)]


def test_a_sweep_is_never_mixed_from_two_poses_even_after_single_angles(decoder):
    for k in range(HABIT_SWEEPS + 3):
        fed(decoder, "yaw", -99, 0.1 * k)
        decoder.overdue(0.1 * k + PATIENCE_S)
    for k in range(1, 30):
        heads = [fed(decoder, name, k, 10.0 + 0.1 * k + 0.002 * i) for i, name in enumerate(NAMES)]
        assert heads == [None, None, (k, k, k)]
        assert decoder.overdue(10.0 + 0.1 * k + 0.05) == []


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_a_bundle_is_one_pose_whatever_came_before(decoder, order):
    for k in range(20):
        fed(decoder, "yaw", -99, 0.01 * k)
    parts = [message(NAMES[i], 10 * (i + 1)) for i in order]
    assert angles(decoder.feed(bundle(*parts), 0.2)) == (10, 20, 30)
    assert decoder.overdue(1.0) == []


def test_a_stream_of_one_angle_is_soon_followed_without_a_wait(decoder):
    heads = [fed(decoder, "yaw", k, 0.01 * k) for k in range(1, 12)]
    assert heads[HABIT_SWEEPS + 1 :] == [(k, 0, 0) for k in range(HABIT_SWEEPS + 2, 12)]


def test_no_order_of_angles_holds_a_pose_back_longer_than_the_patience(decoder):
    chance, told_s, now_s = random.Random(1), 0.0, 0.0
    for _ in range(3000):
        now_s += chance.choice([0.0005, 0.004, 0.012])
        head = fed(decoder, chance.choice(NAMES[:2]), chance.uniform(-90, 90), now_s)
        if head is not None or decoder.overdue(now_s):
            told_s = now_s
        assert now_s - told_s <= PATIENCE_S + 2 * 0.012
    assert decoder.counts.refused == 0


def test_a_whole_pose_replaces_what_waits(decoder):
    builder = OscMessageBuilder("/ypr")
    for angle in (30.0, 10.0, 5.0):
        builder.add_arg(angle)
    fed(decoder, "yaw", 60, 0.0)
    assert angles(decoder.feed(builder.build().dgram, 0.001)) == (30, 10, 5)
    assert decoder.overdue(1.0) == []
