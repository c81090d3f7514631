"""What is plugged in, and what does it speak? Found out by listening only."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from firmware_bridge.dialect import Dialect, Transport
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Told
from firmware_bridge.notices import Notices
from firmware_bridge.sources.identification import USUAL_BAUDS, BaudSearch, Identification, Verdict, serial_dialects
from firmware_bridge.transports.link import ByteLink, LinkError
from firmware_bridge.transports.serial_port import SerialLink, SerialPort, serial_ports

LISTEN_S = 8.0
RATE_S = 1.0
POLL_S = 0.05

IsOver = Callable[[], bool]
"""Whether somebody wants no more listening: what was found so far is returned at once then."""


def never() -> bool:
    """Return that the time asked for is to be taken."""
    return False


@dataclass(frozen=True, slots=True)
class Found:
    """One place and what was heard there: `dialect`, `baud`, `rate_hz` None where unknown; `heard` in words."""

    place: str
    description: str
    transport: Transport
    heard: str
    dialect: str | None = None
    baud: int | None = None
    rate_hz: float | None = None
    n_bytes: int = 0


def detect_ports(
    on_progress: Callable[[Found], None] = lambda found: None,
    seconds: float = LISTEN_S,
    ports: Sequence[SerialPort] | None = None,
    is_over: IsOver = never,
) -> list[Found]:
    """Return what each serial port speaks, listening to all at once; nothing is written to any.

    `on_progress` gets each finding as it is made, on other threads. `ports` None means all that are there;
    `is_over` is asked twenty times a second whether to return before the time is up.
    """
    listed = serial_ports() if ports is None else ports
    if not listed:
        return []
    with ThreadPoolExecutor(len(listed), thread_name_prefix="detect") as pool:

        def one(port: SerialPort) -> Found:
            found = _listen_to_port(port, seconds, is_over)
            on_progress(found)
            return found

        return list(pool.map(one, listed))


def listed_trackers(is_over: IsOver = never) -> list[Found]:
    """Return MIDI and HID devices that are head trackers by name or by their own description.

    MIDI devices are listened to for a second; nothing is written to any, so most are silent until they are named.
    """
    found = []
    for list_places in (_midi, _hid):
        try:
            found += list_places(is_over)
        except BridgeError as missing:
            found.append(Found("", "", Transport.MIDI if list_places is _midi else Transport.HID, str(missing)))
    return found


def detect_datagrams(seconds: float = 3.0, host: str = "127.0.0.1", is_over: IsOver = never) -> list[Found]:
    """Return what comes to the devices' usual UDP ports within `seconds`.

    `host` is the address of this machine to listen at: the usual one hears programs on it only, "0.0.0.0" other
    devices, too.
    """
    places = [(one.udp_port, one.name) for one in DIALECTS.values() if one.udp_port is not None]

    def listen(place: tuple[int, str]) -> Found:
        return _listen_to_udp(host, *place, seconds, is_over)

    with ThreadPoolExecutor(len(places), thread_name_prefix="detect") as pool:
        return list(pool.map(listen, places))


def _listen_to_port(port: SerialPort, seconds: float, is_over: IsOver) -> Found:
    link = SerialLink(port.device, USUAL_BAUDS)
    try:
        link.open(POLL_S)
        try:
            return _hear_out(port, link, seconds, is_over)
        finally:
            link.close()
    except LinkError as loss:
        return Found(port.device, port.description, Transport.SERIAL, str(loss).removesuffix("; trying again"))


def _hear_out(port: SerialPort, link: ByteLink, seconds: float, is_over: IsOver) -> Found:
    end_s = time.monotonic() + seconds
    search = BaudSearch(serial_dialects(), USUAL_BAUDS, time.monotonic())
    verdict: Verdict | None = None
    while search.n_rounds == 0 and (now_s := time.monotonic()) < end_s and not is_over():
        newest = search.feed(link.read(POLL_S))
        if newest is not None:
            # Once it is known, a little longer: the rate wants to be told, too.
            end_s = min(end_s, now_s + RATE_S) if verdict is None else end_s
            verdict = newest
        if verdict is None and (baud := search.turn(now_s)) is not None:
            link.set_baud(baud)
    if verdict is not None:
        return Found(
            port.device,
            port.description,
            Transport.SERIAL,
            f"speaks {verdict.dialect.name}",
            verdict.dialect.name,
            search.baud,
            verdict.rate_hz,
            search.n_bytes,
        )
    heard = f"silent; {_who_waits()}" if search.n_bytes == 0 else "bytes, but of no known dialect"
    return Found(port.device, port.description, Transport.SERIAL, heard, n_bytes=search.n_bytes)


def _who_waits() -> str:
    names = [one.name for one in serial_dialects() if one.talk is not None and one.talk.silent_until_asked]
    return f"{', '.join(names[:-1])} and {names[-1]} wait to be asked: name the dialect and the port"


def _listen_to_udp(host: str, port: int, name: str, seconds: float, is_over: IsOver = never) -> Found:
    from firmware_bridge.transports.udp_port import UdpLink

    link = UdpLink(host, port, Notices(lambda text: None))
    place, n_bytes, calls = f"UDP port {port}", 0, False
    decoder = DIALECTS[name].make_decoder()
    identification = Identification([DIALECTS[name]])
    try:
        link.open(POLL_S)
    except LinkError as loss:
        return Found(place, "", Transport.UDP, str(loss).removesuffix("; trying again"))
    end_s = time.monotonic() + seconds
    verdict = None
    try:
        while time.monotonic() < end_s and not is_over():
            for piece in link.read(POLL_S):
                n_bytes += len(piece.data)
                verdict = identification.feed(piece)
                calls = calls or any(isinstance(message, Told) for message in decoder.feed(piece.data))
    finally:
        link.close()
    if verdict is not None:
        return Found(place, "", Transport.UDP, f"speaks {name}", name, None, verdict.rate_hz, n_bytes)
    if calls:
        heard = f"a {name} tracker calls for a host: name it, and it is answered"
        return Found(place, "", Transport.UDP, heard, name, n_bytes=n_bytes)
    heard = "silent" if n_bytes == 0 else "bytes, but of no known dialect"
    return Found(place, "", Transport.UDP, heard, n_bytes=n_bytes)


def _midi(is_over: IsOver) -> list[Found]:
    from firmware_bridge.transports.midi_port import load_mido, midi_names, system_has_midi

    if not system_has_midi():
        return []
    dialects = [one for one in DIALECTS.values() if one.transport is Transport.MIDI and one.port_name]
    return [
        _listen_to_midi(name, one, is_over)
        for name in midi_names(load_mido()[1])
        for one in dialects
        if one.port_name.lower() in name.lower()
    ]


def _listen_to_midi(name: str, dialect: Dialect, is_over: IsOver) -> Found:
    from firmware_bridge.transports.midi_port import MidiLink

    link, identification, verdict = MidiLink(name), Identification([dialect]), None
    called = f"is called like a {dialect.name}"
    end_s = time.monotonic() + RATE_S
    try:
        link.open(POLL_S)
        while time.monotonic() < end_s and not is_over():
            for piece in link.read(POLL_S):
                verdict = identification.feed(piece)
    except LinkError as loss:
        return Found(
            name, "", Transport.MIDI, f"{called}, but {str(loss).removesuffix('; trying again')}", dialect.name
        )
    finally:
        link.close()
    if verdict is None:
        return Found(name, "", Transport.MIDI, f"{called}; silent until it is named", dialect.name)
    return Found(name, "", Transport.MIDI, f"speaks {dialect.name}", dialect.name, None, verdict.rate_hz)


def _hid(is_over: IsOver) -> list[Found]:
    from firmware_bridge.transports.hid_port import hid_trackers

    return [
        Found(
            one.path,
            one.product,
            Transport.HID,
            "describes itself as a head tracker; reports once named",
            "android-hid",
        )
        for one in hid_trackers()
        if not is_over()
    ]
