"""OSC 1.0 packets: bytes in, messages out, without input or output.

Written for hostile input: every length is checked before it is believed, nesting and counts are bounded, and
there is one kind of error. (python-osc's parser never ends on a bundle element of negative size.)

Wright 2002, "The Open Sound Control 1.0 Specification".
"""

import struct
from typing import NamedTuple

MAX_PACKET_BYTES = 4096
"""Far above any pose, far below anything that could cost time."""
MAX_DEPTH = 4
MAX_MESSAGES = 64

_FIXED = {"i": ">i", "f": ">f", "h": ">q", "d": ">d", "t": ">Q", "c": ">I", "r": ">I", "m": ">I"}
_CONSTANTS: dict[str, bool | None] = {"T": True, "F": False, "N": None, "I": None}

Argument = int | float | str | bytes | bool | None


class OscMessage(NamedTuple):
    """One message: its address and its arguments, as sent."""

    address: str
    arguments: tuple[Argument, ...]


class OscFormatError(ValueError):
    """The bytes are no OSC packet."""


def parse_packet(data: bytes) -> list[OscMessage]:
    """Return the messages of a datagram in order, bundles unpacked, time tags ignored.

    Raises OscFormatError, and nothing else, for anything that is not well-formed OSC.
    """
    if len(data) > MAX_PACKET_BYTES:
        raise OscFormatError(f"{len(data)} bytes, more than {MAX_PACKET_BYTES}")
    messages: list[OscMessage] = []
    _parse_element(data, MAX_DEPTH, messages)
    return messages


def _parse_element(data: bytes, depth: int, messages: list[OscMessage]) -> None:
    if not data.startswith(b"#bundle\0"):
        if len(messages) == MAX_MESSAGES:
            raise OscFormatError(f"more than {MAX_MESSAGES} messages")
        messages.append(_parse_message(data))
        return
    if depth == 0:
        raise OscFormatError("bundles nested too deep")
    at = 16
    if len(data) < at:
        raise OscFormatError("bundle without time tag")
    while at < len(data):
        size, at = _int32(data, at)
        if size <= 0 or size % 4 or at + size > len(data):
            raise OscFormatError("bundle element of impossible size")
        _parse_element(data[at : at + size], depth - 1, messages)
        at += size


def _parse_message(data: bytes) -> OscMessage:
    address, at = _string(data, 0)
    if not address.startswith("/"):
        raise OscFormatError("address does not begin with a slash")
    if at == len(data):
        # Old senders leave out the type tags of a message without arguments.
        return OscMessage(address, ())
    tags, at = _string(data, at)
    if not tags.startswith(","):
        raise OscFormatError("no type tags")
    arguments: list[Argument] = []
    for tag in tags[1:]:
        if tag in _FIXED:
            value, at = _fixed(_FIXED[tag], data, at)
            arguments.append(value)
        elif tag in _CONSTANTS:
            arguments.append(_CONSTANTS[tag])
        elif tag in "sS":
            text, at = _string(data, at)
            arguments.append(text)
        elif tag == "b":
            size, at = _int32(data, at)
            if size < 0 or at + size > len(data):
                raise OscFormatError("blob of impossible size")
            arguments.append(data[at : at + size])
            at += size + (-size) % 4
        else:
            raise OscFormatError("unknown type tag")
    return OscMessage(address, tuple(arguments))


def _int32(data: bytes, at: int) -> tuple[int, int]:
    value, after = _fixed(">i", data, at)
    return int(value), after


def _fixed(layout: str, data: bytes, at: int) -> tuple[int | float, int]:
    try:
        value: int | float = struct.unpack_from(layout, data, at)[0]
    except struct.error:
        raise OscFormatError("cut short") from None
    return value, at + struct.calcsize(layout)


def _string(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    after = end + 4 - (end - at) % 4
    if end < 0 or after > len(data):
        raise OscFormatError("string without end")
    try:
        return data[at:end].decode("ascii"), after
    except UnicodeDecodeError:
        raise OscFormatError("string that is not ASCII") from None
