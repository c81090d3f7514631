"""A UDP port: datagrams of the one sender that was locked on."""

import errno
import socket
import time
from collections import deque

from firmware_bridge.errors import BridgeError
from firmware_bridge.notices import Notices
from firmware_bridge.one_sender import TOO_LONG, Address, OneSender, in_words
from firmware_bridge.transports.link import ByteLink, LinkError, Piece

DEFAULT_HOST = "127.0.0.1"
MAX_DATAGRAM_BYTES = 2048
MAX_PER_READ = 64


class UdpLink(ByteLink):
    """Listens at one address; hears everybody until one sender is believed, then that one, as OneSender says.

    Parameters: `host` an address of this machine ("0.0.0.0" hears other machines too), `port` 1..65535, else
    BridgeError; `wanted_by` names who usually sends there, for the sentence about a port in use.
    """

    answers_only = True
    if_silent = "start the sender; for one on another device listen at 0.0.0.0, and let the firewall pass it"

    def __init__(self, host: str, port: int, notices: Notices, wanted_by: str = "a head tracker program") -> None:
        if not 1 <= port <= 65535:
            raise BridgeError(f"UDP port {port}: allowed are 1 to 65535.")
        self.name = f"UDP port {port} at {host}"
        self.foreign = 0
        self._place, self._wanted_by = (host, port), wanted_by
        self._one = OneSender(notices)
        self._socket: socket.socket | None = None
        self._recent: deque[Address] = deque(maxlen=MAX_PER_READ)

    def open(self, timeout_s: float) -> bool:
        """Bind. Raises LinkError that says who may have the port."""
        listener = socket.socket(socket.AF_INET6 if ":" in self._place[0] else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            listener.bind(self._place)
        except OSError as error:
            listener.close()
            raise LinkError(self._why_not_bound(error)) from None
        self._socket = listener
        return True

    def read(self, timeout_s: float) -> list[Piece]:
        """Return the datagrams of the trusted sender; one at a time while nobody is trusted."""
        if self._socket is None:
            raise LinkError("is closed: open it again")
        pieces: list[Piece] = []
        end_s = time.monotonic() + timeout_s
        wait_s = timeout_s
        for _ in range(MAX_PER_READ):
            self._socket.settimeout(wait_s)
            try:
                data, address = self._socket.recvfrom(MAX_DATAGRAM_BYTES)
            except (TimeoutError, BlockingIOError):
                break
            except ConnectionError:
                # Some systems report the closed port of one we answered to; the socket itself is well.
                continue
            except OSError as error:
                if error.errno in TOO_LONG:
                    self.foreign += 1
                    continue
                raise LinkError(f"was closed by the system ({error.strerror}); trying again") from None
            now_s = time.monotonic()
            sender: Address = (address[0], address[1])
            if not self._one.admits(sender, now_s):
                self.foreign += 1
                wait_s = max(0.0, end_s - now_s) if not pieces else 0.0
                continue
            self._recent.append(sender)
            self.device_id = sender[0]
            pieces.append(Piece(data, now_s, in_words(sender)))
            if self._one.sender is None:
                break
            wait_s = 0.0
        return pieces

    def believe(self, sender: str) -> None:
        """Lock on to a sender of what was read last."""
        address = next((one for one in reversed(self._recent) if in_words(one) == sender), None)
        if address is not None:
            self._one.believe(address, time.monotonic())

    def write(self, data: bytes) -> bool:
        """Send to the believed sender, while there is none to the last that called; False before anybody did."""
        receiver = self._one.sender or (self._recent[-1] if self._recent else None)
        if self._socket is None or receiver is None:
            return False
        try:
            self._socket.sendto(data, receiver)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Free the port."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _why_not_bound(self, error: OSError) -> str:
        port = self._place[1]
        if error.errno == errno.EADDRINUSE:
            return (
                f"is in use, perhaps by {self._wanted_by} or another rt-render: close it or choose another port "
                f"(on Linux `ss -lunp sport = :{port}` names it); trying again"
            )
        return f"cannot be listened at ({error.strerror}): choose another address; trying again"
