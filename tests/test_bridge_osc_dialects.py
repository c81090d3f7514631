import math
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.errors import BridgeError
from firmware_bridge.osc.decoder import OscDecoder
from firmware_bridge.osc.dialects import DIALECTS, find_dialect
from firmware_bridge.quaternion import from_yaw_pitch_roll_deg, to_yaw_pitch_roll_deg

P0 = from_yaw_pitch_roll_deg(30.0, -10.0, 5.0)
W, X, Y, Z = P0
RAD = math.radians(1.0)

# What each program is sent for a head that looks 30° left, 10° down, right ear 5° down.
P0_ROWS = [
    ("default", "/ypr", (30, 10, 5)),
    ("default", "/quaternion", (W, X, Y, Z)),
    ("default", "/SceneRotator/quaternions", (W, -X, -Y, -Z)),
    ("sparta", "/ypr", (30, 10, 5)),
    ("sparta", "/quaternion", (W, -Z, -Y, -X)),
    ("sparta-binauraliser", "/ypr", (-30, -10, -5)),
    ("ambix", "/quaternion", (W, X, Y, Z)),
    ("ambix", "/rotation", (-10, -30, 5)),
    ("ambix", "/head_pose", (0, 0, 0, 0, -10, -30, 5)),
    ("iem", "/SceneRotator/quaternions", (W, -X, -Y, -Z)),
    ("iem", "/SceneRotator/ypr", (-29.62525, -11.15107, 0.64309)),
    ("iem-yaw-first", "/SceneRotator/quaternions", (W, -X, -Y, -Z)),
    ("iem-yaw-first", "/SceneRotator/ypr", (-30, -10, -5)),
    ("headitude", "/SceneRotator/ypr", (30, 10, 5)),
    ("adm-osc", "/adm/lis/ypr", (30, -10, 5)),
    ("mach1", "/orientation", (-30, -10, 5)),
    ("commercial", "/ypr", (-30, -10, 5)),
    ("spat", "/room/1/ypr", (-30, -10, 5)),
    *((name, "/ypr", (-30, -10, 5)) for name in ("dolby", "resolve", "dearvr")),
    ("ear", "/ypr", (30, 10, 5)),
    ("sparta", "/xyzypr", (0, 0, 0, 30, 10, 5)),
    ("sparta-quaternion", "/quaternion", (W, -Z, -Y, -X)),
    ("ambix-rotation", "/rotation", (-10, -30, 5)),
    ("ambix-head-pose", "/head_pose", (0, 0, 0, 0, -10, -30, 5)),
    ("iem", "/scenerotator/YPR", (-29.62525, -11.15107, 0.64309)),
    ("iem-roll-first", "/SceneRotator/ypr", (-29.62525, -11.15107, 0.64309)),
    ("ssa", "/ypr", (30, -10, -5)),
    ("ssa-roll-right", "/ypr", (30, -10, 5)),
    ("pybinsim", "/pyBinSim", (0, 30, -10, 5)),
    ("pybinsim", "/pyBinSim", (0, 30, 350, 5)),
    *(
        (f"pybinsim2{name}", f"/pyBinSim_{part}_Filter_Orientation", (0, 30, -10, 5))
        for name, part in (("", "ds"), ("-early", "early"), ("-late", "late"))
    ),
    ("tascar", "/scene/out/zyxeuler", (30, 10, 5)),
    ("tascar", "/concert/ME/zyxeuler", (30, 10, 5)),
    ("headitude", "/SceneRotator/quaternions", (W, X, Y, Z)),
    ("headitude", "/quaternion", (W, X, Y, Z)),
    ("headitude", "/ypr", (30, 10, 5)),
    ("opentrack-osc", "/bridge/quat", (W, -Y, -Z, X)),
    ("hedrot", "/hedrot/quaternion", (W, X, Y, Z)),
    ("sensors2osc", "/rotationvector", (X, Y, Z, W)),
    ("sensors2osc", "/rotationvector", (X, Y, Z, W, -1.0)),
    ("sensors2osc", "/gamerotationvector", (X, Y, Z, W)),
    ("sensors2osc-orientation", "/orientation", (330, 10, -5)),
    ("gyrosc", "/gyrosc/quat", (W, X, Y, Z)),
    ("gyrosc-angles", "/gyrosc/gyro", (-10 * RAD, 5 * RAD, 30 * RAD)),
    ("gyrosc-angles-roll-first", "/gyrosc/gyro", (5 * RAD, -10 * RAD, 30 * RAD)),
    ("zigsim", "/ZIGSIM/phone/quaternion", (X, Y, Z, W)),
    ("zigsim", "/ZIGSIM/another phone/quaternion", (X, Y, Z, W)),
    ("virtuoso", "/Virtuoso/quat", (W, X, Y, Z)),
    ("nuendo", "/head_pose", (0, 0, 0, 0, 10, 30, -5)),
    ("nvsonic", "/bridge/quat", (W, -Y, X, Z)),
    ("unity", "/quaternions", (W, Y, -Z, -X)),
    ("3dti", "/3DTI-OSC/receiver/pry", (-10 * RAD, 5 * RAD, -30 * RAD)),
    ("salte", "/rendering/htrpy", (5, -10, -30)),
    ("berta", "/listener/orientation", ("DefaultListener", -30 * RAD, -10 * RAD, 5 * RAD)),
]


