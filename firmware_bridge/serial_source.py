"""A serial head tracker: the port, its coming and going, and the time of arrival.

Both modem lines stay as pyserial asserts them on opening: USB devices send only to a host that raises DTR,
and two raised lines do not reset an ESP32. They are never touched afterwards, because a pseudo-terminal
refuses that. Nothing is ever written to the port.
"""

import sys
import time
from collections.abc import Sequence

import serial
from serial.tools import list_ports

from firmware_bridge.errors import BridgeError
from firmware_bridge.notices import Notices
from firmware_bridge.pose import PoseSample
from firmware_bridge.serial_text import SerialTextDecoder, TextPose
from firmware_bridge.source import SourceHealth, look_in_words
from firmware_bridge.transports.serial_reasons import why_not_opened

if sys.platform == "win32":
    TERMINAL_ERROR: type[Exception] = OSError
else:
    import termios

    TERMINAL_ERROR = termios.error

DEFAULT_BAUD, MAX_BAUD = 115200, 20_000_000
BACK_OFF_S = (0.1, 0.2, 0.4, 0.8, 1.0)
SILENT_S = 2.0
READ_BYTES = 4096

# pyserial lets these three through, depending on what the port was doing when it vanished.
_PORT_ERRORS = (OSError, TERMINAL_ERROR, TypeError)


class SerialSource:
    """Poses from `$HT` or `#YPR=` lines; survives unplugging, and says so.

    Parameters: `port` a device name or URL that pyserial knows, or "auto" where just one port is present;
    `baud` in bit/s. Raises BridgeError for a baud rate outside 1..20 000 000.
    """

    def __init__(self, port: str, baud: int, notices: Notices) -> None:
        if not 0 < baud <= MAX_BAUD:
            raise BridgeError(
                f"serial speed {baud}: allowed are 1 to {MAX_BAUD} bits per second, such as {DEFAULT_BAUD}."
            )
        self.name = f"serial port {port}"
        self._wanted, self._baud, self._notices = port, baud, notices
        self._decoder = SerialTextDecoder()
        self._port: serial.Serial | None = None
        self._device = ""
        self._tries = 0
        self._retry_at_s = 0.0
        self._heard = False
        self._last_pose_s = 0.0
        self._seq = 0

    def poll(self, timeout_s: float) -> Sequence[PoseSample]:
        """Return the poses whose lines ended, stamped on arrival and spaced by the device's clock."""
        port = self._opened(timeout_s)
        if port is None:
            return []
        try:
            if port.timeout != timeout_s:
                port.timeout = timeout_s
            data = port.read(1)
            if data:
                data += port.read(min(port.in_waiting, READ_BYTES))
        except _PORT_ERRORS:
            self._lost()
            return []
        now_s = time.monotonic()
        frames = self._decoder.feed(data)
        poses = [self._pose(frame, frames[-1], now_s) for frame in frames]
        self._tell(poses, now_s)
        return poses

    def health(self) -> SourceHealth:
        """Return whether poses come, from which port, and how many frames were unusable."""
        connected = self._port is not None and self._heard
        return SourceHealth(connected, self._device if connected else "", self._decoder.counts.dropped)

    def close(self) -> None:
        """Free the port."""
        if self._port is not None:
            port, self._port = self._port, None
            try:
                port.close()
            except _PORT_ERRORS:
                self._notices.repeat("close", f"{self.name} did not close cleanly: unplug it if it stays busy")

    def _opened(self, timeout_s: float) -> serial.Serial | None:
        if self._port is not None:
            return self._port
        wait_s = self._retry_at_s - time.monotonic()
        if wait_s > 0.0:
            time.sleep(min(timeout_s, wait_s))
            return None
        self._retry_at_s = time.monotonic() + BACK_OFF_S[min(self._tries, len(BACK_OFF_S) - 1)]
        self._tries += 1
        device = self._wanted if self._wanted != "auto" else self._only_port()
        if device is None:
            return None
        try:
            self._port = serial.serial_for_url(device, self._baud, timeout=timeout_s, exclusive=True)
        except (*_PORT_ERRORS, ValueError) as error:
            self._notices.repeat("open", f"serial port {device} {why_not_opened(error)}; trying again")
            return None
        self._decoder.reset()
        self._device = device
        self._heard, self._last_pose_s = False, time.monotonic()
        self._notices.say(f"serial port {device} is open at {self._baud} bit/s, waiting for poses")
        return self._port

    def _only_port(self) -> str | None:
        devices = sorted(port.device for port in list_ports.comports())
        if len(devices) == 1:
            return devices[0]
        if devices:
            self._notices.repeat("ports", f"several serial ports: choose one of {', '.join(devices)} (serial:PORT)")
        else:
            self._notices.repeat("ports", "no serial port found: plug the head tracker in; looking again")
        return None

    def _pose(self, frame: TextPose, last: TextPose, now_s: float) -> PoseSample:
        behind_s = 0.0
        if frame.device_time_us is not None and last.device_time_us is not None:
            # Frames that arrive in one piece were not measured at one moment.
            behind_s = min(((last.device_time_us - frame.device_time_us) % (1 << 32)) * 1e-6, 0.5)
        self._seq += 1
        return PoseSample(now_s - behind_s, frame.quat_world_from_head, frame.gyro_rad_s, self._seq)

    def _tell(self, poses: Sequence[PoseSample], now_s: float) -> None:
        if poses:
            self._tries, self._last_pose_s = 0, now_s
            if not self._heard:
                self._heard = True
                self._notices.say(f"{self.name} says: {look_in_words(poses[-1])}")
        elif now_s - self._last_pose_s > SILENT_S:
            self._heard = False
            damaged = self._decoder.counts.dropped
            self._notices.repeat(
                "silent",
                f"{self.name} is open but brings no poses ({damaged} damaged lines): check the speed "
                f"({self._baud} bit/s) and that the tracker sends $HT or #YPR= lines",
            )

    def _lost(self) -> None:
        self._notices.repeat("lost", f"{self.name} is gone: plug it in again; looking for it")
        self.close()
        self._heard = False
        self._retry_at_s = time.monotonic() + BACK_OFF_S[0]
