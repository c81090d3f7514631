"""BNO055 over its UART registers: the host asks a hundred times a second, the chip answers.

Read `AA 01 reg len` → `BB len data`, write `AA 00 reg len data` → `EE 01`, or `EE error` to either; little-endian.
One read from 0x14 on takes gyro, Euler angles and quaternion of one moment. Answers carry no checksum and no
register, so only the two lengths that are asked for are taken.
"""

import re
from math import hypot, radians
from struct import Struct

from firmware_bridge.decoder import StreamDecoder
from firmware_bridge.dialect import Axes, Check, Dialect, Talk, Transport
from firmware_bridge.dialects.counts import to_counts
from firmware_bridge.dialects.turns import unit_quat
from firmware_bridge.messages import Message, Motion, Vec3
from firmware_bridge.virtual.device import DeviceState

RAD_S_PER_COUNT = radians(1.0) / 16.0
QUAT_ONE = 16384.0
M_S2_PER_COUNT = 0.01
MAX_NORM_ERROR = 0.02
MAX_GYRO_COUNTS = 2000 * 16
PAGE, UNITS, MODE = 0x07, 0x3B, 0x3D
CONFIG_MODE, SIX_AXIS_MODE = 0x00, 0x08
CHIP_ID = 0xA0
DONE, BUS_BUSY = 0x01, 0x07
ERRORS = range(0x02, 0x0B)
READ_MOTION = bytes((0xAA, 0x01, 0x14, 20))
_ANSWER = re.compile(rb"[\xbb\xee]")
_QUAT = Struct("<4h")
_MOTION = Struct("<10h")


class Bno055Decoder(StreamDecoder):
    """Reads the answers to reads of the quaternion (8 bytes), or of gyro to quaternion (20 bytes)."""

    def scan(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        """Look at one place: an answer, a status, or rubbish up to the next of these."""
        kind = buffer[at]
        if kind not in (0xBB, 0xEE):
            self.counts.damaged += 1
            start = _ANSWER.search(buffer, at)
            return (start.start() if start else len(buffer)) - at, None
        if len(buffer) - at < 2:
            return 0, None
        second = buffer[at + 1]
        if kind == 0xEE:
            # Right after its fusion has written, the chip is busy; the next read comes anyway.
            if second in (DONE, BUS_BUSY):
                return 2, None
            self.counts.damaged += 1
            return 2 if second in ERRORS else 1, None
        if second not in (_QUAT.size, _MOTION.size):
            self.counts.damaged += 1
            return 1, None
        if len(buffer) - at < 2 + second:
            return 0, None
        motion = _read(buffer, at + 2, second)
        if motion is None:
            self.counts.implausible += 1
            return 1, None
        return 2 + second, motion


def _read(buffer: bytes, at: int, n_bytes: int) -> Motion | None:
    w, x, y, z = _QUAT.unpack_from(buffer, at + n_bytes - _QUAT.size)
    quat = unit_quat(w / QUAT_ONE, x / QUAT_ONE, y / QUAT_ONE, z / QUAT_ONE, MAX_NORM_ERROR)
    gyro: Vec3 | None = None
    if n_bytes == _MOTION.size:
        gx, gy, gz = _MOTION.unpack_from(buffer, at)[:3]
        if max(abs(gx), abs(gy), abs(gz)) > MAX_GYRO_COUNTS:
            return None
        gyro = (gx * RAD_S_PER_COUNT, gy * RAD_S_PER_COUNT, gz * RAD_S_PER_COUNT)
    return None if quat is None else Motion(quat_wxyz=quat, gyro_rad_s=gyro, norm=hypot(w, x, y, z) / QUAT_ONE)


def write_register(register: int, value: int) -> bytes:
    """Return the command that writes one byte."""
    return bytes((0xAA, 0x00, register, 1, value))


class Bno055Device:
    """Answers reads and writes of its registers; measures only in six-axis mode, and begins in configuration mode."""

    def __init__(self) -> None:
        self._registers = bytearray(128)
        self._registers[0] = CHIP_ID
        self._heard = b""

    def encode(self, state: DeviceState) -> bytes:
        """Take the measurement into the registers; nothing is sent before it is asked for."""
        if self._registers[MODE] == SIX_AXIS_MODE:
            self._put(0x08, to_counts(state.accel_m_s2, 1.0 / M_S2_PER_COUNT))
            self._put(0x14, to_counts(state.gyro_rad_s, 1.0 / RAD_S_PER_COUNT))
            self._put(0x20, to_counts(state.quat_world_from_head, QUAT_ONE))
        return b""

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Return the answers to all whole commands."""
        self._heard += data
        answers = b""
        while len(self._heard) >= 4:
            start, what, register, n_bytes = self._heard[:4]
            end = 4 + (n_bytes if what == 0 else 0)
            if start != 0xAA:
                self._heard = self._heard[1:]
                continue
            if end > len(self._heard):
                break
            values, self._heard = self._heard[4:end], self._heard[end:]
            if what > 1:
                answers += b"\xee\x06"
            elif register + n_bytes > len(self._registers):
                answers += b"\xee\x04"
            elif what == 0:
                self._registers[register : register + n_bytes] = values
                answers += b"\xee\x01"
            else:
                answers += bytes((0xBB, n_bytes)) + self._registers[register : register + n_bytes]
        return answers

    def _put(self, register: int, counts: list[int]) -> None:
        for k, count in enumerate(counts):
            self._registers[register + 2 * k : register + 2 * k + 2] = count.to_bytes(2, "little", signed=True)


DIALECT = Dialect(
    name="bno055",
    about="BNO055 as a register device on a UART: quaternion and gyro, asked for by the host",
    transport=Transport.SERIAL,
    check=Check.NONE,
    axes=Axes.SENSOR,
    make_decoder=Bno055Decoder,
    make_device=Bno055Device,
    verified="vectors, virtual device",
    rate_hz=100.0,
    bauds=(115200,),
    talk=Talk(
        opening=(
            write_register(PAGE, 0),
            write_register(MODE, CONFIG_MODE),
            write_register(UNITS, 0),
            write_register(MODE, SIX_AXIS_MODE),
        ),
        opening_gap_s=0.05,
        keep_alive=READ_MOTION,
        keep_alive_s=0.01,
        silent_until_asked=True,
    ),
)
