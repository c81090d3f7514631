"""MbientLab MetaMotion over Bluetooth: notifications of its sensor fusion module, 0x19.

`19 07 | w, x, y, z float32` and, where switched on, `19 05 | x, y, z float32 in °/s | accuracy u8`; little-endian.
The axes are the sensor's.
"""

from math import degrees, hypot, radians
from struct import Struct

from firmware_bridge.dialect import Axes, Check, Dialect, Talk, Transport
from firmware_bridge.dialects.datagrams import DatagramDecoder
from firmware_bridge.dialects.turns import unit_quat
from firmware_bridge.messages import Message, Motion, Vec3
from firmware_bridge.virtual.device import DeviceState

FUSION, GYRO, QUATERNION = 0x19, 0x05, 0x07
ACCURACIES = 4
MAX_NORM_ERROR = 0.02
MAX_GYRO_DEG_S = 2500.0
_QUAT = Struct("<4f")
_GYRO = Struct("<3fB")
_LENGTHS = {bytes((FUSION, QUATERNION)): 2 + _QUAT.size, bytes((FUSION, GYRO)): 2 + _GYRO.size}

OPENING = (
    # Mode 2 fuses gyroscope and accelerometer, without the magnetometer; ranges 16 g and 2000 °/s.
    bytes((FUSION, 0x02, 0x02, 0x13)),
    bytes((FUSION, QUATERNION, 0x01)),
    bytes((FUSION, GYRO, 0x01)),
    # Sampling on, then the sensors themselves: accelerometer, gyroscope.
    bytes((0x03, 0x02, 0x01, 0x00)),
    bytes((0x13, 0x02, 0x01, 0x00)),
    bytes((0x03, 0x01, 0x01)),
    bytes((0x13, 0x01, 0x01)),
    bytes((FUSION, 0x03, 1 << (QUATERNION - 4) | 1 << (GYRO - 4), 0x00)),
    bytes((FUSION, 0x01, 0x01)),
)
CLOSING = bytes((FUSION, 0x01, 0x00))


class MetaMotionDecoder(DatagramDecoder):
    """Reads notifications: one motion a quaternion, with the latest turning rate."""

    def __init__(self) -> None:
        super().__init__()
        self._gyro: Vec3 | None = None

    def reset(self) -> None:
        """Forget the latest turning rate; the counts stay."""
        self._gyro = None

    def length(self, data: bytes, at: int) -> int:
        """Return the length that the first two bytes tell, else all that is left."""
        return _LENGTHS.get(data[at : at + 2], len(data) - at)

    def read(self, datagram: bytes) -> list[Message]:
        """Return the motion of one notification; a turning rate gives none of its own."""
        kind, body = tuple(datagram[:2]), datagram[2:]
        if kind == (FUSION, QUATERNION) and len(body) == _QUAT.size:
            w, x, y, z = _QUAT.unpack(body)
            quat = unit_quat(w, x, y, z, MAX_NORM_ERROR)
            if quat is not None:
                return [Motion(quat_wxyz=quat, gyro_rad_s=self._gyro, norm=hypot(w, x, y, z))]
            self.counts.implausible += 1
        elif kind == (FUSION, GYRO) and len(body) == _GYRO.size:
            x, y, z, accuracy = _GYRO.unpack(body)
            if accuracy < ACCURACIES and abs(x) + abs(y) + abs(z) <= MAX_GYRO_DEG_S:
                self._gyro = (radians(x), radians(y), radians(z))
            else:
                self.counts.implausible += 1
        else:
            self.counts.damaged += 1
        return []


class MetaMotionDevice:
    """Sends turning rate and quaternion per measurement; takes the commands as read."""

    def encode(self, state: DeviceState) -> bytes:
        """Return two notifications, one after the other."""
        x, y, z = map(degrees, state.gyro_rad_s)
        gyro = bytes((FUSION, GYRO)) + _GYRO.pack(x, y, z, ACCURACIES - 1)
        return gyro + bytes((FUSION, QUATERNION)) + _QUAT.pack(*state.quat_world_from_head)

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Return nothing: commands are not answered."""
        return b""


DIALECT = Dialect(
    name="metamotion",
    about="MbientLab MetaMotion (Bluetooth)",
    transport=Transport.BLE,
    check=Check.NONE,
    axes=Axes.SENSOR,
    make_decoder=MetaMotionDecoder,
    make_device=MetaMotionDevice,
    verified="frames of the maker's tests, opening as in the maker's library, virtual device",
    rate_hz=100.0,
    port_name="MetaWear",
    batches=True,
    talk=Talk(opening=OPENING, opening_gap_s=0.02, closing=CLOSING),
)
