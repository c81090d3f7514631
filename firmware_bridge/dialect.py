"""A dialect: all that the bridge knows of one kind of device, as one row of a table."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from firmware_bridge.decoder import Decoder
from firmware_bridge.virtual.device import VirtualDevice


class Transport(StrEnum):
    """How a dialect usually travels. Any of them can also be read from a serial port or UDP as plain bytes."""

    SERIAL = "serial"
    UDP = "udp"
    MIDI = "midi"
    HID = "hid"
    BLE = "ble"
    OSC = "osc"


class Check(StrEnum):
    """What guards a frame, and so how much must be seen before it is believed."""

    CRC16 = "crc16"
    SUM8 = "8-bit sum"
    NONE = "none"


class Axes(StrEnum):
    """Whose axes the quaternion's body side has."""

    HEAD = "head"
    """The dialect says how the device sits on the head: usable at once."""
    SENSOR = "sensor"
    """Right-handed, world z up, but how the sensor sits is unknown: the mounting must be calibrated."""


@dataclass(frozen=True, slots=True)
class Talk:
    """What the host says to a device, once the port has identified itself or the user named the dialect.

    `opening` pieces are written in order, `opening_gap_s` apart; `keep_alive` every `keep_alive_s`; `closing`
    at the end. `byte_gap_s` paces single bytes for devices that need it. A device that is `silent_until_asked`
    cannot identify itself: its port must be named.
    """

    opening: tuple[bytes, ...] = ()
    opening_gap_s: float = 0.0
    keep_alive: bytes = b""
    keep_alive_s: float = 0.5
    closing: bytes = b""
    byte_gap_s: float = 0.0
    silent_until_asked: bool = False


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of device. `place` of the default transport: bauds to try, UDP port, MIDI or BLE name, by transport.

    `clock_wrap_s` is the span after which `Motion.device_time_s` begins anew, None where there is no clock;
    `seq_wrap` likewise for `Motion.seq`. `batches` tells that the transport delivers in lumps.
    `heading_is_absolute`: the same heading means the same direction after a restart. `uncertain` names the
    angles whose sign no source settles: they have invert switches. `verified` says against what the decoder
    was checked; no hardware was at hand for any, unless it says so.
    """

    name: str
    about: str
    transport: Transport
    check: Check
    axes: Axes
    make_decoder: Callable[[], Decoder]
    make_device: Callable[[], VirtualDevice]
    verified: str
    rate_hz: float = 100.0
    bauds: tuple[int, ...] = (115200,)
    udp_port: int | None = None
    port_name: str = ""
    clock_wrap_s: float | None = None
    seq_wrap: int | None = None
    batches: bool = False
    heading_is_absolute: bool = False
    uncertain: tuple[str, ...] = ()
    talk: Talk | None = None
    make_ping: Callable[[int], bytes] | None = None
    zero: bytes = b""
    """What makes the device itself take its heading as ahead, where it can."""
    make_listener: Callable[[], Decoder] | None = None
    """Decoder that tells whether it is this dialect, where it has a form that other devices' bytes may look like."""
