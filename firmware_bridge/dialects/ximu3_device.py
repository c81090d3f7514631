"""A virtual x-IMU3."""

from math import degrees
from struct import pack

from firmware_bridge.dialects.turns import GRAVITY_M_S2
from firmware_bridge.dialects.ximu3_frame import END, FIELD_UT, stuffed
from firmware_bridge.virtual.device import DeviceState

PING = b'{"ping":null}\n'
BATTERY_EVERY = 100
MAX_HEARD_BYTES = 1024


class Ximu3Device:
    """Sends inertial, magnetic and orientation messages, the battery now and then; answers pings.

    `orientation` may be "" for a device that leaves fusion to the host.
    """

    def __init__(self, text: bool = False, orientation: str = "Q") -> None:
        self._text, self._orientation = text, orientation
        self._heard = b""

    def encode(self, state: DeviceState) -> bytes:
        """Return the messages of one measurement."""
        gyro = map(degrees, state.gyro_rad_s)
        accel = (part / GRAVITY_M_S2 for part in state.accel_m_s2)
        messages = [
            self._message("I", state.time_s, *gyro, *accel),
            self._message("M", state.time_s, *(part / FIELD_UT for part in state.mag_ut)),
        ]
        if state.seq % BATTERY_EVERY == 0:
            messages.append(self._message("B", state.time_s, 100.0 * state.battery, 3.3 + 0.9 * state.battery, 0.0))
        if self._orientation:
            messages.append(self._message("Q", state.time_s, *state.quat_world_from_head))
        return b"".join(messages)

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Answer pings; other commands are echoed, as settings are."""
        *lines, rest = (self._heard + data).split(END)
        self._heard = rest[-MAX_HEARD_BYTES:]
        reply = b'{"ping":{"interface":"USB","name":"virtual x-IMU3","sn":"00000000"}}\n'
        return b"".join(reply if line.strip() == PING.strip() else line.strip() + END for line in lines if line.strip())

    def _message(self, letter: str, time_s: float, *values: float) -> bytes:
        time_us = round(time_s * 1e6) % (1 << 64)
        if self._text:
            return f"{letter},{time_us},{','.join(f'{value:.4f}' for value in values)}\r\n".encode()
        return stuffed(pack(f"<BQ{len(values)}f", ord(letter) + 0x80, time_us, *values))
