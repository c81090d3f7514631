"""opentrack, FreePIE and SlimeVR: datagrams byte for byte."""

import math
from struct import pack

import pytest
from dialect_tools import angle_deg, random_states

from firmware_bridge.dialects import freepie, opentrack, slimevr
from firmware_bridge.dialects.freepie import FreepieDecoder, FreepieDevice
from firmware_bridge.dialects.opentrack import OpentrackDecoder, OpentrackDevice
from firmware_bridge.dialects.slimevr import SlimevrDecoder, SlimevrDevice
from firmware_bridge.dialects.turns import angles_deg_from_quat, quat_from_angles_deg
from firmware_bridge.messages import Motion, Told
from firmware_bridge.stages.trust import TrustGate
from firmware_bridge.virtual.device import DeviceState

P0 = quat_from_angles_deg(30.0, -10.0, 5.0)
OPENTRACK = bytes(24) + bytes.fromhex("00 00 00 00 00 00 3E C0 00 00 00 00 00 00 24 C0 00 00 00 00 00 00 14 C0")
FREEPIE = bytes.fromhex("00 02 92 0A 06 BF C2 B8 32 BE C2 B8 B2 3D")
ROTATION = bytes.fromhex("00 00 00 11 00 00 00 00 00 00 04 D2 00 01 3C 9F 39 A5 3D C3 48 22 3E 82 01 5C 3F 76 5A 7E 00")


def test_opentracks_datagram_is_the_test_pose():
    (motion,) = OpentrackDecoder().feed(OPENTRACK)
    assert angles_deg_from_quat(motion.quat_wxyz) == pytest.approx((30.0, -10.0, 5.0), abs=1e-9)
    assert OpentrackDevice().encode(DeviceState(0.0, 0, motion.quat_wxyz))[:24] == bytes(24)
    assert opentrack.DIALECT.udp_port == 4242 and opentrack.DIALECT.uncertain == ("pitch",)


def test_several_opentrack_datagrams_from_a_pipe_are_taken_apart():
    device = OpentrackDevice()
    states = random_states(20, 100.0, seed=1)
    decoder = OpentrackDecoder()
    told = decoder.feed(b"".join(map(device.encode, states)))
    assert len(told) == decoder.counts.frames == 20
    for motion, state in zip(told, states, strict=True):
        assert angle_deg(motion.quat_wxyz, state.quat_world_from_head) < 1e-6


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e300, 361.0])
@pytest.mark.parametrize("place", range(6))
def test_numbers_that_no_head_has_are_refused_wherever_they_stand(bad, place):
    values = [1.0] * 6
    values[place] = 1e5 if bad == 361.0 else bad
    decoder = OpentrackDecoder()
    assert decoder.feed(pack("<6d", *values)) == []
    assert decoder.counts.implausible == 1


@pytest.mark.parametrize("n_bytes", [0, 1, 47, 49, 50, 95])
def test_datagrams_of_another_length_are_not_opentracks(n_bytes):
    decoder = OpentrackDecoder()
    assert decoder.feed((OPENTRACK * 2)[:n_bytes]) == []
    assert decoder.counts.damaged == 1


def test_what_rounding_leaves_is_a_number_like_any_other():
    assert len(OpentrackDecoder().feed(pack("<6d", 1e-200, 0.0, 0.0, 1e-15, -0.0, 7e-18))) == 1


@pytest.mark.parametrize(
    ("dialect", "packed"),
    [
        (opentrack.DIALECT, lambda deg: pack("<6d", 0.0, 0.0, 0.0, deg, 0.5 * deg, -deg)),
        (freepie.DIALECT, lambda deg: b"\0\2" + pack("<3f", *(math.radians(part) for part in (deg, 0.5 * deg, -deg)))),
    ],
    ids=["opentrack", "freepie"],
)
def test_a_filter_that_lets_the_angles_decay_to_nothing_stays_trusted(dialect, packed):
    decoder, gate = dialect.make_decoder(), TrustGate(dialect.check)
    admitted = [
        gate.admit(motion, k / dialect.rate_hz)
        for k in range(8000)
        for motion in decoder.feed(packed(30.0 * 0.9 ** max(0, k - 200)))
    ]
    assert len(admitted) == 8000 and all(admitted[100:]) and decoder.counts.dropped == 0


@pytest.mark.parametrize("datagram", [FREEPIE, FREEPIE.ljust(50, b"\0"), FREEPIE.ljust(50, b"\x7f")])
def test_freepies_orientation_is_the_test_pose_however_long_its_rest_is(datagram):
    (motion,) = FreepieDecoder().feed(datagram)
    assert angles_deg_from_quat(motion.quat_wxyz) == pytest.approx((30.0, -10.0, 5.0), abs=1e-4)
    assert freepie.DIALECT.uncertain == ("yaw", "pitch", "roll")


def test_freepies_orientation_comes_behind_raw_values_where_both_are_there():
    decoder = FreepieDecoder()
    for state in random_states(20, 50.0, seed=2):
        (motion,) = decoder.feed(FreepieDevice(raw=True).encode(state))
        assert angle_deg(motion.quat_wxyz, state.quat_world_from_head) < 1e-3
    assert len(decoder.feed(b"".join(map(FreepieDevice().encode, random_states(5, 50.0, seed=2))))) == 5
    assert decoder.feed((b"\0\1" + bytes(range(36))).ljust(50, b"\0")) == []
    assert decoder.counts.dropped == 0


