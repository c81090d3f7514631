"""Sources by kind of place: each loads only the library that it needs."""

from collections.abc import Callable
from pathlib import Path

from firmware_bridge.decoder import Decoder
from firmware_bridge.dialect import Dialect
from firmware_bridge.errors import BridgeError
from firmware_bridge.notices import Notices
from firmware_bridge.raw_recording import RawRecordingWriter
from firmware_bridge.sources.identification import USUAL_BAUDS
from firmware_bridge.sources.link_source import LinkSource
from firmware_bridge.transports.link import ByteLink


def serial_source(
    port: str,
    notices: Notices,
    dialect: Dialect | None = None,
    baud: int | None = None,
    record: Path | None = None,
    *,
    listen_first: bool = False,
) -> LinkSource:
    """Return a source at one serial port; without a dialect or a speed these are found out by listening.

    `listen_first`: the port may be another device's, so nothing is written before the dialect was heard. `record`
    names a new file for the raw bytes. Raises BridgeError for a speed or a file that cannot be.
    """
    from firmware_bridge.transports.serial_port import SerialLink

    bauds = dialect.bauds if dialect is not None else USUAL_BAUDS
    link = SerialLink(port, bauds if baud is None else (baud,))
    return _source(link, dialect, notices, record, listen_first=listen_first)


def udp_source(
    dialect: Dialect, notices: Notices, host: str = "", port: int | None = None, record: Path | None = None
) -> LinkSource:
    """Return a source of datagrams; by default at the dialect's usual port, from this machine only.

    Raises BridgeError where the dialect has no usual port and none is given.
    """
    from firmware_bridge.transports.udp_port import DEFAULT_HOST, UdpLink

    number = dialect.udp_port if port is None else port
    if number is None:
        raise BridgeError(f"{dialect.name} has no usual UDP port: name one, 1 to 65535.")
    link = UdpLink(host or DEFAULT_HOST, number, notices, wanted_by=f"another receiver of {dialect.name}")
    return _source(link, dialect, notices, record)


def midi_source(dialect: Dialect, notices: Notices, name: str = "", record: Path | None = None) -> LinkSource:
    """Return a source at the MIDI device whose name contains `name`; raises BridgeError without the extra."""
    from firmware_bridge.transports.midi_port import MidiLink

    return _source(MidiLink(name or dialect.port_name), dialect, notices, record)


def ble_source(dialect: Dialect, notices: Notices, name: str = "", record: Path | None = None) -> LinkSource:
    """Return a source at a Bluetooth device by name or address; raises BridgeError without the extra."""
    from firmware_bridge.transports.ble_port import PROFILES, BleLink

    profile = PROFILES.get(dialect.name)
    if profile is None:
        raise BridgeError(f"{dialect.name} is not heard over Bluetooth: {', '.join(PROFILES)} are.")
    return _source(BleLink(name, profile), dialect, notices, record)


def hid_source(dialect: Dialect, notices: Notices, name: str = "", record: Path | None = None) -> LinkSource:
    """Return a source at the head tracker among the HID devices; raises BridgeError without the extra."""
    from firmware_bridge.transports.hid_port import HidLink

    link = HidLink(name)
    return _source(link, dialect, notices, record, link.make_decoder)


def _source(
    link: ByteLink,
    dialect: Dialect | None,
    notices: Notices,
    record: Path | None,
    make_decoder: Callable[[], Decoder] | None = None,
    *,
    listen_first: bool = False,
) -> LinkSource:
    source = LinkSource(link, dialect, notices, make_decoder, listen_first=listen_first)
    if record is not None:
        source.record(RawRecordingWriter(record))
    return source
