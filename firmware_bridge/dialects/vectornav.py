"""VectorNav VN-100: `$VN...` lines with an 8-bit or a 16-bit sum, and binary frames of the common group.

Axes are x front, y right, z down; the lines' quaternion and the binary one have the scalar last. Taken as
body to world (north, east, down), as the angles are; no source settles that direction for the quaternion.
"""

import re
from math import hypot, radians
from struct import Struct, unpack_from

from firmware_bridge.decoder import StreamDecoder
from firmware_bridge.dialect import Axes, Check, Dialect, Transport
from firmware_bridge.dialects.checksums import crc16_xmodem, xor8
from firmware_bridge.dialects.turns import GRAVITY_M_S2, quat_frd, quat_from_angles_deg, unit_quat, vec_frd
from firmware_bridge.dialects.vectornav_device import VectornavDevice
from firmware_bridge.messages import Message, Motion, Quat, Told, Vec3

MAX_LINE_BYTES = 256
MAX_NORM_ERROR = 0.02
MAX_GYRO_RAD_S = radians(4000.0)
MAX_ACCEL_M_S2 = 32.0 * GRAVITY_M_S2
UT_PER_GAUSS = 100.0
CLOCK_WRAP_S = 2.0**64 * 1e-9

_NUMBER = rb"[-+]?\d{1,5}(?:\.\d{1,7})?"
_VALUES = re.compile(rb"VN(YPR|YMR|QTN|QMR)((?:," + _NUMBER + rb"){3,13})")
_LINE = re.compile(rb"\$(VN[ -)+-~]{3,})\*([0-9A-Fa-f]{2}|[0-9A-Fa-f]{4})\r?")
_LAYOUTS = {b"YPR": 3, b"QTN": 4, b"YMR": 12, b"QMR": 13}
"""How many numbers each line has: angles or quaternion, then mag, accel and gyro or none of them."""
_END = re.compile(rb"\n|\$VN")
_NEXT = re.compile(rb"\$|\xfa")

_SYNC = 0xFA
_COMMON_BYTES = (8, 8, 8, 12, 16, 12, 24, 12, 12, 24, 20, 28, 2, 4, 8)
"""Sizes of the common group's fields, by bit: time, ..., angles (3), quaternion (4), rates (5), ..., accel (8)."""
_TIME, _ANGLES, _QUAT, _RATES, _ACCEL, _MAG = 1 << 0, 1 << 3, 1 << 4, 1 << 5, 1 << 8, 1 << 10
_3F, _4F = Struct("<3f"), Struct("<4f")