def test_freepie_datagrams_that_make_no_sense_are_counted():
    decoder = FreepieDecoder()
    both = b"\0\3" + FREEPIE[2:]
    for damaged in (b"", FREEPIE[:-1], b"\0\0" + FREEPIE[2:], b"\0\4" + FREEPIE[2:], both):
        assert decoder.feed(damaged) == []
    assert decoder.counts.damaged == 5
    for bad in (math.nan, 7.0):
        assert decoder.feed(b"\0\2" + pack("<3f", 0.0, bad, 0.0)) == []
    assert decoder.counts.implausible == 2


@pytest.mark.parametrize("padding", [1, 16, 255])
def test_freepies_first_byte_is_padding_and_may_be_anything(padding):
    assert len(FreepieDecoder().feed(bytes((padding,)) + FREEPIE[1:])) == 1


def test_slimevrs_rotation_is_the_test_pose_with_its_packet_number():
    (motion,) = SlimevrDecoder().feed(ROTATION)
    assert motion.quat_wxyz == pytest.approx(P0, abs=1e-6)
    assert motion.seq == 1234 and motion.battery is None
    assert len(SlimevrDecoder().feed(ROTATION * 3)) == 3


def packet(kind, number, body=b""):
    return pack(">IQ", kind, number) + body


def test_a_tracker_calls_is_answered_and_streams():
    device, decoder = SlimevrDevice(), SlimevrDecoder()
    state = DeviceState(0.0, 0, P0, battery=0.5)
    (call,) = decoder.feed(device.encode(state))
    assert isinstance(call, Told) and call.kind == "info"
    assert call.values["firmware"] == "virtual" and call.values["id"] == "00:00:00:00:00:00"
    talk = slimevr.DIALECT.talk
    assert talk.opening == (b"\x03Hey OVR =D 5",)
    assert device.answer(talk.opening[0], 0.0) == b""
    (motion,) = decoder.feed(device.encode(state))
    assert isinstance(motion, Motion) and motion.battery == pytest.approx(0.5)
    assert talk.keep_alive[:4] == b"\0\0\0\1"
    assert decoder.feed(device.answer(talk.keep_alive, 1.0)) == []
    assert device.answer(packet(10, 5, b"abcd"), 1.0) == packet(10, 5, b"abcd")
    (motion,) = decoder.feed(device.encode(DeviceState(0.01, 1, P0)))
    assert motion.seq == 2 and decoder.counts.dropped == 0


def test_a_call_that_is_cut_short_is_still_a_call():
    (call,) = SlimevrDecoder().feed(packet(3, 0, bytes(20)))
    assert call == Told("info", {"says": "looking for a host"})


def test_packets_that_never_came_are_counted_by_their_number_whatever_they_held():
    decoder = SlimevrDecoder()
    accel = pack(">3fB", 0.1, 0.2, 0.3, 0)
    decoder.feed(packet(17, 10, ROTATION[12:]))
    decoder.feed(packet(4, 11, accel))
    decoder.feed(packet(12, 12, pack(">2f", 3.7, 0.8)))
    (motion,) = decoder.feed(packet(17, 15, ROTATION[12:]))
    assert decoder.counts.lost == 2 and motion.battery == pytest.approx(0.8)
    # It was switched off and on.
    decoder.feed(packet(3, 0))
    decoder.feed(packet(17, 0, ROTATION[12:]))
    assert decoder.counts.lost == 2


def test_a_packet_number_out_of_all_measure_is_a_new_beginning_and_no_loss():
    decoder = SlimevrDecoder()
    for number in (1, 2**62, 2**62 + 3):
        decoder.feed(packet(17, number, ROTATION[12:]))
    assert decoder.counts.lost == 2


def test_the_first_sensor_heard_is_the_heads_and_corrections_are_no_orientation():
    decoder = SlimevrDecoder()
    second = b"\1" + ROTATION[13:]
    assert len(decoder.feed(ROTATION)) == 1
    assert decoder.feed(packet(17, 1235, second)) == []
    assert decoder.feed(packet(17, 1236, b"\0\2" + ROTATION[14:])) == []
    decoder.reset()
    assert len(decoder.feed(packet(17, 1237, second))) == 1


def bundle(number, *inner):
    return packet(100, number, b"".join(len(part).to_bytes(2, "big") + part for part in inner))


def test_bundles_hold_packets_without_numbers():
    rotation = b"\0\0\0\x11" + ROTATION[12:]
    battery = b"\0\0\0\x0c" + pack(">2f", 4.1, 0.9)
    decoder = SlimevrDecoder()
    first, second = decoder.feed(bundle(7, rotation, battery, b"\0\0\0\x13\xff\x40", rotation))
    assert first.seq == second.seq == 7 and first.battery is None and second.battery == pytest.approx(0.9)
    assert len(decoder.feed(bundle(8, rotation, rotation)[:-1])) == 1
    assert decoder.feed(bundle(9, b"\1\2")) == []
    assert decoder.counts.damaged == 2


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        ROTATION[:11],
        ROTATION[:-1],
        b"\x80" + ROTATION[1:],
        packet(12, 1, b"\0"),
        packet(12, 1, pack(">2f", 3.7, 55.0)),
        packet(17, 1, b"\0\1" + pack(">4fB", 1.0, 1.0, 1.0, 1.0, 0)),
        packet(17, 1, b"\0\1" + pack(">4fB", math.nan, 0.0, 0.0, 1.0, 0)),
    ],
)
def test_slimevr_packets_that_make_no_sense_are_counted(datagram):
    decoder = SlimevrDecoder()
    assert decoder.feed(datagram) == []
    assert decoder.counts.damaged + decoder.counts.implausible == 1
