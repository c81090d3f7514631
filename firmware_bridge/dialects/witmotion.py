"""WitMotion trackers (WT901, JY901, BWT901...): frames of one kind each on a serial port, of three kinds over BLE.

Serial: `55 | kind | 8 data bytes | sum`, little-endian, in bursts whose last frame that tells the attitude ends
a measurement. BLE: `55 61 | acc, gyro, angle`, and `55 71 | register | values` as answers to reads, both 20
bytes without a checksum. These are believed where they follow frames that were right, or the beginning; elsewhere
only where another such frame follows. Angles are Rz(yaw) Ry(pitch) Rx(roll), an order that no source settles;
where quaternions come, they are used, so they are asked for: as contents (serial) or again and again (BLE). The
rate is set with the maker's program: at 9600 baud a faster one would pile up in the device.
"""

from math import hypot, radians
from struct import unpack_from

from firmware_bridge.dialect import Axes, Check, Dialect, Talk, Transport
from firmware_bridge.dialects.checksums import sum8
from firmware_bridge.dialects.synced import SyncedDecoder
from firmware_bridge.dialects.turns import GRAVITY_M_S2, quat_from_angles_deg, unit_quat
from firmware_bridge.dialects.witmotion_device import WitmotionBleDevice, WitmotionDevice
from firmware_bridge.dialects.witmotion_frame import (
    ACCEL,
    ACCEL_PER_G,
    ANGLE,
    ANGLE_PER_DEG,
    ANSWER,
    BLE_BYTES,
    CONTENTS,
    FRAME_BYTES,
    GYRO,
    GYRO_PER_DEG_S,
    KINDS,
    MAG_PER_UT,
    MAG_REGISTER,
    MOTION,
    QUAT,
    QUAT_ONE,
    QUAT_REGISTER,
    SYNC,
    UNLOCK,
    WANTED,
    read_register,
    write_register,
)
from firmware_bridge.messages import Message, Motion, Quat, Vec3

BURSTS_WITHOUT_QUAT = 25
"""So many angle frames in a row mean that this device sends no quaternions; then the angles are used."""
MAX_PITCH_COUNTS = 16384
_RAD_S = radians(1.0) / GYRO_PER_DEG_S
_M_S2 = GRAVITY_M_S2 / ACCEL_PER_G


