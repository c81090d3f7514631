"""Xsens MTi, MTData2: `FA FF | id | length | data | sum`, big-endian; the bytes after FA add up to 0 modulo 256.

Data are packets `id u16 | size u8 | values`. Orientation is told in one of three worlds; for north-east-down the body
axes are taken as x front, y right, z down. The axes are the sensor's.
"""

from math import hypot
from struct import pack, unpack_from

from firmware_bridge.dialect import Axes, Check, Dialect, Talk, Transport
from firmware_bridge.dialects.checksums import sum8
from firmware_bridge.dialects.seq_gaps import SeqGaps
from firmware_bridge.dialects.synced import SyncedDecoder
from firmware_bridge.dialects.turns import quat_frd, quat_from_angles_deg, unit_quat, vec_frd
from firmware_bridge.messages import Message, Motion, Quat, Vec3
from firmware_bridge.virtual.device import DeviceState

SYNC = b"\xfa\xff"
GO_TO_MEASUREMENT, GO_TO_CONFIG, MT_DATA_2, SET_OUTPUT = 0x10, 0x30, 0x36, 0xC0
COUNTER, TIME_FINE, QUATERNION, EULER, ACCELERATION, TURNING_RATE = 0x1020, 0x1060, 0x2010, 0x2030, 0x4020, 0x8020
TICKS_PER_S = 10_000.0
EXTENDED = 0xFF
MAX_DATA_BYTES = 1024
MAX_NORM_ERROR = 0.02
MAX_ACCEL_M_S2, MAX_GYRO_RAD_S = 500.0, 80.0
"""Beyond what any of these sensors can measure."""
_FORMAT, _WORLD = 0x3, 0xC
_FLOATS = {0x0: "f", 0x3: "d"}
_NED = 0x4
_N_VALUES = {QUATERNION: 4, EULER: 3, ACCELERATION: 3, TURNING_RATE: 3}


def message(kind: int, data: bytes = b"") -> bytes:
    """Return a message with at most 254 bytes of data."""
    body = b"\xff" + bytes((kind, len(data))) + data
    return b"\xfa" + body + bytes((-sum8(body) & 0xFF,))


