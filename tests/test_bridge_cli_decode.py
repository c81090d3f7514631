"""`firmware-bridge decode`: bytes in, JSON lines out."""

import json
import math

import numpy as np
import pytest
from cli_tools import run
from pythonosc.osc_message_builder import OscMessageBuilder

from firmware_bridge import quaternion
from firmware_bridge.dialect_names import dialect_named
from firmware_bridge.dialects.datagrams import DatagramDecoder
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.virtual.motions import make_motion
from firmware_bridge.virtual.simulation import Measurements, PromptedDevice

P0 = (0.962318, 0.019437, 0.095352, 0.253917)
"""Looking 30° to the left and 10° down, the right ear 5° down."""
YAW_30 = (0.965926, 0.0, 0.0, 0.258819)


def ypr(yaw, pitch, roll):
    return tuple(quaternion.from_yaw_pitch_roll_deg(yaw, pitch, roll))


def text(line):
    return line.encode().hex(" ")


VECTORS = {
    "hbf1": ("15 01 01 34 12 78 56 34 12 03 01 97 3D 3E 01 1A 06 40 10 C7 8F 00", P0, 0.01),
    "hbf1 with gyro and accelerometer": (
        "05 01 0D 35 12 0F 6A 34 12 03 01 97 3D 3E 01 1A 06 40 10 5C 06 49 FF 5F 05 19 03 F6 FF 04 08 F0 A5 00",
        P0,
        0.01,
    ),
    "hbf1 line": (text("$HT,4660,305419896,0.96232,0.01944,0.09535,0.25392,0103*0A\n"), P0, 0.01),
    "bno08x-shtp": (
        "7E 01 15 00 03 07 FB 11 00 00 00 08 01 02 00 00 00 00 00 90 10 D2 3D 7E",
        YAW_30,
        0.01,
    ),
    "bno055": ("BB 08 D2 3D 00 00 00 00 90 10", ypr(29.997, 0, 0), 0.01),
    "witmotion": ("55 59 2D 7B 7D 02 35 0C 80 20 B6", P0, 0.02),
    "razor": ("00 00 F0 C1 00 00 20 C1 00 00 A0 40", P0, 0.001),
    "razor text": (text("#YPR=-30.00,-10.00,5.00\r\n"), P0, 0.001),
    "ximu3 text": (text("Q,1000000,0.9623,0.0194,0.0954,0.2539\r\n"), P0, 0.02),
    "ximu3": ("D1 40 42 0F 00 00 00 00 00 7E 5A 76 3F A5 39 9F 3C 22 48 C3 3D 5C 01 82 3E 0A", P0, 0.001),
    "ximu3 stuffed": (
        "D1 DB DD DB DC 00 00 00 00 00 00 00 00 80 3F 00 00 00 00 00 00 00 00 00 00 00 00 0A",
        (1, 0, 0, 0),
        0.001,
    ),
    "hatire": (
        "AA AA 07 00 00 00 F0 C1 00 00 A0 40 00 00 20 C1 00 00 00 00 00 00 00 00 00 00 00 00 55 55",
        P0,
        0.001,
    ),
    "supperware quaternion": ("F0 00 21 42 40 01 0F 33 7E 3D 00 28 04 08 F7", ypr(30.0, -9.98, 5.01), 0.02),
    "supperware angles": ("F0 00 21 42 40 00 08 30 7D 1B 01 33 F7", ypr(29.991, -9.988, 5.008), 0.001),
    "mrheadtracker": (
        "B0 30 4B B0 10 7D B0 31 1F B0 11 41 B0 32 0D B0 12 46 B0 33 20 B0 13 50",
        (P0[0], -P0[1], -P0[2], P0[3]),
        0.02,
    ),
    "xsens": (
        "FA FF 36 1F 10 20 02 12 34 10 60 04 00 01 E2 40 20 10 10 3F 76 5A 7E 3C 9F 39 A5 3D C3 48 22 3E 82 01 5C 90",
        P0,
        0.001,
    ),
    "vectornav": (text("$VNQTN,+0.019437,-0.095352,-0.253917,+0.962318*5F\r\n"), P0, 0.001),
    "vectornav with rates": (
        text(
            "$VNYMR,-030.000,-010.000,+005.000,+1.0640,-0.2531,+3.0614,+00.005,+00.344,-09.758,"
            "-0.001222,-0.000450,-0.001218*64\r\n"
        ),
        P0,
        0.001,
    ),
    "microstrain": (
        "75 65 82 14 14 03 3F 76 5A 7E 3C 9F 39 A5 BD C3 48 22 BE 82 01 5C 00 01 55 8A",
        P0,
        0.001,
    ),
    "slimevr": (
        "00 00 00 11 00 00 00 00 00 00 04 D2 00 01 3C 9F 39 A5 3D C3 48 22 3E 82 01 5C 3F 76 5A 7E 00",
        P0,
        0.001,
    ),
    "opentrack": ("00 " * 24 + "00 00 00 00 00 00 3E C0 00 00 00 00 00 00 24 C0 00 00 00 00 00 00 14 C0", P0, 0.001),
    "freepie": ("00 02 92 0A 06 BF C2 B8 32 BE C2 B8 B2 3D" + " 00" * 36, P0, 0.001),
    "waves-nx level": ("FF FF 00 00 FF FF FF 3F 00 03", ypr(-0.01, -0.01, 0.0), 0.02),
    "waves-nx up": ("78 18 D6 FF B4 FF 22 3B 00 03", ypr(-0.54, 44.95, -0.1), 0.02),
    "waves-nx on the side": ("FC FB 9E 36 54 02 09 21 00 03", ypr(8.32, -0.15, 117.67), 0.02),
    "metamotion": ("19 07 1B 9B 70 3F 8C 5E 4D BD 07 7F 1D BE 78 02 9A BE", (0.94, -0.05, -0.154, -0.301), 0.05),
    "android-hid": ("01 22 F8 9B 01 F4 14 66 00 33 FF 00 06 07", P0, 0.01),
    "osc-iem": (
        "2F 53 63 65 6E 65 52 6F 74 61 74 6F 72 2F 71 75 61 74 65 72 6E 69 6F 6E 73 00 00 00 2C 66 66 66 66 00 00 00"
        "3F 76 5A 7E BC 9F 39 A5 BD C3 48 22 BE 82 01 5C",
        P0,
        0.001,
    ),
    "osc-sparta": ("2F 79 70 72 00 00 00 00 2C 66 66 66 00 00 00 00 41 F0 00 00 41 20 00 00 40 A0 00 00", P0, 0.001),
}
"""Frames by dialect, and what they mean; the tolerance in degrees is that of the numbers as written."""


