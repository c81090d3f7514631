"""What is sent for a pose in each dialect: the listed numbers, to the byte, and read back as the same head."""

import shutil
import socket
import subprocess
import time
from math import degrees, radians

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from udp_tools import HOST, free_port

from firmware_bridge.errors import BridgeError
from firmware_bridge.notices import Notices
from firmware_bridge.osc.decoder import OscDecoder
from firmware_bridge.osc.device import device_of
from firmware_bridge.osc.dialects import DIALECTS, find_dialect
from firmware_bridge.osc.encoder import datagrams, one_datagram
from firmware_bridge.osc.output_spec import OUTPUTS, parse_output
from firmware_bridge.osc.outputs import open_outputs
from firmware_bridge.plain_quaternion import angle_rad, normalise
from firmware_bridge.settings import make_settings
from firmware_bridge.virtual.device import DeviceState

# Looking 30° to the left, 10° down, right ear 5° down.
P0 = (0.9623182851526231, 0.019436667336159463, 0.09535242455050641, 0.2539166185111136)

W, X, Y, Z = 0.962318, 0.019437, 0.095352, 0.253917

RAD = radians(1.0)

SENT_FOR_P0 = {
    "sparta": [("/ypr", "fff", 30, 10, 5)],
    "sparta-quaternion": [("/quaternion", "ffff", W, -Z, -Y, -X)],
    "sparta-binauraliser": [("/ypr", "fff", -30, -10, -5)],
    "ambix": [("/quaternion", "ffff", W, X, Y, Z)],
    "ambix-rotation": [("/rotation", "fff", -10, -30, 5)],
    "ambix-head-pose": [("/head_pose", "fffffff", 0, 0, 0, 0, -10, -30, 5)],
    "iem": [("/SceneRotator/quaternions", "ffff", W, -X, -Y, -Z)],
    "iem-yaw-first": [("/SceneRotator/ypr", "fff", -30, -10, -5)],
    "iem-roll-first": [("/SceneRotator/ypr", "fff", -29.625, -11.151, 0.643)],
    "ssa": [("/ypr", "fff", 30, -10, -5)],
    "ssa-roll-right": [("/ypr", "fff", 30, -10, 5)],
    "ambi-head-hd": [("/yaw", "f", 0.583333), ("/pitch", "f", 0.472222), ("/roll", "f", 0.486111)],
    "3dti": [("/3DTI-OSC/receiver/pry", "fff", -10 * RAD, 5 * RAD, -30 * RAD)],
    "salte": [("/rendering/htrpy", "fff", 5, -10, -30)],
    "berta": [("/listener/orientation", "sfff", "DefaultListener", -30 * RAD, -10 * RAD, 5 * RAD)],
    "retisar": [("/tracker/azimuth", "f", 30)],
    "pybinsim": [("/pyBinSim", "iiii", 0, 30, -10, 5)],
    "pybinsim2": [("/pyBinSim_ds_Filter_Orientation", "iiii", 0, 30, -10, 5)],
    "pybinsim2-early": [("/pyBinSim_early_Filter_Orientation", "iiii", 0, 30, -10, 5)],
    "pybinsim2-late": [("/pyBinSim_late_Filter_Orientation", "iiii", 0, 30, -10, 5)],
    "tascar": [("/scene/out/zyxeuler", "fff", 30, 10, 5)],
    "adm-osc": [("/adm/lis/ypr", "fff", 30, -10, 5)],
    "mach1": [("/orientation", "fff", -30, -10, 5)],
    "commercial": [("/ypr", "fff", -30, -10, 5)],
    "dolby": [("/ypr", "fff", -30, -10, 5)],
    "resolve": [("/ypr", "fff", -30, -10, 5)],
    "dearvr": [("/ypr", "fff", -30, -10, 5)],
    "ear": [("/ypr", "fff", 30, 10, 5)],
    "spat": [("/room/1/ypr", "fff", -30, -10, 5)],
    "virtuoso": [("/Virtuoso/quat", "ffff", W, X, Y, Z)],
    "nuendo": [("/head_pose", "fffffff", 0, 0, 0, 0, 10, 30, -5)],
    "genelec": [("/euler_x", "f", 10), ("/euler_y", "f", -30), ("/euler_z", "f", -5)],
    "nvsonic": [("/bridge/quat", "ffff", W, -Y, X, Z)],
    "unity": [("/quaternions", "ffff", W, Y, -Z, -X)],
}