def packet(address, *arguments, tag="d"):
    layout = {"d": ">d", "f": ">f", "i": ">i"}[tag]
    tags, body = ",", b""
    for argument in arguments:
        if isinstance(argument, str):
            tags, body = tags + "s", body + padded(argument)
        else:
            tags, body = tags + tag, body + struct.pack(layout, argument)
    return padded(address) + padded(tags) + body


def padded(text):
    data = text.encode() + b"\0"
    return data + bytes(-len(data) % 4)


def assert_same_head(motion, expected):
    assert abs(np.dot(motion.quat_wxyz, expected)) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(("dialect", "address", "arguments"), P0_ROWS)
def test_what_a_program_is_sent_for_p0_is_read_as_p0(dialect, address, arguments):
    decoder = OscDecoder(find_dialect(dialect))
    assert_same_head(decoder.feed(packet(address, *arguments), 0.0), P0)
    assert decoder.counts.frames == 1 and decoder.counts.refused == 0


def test_every_address_of_every_dialect_is_tried_above_or_below_or_is_one_of_a_group():
    tried = {(dialect, address) for dialect, address, _ in P0_ROWS}
    tried |= {
        ("retisar", "/tracker/azimuth"),
        ("sensors2osc-head-tracker", "/headtracker"),
        ("gyrosc", "/gyrosc/rrate"),
    }
    for dialect in DIALECTS.values():
        for address, row in dialect.rows.items():
            assert row.group or "*" in address or (dialect.name, address) in tried


@pytest.mark.parametrize("tag", ["i", "f", "d"])
def test_whole_numbers_floats_and_doubles_are_accepted(tag):
    assert_same_head(OscDecoder(find_dialect(None)).feed(packet("/ypr", 30, 10, 5, tag=tag), 0.0), P0)


def test_an_azimuth_alone_is_a_yaw():
    head = OscDecoder(find_dialect("retisar")).feed(packet("/tracker/azimuth", 30), 0.0)
    assert_same_head(head, from_yaw_pitch_roll_deg(30, 0, 0))


@pytest.mark.parametrize(
    ("dialect", "prefix", "values"),
    [
        ("default", "", (30, 10, 5)),
        ("iem", "/SceneRotator", (-29.62525, -11.15107, 0.64309)),
        ("iem-yaw-first", "/SceneRotator", (-30, -10, -5)),
        ("ambi-head-hd", "", (0.5 + 30 / 360, 0.5 - 10 / 360, 0.5 - 5 / 360)),
        ("ssa", "", (30, -10, -5)),
        ("hedrot", "/hedrot", (30, -10, 5)),
    ],
)
def test_angles_become_one_pose_when_the_sweep_is_complete(dialect, prefix, values):
    assert_swept(dialect, [f"{prefix}/{name}" for name in ("yaw", "pitch", "roll")], values)


@pytest.mark.parametrize(
    ("dialect", "addresses", "values"),
    [
        ("iem", "/SceneRotator/qw /SceneRotator/qx /SceneRotator/qy /SceneRotator/qz", (W, -X, -Y, -Z)),
        ("sparta", "/qw /qx /qy /qz", (W, -Z, -Y, -X)),
        ("genelec", "/euler_x /euler_y /euler_z", (10, -30, -5)),
    ],
)
def test_parts_become_one_pose_when_the_sweep_is_complete(dialect, addresses, values):
    assert_swept(dialect, addresses.split(), values)


def assert_swept(dialect, addresses, values):
    decoder = OscDecoder(find_dialect(dialect))
    for _ in range(2):
        heads = [decoder.feed(packet(address, value), 0.0) for address, value in zip(addresses, values, strict=True)]
        assert not any(heads[:-1])
        assert_same_head(heads[-1], P0)