def lines(out):
    return [json.loads(line) for line in out.splitlines()]


def angle_deg(p, q):
    p, q = (np.array(one) / np.linalg.norm(one) for one in (p, q))
    return math.degrees(4.0 * math.asin(min(1.0, 0.5 * min(np.linalg.norm(p - q), np.linalg.norm(p + q)))))


def by_line(pieces):
    return "\n".join(piece.hex(" ") for piece in pieces).encode()


def streamed(name, n, motion="head:3", rate_hz=100.0):
    """What a virtual device sends for so many measurements, and the orientations."""
    measurements = Measurements(make_motion(motion), rate_hz)
    dialect = dialect_named(name)
    device = PromptedDevice(dialect.make_device(), dialect.talk)
    states = [measurements.state(k) for k in range(n)]
    return [device.encode(state) for state in states], states


@pytest.mark.parametrize("case", VECTORS)
def test_every_vector_decodes_to_its_pose(call, case):
    code_in_hex, expected, within_deg = VECTORS[case]
    code, out, err = call("decode", "--dialect", case.split()[0], "--hex", stdin=code_in_hex.encode())
    (line,) = lines(out)
    assert code == 0 and angle_deg(line["quat_wxyz"], expected) < within_deg
    assert err.startswith("1 frame, 0 damaged, 0 implausible, 0 lost; 1 motion")


