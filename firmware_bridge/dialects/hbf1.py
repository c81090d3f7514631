"""HBF-1, the head-bridge frame of our own firmware: COBS frames with a CRC, or `$HT` lines; both at once, too.

A frame is `COBS(type u8, fields u8, seq u16, t_us u32, body, CRC-16/IBM-3740) 00`, little-endian. Commands are
answered by frames in either mode, so a stream of lines holds a zero only after the host has asked something.
A line has an XOR of 8 bits only: its motions are told as weak. The quaternion is the sensor's, world z up, and is
given as it is: a sensor mounted as the firmware's page says is the head, any other is calibrated.
"""

import re
from math import hypot, radians
from struct import Struct, unpack_from

from firmware_bridge.decoder import StreamDecoder
from firmware_bridge.dialect import Axes, Check, Dialect, Talk, Transport
from firmware_bridge.dialects import cobs
from firmware_bridge.dialects.checksums import crc16_ibm3740, xor8
from firmware_bridge.dialects.hbf1_device import Hbf1Device
from firmware_bridge.dialects.hbf1_frame import (
    ACCEL,
    ACCEL_PER_M_S2,
    EVENT,
    GYRO,
    GYRO_PER_RAD_S,
    INFO,
    LAYOUTS,
    LOG,
    MAG,
    MAG_PER_UT,
    MAX_WIRE_BYTES,
    MOTION,
    PONG,
    QUAT16,
    QUAT16_ONE,
    QUAT32,
    STATUS_BIAS_FREE,
    STATUS_BUTTON,
    STATUS_OVERRUN,
    STATUS_REST,
    STATUS_SATURATED,
)
from firmware_bridge.dialects.seq_gaps import SeqGaps
from firmware_bridge.dialects.turns import GRAVITY_M_S2, unit_quat
from firmware_bridge.messages import Message, Motion, Pong, Quat, Told, Vec3

MAX_LINE_BYTES = 256
MAX_NORM_ERROR = 0.02
MAX_PART = 1.0 + 1e-5
MAX_GYRO_RAD_S = radians(2048.0)
MAX_ACCEL_M_S2 = 16.0 * GRAVITY_M_S2

_LINE_START = b"$HT,"
_END = re.compile(rb"\x00|\n|\$HT,")
_NUMBER = rb"[-+]?\d{1,7}(?:\.\d{1,9})?"
_THREE = rb"((?:," + _NUMBER + rb"){3})?"
_LINE = re.compile(
    rb"\$(HT,(\d{1,5}),(\d{1,10})((?:," + _NUMBER + rb"){4}),([0-9A-Fa-f]{4})" + _THREE + _THREE + rb")"
    rb"\*([0-9A-Fa-f]{2})\r?"
)
_KINDS = {INFO: "info", EVENT: "event", LOG: "log"}
_PONG_BODY = Struct("<III")


