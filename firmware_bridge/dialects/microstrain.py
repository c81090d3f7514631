"""MicroStrain MIP: `75 65 | set | length | fields | two sums`, big-endian; fields are `length | kind | values`.

Of the filter's set, 0x82, are read: quaternion, else angles, turning rate, acceleration, and time of week. Its
quaternion turns body into world, both x front or north, y right or east, z down. The axes are the sensor's.
"""

from math import degrees, hypot, pi
from struct import Struct, pack

from firmware_bridge.dialect import Axes, Check, Dialect, Transport
from firmware_bridge.dialects.synced import SyncedDecoder
from firmware_bridge.dialects.turns import quat_frd, quat_from_angles_deg, unit_quat, vec_frd
from firmware_bridge.messages import Message, Motion, Quat, Vec3
from firmware_bridge.virtual.device import DeviceState

SYNC = b"\x75\x65"
BASE_SET, FILTER_SET = 0x01, 0x82
PING, ACKNOWLEDGED = 0x01, 0xF1
QUATERNION, EULER, TURNING_RATE, TIME, ACCELERATION = 0x03, 0x05, 0x0E, 0x11, 0x1C
WEEK_S = 604_800.0
MAX_NORM_ERROR = 0.02
MAX_ACCEL_M_S2, MAX_GYRO_RAD_S = 500.0, 80.0
"""Beyond what any of these sensors can measure."""
# Each ends with flags that are zero where the values are not valid.
_QUATERNION, _THREE, _TIME = Struct(">4fH"), Struct(">3fH"), Struct(">dHH")


def fletcher(data: bytes) -> bytes:
    """Return the two sums over all bytes before them."""
    a = b = 0
    for byte in data:
        a += byte
        b += a
    return bytes((a & 0xFF, b & 0xFF))


def message(descriptor_set: int, *fields: tuple[int, bytes]) -> bytes:
    """Return a message of fields (kind, values)."""
    payload = b"".join(bytes((len(values) + 2, kind)) + values for kind, values in fields)
    body = SYNC + bytes((descriptor_set, len(payload))) + payload
    return body + fletcher(body)


class MicroStrainDecoder(SyncedDecoder):
    """Reads messages of the filter: one motion each; others are passed over."""

    sync = SYNC

    def read_frame(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        """Read one message."""
        if len(buffer) < at + 4:
            return 0, None
        end = at + 4 + buffer[at + 3]
        if len(buffer) < end + 2:
            return self.wait(buffer, at)
        if fletcher(buffer[at:end]) != buffer[end : end + 2]:
            return self.damaged()
        if buffer[at + 2] != FILTER_SET:
            return end + 2 - at, None
        fields = _fields(buffer[at + 4 : end])
        if fields is None:
            return self.damaged()
        if not fields.keys() & {QUATERNION, EULER}:
            return end + 2 - at, None
        motion = _motion(fields)
        return self.implausible() if motion is None else (end + 2 - at, motion)

    def stands_at(self, buffer: bytes, at: int) -> bool:
        """Return whether a whole message of the filter with right sums and an orientation stands at `at`."""
        if len(buffer) < at + 4 or buffer[at + 2] != FILTER_SET:
            return False
        end = at + 4 + buffer[at + 3]
        if len(buffer) < end + 2 or fletcher(buffer[at:end]) != buffer[end : end + 2]:
            return False
        fields = _fields(buffer[at + 4 : end])
        return fields is not None and bool(fields.keys() & {QUATERNION, EULER})


def _fields(payload: bytes) -> dict[int, bytes] | None:
    """Return values by kind; None where the lengths do not fit."""
    found = {}
    at = 0
    while at < len(payload):
        size = payload[at]
        if size < 2 or at + size > len(payload):
            return None
        found[payload[at + 1]] = payload[at + 2 : at + size]
        at += size
    return found


def _motion(fields: dict[int, bytes]) -> Motion | None:
    quat, norm = _quat(fields)
    gyro, accel = _vector(fields, TURNING_RATE, MAX_GYRO_RAD_S), _vector(fields, ACCELERATION, MAX_ACCEL_M_S2)
    if quat is None:
        return None
    time_s, _, is_valid = _TIME.unpack(fields[TIME]) if len(fields.get(TIME, b"")) == _TIME.size else (0.0, 0, 0)
    return Motion(
        quat_wxyz=quat_frd(quat),
        gyro_rad_s=gyro,
        accel_m_s2=accel,
        device_time_s=time_s if is_valid and 0.0 <= time_s <= WEEK_S else None,
        norm=norm,
    )


def _quat(fields: dict[int, bytes]) -> tuple[Quat | None, float]:
    """Return the quaternion as it is told, and its length; None where it is not valid or cannot be true."""
    data = fields.get(QUATERNION, b"")
    if len(data) == _QUATERNION.size:
        w, x, y, z, is_valid = _QUATERNION.unpack(data)
        return unit_quat(w, x, y, z, MAX_NORM_ERROR) if is_valid else None, hypot(w, x, y, z)
    data = fields.get(EULER, b"")
    if len(data) != _THREE.size:
        return None, 1.0
    roll, pitch, yaw, is_valid = _THREE.unpack(data)
    if not is_valid or not max(abs(roll), abs(yaw), 2.0 * abs(pitch)) <= 1.001 * pi:
        return None, 1.0
    return quat_from_angles_deg(degrees(yaw), -degrees(pitch), degrees(roll)), 1.0


def _vector(fields: dict[int, bytes], kind: int, limit: float) -> Vec3 | None:
    data = fields.get(kind, b"")
    if len(data) != _THREE.size:
        return None
    x, y, z, is_valid = _THREE.unpack(data)
    return vec_frd((x, y, z)) if is_valid and abs(x) + abs(y) + abs(z) <= limit else None


class MicroStrainDevice:
    """Sends time, quaternion, turning rate and acceleration; answers pings."""

    def encode(self, state: DeviceState) -> bytes:
        """Return one message."""
        return message(
            FILTER_SET,
            (TIME, _TIME.pack(state.time_s % WEEK_S, 2000, 1)),
            (QUATERNION, _QUATERNION.pack(*quat_frd(state.quat_world_from_head), 1)),
            (TURNING_RATE, _THREE.pack(*vec_frd(state.gyro_rad_s), 1)),
            (ACCELERATION, _THREE.pack(*vec_frd(state.accel_m_s2), 1)),
        )

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Answer a ping."""
        if data != message(BASE_SET, (PING, b"")):
            return b""
        return message(BASE_SET, (ACKNOWLEDGED, pack(">BB", PING, 0)))


DIALECT = Dialect(
    name="microstrain",
    about="MicroStrain MIP (3DM-CV7, GX5, ...), filter data",
    transport=Transport.SERIAL,
    check=Check.SUM8,
    axes=Axes.SENSOR,
    make_decoder=MicroStrainDecoder,
    make_device=MicroStrainDevice,
    verified="vectors, virtual device; kinds and layouts of the fields as in the maker's library",
    rate_hz=100.0,
    bauds=(115200, 921600),
    clock_wrap_s=WEEK_S,
)
