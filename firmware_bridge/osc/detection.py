"""Who speaks OSC to this machine, and what may it mean? Found out by listening; what is ambiguous is said so."""

import errno
import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from firmware_bridge.osc.decoder import OscDecoder
from firmware_bridge.osc.dialects import DIALECTS
from firmware_bridge.osc.wire import MAX_PACKET_BYTES, OscFormatError, parse_packet

USUAL_PORTS = (9000, 8000, 7000, 7001, 7120, 9001, 9898, 9901, 3001, 8888, 53101, 4001, 9877, 1001, 5005, 10000)
LISTEN_S = 3.0
MAX_TRIED = 200
"""After so many packets of a sender the dialects that understand it are known."""
MAX_ADDRESSES, MAX_SENDERS = 12, 8
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class OscHeard:
    """What came to one port from one sender, "" where the port could not be listened to.

    `addresses` as sent; `dialects` are those that understand most of what came;
    `rate_hz` of packets, None for fewer than two; `text` says it to people.
    """

    port: int
    sender: str
    addresses: tuple[str, ...]
    dialects: tuple[str, ...]
    rate_hz: float | None
    n_packets: int
    n_bytes: int
    text: str


class OscDetector:
    """Hears datagrams of one sender and finds the dialects that understand them. No input or output. Thread: one."""

    def __init__(self) -> None:
        self._decoders = {name: OscDecoder(dialect) for name, dialect in DIALECTS.items()}
        self._addresses: dict[str, None] = {}
        self._first_s = self._last_s = 0.0
        self.n_packets = self.n_bytes = self.n_osc = 0

    def feed(self, datagram: bytes, now_s: float) -> None:
        """Take a datagram that came at `now_s`. Never raises."""
        self.n_packets += 1
        self.n_bytes += len(datagram)
        self._first_s = self._first_s if self.n_packets > 1 else now_s
        self._last_s = now_s
        if self.n_packets > MAX_TRIED:
            return
        try:
            messages = parse_packet(datagram)
        except OscFormatError:
            return
        self.n_osc += 1
        for message in messages:
            if len(self._addresses) < MAX_ADDRESSES:
                self._addresses.setdefault(message.address[:60])
        for decoder in self._decoders.values():
            decoder.overdue(now_s)
            decoder.feed(datagram, now_s)

    def heard(self, port: int, sender: str) -> OscHeard:
        """Return what was heard so far."""
        for decoder in self._decoders.values():
            decoder.overdue(self._last_s + 1.0)
        understood = {name: one.counts.refused for name, one in self._decoders.items() if one.counts.frames}
        dialects = tuple(name for name, refused in understood.items() if refused == min(understood.values()))
        spent_s = self._last_s - self._first_s
        rate_hz = (self.n_packets - 1) / spent_s if spent_s > 0.0 else None
        text = f"{sender} sends {', '.join(self._addresses) or 'no OSC'}"
        if len(dialects) == 1:
            text += f": dialect {dialects[0]}"
        elif dialects:
            text += f": dialects {', '.join(dialects)} understand it; choose the one that means the sending program"
        elif self.n_osc:
            text += ": no dialect understands it"
        return OscHeard(port, sender, tuple(self._addresses), dialects, rate_hz, self.n_packets, self.n_bytes, text)


def listen_for_osc(
    seconds: float = LISTEN_S,
    ports: Sequence[int] = USUAL_PORTS,
    host: str = "127.0.0.1",
    is_over: Callable[[], bool] = lambda: False,
) -> list[OscHeard]:
    """Return who spoke to which port within `seconds`; ports in use are told with an empty sender.

    `host` "0.0.0.0" hears other machines too; `is_over` tells to return before the time is up. Waits.
    """
    busy: list[OscHeard] = []
    detectors: dict[tuple[int, str], OscDetector] = {}
    with ExitStack() as stack:
        listeners: dict[socket.socket, int] = {}
        for port in ports:
            listener = stack.enter_context(_new_socket(host))
            try:
                listener.bind((host, port))
            except OSError as error:
                busy.append(OscHeard(port, "", (), (), None, 0, 0, _why_not_bound(port, error)))
                continue
            listener.setblocking(False)
            listeners[listener] = port
        end_s = time.monotonic() + seconds
        while listeners and (left_s := end_s - time.monotonic()) > 0.0 and not is_over():
            ready, _, _ = select.select(list(listeners), [], [], min(left_s, POLL_S))
            for listener in ready:
                _hear(listener, listeners[listener], detectors)
    return [*(detector.heard(*place) for place, detector in detectors.items()), *busy]


def _hear(listener: socket.socket, port: int, detectors: dict[tuple[int, str], OscDetector]) -> None:
    try:
        datagram, sender = listener.recvfrom(MAX_PACKET_BYTES + 1)
    except OSError:
        # Nothing after all, or a peer's closed port: the socket itself is well.
        return
    place = (port, sender[0])
    if place in detectors or len(detectors) < MAX_SENDERS * len(USUAL_PORTS):
        detectors.setdefault(place, OscDetector()).feed(datagram, time.monotonic())


def _new_socket(host: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)


def _why_not_bound(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use (on Linux `ss -lunp sport = :{port}` names by whom): not listened to"
    return f"port {port} cannot be listened to ({error.strerror})"