class Hbf1Decoder(StreamDecoder):
    """Reads frames and lines, in any mixture."""

    def __init__(self) -> None:
        super().__init__()
        self._gaps = SeqGaps(1 << 16)

    def reset(self) -> None:
        """Forget half a frame and the last counter."""
        super().reset()
        self._gaps.reset()

    def scan(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        """Look at one place: a zero, a line, a frame by its type, or rubbish up to the next of these."""
        if buffer[at] == 0:
            return 1, None
        head = buffer[at : at + len(_LINE_START)]
        if head == _LINE_START:
            return self._scan_line(buffer, at)
        if len(head) < 2 or _LINE_START.startswith(head):
            return 0, None
        # A frame's second byte is its type: no text ever has such bytes, whatever the first one looks like.
        if 1 <= head[1] <= 5 or head[1] >= 0x80:
            end = buffer.find(0, at, at + MAX_WIRE_BYTES)
            if end >= 0:
                return self._scan_frame(buffer, at, end)
            if len(buffer) - at < MAX_WIRE_BYTES:
                return 0, None
        return self._scan_rubbish(buffer, at)

    def _scan_frame(self, buffer: bytes, at: int, end: int) -> tuple[int, Message | None]:
        raw = cobs.decode(buffer[at:end])
        if raw is None or len(raw) < 10 or crc16_ibm3740(raw[:-2]) != raw[-2] | raw[-1] << 8:
            self.counts.damaged += 1
            line = buffer.find(_LINE_START, at, end)
            return (line if line >= 0 else end + 1) - at, None
        return end + 1 - at, self._read_frame(raw)

    def _scan_line(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        end = _END.search(buffer, at + 1, at + MAX_LINE_BYTES)
        if end is None:
            if len(buffer) - at < MAX_LINE_BYTES:
                return 0, None
            self.counts.damaged += 1
            return len(_LINE_START), None
        if end[0] == b"\n":
            return end.end() - at, self._read_line(buffer[at : end.start()])
        self.counts.damaged += 1
        return end.start() - at, None

    def _scan_rubbish(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        end = _END.search(buffer, at)
        if end is None:
            return 0, None
        rubbish = buffer[at : end.start()].strip()
        n_bytes = (end.end() if end[0] == b"\n" else end.start()) - at
        if rubbish.startswith(b"#") and end[0] == b"\n" and rubbish.isascii():
            return n_bytes, Told("log", {"text": rubbish[1:].strip().decode("ascii")})
        if rubbish:
            self.counts.damaged += 1
        return n_bytes, None

    def _read_frame(self, raw: bytes) -> Message | None:
        kind = raw[0]
        if kind == MOTION:
            return self._read_motion(raw)
        if kind == PONG and len(raw) == 10 + _PONG_BODY.size:
            token, received_us, sent_us = _PONG_BODY.unpack_from(raw, 8)
            return Pong(token, received_us * 1e-6, sent_us * 1e-6)
        if kind in _KINDS:
            return Told(_KINDS[kind], _words(raw[8:-2].decode("utf-8", "replace")))
        if kind < 0x80:
            self.counts.damaged += 1
        return None

    def _read_motion(self, raw: bytes) -> Motion | None:
        fields = raw[1]
        layout = LAYOUTS.get(fields)
        if layout is None or len(raw) != layout.size:
            self.counts.damaged += 1
            return None
        seq, t_us, status = unpack_from("<HIH", raw, 2)
        values = layout.unpack(raw)
        at = 5
        quat: Quat | None = None
        gyro: Vec3 | None = None
        accel: Vec3 | None = None
        mag: Vec3 | None = None
        norm = 1.0
        if fields & (QUAT16 | QUAT32):
            w, x, y, z = values[at : at + 4]
            at += 4
            most = MAX_PART
            if fields & QUAT16:
                # Devices clamp there; floats are rounded.
                most = 1.0
                w, x, y, z = w / QUAT16_ONE, x / QUAT16_ONE, y / QUAT16_ONE, z / QUAT16_ONE
            quat, norm = unit_quat(w, x, y, z, MAX_NORM_ERROR), hypot(w, x, y, z)
            if quat is None or max(abs(w), abs(x), abs(y), abs(z)) > most:
                self.counts.implausible += 1
                return None
        if fields & GYRO:
            x, y, z = values[at : at + 3]
            at += 3
            if min(x, y, z) == -32768:
                # Devices clamp at 32767 on either side.
                self.counts.implausible += 1
                return None
            gyro = (x / GYRO_PER_RAD_S, y / GYRO_PER_RAD_S, z / GYRO_PER_RAD_S)
        if fields & ACCEL:
            x, y, z = values[at : at + 3]
            at += 3
            accel = (x / ACCEL_PER_M_S2, y / ACCEL_PER_M_S2, z / ACCEL_PER_M_S2)
        if fields & MAG:
            x, y, z = values[at : at + 3]
            mag = (x / MAG_PER_UT, y / MAG_PER_UT, z / MAG_PER_UT)
        self.counts.lost += self._gaps.lost_before(seq)
        return _motion(seq, t_us, status, quat, norm, gyro, accel, mag)

    def _read_line(self, line: bytes) -> Motion | None:
        match = _LINE.fullmatch(line)
        if match is None or xor8(match[1]) != int(match[8], 16):
            self.counts.damaged += 1
            return None
        seq, t_us, status = int(match[2]), int(match[3]), int(match[5], 16)
        w, x, y, z = map(float, match[4].split(b",")[1:])
        quat = unit_quat(w, x, y, z, MAX_NORM_ERROR)
        gyro = _three(match[6], radians(1.0))
        accel = _three(match[7], GRAVITY_M_S2)
        sane = quat is not None and seq < 1 << 16 and t_us < 1 << 32
        if not sane or not _within(gyro, MAX_GYRO_RAD_S) or not _within(accel, MAX_ACCEL_M_S2):
            self.counts.implausible += 1
            return None
        self.counts.lost += self._gaps.lost_before(seq)
        return _motion(seq, t_us, status, quat, hypot(w, x, y, z), gyro, accel, None, weak=True)


def _motion(
    seq: int,
    t_us: int,
    status: int,
    quat: Quat | None,
    norm: float,
    gyro: Vec3 | None,
    accel: Vec3 | None,
    mag: Vec3 | None,
    weak: bool = False,
) -> Motion:
    battery = status >> 12
    return Motion(
        quat_wxyz=quat,
        gyro_rad_s=gyro,
        accel_m_s2=accel,
        mag_ut=mag,
        seq=seq,
        device_time_s=t_us * 1e-6,
        reference=status >> 8 & 15,
        at_rest=bool(status & STATUS_REST),
        button=bool(status & STATUS_BUTTON),
        overrun=bool(status & STATUS_OVERRUN),
        battery=None if battery == 15 else battery / 14.0,
        norm=norm,
        weak=weak,
        saturated=bool(status & STATUS_SATURATED),
        gyro_bias_known=None if gyro is None else bool(status & STATUS_BIAS_FREE),
    )


def _words(text: str) -> dict[str, str]:
    """Return `key=value` lines as a mapping; what is no such line is told under "text"."""
    words: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        key, equals, value = line.partition("=")
        if equals:
            words[key] = value
        else:
            words["text"] = f"{words['text']} {line}" if "text" in words else line
    return words


def _three(numbers: bytes | None, unit: float) -> Vec3 | None:
    if numbers is None:
        return None
    x, y, z = numbers.split(b",")[1:]
    return (float(x) * unit, float(y) * unit, float(z) * unit)


def _within(vec: Vec3 | None, limit: float) -> bool:
    return vec is None or max(map(abs, vec)) <= limit


def _ping(token: int) -> bytes:
    return b"PING %d\n" % token


DIALECT = Dialect(
    name="hbf1",
    about="our own firmware: COBS frames with CRC-16, or $HT lines",
    transport=Transport.SERIAL,
    check=Check.CRC16,
    axes=Axes.SENSOR,
    make_decoder=Hbf1Decoder,
    make_device=Hbf1Device,
    verified="vectors, virtual device",
    rate_hz=200.0,
    bauds=(115200, 921600),
    clock_wrap_s=4294.967296,
    seq_wrap=1 << 16,
    talk=Talk(opening=(b"HELLO\n",)),
    make_ping=_ping,
    zero=b"ZERO\n",
)
