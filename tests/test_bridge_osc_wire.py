import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from firmware_bridge.osc.wire import MAX_PACKET_BYTES, OscFormatError, parse_packet

P0_QUATERNIONS = bytes.fromhex(
    "2F5363656E65526F7461746F722F7175617465726E696F6E730000002C666666660000003F765A7EBC9F39A5BDC34822BE82015C"
)


def message(address, *arguments):
    builder = OscMessageBuilder(address)
    for tag, value in arguments:
        builder.add_arg(value, tag)
    return builder.build()


def bundle(*contents):
    builder = OscBundleBuilder(IMMEDIATELY)
    for content in contents:
        builder.add_content(content)
    return builder.build()


def test_the_published_packet_is_read():
    (only,) = parse_packet(P0_QUATERNIONS)
    assert only.address == "/SceneRotator/quaternions"
    assert only.arguments == pytest.approx((0.962318, -0.019437, -0.095352, -0.253917), abs=1e-6)


def test_what_python_osc_writes_is_read():
    arguments = [("i", -3), ("f", 0.5), ("d", 0.1), ("h", 2**40), ("s", "ear"), ("b", b"\1\2\3"), ("T", True)]
    inner = message("/b")
    packet = bundle(message("/a", *arguments), bundle(inner))
    first, second = parse_packet(packet.dgram)
    assert first.address == "/a" and first.arguments == (-3, 0.5, 0.1, 2**40, "ear", b"\1\2\3", True)
    assert second.address == "/b" and second.arguments == ()


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"ypr\0",
        b"/ypr",
        b"/ypr\0\0\0\0,fff\0\0\0\0\0\0\0\0",
        b"/ypr\0\0\0\0,z\0\0",
        b"/\xff\0\0",
        b"#bundle\0",
        b"#bundle\0" + bytes(8) + struct.pack(">i", -4),
        b"#bundle\0" + bytes(8) + struct.pack(">i", 0),
        b"#bundle\0" + bytes(8) + struct.pack(">i", 2**31 - 4) + b"/a\0\0",
        b"/b\0\0,b\0\0" + struct.pack(">i", -1),
        b"/a\0\0" + b",\0\0\0" + bytes(MAX_PACKET_BYTES),
    ],
)
def test_what_is_no_packet_is_refused(packet):
    with pytest.raises(OscFormatError):
        parse_packet(packet)


def test_bundles_nested_too_deep_and_too_many_messages_are_refused():
    deep = message("/a")
    for _ in range(6):
        deep = bundle(deep)
    with pytest.raises(OscFormatError, match="deep"):
        parse_packet(deep.dgram)
    with pytest.raises(OscFormatError, match="more than"):
        parse_packet(bundle(*[message("/a")] * 65).dgram)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"/ypr\0\0\0\0,fff\0\0\0\0", b"#bundle\0\0\0\0\0\0\0\0\1"]))
def test_any_bytes_give_messages_or_the_one_error(data, prefix):
    with suppress(OscFormatError):
        parse_packet(prefix + data)


def test_every_cut_of_a_valid_packet_is_refused():
    packet = bundle(message("/ypr", ("f", 1.0), ("f", 2.0), ("f", 3.0))).dgram
    for cut in range(len(packet)):
        with suppress(OscFormatError):
            assert parse_packet(packet[:cut]) == [] and cut == 16