class WitmotionDecoder(SyncedDecoder):
    """Reads serial and BLE frames, in any mixture."""

    sync = SYNC

    def __init__(self) -> None:
        super().__init__()
        self._forget()

    def reset(self) -> None:
        """Forget half a frame and the burst that has begun."""
        super().reset()
        self._forget()

    def _forget(self) -> None:
        self._gyro: Vec3 | None = None
        self._accel: Vec3 | None = None
        self._mag: Vec3 | None = None
        self._angles_since_quat = BURSTS_WITHOUT_QUAT

    def read_frame(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        """Read one frame; most give no message by themselves."""
        n_bytes = len(buffer) - at
        if n_bytes < 2:
            return 0, None
        kind = buffer[at + 1]
        if kind in KINDS:
            if n_bytes < FRAME_BYTES:
                return 0, None
            if sum8(buffer[at : at + FRAME_BYTES - 1]) != buffer[at + FRAME_BYTES - 1]:
                return self.damaged()
            return self._read_serial(buffer, at, kind)
        if kind in (MOTION, ANSWER):
            # Nothing guards these: after rubbish the next one must be in its place, too.
            if n_bytes < BLE_BYTES + (2 if self.astray else 0):
                return 0, None
            if self.astray and buffer[at + BLE_BYTES : at + BLE_BYTES + 2] not in (b"\x55\x61", b"\x55\x71"):
                return 1, None
            return self._read_motion(buffer, at) if kind == MOTION else self._read_answer(buffer, at)
        return self.damaged()

    def _read_serial(self, buffer: bytes, at: int, kind: int) -> tuple[int, Message | None]:
        values = unpack_from("<4h", buffer, at + 2)
        if kind == ACCEL:
            self._accel = _scaled(values, _M_S2)
        elif kind == GYRO:
            self._gyro = _scaled(values, _RAD_S)
        elif kind == ANGLE:
            return self._attitude(FRAME_BYTES, _by_angles(values), 1.0, from_angles=True)
        elif kind == QUAT:
            return self._attitude(FRAME_BYTES, *_by_quat(values), from_angles=False)
        return FRAME_BYTES, None

    def _read_motion(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        values = unpack_from("<9h", buffer, at + 2)
        self._accel, self._gyro = _scaled(values, _M_S2), _scaled(values[3:], _RAD_S)
        return self._attitude(BLE_BYTES, _by_angles(values[6:]), 1.0, from_angles=True)

    def _read_answer(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        register = buffer[at + 2]
        values = unpack_from("<4h", buffer, at + 4)
        if register == QUAT_REGISTER:
            return self._attitude(BLE_BYTES, *_by_quat(values), from_angles=False)
        if register == MAG_REGISTER:
            self._mag = _scaled(values, 1.0 / MAG_PER_UT)
        return BLE_BYTES, None

    def _attitude(self, n_bytes: int, quat: Quat | None, norm: float, from_angles: bool) -> tuple[int, Message | None]:
        if quat is None:
            return self.implausible()
        if from_angles:
            self._angles_since_quat += 1
            if self._angles_since_quat <= BURSTS_WITHOUT_QUAT:
                return n_bytes, None
        else:
            self._angles_since_quat = 0
        motion = Motion(quat_wxyz=quat, gyro_rad_s=self._gyro, accel_m_s2=self._accel, mag_ut=self._mag, norm=norm)
        self._gyro = self._accel = self._mag = None
        return n_bytes, motion


def _by_angles(counts: tuple[int, ...]) -> Quat | None:
    roll, pitch, yaw = counts[:3]
    if abs(pitch) > MAX_PITCH_COUNTS:
        return None
    return quat_from_angles_deg(yaw / ANGLE_PER_DEG, -pitch / ANGLE_PER_DEG, roll / ANGLE_PER_DEG)


def _by_quat(counts: tuple[int, ...]) -> tuple[Quat | None, float]:
    """Return the quaternion and the length at which it was told."""
    w, x, y, z = counts
    return unit_quat(w / QUAT_ONE, x / QUAT_ONE, y / QUAT_ONE, z / QUAT_ONE), hypot(w, x, y, z) / QUAT_ONE


def _scaled(counts: tuple[int, ...], unit: float) -> Vec3:
    return (counts[0] * unit, counts[1] * unit, counts[2] * unit)


DIALECT = Dialect(
    name="witmotion",
    about="WitMotion trackers on a serial port (USB or Bluetooth)",
    transport=Transport.SERIAL,
    check=Check.SUM8,
    axes=Axes.SENSOR,
    make_decoder=WitmotionDecoder,
    make_device=WitmotionDevice,
    verified="vectors, virtual device; the order of its angles, used only where no quaternions come, is not settled",
    rate_hz=100.0,
    bauds=(9600, 115200, 230400, 460800, 921600),
    talk=Talk(opening=(UNLOCK, write_register(CONTENTS, WANTED)), opening_gap_s=0.01),
)
BLE_DIALECT = Dialect(
    name="witmotion-ble",
    about="WitMotion trackers over Bluetooth LE",
    transport=Transport.BLE,
    check=Check.NONE,
    axes=Axes.SENSOR,
    make_decoder=WitmotionDecoder,
    make_device=WitmotionBleDevice,
    verified="a captured frame, virtual device; the order of its angles, used until quaternions come, is not settled",
    rate_hz=50.0,
    port_name="WT",
    batches=True,
    talk=Talk(keep_alive=read_register(QUAT_REGISTER), keep_alive_s=0.02),
)
