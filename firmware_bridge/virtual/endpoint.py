"""Where a virtual wearable can be heard: a pseudo-terminal, UDP, a pipe, a MIDI port. None of them ever waits.

A reader that does not read loses bytes, as with a device whose buffer runs over; that is counted.
"""

import os
import queue
import select
import socket
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from firmware_bridge.errors import BridgeError

MAX_READ_BYTES = 4096
TERMINALS = ("/dev/pts/", "/dev/ttys")
"""How pseudo-terminals are named on Linux and macOS."""
PIPE_BYTES = 512
"""So many bytes fit whenever a pipe says that it can be written to (POSIX's PIPE_BUF, at the least)."""


class EndpointClosedError(Exception):
    """Nobody will ever read again: the pipe was closed."""


class Endpoint(ABC):
    """Takes bytes for whoever listens. `place` names it; `n_unread_bytes` were lost as nobody read. Thread: one."""

    place = ""
    n_unread_bytes = 0

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send what can be sent at once, and count the rest. Raises EndpointClosedError."""

    def hear(self, timeout_s: float) -> bytes:
        """Return what the host says, waiting at most `timeout_s` for it."""
        time.sleep(timeout_s)
        return b""

    def close(self) -> None:  # noqa: B027 (a pipe is somebody else's)
        """Give everything back."""


class PtyEndpoint(Endpoint):
    """A pseudo-terminal; `link` a name for it that stays, made as a symbolic link. Raises BridgeError."""

    def __init__(self, link: Path | None = None) -> None:
        try:
            import pty
            import tty
        except ImportError:
            raise BridgeError(
                "this system has no pseudo-terminals: use `--out udp:HOST:PORT` or `--out stdout` instead."
            ) from None
        if link is not None and not _may_be_made(link):
            raise BridgeError(f"{link} is there and no link to a terminal: choose another name, it is not overwritten.")
        self._device, self._host = pty.openpty()
        # The host's side stays open here: a reader may come and go.
        tty.setraw(self._host)
        os.set_blocking(self._device, False)
        self.place = self._terminal = os.ttyname(self._host)
        self._link = link
        if link is not None:
            try:
                link.unlink(missing_ok=True)
                link.symlink_to(self.place)
            except OSError as error:
                raise BridgeError(f"{link} cannot be made ({error.strerror}): choose another place.") from None
            # As a tracker a bare name would be taken for a dialect's.
            self.place = str(link.absolute())

    def send(self, data: bytes) -> None:
        """Write what fits into the terminal's buffer."""
        try:
            n_written = os.write(self._device, data)
        except BlockingIOError:
            n_written = 0
        self.n_unread_bytes += len(data) - n_written

    def hear(self, timeout_s: float) -> bytes:
        """Return what the host wrote."""
        if not select.select([self._device], [], [], timeout_s)[0]:
            return b""
        try:
            return os.read(self._device, MAX_READ_BYTES)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        """Take the link away and close both sides."""
        if self._link is not None:
            with suppress(OSError):
                if str(self._link.readlink()) == self._terminal:
                    self._link.unlink()
        os.close(self._host)
        os.close(self._device)


class UdpEndpoint(Endpoint):
    """Datagrams to one address; what comes back from anywhere is the host's. Raises BridgeError."""

    def __init__(self, host: str, port: int) -> None:
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        except OSError:
            raise BridgeError(f"{host!r} is no address that can be found: name a host or its number.") from None
        self.place = f"{host}:{port}"
        self._address = address
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def send(self, data: bytes) -> None:
        """Send one datagram; that nobody listens is not known, or no matter."""
        try:
            self._socket.sendto(data, self._address)
        except OSError:
            self.n_unread_bytes += len(data)

    def hear(self, timeout_s: float) -> bytes:
        """Return one datagram of the host."""
        if not select.select([self._socket], [], [], timeout_s)[0]:
            return b""
        try:
            return self._socket.recv(MAX_READ_BYTES)
        except OSError:
            return b""

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class PipeEndpoint(Endpoint):
    """A file or pipe that is open for writing, such as standard output; it only listens."""

    place = "standard output"

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, data: bytes) -> None:
        """Write what can be taken at once. Raises EndpointClosedError."""
        for at in range(0, len(data), PIPE_BYTES):
            if not _takes(self._descriptor):
                self.n_unread_bytes += len(data) - at
                return
            try:
                os.write(self._descriptor, data[at : at + PIPE_BYTES])
            except OSError:
                raise EndpointClosedError from None


class MidiEndpoint(Endpoint):
    """A virtual MIDI device of this name, seen by all programs. Parameters: what `load_mido` returns.

    Raises BridgeError where the system has no MIDI or no virtual ports.
    """

    def __init__(self, mido: ModuleType, backend: Any, name: str) -> None:
        self.place = f"MIDI device {name}"
        self._mido = mido
        self._heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        try:
            self._output = backend.open_output(name, virtual=True)
            self._input = backend.open_input(
                name, virtual=True, callback=lambda message: self._heard.put(bytes(message.bytes()))
            )
        except (OSError, NotImplementedError):
            raise BridgeError(
                "this system has no virtual MIDI ports (Linux needs ALSA's sequencer, Windows has none): "
                "use `--out pty`, `--out stdout` or `--out udp:HOST:PORT` instead."
            ) from None

    def send(self, data: bytes) -> None:
        """Send whole MIDI messages."""
        for message in self._mido.parse_all(data):
            self._output.send(message)

    def hear(self, timeout_s: float) -> bytes:
        """Return one message of the host."""
        try:
            return self._heard.get(timeout=timeout_s) if timeout_s > 0.0 else self._heard.get_nowait()
        except queue.Empty:
            return b""

    def close(self) -> None:
        """Take the device away."""
        self._input.close()
        self._output.close()


def _may_be_made(link: Path) -> bool:
    """Return whether a name is free, or a link of a run that ended before it could take it away."""
    if not link.is_symlink():
        return not link.exists()
    return not link.exists() or str(link.readlink()).startswith(TERMINALS)


def _takes(descriptor: int) -> bool:
    try:
        return bool(select.select([], [descriptor], [], 0.0)[1])
    except (OSError, ValueError):
        # Not on Windows, where a file takes all and a pipe waits.
        return True