USUAL_PORTS = {
    **{"sparta": 9000, "sparta-binauraliser": 9000, "ambix": 7120, "adm-osc": 4001, "mach1": 9898, "dolby": 8000},
    **{"resolve": 8000, "dearvr": 7001, "ear": 8000, "spat": 8000, "virtuoso": 8000, "nuendo": 7000, "ssa": 9001},
    **{"ambi-head-hd": 4040, "3dti": 12300, "salte": 9000, "berta": 10017, "retisar": 5005, "pybinsim": 10000},
    **{"pybinsim2": 10000, "tascar": 9877, "ssr": 1174, "genelec": 5005, "commercial": 8000},
}


def sent_by(name, quat):
    decoder = OscDecoder(find_dialect(name))
    motions = [motion for data in datagrams(find_dialect(name), quat) if (motion := decoder.feed(data, 0.0))]
    assert decoder.counts.refused == 0
    return motions


def test_every_renderer_of_the_table_is_in_the_list_for_p0():
    assert {*SENT_FOR_P0, "ssr"} == set(OUTPUTS)
    for name, port in USUAL_PORTS.items():
        assert parse_output(name).port == port


def dumped(line):
    """Return (address, tags, values) of a line of oscdump."""
    _, address, tags, *values = line.split()
    read = {"f": float, "i": int, "s": lambda text: text.strip('"')}
    return address, tags, [read[tag](value) for tag, value in zip(tags, values, strict=True)]


@pytest.mark.skipif(shutil.which("oscdump") is None, reason="oscdump (liblo-tools) is not installed")
def test_a_foreign_program_hears_exactly_the_numbers_listed_for_p0():
    port = free_port()
    expected = [sent for name in SENT_FOR_P0 for sent in SENT_FOR_P0[name]]
    with subprocess.Popen(["oscdump", "-L", str(port)], stdout=subprocess.PIPE, text=True) as dump:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knock:
            knock.connect((HOST, port))
            wait_for_listener(knock)
        heard = []
        for name in SENT_FOR_P0:
            fan = open_outputs([f"{name}@{HOST}:{port}"], Notices(pytest.fail))
            fan.send(P0, 0.0)
            heard += [dumped(next(line for line in dump.stdout if "/knock" not in line)) for _ in SENT_FOR_P0[name]]
            fan.close()
        dump.terminate()
    for (address, tags, values), (expected_address, expected_tags, *numbers) in zip(heard, expected, strict=True):
        assert (address, tags) == (expected_address, expected_tags)
        # Printed to six decimals; the listed numbers are rounded to three at worst.
        assert values == pytest.approx(
            numbers, abs=5.1e-4 if "roll-first" in address or address.endswith("ypr") else 2e-6
        )


def wait_for_listener(knock):
    end_s = time.monotonic() + 5.0
    while time.monotonic() < end_s:
        try:
            knock.send(b"/knock\0\0,\0\0\0")
            time.sleep(0.02)
            knock.send(b"/knock\0\0,\0\0\0")
            return
        except ConnectionRefusedError:
            time.sleep(0.02)
    pytest.fail("oscdump does not listen")


def test_the_published_packets_are_sent_to_the_byte():
    assert datagrams(find_dialect("iem"), P0) == [
        bytes.fromhex(
            "2F5363656E65526F7461746F722F7175617465726E696F6E730000002C666666660000003F765A7EBC9F39A5BDC34822BE82015C"
        )
    ]
    exact = (0.9623182851526231, 0.01943666733615946, 0.0953524245505064, 0.2539166185111136)
    assert datagrams(find_dialect("sparta"), exact) == [
        bytes.fromhex("2F797072000000002C6666660000000041F000004120000040A00000")
    ]


def quats():
    part = st.floats(-1.0, 1.0)
    return st.tuples(part, part, part, part).filter(lambda q: sum(p * p for p in q) > 0.01).map(normalise)


# These hold less than a pose by their nature; the binauraliser's signs undo a turn about one axis at a time.
LESS = {"retisar"} | {name for name in DIALECTS if name.startswith("pybinsim")}


@pytest.mark.parametrize("name", sorted(DIALECTS.keys() - LESS))
@settings(max_examples=25, deadline=None)
@given(quat=quats())
def test_what_is_sent_in_a_dialect_is_read_in_it_as_the_same_head(name, quat):
    (motion,) = sent_by(name, quat)
    # float32 angles near the vertical lose the most.
    assert angle_rad(motion.quat_wxyz, quat) < radians(0.01)


