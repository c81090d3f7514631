"""Head poses over OSC (UDP): one trusted sender at a time."""

import errno
import socket
import time
from collections.abc import Sequence

from firmware_bridge.dialect import Dialect
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Motion
from firmware_bridge.notices import Notices
from firmware_bridge.one_sender import Address, OneSender, in_words
from firmware_bridge.osc.decoder import OscCounts, OscDecoder
from firmware_bridge.osc.dialects import find_dialect
from firmware_bridge.osc.wire import MAX_PACKET_BYTES
from firmware_bridge.pose import PoseSample
from firmware_bridge.quaternion import Array
from firmware_bridge.source import Heard, SourceHealth, look_in_words

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 9000
RETRY_S = 1.0
MAX_PER_POLL = 256


class OscSource:
    """Listens for the addresses of one dialect and believes the first sender whose poses make sense.

    Parameters: `host`, `port` to listen at; `dialect` name or None. Raises BridgeError for a port outside
    1..65535 or an unknown dialect; a port in use is tried again every second, and said.
    """

    dialect: Dialect | None = None
    device_id = ""
    exact_times = False

    def __init__(self, host: str, port: int, dialect: str | None, notices: Notices) -> None:
        if not 1 <= port <= 65535:
            raise BridgeError(f"OSC port {port}: allowed are 1 to 65535.")
        self.name = f"OSC at {host}:{port}"
        self._place = (host, port)
        self._dialect = find_dialect(dialect)
        self._notices = notices
        self._socket: socket.socket | None = None
        self._retry_at_s = 0.0
        self._trust = OneSender(notices)
        self._counts = OscCounts()
        self._decoder = OscDecoder(self._dialect, self._counts)
        self._decoded: Address = ("", 0)
        self._foreign = 0

    def poll(self, timeout_s: float) -> Sequence[Heard]:
        """Return the poses of the trusted sender that came, stamped on arrival.

        An angle that came alone (`/yaw`) becomes a pose 15 ms later, on an empty socket.
        """
        self._notices.catch_up("refused")
        listener = self._listener(timeout_s)
        if listener is None:
            return []
        poses: list[Heard] = []
        overdue_s = self._decoder.sweep.wait_s(time.monotonic())
        listener.settimeout(timeout_s if overdue_s is None else min(timeout_s, overdue_s))
        for _ in range(MAX_PER_POLL):
            try:
                datagram, sender = listener.recvfrom(MAX_PACKET_BYTES + 1)
            except (TimeoutError, BlockingIOError):
                poses += self._overdue(time.monotonic())
                break
            except OSError as error:
                # Some systems report a peer's closed port here; the socket itself is well.
                self._notices.repeat("socket", f"{self.name}: {error.strerror}")
                break
            listener.setblocking(False)
            pose = self._accept(datagram, sender, time.monotonic())
            if pose is not None:
                poses.append(pose)
        return poses

    def health(self) -> SourceHealth:
        """Return whether somebody is trusted, who, and how much was refused."""
        sender = self._trust.sender
        dropped = self._counts.refused + self._foreign
        return SourceHealth(sender is not None, "" if sender is None else in_words(sender), dropped)

    def say(self, data: bytes) -> bool:
        """Return that nobody listens."""
        return False

    def close(self) -> None:
        """Free the port."""
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

    def _accept(self, datagram: bytes, sender: Address, now_s: float) -> Heard | None:
        sender = (sender[0], sender[1])
        if not self._trust.admits(sender, now_s):
            self._foreign += 1
            return None
        if sender[0] != self._decoded[0]:
            self._decoder = OscDecoder(self._dialect, self._counts)
        self._decoded = sender
        refused = self._counts.refused
        head = self._decoder.feed(datagram, now_s)
        if self._counts.refused != refused:
            self._tell_refused(sender)
        return None if head is None else self._pose(head, now_s)

    def _overdue(self, now_s: float) -> list[Heard]:
        head = self._decoder.overdue(now_s)
        return [] if head is None else [self._pose(head, self._decoder.sweep.newest_s)]

    def _pose(self, head: Array, time_s: float) -> Heard:
        w, x, y, z = head.tolist()
        if self._trust.believe(self._decoded, time_s):
            look = look_in_words(PoseSample(time_s, (w, x, y, z)))
            self._notices.say(f"{in_words(self._decoded)} says: {look}")
        return Heard(Motion((w, x, y, z)), time_s)

    def _tell_refused(self, sender: Address) -> None:
        n_refused = self._counts.refused
        told = "1 message could not be used," if n_refused == 1 else f"{n_refused} messages could not be used, the last"
        self._notices.repeat("refused", f"{self.name}: {told} from {in_words(sender)}: {self._counts.last_reason}")