class XsensDecoder(SyncedDecoder):
    """Reads MTData2 messages: one motion each; other messages are passed over."""

    sync = SYNC
    max_frame_bytes = MAX_DATA_BYTES + 8

    def __init__(self) -> None:
        super().__init__()
        self._gaps = SeqGaps(1 << 16)

    def reset(self) -> None:
        """Forget half a frame and the last counter; the counts stay."""
        super().reset()
        self._gaps.reset()

    def read_frame(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        """Read one message."""
        begin, end = _extent(buffer, at)
        if end - begin > MAX_DATA_BYTES:
            return self.damaged()
        if len(buffer) <= end:
            return self.wait(buffer, at)
        if sum8(buffer[at + 1 : end + 1]):
            return self.damaged()
        if buffer[at + 2] != MT_DATA_2:
            return end + 1 - at, None
        packets = _packets(buffer[begin:end])
        if packets is None:
            return self.damaged()
        motion = self._motion(packets)
        return self.implausible() if motion is None else (end + 1 - at, motion)

    def stands_at(self, buffer: bytes, at: int) -> bool:
        """Return whether a whole data message with a right sum and a quaternion, or raw values, stands at `at`."""
        begin, end = _extent(buffer, at)
        if len(buffer) <= end or buffer[at + 2] != MT_DATA_2 or sum8(buffer[at + 1 : end + 1]):
            return False
        packets = _packets(buffer[begin:end])
        return packets is not None and bool(packets.keys() & _N_VALUES.keys())

    def _motion(self, packets: dict[int, tuple[int, bytes]]) -> Motion | None:
        told = _values(packets, QUATERNION)
        quat = _quat(told, _values(packets, EULER))
        gyro, accel = (_vector(packets, kind) for kind in (TURNING_RATE, ACCELERATION))
        if quat is None and (packets.keys() & {QUATERNION, EULER} or gyro is None or accel is None):
            return None
        if not (_within(gyro, MAX_GYRO_RAD_S) and _within(accel, MAX_ACCEL_M_S2)):
            return None
        world = next((packets[kind][0] for kind in (QUATERNION, EULER) if kind in packets), 0) & _WORLD
        if world == _NED:
            quat = None if quat is None else quat_frd(quat)
            gyro, accel = (None if vec is None else vec_frd(vec) for vec in (gyro, accel))
        seq = _number(packets, COUNTER, 2)
        ticks = _number(packets, TIME_FINE, 4)
        if seq is not None:
            self.counts.lost += self._gaps.lost_before(seq)
        return Motion(
            quat_wxyz=quat,
            gyro_rad_s=gyro,
            accel_m_s2=accel,
            seq=seq,
            device_time_s=None if ticks is None else ticks / TICKS_PER_S,
            norm=1.0 if told is None else hypot(*told),
        )


def _extent(buffer: bytes, at: int) -> tuple[int, int]:
    """Return where the data begin and the sum is; beyond the buffer while its length is not known."""
    n_left = len(buffer) - at
    if n_left < 4 or (buffer[at + 3] == EXTENDED and n_left < 6):
        return len(buffer), len(buffer)
    if buffer[at + 3] != EXTENDED:
        return at + 4, at + 4 + buffer[at + 3]
    n_bytes = int.from_bytes(buffer[at + 4 : at + 6], "big")
    # What fits into one byte is never told in two.
    return at + 6, at + 6 + (n_bytes if n_bytes >= EXTENDED else MAX_DATA_BYTES + 1)


def _packets(data: bytes) -> dict[int, tuple[int, bytes]] | None:
    """Return (format, values) by kind; None where the sizes do not fit."""
    found = {}
    at = 0
    while at < len(data):
        if at + 3 > len(data):
            return None
        kind, size = data[at] << 8 | data[at + 1], data[at + 2]
        at += 3 + size
        if at > len(data):
            return None
        found[kind & 0xFFF0] = (kind & 0xF, data[at - size : at])
    return found


def _values(packets: dict[int, tuple[int, bytes]], kind: int) -> tuple[float, ...] | None:
    """Return the floats of a packet; None where it is not there, or in a fixed-point format."""
    form, data = packets.get(kind, (0, b""))
    letter = _FLOATS.get(form & _FORMAT)
    n_values = _N_VALUES[kind]
    if letter is None or len(data) != n_values * (4 if letter == "f" else 8):
        return None
    return unpack_from(f">{n_values}{letter}", data)


def _quat(told: tuple[float, ...] | None, angles: tuple[float, ...] | None) -> Quat | None:
    if told is not None:
        w, x, y, z = told
        return unit_quat(w, x, y, z, MAX_NORM_ERROR)
    if angles is None or not max(map(abs, angles)) <= 180.0:
        return None
    roll, pitch, yaw = angles
    return quat_from_angles_deg(yaw, -pitch, roll)


def _vector(packets: dict[int, tuple[int, bytes]], kind: int) -> Vec3 | None:
    values = _values(packets, kind)
    return None if values is None else (values[0], values[1], values[2])


def _within(vec: Vec3 | None, limit: float) -> bool:
    return vec is None or abs(vec[0]) + abs(vec[1]) + abs(vec[2]) <= limit


def _number(packets: dict[int, tuple[int, bytes]], kind: int, n_bytes: int) -> int | None:
    _, data = packets.get(kind, (0, b""))
    return int.from_bytes(data, "big") if len(data) == n_bytes else None


class XsensDevice:
    """Sends counter, time, quaternion, acceleration and turning rate; falls silent in its configuration mode."""

    def __init__(self, form: int = 0) -> None:
        self._form = form
        self._measures = True
        self._heard = b""

    def encode(self, state: DeviceState) -> bytes:
        """Return one message, b"" in configuration mode."""
        if not self._measures:
            return b""
        quat, accel, gyro = state.quat_world_from_head, state.accel_m_s2, state.gyro_rad_s
        if self._form & _WORLD == _NED:
            quat, accel, gyro = quat_frd(quat), vec_frd(accel), vec_frd(gyro)
        data = pack(">HBH", COUNTER, 2, state.seq & 0xFFFF)
        data += pack(">HBI", TIME_FINE, 4, round(state.time_s * TICKS_PER_S) & 0xFFFFFFFF)
        for kind, values in ((QUATERNION, quat), (ACCELERATION, accel), (TURNING_RATE, gyro)):
            body = pack(f">{len(values)}{_FLOATS[self._form & _FORMAT]}", *values)
            data += pack(">HB", kind | self._form, len(body)) + body
        return message(MT_DATA_2, data)

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Acknowledge commands and change between the modes."""
        self._heard += data
        answers = b""
        while (at := self._heard.find(SYNC)) >= 0 and len(self._heard) > (end := self._end(at)):
            kind = self._heard[at + 2]
            is_sound = not sum8(self._heard[at + 1 : end + 1])
            self._heard = self._heard[end + 1 if is_sound else at + 1 :]
            if is_sound:
                self._measures = kind == GO_TO_MEASUREMENT or (self._measures and kind != GO_TO_CONFIG)
                answers += message(kind + 1)
        return answers

    def _end(self, at: int) -> int:
        """Return where the sum of the message at `at` is, beyond all that was heard while its length is unknown."""
        return at + 4 + self._heard[at + 3] if len(self._heard) > at + 3 else len(self._heard)


DIALECT = Dialect(
    name="xsens",
    about="Xsens MTi (MTData2)",
    transport=Transport.SERIAL,
    check=Check.SUM8,
    axes=Axes.SENSOR,
    make_decoder=XsensDecoder,
    make_device=XsensDevice,
    verified="vectors, virtual device; the unit of its clock is from memory",
    rate_hz=100.0,
    bauds=(115200, 921600, 460800, 230400),
    clock_wrap_s=(1 << 32) / TICKS_PER_S,
    seq_wrap=1 << 16,
    talk=Talk(opening=(message(GO_TO_MEASUREMENT),)),
)