def test_what_else_a_frame_holds_is_told_in_our_units_and_axes(call):
    hbf1 = lines(
        call("decode", "--dialect", "hbf1", "--hex", stdin=VECTORS["hbf1 with gyro and accelerometer"][0].encode())[1]
    )[0]
    assert hbf1["seq"] == 0x1235 and hbf1["device_time_s"] == pytest.approx(0x12346A0F * 1e-6)
    assert hbf1["gyro_rad_s"] == pytest.approx([0.1, -0.2, 1.5], abs=1.2e-3) and hbf1["trusted"] is True
    assert hbf1["accel_m_s2"] == pytest.approx([0.12, -0.048, 9.807], abs=5e-3)
    hid = lines(call("decode", "--dialect", "android-hid", "--hex", stdin=VECTORS["android-hid"][0].encode())[1])[0]
    # Right, front, up in the report; front, left, up here.
    assert hid["gyro_rad_s"] == pytest.approx([-0.2002, -0.0996, 1.5], abs=1e-3)
    rvc = b"AA AA DE 01 00 92 FF 25 08 8D FE EC FF D1 03 00 00 00 E7"
    (line,) = lines(call("decode", "--dialect", "bno08x-rvc", "--hex", stdin=rvc)[1])
    assert line["seq"] == 222 and line["accel_m_s2"] == pytest.approx([-3.638, -0.196, 9.581], abs=1e-3)
    assert angle_deg(line["quat_wxyz"], (1, 0, 0, 0)) == pytest.approx(20.88, abs=0.05)
    assert line["trusted"] is False and "gyro_rad_s" not in line


def test_a_raw_sensor_has_no_quaternion_unless_it_is_asked_for(call):
    pieces, states = streamed("hedrot", 400, "still", DIALECTS["hedrot"].rate_hz)
    code, out, _ = call("decode", "--dialect", "hedrot", "--hex", stdin=b"".join(pieces).hex(" ").encode())
    assert code == 0 and len(lines(out)) > 390
    assert not any("quat_wxyz" in line for line in lines(out)) and "mag_ut" in lines(out)[0]
    _, out, _ = call("decode", "--dialect", "hedrot", "--hex", "--fuse", stdin=b"".join(pieces).hex().encode())
    fused = [line["quat_wxyz"] for line in lines(out) if "quat_wxyz" in line]
    assert len(fused) > 390 and angle_deg(fused[-1], states[-1].quat_world_from_head) < 1.0


def test_trust_comes_with_the_frames_and_is_only_told(call):
    pieces, _ = streamed("razor", 100, rate_hz=50.0)
    code, out, err = call("decode", "--dialect", "razor", "--hex", stdin=b"".join(pieces).hex().encode())
    trusted = [line["trusted"] for line in lines(out)]
    assert code == 0 and len(trusted) == 100 and not trusted[0] and trusted[-1]
    assert err == "100 frames, 0 damaged, 0 implausible, 0 lost; 100 motions, trusted.\n"


def test_what_is_damaged_is_counted(call):
    pieces, _ = streamed("hbf1", 20)
    stream = pieces[0][:-4] + b"".join(pieces[1:10]) + b"\x13\x37" + b"".join(pieces[12:])
    code, out, err = call("decode", "--dialect", "hbf1", "--hex", stdin=stream.hex().encode())
    assert code == 0 and len(lines(out)) == 15
    counts = {word: int(n) for n, word in (part.split() for part in err.split(";")[0].split(", "))}
    assert counts["damaged"] >= 1 and counts["lost"] >= 2


def test_bytes_from_a_pipe_are_decoded_whatever_pieces_they_come_in():
    pieces, states = streamed("hbf1", 50)
    done = run("decode", "--dialect", "hbf1", stdin=b"".join(pieces))
    told = lines(done.stdout.decode())
    assert done.returncode == 0 and [line["seq"] for line in told] == list(range(50))
    assert all(angle_deg(one["quat_wxyz"], s.quat_world_from_head) < 0.01 for one, s in zip(told, states, strict=True))