@given(yaw=st.floats(-179.0, 179.0), pitch=st.floats(-80.0, 80.0), roll=st.floats(-179.0, 179.0))
@settings(max_examples=50, deadline=None)
def test_whole_degrees_are_read_as_the_head_to_within_their_rounding(yaw, pitch, roll):
    from firmware_bridge.quaternion import from_yaw_pitch_roll_deg

    quat = tuple(from_yaw_pitch_roll_deg(yaw, pitch, roll).tolist())
    for name in ("pybinsim", "pybinsim2"):
        (motion,) = sent_by(name, quat)
        assert degrees(angle_rad(motion.quat_wxyz, quat)) < 1.6
    level = tuple(from_yaw_pitch_roll_deg(yaw, 0.0, 0.0).tolist())
    assert angle_rad(sent_by("retisar", level)[0].quat_wxyz, level) < 1e-5


def test_pybinsims_keys_are_never_negative_headings():
    for yaw_deg, key in ((-0.4, 0), (-1.0, 359), (359.6, 0), (180.0, 180)):
        from firmware_bridge.quaternion import from_yaw_pitch_roll_deg

        row = find_dialect("pybinsim").rows["/pyBinSim"]
        assert row.numbers(tuple(from_yaw_pitch_roll_deg(yaw_deg, 0.0, 0.0).tolist()))[0] == key


@pytest.mark.parametrize("name", DIALECTS)
def test_a_virtual_sender_says_a_pose_in_one_packet_and_rates_where_there_are_any(name):
    dialect = device_of(find_dialect(name))
    assert device_of(find_dialect(name)) is dialect and dialect.name == f"osc-{name}"
    decoder, device = dialect.make_decoder(), dialect.make_device()
    (motion,) = decoder.feed(device.encode(DeviceState(0.0, 0, P0, (0.1, 0.2, 0.3))))
    if name not in LESS:
        assert angle_rad(motion.quat_wxyz, P0) < 1e-5
    if name == "sensors2osc-head-tracker":
        assert motion.gyro_rad_s == pytest.approx((0.1, 0.2, 0.3))
    assert decoder.counts.frames == 1 and device.answer(b"x", 0.0) == b""
    decoder.reset()
    assert decoder.feed(b"no") == [] and decoder.counts.damaged == 1


def test_parts_are_sent_as_messages_of_their_own_and_as_one_bundle_by_a_virtual_sender():
    assert len(datagrams(find_dialect("genelec"), P0)) == 3
    assert one_datagram(find_dialect("genelec"), P0).startswith(b"#bundle\0")


@pytest.mark.parametrize(
    ("text", "host", "port", "rate_hz"),
    [
        ("sparta", HOST, 9000, None),
        ("iem@192.168.1.20", "192.168.1.20", 7000, None),
        ("iem@192.168.1.20:8000", "192.168.1.20", 8000, None),
        ("iem@:8000", HOST, 8000, None),
        ("iem@studio.local:8000@50", "studio.local", 8000, 50.0),
        ("iem@@12.5", HOST, 7000, 12.5),
        ("iem@[::1]:8000", "::1", 8000, None),
        ("iem@[::1]", "::1", 7000, None),
        ("nuendo", HOST, 7000, 25.0),
        ("nuendo@@10", HOST, 7000, 10.0),
        ("nuendo@@100", HOST, 7000, 25.0),
        ("ssr", HOST, 1174, None),
        ("hedrot@:1001", HOST, 1001, None),
        ("/my/head yaw pitch roll@127.0.0.1:1234", HOST, 1234, None),
    ],
)
def test_an_output_is_named_by_dialect_place_and_rate(text, host, port, rate_hz):
    spec = parse_output(text)
    assert (spec.host, spec.port, spec.rate_hz) == (host, port, rate_hz)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "write DIALECT"),
        ("sparta@a@b@c", "write DIALECT"),
        ("default", "unknown output dialect 'default': allowed are sparta, "),
        ("bogus@127.0.0.1", "unknown output dialect 'bogus': allowed are .*ssr, or a message"),
        ("sparta@127.0.0.1:0", "port '0' must be a whole number, 1 to 65535"),
        ("sparta@127.0.0.1:x", "port 'x' must be"),
        ("sparta@::1:9000", "in brackets"),
        ("sparta@@0", "rate '0' must be a number of Hz, above 0 and up to 1000"),
        ("sparta@@fast", "rate 'fast' must be"),
        ("sparta@@nan", "rate 'nan' must be"),
        ("unity", "has no usual port: name one, as in unity@127.0.0.1:9000"),
        ("/my/head tilt@:1", "'tilt' is none of"),
    ],
)
def test_what_is_no_output_is_refused_in_a_sentence(text, said):
    with pytest.raises(BridgeError, match=rf"{said}.*\.$"):
        parse_output(text)
    with pytest.raises(BridgeError, match=said):
        make_settings(outputs=[text])
