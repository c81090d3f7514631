"""What a person writes to name a head tracker, and what it means: one grammar for all programs and files."""

import re
from dataclasses import dataclass
from enum import StrEnum

from firmware_bridge.dialect import Dialect, Transport
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.errors import BridgeError
from firmware_bridge.nearest import meant
from firmware_bridge.osc.dialects import OSC_PREFIX, find_dialect

SPECS = (
    "osc[:PORT], auto, serial:PORT[:BAUD], a port's own name such as /dev/ttyACM0 or COM3, DIALECT[:PLACE], "
    "osc-DIALECT[:PORT], csv:FILE, replay:FILE, bridge[:FILE], simulated[:SEED] or none"
)
MAX_BAUD, MAX_PORT = 20_000_000, 65535
_PORT_NAME = re.compile(r"/.+|COM\d+(:\d+)?|\\\\\.\\.+|[a-z][a-z0-9+]*://.+", re.IGNORECASE)


class Kind(StrEnum):
    """Where poses come from."""

    NONE = "none"
    SIMULATED = "simulated"
    CSV = "csv"
    REPLAY = "replay"
    BRIDGE = "bridge"
    AUTO = "auto"
    OSC = "osc"
    SERIAL = "serial"
    UDP = "udp"
    MIDI = "midi"
    HID = "hid"
    BLE = "ble"


_BY_TRANSPORT = {
    Transport.SERIAL: Kind.SERIAL,
    Transport.UDP: Kind.UDP,
    Transport.MIDI: Kind.MIDI,
    Transport.HID: Kind.HID,
    Transport.BLE: Kind.BLE,
}


@dataclass(frozen=True, slots=True)
class TrackerSpec:
    """A head tracker as named.

    `dialect` is None where it is to be heard out; `place` is a file, a port's name, "auto", a host or the name
    of a MIDI, HID or BLE device, "" for the usual one; `number` is a seed, a baud rate or a port number;
    `osc_dialect` is what OSC messages mean, None where that is set elsewhere.
    """

    kind: Kind
    dialect: str | None = None
    place: str = ""
    number: int | None = None
    osc_dialect: str | None = None


def parse_spec(text: str) -> TrackerSpec:
    """Return what `text` names; raises BridgeError that says what is allowed."""
    kind, colon, rest = text.partition(":")
    if text in (Kind.NONE, Kind.AUTO) or (kind in (Kind.SIMULATED, Kind.OSC, Kind.BRIDGE) and not colon):
        return TrackerSpec(Kind(text))
    if not text or (colon and not rest):
        raise BridgeError(f"unknown head tracker {text!r}: allowed are {SPECS}.")
    if colon and kind in (Kind.CSV, Kind.REPLAY, Kind.BRIDGE):
        return TrackerSpec(Kind(kind), place=rest)
    if kind == Kind.SIMULATED:
        return TrackerSpec(Kind.SIMULATED, number=_number(rest, "seed of the simulated head", 0, 2**32 - 1))
    if kind == Kind.OSC:
        return TrackerSpec(Kind.OSC, number=_udp_port(rest))
    if kind.startswith(OSC_PREFIX):
        number = _udp_port(rest) if colon else None
        return TrackerSpec(Kind.OSC, number=number, osc_dialect=find_dialect(kind).name)
    if kind == Kind.SERIAL and rest:
        return _serial(None, rest)
    if kind in DIALECTS:
        return _dialect(DIALECTS[kind], rest)
    if _PORT_NAME.fullmatch(text):
        return _serial(None, text)
    raise BridgeError(
        f"unknown head tracker {text!r}: {meant(kind, DIALECTS)}allowed are {SPECS}; `firmware-bridge dialects` names "
        "the dialects."
    )


def _dialect(dialect: Dialect, place: str) -> TrackerSpec:
    """Return a dialect at its usual kind of place, or at a serial or UDP port that is named as such."""
    if place.startswith("udp:") or dialect.transport is Transport.UDP:
        host, _, port = place.removeprefix("udp:").rpartition(":")
        number = _udp_port(port) if port else dialect.udp_port
        if number is None:
            raise BridgeError(f"{dialect.name} has no usual UDP port: write {dialect.name}:udp:PORT.")
        return TrackerSpec(Kind.UDP, dialect.name, host, number)
    if dialect.transport is Transport.SERIAL or _PORT_NAME.fullmatch(place):
        return _serial(dialect.name, place or "auto")
    return TrackerSpec(_BY_TRANSPORT[dialect.transport], dialect.name, place)


def _serial(dialect: str | None, rest: str) -> TrackerSpec:
    port, colon, baud = rest.rpartition(":")
    if colon and baud.isascii() and baud.isdigit() and "://" not in rest:
        return TrackerSpec(Kind.SERIAL, dialect, port, _number(baud, "serial speed in bit/s", 1, MAX_BAUD))
    return TrackerSpec(Kind.SERIAL, dialect, rest)


def _udp_port(text: str) -> int:
    return _number(text, "UDP port", 1, MAX_PORT)


def _number(text: str, what: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise BridgeError(f"{what} {text!r}: allowed is a whole number, {low} to {high}.")
    return int(text)