def test_a_last_line_without_its_end_is_read():
    done = run("decode", "--dialect", "hbf1", stdin=b"$HT,4660,305419896,0.96232,0.01944,0.09535,0.25392,0103*0A")
    assert angle_deg(lines(done.stdout.decode())[0]["quat_wxyz"], P0) < 0.01


CUT = [name for name, one in DIALECTS.items() if isinstance(one.make_decoder(), DatagramDecoder) and name != "slimevr"]


@pytest.mark.parametrize("name", CUT)
def test_datagrams_one_after_the_other_are_told_apart(call, name):
    pieces, _ = streamed(name, 20)
    code, out, _ = call("decode", "--dialect", name, stdin=b"".join(pieces))
    assert code == 0 and len(lines(out)) == 20
    assert lines(call("decode", "--dialect", name, "--hex", stdin=by_line(pieces))[1]) == lines(out)


def test_datagrams_without_a_length_come_one_a_line(call):
    pieces, _ = streamed("slimevr", 20)
    code, out, _ = call("decode", "--dialect", "slimevr", "--hex", stdin=by_line(pieces))
    assert code == 0 and [line["seq"] for line in lines(out)] == list(range(20))


def test_osc_packets_come_one_by_one_or_after_their_length(call):
    builder = OscMessageBuilder("/ypr")
    for value in (30.0, 10.0, 5.0):
        builder.add_arg(value, "f")
    packet = builder.build().dgram
    code, out, _ = call("decode", "--dialect", "osc-sparta", stdin=packet)
    assert code == 0 and angle_deg(lines(out)[0]["quat_wxyz"], P0) < 0.001
    many = (len(packet).to_bytes(4, "big") + packet) * 3
    assert len(lines(call("decode", "--dialect", "osc-sparta", stdin=many)[1])) == 3
    code, out, err = call("decode", "--dialect", "osc-sparta", stdin=b"\x7f\xff\xff\xff" + packet)
    assert (code, out) == (2, "") and "begins no OSC packet" in err


def test_answers_to_pings_are_told_when_asked_for(call):
    device = DIALECTS["hbf1"].make_device()
    pong = device.answer(DIALECTS["hbf1"].make_ping(7), 1.25)
    assert call("decode", "--dialect", "hbf1", "--hex", stdin=pong.hex().encode())[1] == ""
    code, out, _ = call("decode", "--dialect", "hbf1", "--hex", "--all", stdin=pong.hex().encode())
    assert code == 0 and lines(out)[0]["pong"]["token"] == 7


@pytest.mark.parametrize(
    ("arguments", "stdin", "sentence"),
    [
        (["--dialect", "nope"], b"", "unknown dialect 'nope': allowed are hbf1, "),
        (["--dialect", "osc-nope"], b"", "unknown OSC dialect 'osc-nope'"),
        (["--dialect", "hbf1", "--hex"], b"0G", "line 1 of the input is not hexadecimal"),
        (["--dialect", "hbf1", "--hex"], b"\xff\xfe", "line 1 of the input is not hexadecimal"),
        (["--dialect", "hbf1", "--descriptor", "x"], b"", "hbf1 has no report descriptor"),
        (["--dialect", "android-hid", "--descriptor", "no.bin"], b"", "no.bin: No such file or directory; name a"),
        (["--dialect", "hedrot", "--fusion", "kalman"], b"", "unknown fusion 'kalman': allowed are vqf"),
        ([], b"", "Missing option '--dialect'. See `firmware-bridge decode --help`."),
    ],
)
def test_what_cannot_be_decoded_is_told_in_one_sentence(call, arguments, stdin, sentence):
    code, _, err = call("decode", *arguments, stdin=stdin)
    assert code == 2 and sentence in err and err.endswith(".\n") and err.count("\n") == 1
