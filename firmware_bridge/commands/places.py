"""What is plugged in and could be a head tracker, as far as the installed libraries tell."""

from dataclasses import dataclass

from firmware_bridge.dialect import Transport
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.errors import BridgeError


@dataclass(frozen=True, slots=True)
class Place:
    """One device: `name` as its system calls it, `tracker` what to write to listen to it, "" where that is open."""

    transport: str
    name: str
    about: str
    tracker: str = ""


def places(*, ble: bool = False) -> tuple[list[Place], list[str]]:
    """Return the devices, and a sentence for each kind that could not be listed; nothing is opened."""
    found: list[Place] = []
    missing: list[str] = []
    for listed in (_serial, _midi, _hid, *((_bluetooth,) if ble else ())):
        try:
            found += listed()
        except BridgeError as error:
            missing.append(str(error))
    if not ble:
        missing.append(_about_bluetooth())
    return found, [sentence for sentence in missing if sentence]


def _serial() -> list[Place]:
    from firmware_bridge.transports.serial_port import serial_ports

    return [Place(Transport.SERIAL, port.device, port.description, port.device) for port in serial_ports()]


def _midi() -> list[Place]:
    from firmware_bridge.transports.midi_port import load_mido, midi_names, system_has_midi

    found = []
    backend = load_mido()[1]
    if not system_has_midi():
        raise BridgeError("this system has no MIDI: Linux needs the module snd-seq for MIDI head trackers.")
    for name in midi_names(backend):
        known = _called(Transport.MIDI, name)
        found.append(Place(Transport.MIDI, name, f"is called like a {known}" if known else "", known))
    return found


def _hid() -> list[Place]:
    from firmware_bridge.transports.hid_port import hid_trackers

    return [
        Place(Transport.HID, one.product or one.path, "describes itself as a head tracker", f"android-hid:{one.path}")
        for one in hid_trackers()
    ]


def _bluetooth() -> list[Place]:
    from firmware_bridge.transports.ble_port import ble_trackers

    return [
        Place(Transport.BLE, one.name, f"{one.address}, is called like a {one.dialect}", f"{one.dialect}:{one.address}")
        for one in ble_trackers()
    ]


def _about_bluetooth() -> str:
    from firmware_bridge.transports.ble_port import load_bleak

    try:
        load_bleak()
    except BridgeError as error:
        return str(error)
    return "Bluetooth devices are searched for with --ble."


def _called(transport: Transport, name: str) -> str:
    """Return the dialect whose devices have such a name, "" for none."""
    alike = [one for one in DIALECTS.values() if one.transport is transport and one.port_name]
    return next((one.name for one in alike if one.port_name.lower() in name.lower()), "")
