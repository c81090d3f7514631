"""hedrot: raw magnetometer, accelerometer and gyro a thousand times a second; the host fuses.

A frame is 21 bytes with the top bit set and a zero: three vectors of 16 bits a value, big-endian, each with a
one behind it, packed 7 bits a byte. Everything else has the top bit clear: 0B text 0C (settings), 01 (the board
is too slow), 7F and 7E (answers to pings). It streams only while it is pinged. The board's axes are x front,
y right, z down, and it sends gravity, not specific force: +1 g along z when level.

Scales are those of the chips (ITG-3200, ADXL345 at full resolution, HMC5883L), confirmed with no device. hedrot's
own receiver takes the gyro's range, 2000 °/s, as 32768 counts, which is 12 % less than the chip's 14.375 counts
per °/s. Where the device tells the accelerometer calibration that is stored in it, that is used.
"""

import re
from math import isfinite, radians

from firmware_bridge.decoder import StreamDecoder
from firmware_bridge.dialect import Axes, Check, Dialect, Talk, Transport
from firmware_bridge.dialects.hedrot_device import HedrotDevice
from firmware_bridge.dialects.hedrot_frame import (
    ACCEL_PER_G,
    FRAME_BYTES,
    GYRO_PER_DEG_S,
    INFO_END,
    INFO_START,
    MAG_PER_GAUSS,
    MAX_INFO_BYTES,
    OVERLOAD,
    PING,
    PING_COMMAND,
    SEND_INFO,
    STOP,
    unpack_counts,
)
from firmware_bridge.dialects.turns import GRAVITY_M_S2
from firmware_bridge.messages import Message, Motion, Told, Vec3

MAX_ACCEL_COUNTS = 4096
ACCEL_SCALES_PER_G = (32.0, 512.0)
"""What a stored calibration may say; an uncalibrated device says 1."""
_FRAME = re.compile(rb"[\x80-\xff]{21}\x00")
_LOW = re.compile(rb"[\x00-\x7f]")
_WORTH_A_LOOK = re.compile(rb"[\x80-\xff\x00\x01\x0b\x15\x7e\x7f]")
_ANSWERS = bytes((0x00, OVERLOAD, 0x15, 0x7E, PING))
_UT = 100.0 / MAG_PER_GAUSS
_RAD_S = radians(1.0) / GYRO_PER_DEG_S


class HedrotDecoder(StreamDecoder):
    """Reads frames and settings; frames are as long as they are, with a one behind every vector."""

    def __init__(self) -> None:
        super().__init__()
        self._forget()

    def reset(self) -> None:
        """Forget half a frame and the calibration that the device told."""
        super().reset()
        self._forget()

    def _forget(self) -> None:
        self._overrun = False
        self._in_step = True
        self._calibrate({})

    def scan(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        """Look at one place: a frame, settings, an answer, or rubbish."""
        first = buffer[at]
        if first >= 0x80:
            return self._scan_frame(buffer, at)
        if first == INFO_START:
            return self._scan_info(buffer, at)
        if first in _ANSWERS:
            # Within a damaged frame this byte may be anything.
            self._overrun |= first == OVERLOAD and self._in_step
            return 1, None
        self.counts.damaged += 1
        start = _WORTH_A_LOOK.search(buffer, at)
        return (start.start() if start else len(buffer)) - at, None

    def _scan_frame(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        if _FRAME.match(buffer, at) is None:
            low = _LOW.search(buffer, at, at + FRAME_BYTES)
            if low is None and len(buffer) - at < FRAME_BYTES:
                return 0, None
            self.counts.damaged += self._in_step
            self._in_step = False
            return (low.start() - at, None) if low is not None else (1, None)
        self._in_step = True
        if not (buffer[at + 6] & buffer[at + 13] & buffer[at + 20] & 1):
            self.counts.damaged += 1
            return FRAME_BYTES, None
        mx, my, mz, ax, ay, az, gx, gy, gz = unpack_counts(buffer[at : at + FRAME_BYTES])
        if max(abs(ax), abs(ay), abs(az)) > MAX_ACCEL_COUNTS:
            self.counts.implausible += 1
            return FRAME_BYTES, None
        overrun, self._overrun = self._overrun, False
        (zero_x, zero_y, zero_z), (unit_x, unit_y, unit_z) = self._accel_zero, self._accel_unit
        return FRAME_BYTES, Motion(
            gyro_rad_s=(gx * _RAD_S, -gy * _RAD_S, -gz * _RAD_S),
            accel_m_s2=((zero_x - ax) * unit_x, (ay - zero_y) * unit_y, (az - zero_z) * unit_z),
            mag_ut=(mx * _UT, -my * _UT, -mz * _UT),
            overrun=overrun,
        )

    def _scan_info(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        end = buffer.find(INFO_END, at, at + MAX_INFO_BYTES)
        text = buffer[at + 1 : end if end >= 0 else at + MAX_INFO_BYTES]
        if not text.isascii() or (text and not text.decode("ascii").isprintable()):
            self.counts.damaged += 1
            return 1, None
        if end < 0:
            if len(buffer) - at < MAX_INFO_BYTES:
                return 0, None
            self.counts.damaged += 1
            return 1, None
        pairs = (pair.strip().partition(" ") for pair in text.decode("ascii").split(","))
        settings = {key: value for key, space, value in pairs if space}
        self._calibrate(settings)
        return end + 1 - at, Told("info", settings)

    def _calibrate(self, settings: dict[str, str]) -> None:
        zero, scale = _three(settings.get("accOffset")), _three(settings.get("accScaling"))
        least, most = ACCEL_SCALES_PER_G
        sane = scale is not None and least <= min(scale) <= max(scale) <= most
        if zero is None or scale is None or not sane or max(map(abs, zero)) > 0.5 * min(scale):
            zero, scale = (0.0, 0.0, 0.0), (ACCEL_PER_G, ACCEL_PER_G, ACCEL_PER_G)
        self._accel_zero: Vec3 = zero
        self._accel_unit: Vec3 = (GRAVITY_M_S2 / scale[0], GRAVITY_M_S2 / scale[1], GRAVITY_M_S2 / scale[2])


def _three(text: str | None) -> Vec3 | None:
    try:
        x, y, z = map(float, (text or "").split())
    except ValueError:
        return None
    return (x, y, z) if isfinite(x + y + z) else None


DIALECT = Dialect(
    name="hedrot",
    about="hedrot head tracker: raw gyro, accelerometer and magnetometer, fused here",
    transport=Transport.SERIAL,
    check=Check.NONE,
    axes=Axes.HEAD,
    make_decoder=HedrotDecoder,
    make_device=HedrotDevice,
    verified="vectors, virtual device; scales from the chips' data, axes from the firmware's source",
    rate_hz=1000.0,
    bauds=(230400,),
    talk=Talk(
        opening=(SEND_INFO, PING_COMMAND),
        opening_gap_s=0.2,
        keep_alive=PING_COMMAND,
        closing=STOP,
        silent_until_asked=True,
    ),
)