class VectornavDecoder(StreamDecoder):
    """Reads lines and binary frames, in any mixture."""

    def scan(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        """Look at one place: a line, a binary frame, or rubbish up to the next that may be one."""
        if buffer[at] == _SYNC:
            return self._scan_binary(buffer, at)
        head = buffer[at : at + 3]
        if head == b"$VN":
            return self._scan_line(buffer, at)
        if b"$VN".startswith(head):
            return 0, None
        found = _NEXT.search(buffer, at + 1)
        end = found.start() if found else len(buffer)
        self.counts.damaged += bool(buffer[at:end].strip())
        return end - at, None

    def _scan_line(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        end = _END.search(buffer, at + 1, at + MAX_LINE_BYTES)
        if end is None and len(buffer) - at < MAX_LINE_BYTES:
            return 0, None
        if end is None or end[0] != b"\n":
            self.counts.damaged += 1
            return (end.start() - at if end else 3), None
        match = _LINE.fullmatch(buffer, at, end.start())
        if match is None or int(match[2], 16) != (xor8 if len(match[2]) == 2 else crc16_xmodem)(match[1]):
            self.counts.damaged += 1
            return 1, None
        return end.end() - at, self._read_line(match[1])

    def _read_line(self, body: bytes) -> Message | None:
        match = _VALUES.fullmatch(body)
        if match is None:
            word, _, rest = body.partition(b",")
            return Told("event", {word.decode("ascii"): rest.decode("ascii")})
        values = [float(value) for value in match[2].split(b",")[1:]]
        if len(values) != _LAYOUTS[match[1]]:
            self.counts.damaged += 1
            return None
        is_quat = match[1].startswith(b"Q")
        n_turn = 4 if is_quat else 3
        quat = _quat(*values[:4]) if is_quat else _angles(*values[:3])
        mag = accel = gyro = None
        if len(values) > n_turn:
            mx, my, mz, ax, ay, az, gx, gy, gz = values[n_turn:]
            mag = vec_frd((mx * UT_PER_GAUSS, my * UT_PER_GAUSS, mz * UT_PER_GAUSS))
            accel, gyro = vec_frd((ax, ay, az)), vec_frd((gx, gy, gz))
        return self._motion(quat, gyro, accel, mag, None, hypot(*values[:4]) if is_quat else 1.0)

    def _scan_binary(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        if len(buffer) - at < 4:
            return 0, None
        groups, fields = buffer[at + 1], buffer[at + 2] | buffer[at + 3] << 8
        if groups != 1 or fields >= 1 << len(_COMMON_BYTES) or not fields & (_ANGLES | _QUAT):
            self.counts.damaged += 1
            return 1, None
        n_bytes = 6 + sum(size for bit, size in enumerate(_COMMON_BYTES) if fields >> bit & 1)
        if len(buffer) - at < n_bytes:
            return 0, None
        if crc16_xmodem(buffer[at + 1 : at + n_bytes]) != 0:
            self.counts.damaged += 1
            return 1, None
        return n_bytes, self._read_binary(buffer, at + 4, fields)

    def _read_binary(self, buffer: bytes, at: int, fields: int) -> Motion | None:
        places = {}
        for bit, size in enumerate(_COMMON_BYTES):
            if fields >> bit & 1:
                places[1 << bit] = at
                at += size
        time_s = unpack_from("<Q", buffer, places[_TIME])[0] * 1e-9 if _TIME in places else None
        gyro = vec_frd(_3F.unpack_from(buffer, places[_RATES])) if _RATES in places else None
        accel = vec_frd(_3F.unpack_from(buffer, places[_ACCEL])) if _ACCEL in places else None
        mag, norm = None, 1.0
        if _MAG in places:
            x, y, z = _3F.unpack_from(buffer, places[_MAG])
            mag = vec_frd((x * UT_PER_GAUSS, y * UT_PER_GAUSS, z * UT_PER_GAUSS))
        if _QUAT in places:
            turn = _4F.unpack_from(buffer, places[_QUAT])
            quat, norm = _quat(*turn), hypot(*turn)
        else:
            quat = _angles(*_3F.unpack_from(buffer, places[_ANGLES]))
        return self._motion(quat, gyro, accel, mag, time_s, norm)

    def _motion(
        self,
        quat: Quat | None,
        gyro: Vec3 | None,
        accel: Vec3 | None,
        mag: Vec3 | None,
        time_s: float | None,
        norm: float,
    ) -> Motion | None:
        if quat is None or not _within(gyro, MAX_GYRO_RAD_S) or not _within(accel, MAX_ACCEL_M_S2):
            self.counts.implausible += 1
            return None
        return Motion(quat, gyro_rad_s=gyro, accel_m_s2=accel, mag_ut=mag, device_time_s=time_s, norm=norm)


def _quat(x: float, y: float, z: float, w: float) -> Quat | None:
    quat = unit_quat(w, x, y, z, MAX_NORM_ERROR)
    return None if quat is None else quat_frd(quat)


def _angles(yaw: float, pitch: float, roll: float) -> Quat | None:
    if abs(yaw) <= 180.0 and abs(pitch) <= 90.0 and abs(roll) <= 180.0:
        return quat_from_angles_deg(-yaw, pitch, roll)
    return None


def _within(vec: Vec3 | None, limit: float) -> bool:
    return vec is None or all(abs(part) <= limit for part in vec)


DIALECT = Dialect(
    name="vectornav",
    about="VectorNav VN-100 and its family, text or binary",
    transport=Transport.SERIAL,
    check=Check.SUM8,
    axes=Axes.HEAD,
    make_decoder=VectornavDecoder,
    make_device=VectornavDevice,
    verified="vectors; binary layout by public drivers; the direction of its quaternion (VNQTN) is not settled",
    rate_hz=40.0,
    bauds=(115200, 921600),
    clock_wrap_s=CLOCK_WRAP_S,
    heading_is_absolute=True,
)
