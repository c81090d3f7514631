"""The SoundScape Renderer over FUDI: lines of words on a TCP connection that comes back by itself."""

import errno
import socket
from contextlib import suppress
from math import inf

from firmware_bridge.dialects.turns import quat_to_rfu
from firmware_bridge.messages import Quat
from firmware_bridge.notices import Notices
from firmware_bridge.osc.output_host import OutputHost

RETRY_S = 1.0
GIVE_UP_S = 3.0
"""A connection that is not made within this time is begun anew."""
_UNDER_WAY = (errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK, errno.EINTR)


def ssr_line(quat_world_from_head: Quat) -> bytes:
    """Return the line that turns SSR's listener: x right, y front, z up, scalar last."""
    w, x, y, z = quat_to_rfu(quat_world_from_head)
    return f"ref offset quat {x:.6f} {y:.6f} {z:.6f} {w:.6f};\n".encode("ascii")


class SsrOutput:
    """Sends each pose to SSR's FUDI server on a host, and connects anew by itself; never waits. Thread: one."""

    def __init__(self, host: str, port: int, notices: Notices) -> None:
        self.name = f"SSR at {host}:{port}"
        self._host, self._notices = OutputHost(host, port, notices), notices
        self._socket: socket.socket | None = None
        self._is_open = False
        self._begun_s = -inf
        self._rest = b""
        self._has_told = False

    def send(self, quat_world_from_head: Quat, now_s: float) -> None:
        """Send a pose, or drop it while there is no connection or no room."""
        try:
            if self._is_ready(now_s):
                self._write(ssr_line(quat_world_from_head))
        except OSError as error:
            self._lose(error)

    def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._is_open, self._rest = None, False, b""

    def _is_ready(self, now_s: float) -> bool:
        if self._is_open and self._socket is not None:
            self._hear_out(self._socket)
            return True
        if self._socket is not None and now_s - self._begun_s > GIVE_UP_S:
            self.close()
        place = self._host.place(now_s)
        if place is None:
            return False
        family, address = place
        if self._socket is None:
            if now_s - self._begun_s < RETRY_S:
                return False
            self._begun_s = now_s
            self._socket = socket.socket(family, socket.SOCK_STREAM)
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = self._socket.connect_ex(address)
        if code in _UNDER_WAY:
            return False
        if code not in (0, errno.EISCONN):
            raise OSError(code, "it does not answer")
        self._is_open, self._has_told = True, False
        self._notices.say(f"{self.name} is connected")
        return True

    def _hear_out(self, connection: socket.socket) -> None:
        """Read and forget what SSR says; nothing at all means that it has ended."""
        with suppress(BlockingIOError):
            if not connection.recv(4096):
                raise OSError(errno.ECONNRESET, "it closed the connection")

    def _write(self, line: bytes) -> None:
        connection = self._socket
        if connection is None:
            return
        # A line that was cut short is ended first; while it cannot be, newer poses are not worth waiting for.
        with suppress(BlockingIOError):
            if self._rest:
                self._rest = self._rest[connection.send(self._rest) :]
            if not self._rest:
                self._rest = line[connection.send(line) :]

    def _lose(self, error: OSError) -> None:
        self.close()
        if not self._has_told:
            self._has_told = True
            self._notices.say(f"{self.name} is not there ({error.strerror}): trying again every second")
