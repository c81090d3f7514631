"""Serial ports: their list, and one of them as a link.

Both modem lines stay as pyserial asserts them on opening: USB devices send only to a host that raises DTR,
and two raised lines do not reset an ESP32. They are never touched afterwards, because a pseudo-terminal
refuses that.
"""

import contextlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import serial
from serial.tools import list_ports

from firmware_bridge.errors import BridgeError
from firmware_bridge.transports.link import ByteLink, LinkError, Piece
from firmware_bridge.transports.serial_reasons import why_not_opened

if sys.platform == "win32":
    TERMINAL_ERROR: type[Exception] = OSError
else:
    import termios

    TERMINAL_ERROR = termios.error

DEFAULT_BAUD, MAX_BAUD = 115200, 20_000_000
READ_BYTES = 4096
WRITE_TIMEOUT_S = 0.5
LOOK_EVERY_S = 0.5
GONE = "is gone: plug it in again; looking for it"

# pyserial lets these three through, depending on what the port was doing when it vanished.
_PORT_ERRORS = (OSError, TERMINAL_ERROR, TypeError)


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A port that is there: `device` to open it, `description` for people, `device_id` "" where nothing tells."""

    device: str
    description: str
    device_id: str


def serial_ports() -> list[SerialPort]:
    """Return the serial ports of this machine, sorted by device; nothing is opened."""
    ports = []
    for port in list_ports.comports():
        known = port.vid is not None and port.pid is not None
        chip = f"{port.vid:04x}-{port.pid:04x}" if known else ""
        device_id = "-".join(part for part in (chip, port.serial_number or port.location) if part) if known else ""
        description = port.description if port.description != "n/a" else ""
        ports.append(SerialPort(port.device, description, device_id))
    return sorted(ports, key=lambda port: port.device)


class SerialLink(ByteLink):
    """A serial port by its device name, a link to it, or a URL that pyserial knows.

    Parameters: `bauds` in bit/s, the first one is used until `set_baud`. Raises BridgeError for a speed outside
    1..20 000 000. Nobody else can open the port meanwhile; a driver that can is asked not to hold bytes back.
    """

    def __init__(self, port: str, bauds: tuple[int, ...] = (DEFAULT_BAUD,)) -> None:
        for baud in bauds:
            if not 0 < baud <= MAX_BAUD:
                raise BridgeError(
                    f"serial speed {baud}: allowed are 1 to {MAX_BAUD} bits per second, such as {DEFAULT_BAUD}."
                )
        self.name = f"serial port {port}"
        self.bauds = bauds
        self._device, self._baud = port, bauds[0]
        self._named = Path(port)  # kept: made anew at every look, its parts pile up in the interpreter's table of names
        self._port: serial.Serial | None = None
        self._looked_s = 0.0

    def open(self, timeout_s: float) -> bool:
        """Open exclusively. Raises LinkError with the likely reason and what to do."""
        try:
            self._port = serial.serial_for_url(
                self._device, self._baud, timeout=timeout_s, write_timeout=WRITE_TIMEOUT_S, exclusive=True
            )
        except (*_PORT_ERRORS, ValueError) as error:
            raise LinkError(f"{why_not_opened(error)}; trying again") from None
        with contextlib.suppress(*_PORT_ERRORS, ValueError, AttributeError, NotImplementedError):
            self._port.set_low_latency_mode(True)
        real = os.path.realpath(self._device)
        self.device_id = next((port.device_id for port in serial_ports() if port.device == real), "")
        return True

    def read(self, timeout_s: float) -> list[Piece]:
        """Return one piece with all that has come, or none."""
        port = self._open_port()
        try:
            if port.timeout != timeout_s:
                port.timeout = timeout_s
            data = port.read(1)
            if data:
                data += port.read(min(port.in_waiting, READ_BYTES))
        except _PORT_ERRORS:
            raise LinkError(GONE) from None
        now_s = time.monotonic()
        if data:
            return [Piece(data, now_s)]
        if now_s - self._looked_s > LOOK_EVERY_S:
            self._looked_s = now_s
            self._look()
        return []

    def write(self, data: bytes) -> bool:
        """Write all; False where the device does not take it for half a second."""
        try:
            self._open_port().write(data)
        except serial.SerialTimeoutException:
            return False
        except _PORT_ERRORS:
            raise LinkError(GONE) from None
        return True

    def set_baud(self, baud: int) -> None:
        """Change the speed of the port in place: closing would toggle DTR and restart many devices.

        A speed that the driver does not know leaves the port as it is.
        """
        before, self._baud = self._baud, baud
        if self._port is not None and baud != before:
            try:
                self._port.baudrate = baud
            except (*_PORT_ERRORS, ValueError):
                self._baud = before
                with contextlib.suppress(*_PORT_ERRORS, ValueError):
                    self._port.baudrate = before

    def close(self) -> None:
        """Free the port."""
        port, self._port = self._port, None
        if port is not None:
            try:
                port.close()
            except _PORT_ERRORS:
                raise LinkError("did not close cleanly: unplug it if it stays busy") from None

    def _open_port(self) -> serial.Serial:
        if self._port is None:
            raise LinkError(GONE)
        return self._port

    def _look(self) -> None:
        """Find out whether the name still means the port that is open: some drivers never say that it went."""
        if os.name != "posix" or not self._device.startswith("/"):
            return
        try:
            named, opened = self._named.stat(), os.fstat(self._open_port().fileno())
        except (OSError, ValueError):
            raise LinkError(GONE) from None
        if named.st_rdev != opened.st_rdev:
            raise LinkError(GONE)
