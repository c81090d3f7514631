"""Head poses over OSC (UDP): one trusted sender at a time."""

import errno
import socket
import time
from collections.abc import Sequence
from ipaddress import ip_address

from firmware_bridge.dialect import Dialect
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Motion, Told
from firmware_bridge.notices import Notices
from firmware_bridge.one_sender import TOO_LONG, Address, OneSender, in_words
from firmware_bridge.osc.decoder import OscCounts, OscDecoder, requests
from firmware_bridge.osc.device import device_of
from firmware_bridge.osc.dialects import find_dialect
from firmware_bridge.osc.wire import MAX_PACKET_BYTES
from firmware_bridge.pose import PoseSample
from firmware_bridge.raw_recording import RawRecordingWriter, Tape
from firmware_bridge.source import Heard, SourceHealth, look_in_words

RETRY_S = 1.0
MAX_PER_POLL = 256
REQUEST_MARK = b"/recentre\0"
REQUEST_EVERY_S = 0.2


class OscSource:
    """Listens for the addresses of one dialect and believes the first sender whose poses make sense.

    Parameters: `host`, `port` to listen at; `dialect` a name, a message or None. `/recentre` asks for recentring,
    from the believed sender's host or from this machine. Raises BridgeError for a port outside 1..65535 or an
    unknown dialect; a port in use is tried again every second, and said.
    """

    exact_times = False

    def __init__(self, host: str, port: int, dialect: str | None, notices: Notices) -> None:
        if not 1 <= port <= 65535:
            raise BridgeError(f"OSC port {port}: allowed are 1 to 65535.")
        self.name = f"OSC at {host}:{port}"
        self.device_id = ""
        self._place = (host, port)
        self._dialect = find_dialect(dialect)
        self.dialect: Dialect | None = device_of(self._dialect)
        self._notices = notices
        self._socket: socket.socket | None = None
        self._retry_at_s = 0.0
        self._trust = OneSender(notices)
        self._counts = OscCounts()
        self._decoder = OscDecoder(self._dialect, self._counts)
        self._tape: Tape | None = None
        self._decoded: Address = ("", 0)
        self._requested_s = 0.0

    def poll(self, timeout_s: float) -> Sequence[Heard]:
        """Return the motions of the trusted sender that came, stamped on arrival, and requests to recentre.

        An angle that came alone (`/yaw`) becomes a pose 15 ms later, on an empty socket.
        """
        self._notices.catch_up("refused")
        listener = self._listener(timeout_s)
        if listener is None:
            return []
        heard: list[Heard] = []
        overdue_s = self._decoder.wait_s(time.monotonic())
        listener.settimeout(timeout_s if overdue_s is None else min(timeout_s, overdue_s))
        for _ in range(MAX_PER_POLL):
            try:
                datagram, sender = listener.recvfrom(MAX_PACKET_BYTES + 1)
            except (TimeoutError, BlockingIOError):
                heard += [self._believed(late) for late in self._decoder.overdue(time.monotonic())]
                break
            except OSError as error:
                if error.errno in TOO_LONG:
                    self._counts.damaged += 1
                    self._counts.last_reason = f"more than {MAX_PACKET_BYTES} bytes"
                    continue
                # Some systems report a peer's closed port here; the socket itself is well.
                self._notices.repeat("socket", f"{self.name}: {error.strerror}")
                break
            listener.setblocking(False)
            heard += self._accept(datagram, (sender[0], sender[1]), time.monotonic())
        return heard

    def record(self, writer: RawRecordingWriter) -> None:
        """Write down all datagrams of the believed sender that come from now on."""
        if self._tape is None:
            self._tape = Tape(writer, self.name, self.dialect.name if self.dialect else None, self._notices)

    def health(self) -> SourceHealth:
        """Return whether somebody is trusted, who, and how much was refused."""
        sender = self._trust.sender
        counts = self._counts
        return SourceHealth(sender is not None, "" if sender is None else in_words(sender), counts.dropped, counts)

    def say(self, data: bytes) -> bool:
        """Return that nobody listens."""
        return False

    def close(self) -> None:
        """Free the port."""
        if self._tape is not None:
            self._tape.close()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _listener(self, timeout_s: float) -> socket.socket | None:
        if self._socket is not None:
            return self._socket
        if time.monotonic() < self._retry_at_s:
            time.sleep(min(timeout_s, RETRY_S))
            return None
        family = socket.AF_INET6 if ":" in self._place[0] else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_DGRAM)
        try:
            listener.bind(self._place)
        except OSError as error:
            listener.close()
            self._retry_at_s = time.monotonic() + RETRY_S
            self._notices.repeat("bind", self._why_not_bound(error))
            return None
        self._socket = listener
        self._notices.say(f"listening for {self.name}, dialect {self._dialect.name}: {self._dialect.about}")
        return listener

    def _why_not_bound(self, error: OSError) -> str:
        host, port = self._place
        if error.errno == errno.EADDRINUSE:
            return (
                f"OSC port {port} at {host} is in use, perhaps by a SPARTA plug-in, a head tracker program "
                f"or another rt-render: close it or choose another port (on Linux `ss -lunp sport = :{port}` "
                "names it); trying again every second"
            )
        return f"cannot listen at {host}:{port} ({error.strerror}): choose another address; trying again"

    def _accept(self, datagram: bytes, sender: Address, now_s: float) -> list[Heard]:
        heard: list[Heard] = []
        if REQUEST_MARK in datagram:
            asks, has_more = requests(datagram)
            if asks and not self._may_ask(sender):
                self._counts.foreign += 1
                return heard
            if asks and now_s - self._requested_s >= REQUEST_EVERY_S:
                self._requested_s = now_s
                heard.append(Heard(Told("recentre"), now_s))
            if not has_more:
                return heard
        if not self._trust.admits(sender, now_s):
            self._counts.foreign += 1
            return heard
        if self._tape is not None:
            self._tape.take(datagram, now_s, in_words(sender))
        if sender[0] != self._decoded[0]:
            self._decoder = OscDecoder(self._dialect, self._counts)
        self._decoded = sender
        refused = self._counts.refused
        motion = self._decoder.feed(datagram, now_s)
        if self._counts.refused != refused:
            self._tell_refused(sender)
        # A pose that came with the request is where the person looked when asking.
        return heard if motion is None else [self._believed(Heard(motion, now_s)), *heard]

    def _may_ask(self, sender: Address) -> bool:
        trusted = self._trust.sender
        return (trusted is not None and trusted[0] == sender[0]) or ip_address(sender[0].partition("%")[0]).is_loopback

    def _believed(self, heard: Heard) -> Heard:
        if self._trust.believe(self._decoded, heard.arrival_s):
            self.device_id = self._decoded[0]
            if isinstance(heard.message, Motion) and heard.message.quat_wxyz is not None:
                look = look_in_words(PoseSample(heard.arrival_s, heard.message.quat_wxyz))
                self._notices.say(f"{in_words(self._decoded)} says: {look}")
        return heard

    def _tell_refused(self, sender: Address) -> None:
        n_refused = self._counts.refused
        told = "1 message could not be used," if n_refused == 1 else f"{n_refused} messages could not be used, the last"
        self._notices.repeat("refused", f"{self.name}: {told} from {in_words(sender)}: {self._counts.last_reason}")
