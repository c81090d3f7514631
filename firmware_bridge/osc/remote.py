"""Requests over OSC while the head is heard in another way: `/recentre` for a tracker on USB, MIDI or Bluetooth."""

import socket
from ipaddress import ip_address

from firmware_bridge.notices import Notices
from firmware_bridge.osc.decoder import requests
from firmware_bridge.osc.wire import MAX_PACKET_BYTES

RETRY_S = 5.0
MAX_PER_LOOK = 16
REQUEST_EVERY_S = 0.2


class OscRemote:
    """Listens for `/recentre` and `/rt-render/recentre` of programs on this machine, and never waits.

    Parameters: `host`, `port` to listen at. A port in use is told once and tried again every five seconds. Thread:
    the bridge's.
    """

    def __init__(self, host: str, port: int, notices: Notices) -> None:
        self._place = (host, port)
        self._notices = notices
        self._socket: socket.socket | None = None
        self._retry_at_s = self._asked_s = -RETRY_S
        self._told = False

    def asks_to_recentre(self, now_s: float) -> bool:
        """Return whether somebody asked since the last look, five times a second at most; `now_s` monotonic."""
        listener = self._listener(now_s)
        if listener is None:
            return False
        asked = False
        for _ in range(MAX_PER_LOOK):
            try:
                datagram, sender = listener.recvfrom(MAX_PACKET_BYTES + 1)
            except OSError:  # nothing waits, or what waits is too long
                break
            asked |= ip_address(sender[0].partition("%")[0]).is_loopback and requests(datagram)[0]
        if not asked or now_s - self._asked_s < REQUEST_EVERY_S:
            return False
        self._asked_s = now_s
        return True

    def close(self) -> None:
        """Free the port."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _listener(self, now_s: float) -> socket.socket | None:
        if self._socket is not None or now_s - self._retry_at_s < RETRY_S:
            return self._socket
        self._retry_at_s = now_s
        host, port = self._place
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        listener.setblocking(False)
        try:
            listener.bind(self._place)
        except OSError as error:
            listener.close()
            if not self._told:
                self._told = True
                self._notices.say(f"OSC port {port} is not free ({error.strerror}): no /recentre over OSC for now")
            return None
        self._socket = listener
        return listener
