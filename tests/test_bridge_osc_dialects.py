import math
import struct

import numpy as np
import pytest

from firmware_bridge.errors import BridgeError
from firmware_bridge.osc.decoder import OscDecoder
from firmware_bridge.osc.dialects import DIALECTS, find_dialect
from firmware_bridge.quaternion import from_yaw_pitch_roll_deg

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
    ("commercial", "/room/1/ypr", (-30, -10, 5)),
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


def assert_same_head(head, expected):
    assert abs(np.dot(head, expected)) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(("dialect", "address", "arguments"), P0_ROWS)
def test_what_a_program_is_sent_for_p0_is_read_as_p0(dialect, address, arguments):
    decoder = OscDecoder(find_dialect(dialect))
    assert_same_head(decoder.feed(packet(address, *arguments), 0.0), P0)
    assert decoder.counts.poses == 1 and decoder.counts.refused == 0


def test_every_address_of_every_dialect_is_tried_above_or_is_a_component():
    tried = {(dialect, address) for dialect, address, _ in P0_ROWS} | {("retisar", "/tracker/azimuth")}
    for dialect in DIALECTS.values():
        for address, row in dialect.rows.items():
            assert row.component is not None or (dialect.name, address) in tried


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
        ("ambi-head-hd", "", (0.5 + 30 / 360, 0.5 - 10 / 360, 0.5 - 5 / 360)),
    ],
)
def test_components_become_one_pose_when_the_sweep_is_complete(dialect, prefix, values):
    decoder = OscDecoder(find_dialect(dialect))
    for _ in range(2):
        heads = [
            decoder.feed(packet(f"{prefix}/{name}", value), 0.0)
            for name, value in zip(("yaw", "pitch", "roll"), values, strict=True)
        ]
        assert heads[0] is None and heads[1] is None
        assert_same_head(heads[2], P0)


SCENE_YPR = "/SceneRotator/ypr is understood by the dialects iem, iem-yaw-first, headitude: choose with --osc-dialect"


@pytest.mark.parametrize(
    ("address", "arguments", "count", "reason"),
    [
        ("/ypr", (math.nan, 0, 0), "implausible", "/ypr: nan is not a finite number"),
        ("/ypr", (0, -math.inf, 0), "implausible", "/ypr: -inf is not a finite number"),
        ("/ypr", (1, -30000, 0), "implausible", "/ypr: -30000° is beyond ±360°"),
        ("/quaternion", (0, 0, 0, 0), "implausible", "/quaternion: the quaternion has length 0, it must be 1"),
        ("/quaternion", (1, 1, 0, 0), "implausible", "/quaternion: the quaternion has length 1.41, it must be 1"),
        ("/ypr", (1, 2), "malformed", "/ypr wants 3 numbers, got 2"),
        ("/ypr", (1, 2, 3, 4), "malformed", "/ypr wants 3 numbers, got 4"),
        ("/ypr", ("a", 2, 3), "malformed", "/ypr wants 3 numbers, got something that is not a number"),
        ("/yaw", (1, 2), "malformed", "/yaw wants 1 number, got 2"),
        ("/orientation", (1, 2, 3), "unknown", "choose it with --osc-dialect mach1"),
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


def test_bytes_that_are_no_osc_are_called_so():
    decoder = OscDecoder(find_dialect(None))
    assert decoder.feed(b"garbage", 0.0) is None
    assert decoder.counts.last_reason.startswith("not OSC: ")


def test_an_unknown_dialect_lists_the_known_ones():
    with pytest.raises(BridgeError, match="sparta"):
        find_dialect("nosuch")