def test_a_phones_head_tracker_brings_rates_and_tells_new_zeros():
    decoder = OscDecoder(find_dialect("sensors2osc-head-tracker"))
    # The worked report of Android's HID head trackers: the same turn and rates in x right, y front, z up.
    motion = decoder.feed(packet("/headtracker", -0.1931, 0.03941, 0.51428, 0.1, -0.2, 1.5, 7), 0.0)
    assert to_yaw_pitch_roll_deg(motion.quat_wxyz) == pytest.approx((30, -10, 5), abs=0.01)
    assert motion.gyro_rad_s == (-0.2, -0.1, 1.5) and motion.reference == 7
    assert decoder.feed(packet("/headtracker", 0, 0, 0, 0, 0, 0), 0.0).reference is None


def test_rates_of_their_own_message_go_with_the_next_quaternions_while_they_are_fresh():
    decoder = OscDecoder(find_dialect("gyrosc"))
    assert decoder.feed(packet("/gyrosc/rrate", 0.1, 0.2, 0.3), 1.0) is None
    assert decoder.feed(packet("/gyrosc/quat", W, X, Y, Z), 1.01).gyro_rad_s == (0.1, 0.2, 0.3)
    assert decoder.feed(packet("/gyrosc/quat", W, X, Y, Z), 1.2).gyro_rad_s is None
    assert decoder.feed(packet("/gyrosc/rrate", 900, 0, 0), 1.3) is None
    assert decoder.counts.last_reason == "/gyrosc/rrate: no head turns faster than 4000 °/s"


def test_the_length_at_which_a_quaternion_came_is_told():
    decoder = OscDecoder(find_dialect("gyrosc"))
    motion = decoder.feed(packet("/gyrosc/quat", *(0.99 * part for part in (W, X, Y, Z))), 0.0)
    assert motion.norm == pytest.approx(0.99, abs=1e-5)
    assert sum(part**2 for part in motion.quat_wxyz) == pytest.approx(1.0)


def test_scene_rotators_switches_turn_signs_until_they_are_off():
    decoder = OscDecoder(find_dialect("iem"))
    for switch in ("invertQuaternion", "invertYaw", "invertPitch", "invertRoll"):
        assert decoder.feed(packet(f"/SceneRotator/{switch}", 1), 0.0) is None
    assert_same_head(decoder.feed(packet("/SceneRotator/quaternions", W, X, Y, Z), 0.0), P0)
    assert_same_head(decoder.feed(packet("/SceneRotator/ypr", 29.62525, 11.15107, -0.64309), 9.0), P0)
    decoder.feed(packet("/SceneRotator/invertQuaternion", 0), 9.0)
    assert_same_head(decoder.feed(packet("/SceneRotator/quaternions", W, -X, -Y, -Z), 9.0), P0)
    decoder.feed(packet("/SceneRotator/orderSetting", 3), 9.0)
    assert decoder.counts.refused == 0


def test_a_sender_of_quaternions_and_angles_is_believed_in_its_quaternions():
    decoder = OscDecoder(find_dialect("hedrot"))
    assert_same_head(decoder.feed(packet("/hedrot/quaternion", W, X, Y, Z), 0.0), P0)
    angles = [packet(f"/hedrot/{name}", 90) for name in ("yaw", "pitch", "roll")]
    assert [decoder.feed(one, 0.5) for one in angles] == [None] * 3
    assert [decoder.feed(one, 2.0) is None for one in angles] == [True, True, False]
    assert decoder.counts.refused == 0


def test_parts_of_a_quaternion_that_do_not_fit_together_are_no_pose():
    decoder = OscDecoder(find_dialect("iem"))
    decoder.feed(packet("/SceneRotator/qx", 0.9), 0.0)
    assert decoder.overdue(1.0) == [] and decoder.counts.implausible == 1
    assert decoder.feed(packet("/SceneRotator/qx", math.nan), 2.0) is None and decoder.counts.implausible == 2
    assert decoder.feed(packet("/SceneRotator/qx", 3), 2.0) is None and decoder.counts.implausible == 3
    for name, part in zip(("qw", "qx", "qy", "qz"), (W, -X, -Y, -Z), strict=True):
        motion = decoder.feed(packet(f"/SceneRotator/{name}", part), 3.0)
    assert_same_head(motion, P0)


# Headitude's words: frame x front, y left, z up, so pitch is positive downwards.
MESSAGES = [
    ("/SceneRotator/ypr yaw pitch roll", (30, 10, 5)),
    ("/my/head roll -yaw -pitch", (5, -30, -10)),
    ("/my/head yaw+ pitch+ roll+", (30, 10, 5)),
    ("/my/head -yaw+ pitch -roll+", (330, 10, 355)),
    ("/my/head yawRad pitchRad -rollRad", (30 * RAD, 10 * RAD, -5 * RAD)),
    ("/my/head qw qx qy qz", (W, X, Y, Z)),
    ("/my/head -qx -qy -qz qw", (-X, -Y, -Z, W)),
]


@pytest.mark.parametrize(("text", "numbers"), MESSAGES)
def test_a_message_as_headitude_writes_it_is_a_dialect(text, numbers):
    dialect = find_dialect(text)
    assert_same_head(OscDecoder(dialect).feed(packet(text.split()[0], *numbers), 0.0), P0)
    (row,) = dialect.sent.values()
    assert row.numbers(tuple(P0)) == pytest.approx(numbers)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/head yaw bank", "'bank' is none of yaw, pitch, roll"),
        ("/head qw qx qy", "a quaternion needs qw, qx, qy and qz"),
        ("/head qw qx qy roll", "write angles in one unit or a quaternion"),
        ("/head yaw pitchRad", "write angles in one unit or a quaternion"),
        ("/head yaw yaw", "each word once"),
        ("/head", "write angles in one unit or a quaternion"),
    ],
)
def test_a_message_that_says_no_head_is_refused_with_the_word(text, said):
    with pytest.raises(BridgeError, match=f"{said}.*\\.$"):
        find_dialect(text)


SCENE_YPR = (
    "/SceneRotator/ypr is understood by the dialects iem, iem-yaw-first, iem-roll-first, headitude: "
    "choose with --osc-dialect"
)


@pytest.mark.parametrize(
    ("address", "arguments", "count", "reason"),
    [
        ("/ypr", (math.nan, 0, 0), "implausible", "/ypr: nan is not a finite number"),
        ("/ypr", (0, -math.inf, 0), "implausible", "/ypr: inf is not a finite number"),
        ("/ypr", (1, -30000, 0), "implausible", "/ypr: 30000° is beyond ±360°"),
        ("/quaternion", (0, 0, 0, 0), "implausible", "/quaternion: the quaternion has length 0, it must be 1"),
        ("/quaternion", (1, 1, 0, 0), "implausible", "/quaternion: the quaternion has length 1.41, it must be 1"),
        ("/ypr", (1, 2), "damaged", "/ypr wants 3 numbers, got 2"),
        ("/ypr", (1, 2, 3, 4), "damaged", "/ypr wants 3 numbers, got 4"),
        ("/ypr", ("a", 2, 3), "damaged", "/ypr wants 3 numbers, got something that is not a number"),
        ("/yaw", (1, 2), "damaged", "/yaw wants 1 number, got 2"),
        ("/adm/lis/ypr", (1, 2, 3), "unknown", "choose it with --osc-dialect adm-osc"),
        ("/orientation", (1, 2, 3), "unknown", "the dialects mach1, sensors2osc-orientation: choose"),
        ("/volume", (1.0,), "unknown", "'/volume' has no meaning in any dialect: dialect default reads /ypr, /yaw"),
        ("/SceneRotator/ypr", (1, 2, 3), "unknown", SCENE_YPR),
    ],
)
def test_what_cannot_be_a_head_is_counted_and_explained(address, arguments, count, reason):
    decoder = OscDecoder(find_dialect(None))
    assert decoder.feed(packet(address, *arguments), 0.0) is None
    assert getattr(decoder.counts, count) == 1 and decoder.counts.refused == 1
    assert reason in decoder.counts.last_reason


def test_arguments_before_the_numbers_are_counted_apart():
    decoder = OscDecoder(find_dialect("nuendo"))
    assert decoder.feed(packet("/head_pose", 1, 2, 3), 0.0) is None
    assert decoder.counts.last_reason == "/head_pose wants 3 numbers after 4 other arguments, got 3"
    decoder = OscDecoder(find_dialect("sensors2osc"))
    assert decoder.feed(packet("/rotationvector", 1, 2, 3), 0.0) is None
    assert decoder.counts.last_reason == "/rotationvector wants 4 or 5 numbers, got 3"


def test_bytes_that_are_no_osc_are_called_so():
    decoder = OscDecoder(find_dialect(None))
    assert decoder.feed(b"garbage", 0.0) is None
    assert decoder.counts.last_reason.startswith("not OSC: ")


def test_an_unknown_dialect_lists_the_known_ones():
    with pytest.raises(BridgeError, match="sparta"):
        find_dialect("nosuch")


def test_the_readme_names_every_dialect():
    named = set(re.findall(r"`([a-z0-9-]+)`", (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")))
    assert not DIALECTS.keys() - named - {"default"}
