"""x-io x-IMU3: messages that end with a line feed, in text or binary, in any mixture.

Text is `Q,<µs>,w,x,y,z`; binary the letter + 0x80, `µs u64 | float32 ...`, little-endian, with line feeds replaced
(0A by DB DC, DB by DB DD). The earth's axes are taken as north, west, up or east, north, up, as the device is
set to; it does not say which, and from north, east, down the head comes out upside down. The body axes are the
sensor's. Its field has no unit: 1 is taken as 50 µT.
"""

import json
import re
from math import hypot, isfinite, radians
from struct import unpack_from

from firmware_bridge.decoder import StreamDecoder
from firmware_bridge.dialect import Axes, Check, Dialect, Talk, Transport
from firmware_bridge.dialects.turn_forms import quat_from_matrix
from firmware_bridge.dialects.turns import GRAVITY_M_S2, quat_from_angles_deg, unit_quat
from firmware_bridge.dialects.ximu3_device import PING, Ximu3Device
from firmware_bridge.dialects.ximu3_frame import END, FIELD_UT, N_VALUES, unstuffed
from firmware_bridge.messages import Message, Motion, Quat, Told, Vec3

ORIENTATIONS = "QAR"
MAX_NORM_ERROR = 0.02
MAX_GYRO_DEG_S, MAX_ACCEL_G = 4000.0, 50.0
ALONE_AFTER = 100
"""So many inertial messages without an orientation between them: there is none, and the host must fuse."""
TOGETHER_S = 0.05
_NUMBER = rb"[-+]?\d{1,7}(?:\.\d{1,9})?"
_TEXT = re.compile(rb"([A-Z]),(\d{1,20})((?:," + _NUMBER + rb"){1,9})\r?")
_NOTE = re.compile(rb"([NF]),\d{1,20},([\x20-\x7e]*)\r?")


class Ximu3Decoder(StreamDecoder):
    """Reads both forms: one motion an orientation, with the latest inertial and magnetic values.

    Where no orientation comes the inertial messages themselves become motions.
    """

    def __init__(self) -> None:
        super().__init__()
        self._forget()

    def reset(self) -> None:
        """Forget half a message and the latest values; the counts stay."""
        super().reset()
        self._forget()

    def _forget(self) -> None:
        self._gyro: Vec3 | None = None
        self._accel: Vec3 | None = None
        self._mag: Vec3 | None = None
        self._inertial_s = 0.0
        self._battery: float | None = None
        self._n_alone = 0

    def scan(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        """Look at what is up to the next line feed."""
        end = buffer.find(END, at)
        if end < 0:
            return 0, None
        line = buffer[at:end]
        return end + 1 - at, self._read(line) if line.strip() else None

    def _read(self, line: bytes) -> Message | None:
        if line[0] >= 0x80:
            return self._read_binary(line)
        if line[:1] == b"{":
            return self._read_json(line)
        if line[:1] == b"^":
            # Messages of other devices behind this one.
            return None
        match = _TEXT.fullmatch(line)
        if match is not None:
            values = tuple(map(float, match[3].split(b",")[1:]))
            return self._take(match[1].decode(), int(match[2]) * 1e-6, values)
        note = _NOTE.fullmatch(line)
        if note is not None:
            return Told("log", {"error" if note[1] == b"F" else "text": note[2].decode("ascii")})
        self.counts.damaged += 1
        return None

    def _read_binary(self, line: bytes) -> Message | None:
        raw, letter = unstuffed(line), chr(line[0] - 0x80)
        if raw is None or (len(raw) - 9) % 4 or len(raw) < 9:
            self.counts.damaged += 1
            return None
        values = unpack_from(f"<{(len(raw) - 9) // 4}f", raw, 9)
        return self._take(letter, int.from_bytes(raw[1:9], "little") * 1e-6, values)

    def _read_json(self, line: bytes) -> Message | None:
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            self.counts.damaged += 1
            return None
        name, value = next(iter(told.items()), ("", None))
        words = value if isinstance(value, dict) else {name: value}
        return Told("info", {str(key): str(word) for key, word in words.items()})

    def _take(self, letter: str, time_s: float, values: tuple[float, ...]) -> Message | None:
        if letter not in N_VALUES or len(values) not in N_VALUES[letter]:
            self.counts.damaged += 1
            return None
        if not isfinite(sum(values)):
            self.counts.implausible += 1
            return None
        if letter in ORIENTATIONS:
            return self._orientation(letter, time_s, values)
        if letter == "I":
            return self._inertial(time_s, values)
        if letter == "M":
            self._mag = (values[0] * FIELD_UT, values[1] * FIELD_UT, values[2] * FIELD_UT)
        elif letter == "B" and 0.0 <= values[0] <= 100.0:
            self._battery = values[0] / 100.0
        return None

    def _orientation(self, letter: str, time_s: float, values: tuple[float, ...]) -> Motion | None:
        quat = _quat(letter, values)
        if quat is None:
            self.counts.implausible += 1
            return None
        self._n_alone = 0
        is_near = abs(time_s - self._inertial_s) < TOGETHER_S
        return Motion(
            quat_wxyz=quat,
            gyro_rad_s=self._gyro if is_near else None,
            accel_m_s2=self._accel if is_near else None,
            mag_ut=self._mag,
            device_time_s=time_s,
            battery=self._battery,
            norm=hypot(*values) if letter == "Q" else 1.0,
        )

    def _inertial(self, time_s: float, values: tuple[float, ...]) -> Motion | None:
        if max(map(abs, values[:3])) > MAX_GYRO_DEG_S or max(map(abs, values[3:])) > MAX_ACCEL_G:
            self.counts.implausible += 1
            return None
        gx, gy, gz = map(radians, values[:3])
        ax, ay, az = (value * GRAVITY_M_S2 for value in values[3:])
        self._gyro, self._accel, self._inertial_s = (gx, gy, gz), (ax, ay, az), time_s
        self._n_alone += 1
        if self._n_alone <= ALONE_AFTER:
            return None
        return Motion(
            gyro_rad_s=self._gyro,
            accel_m_s2=self._accel,
            mag_ut=self._mag,
            device_time_s=time_s,
            battery=self._battery,
        )


def _quat(letter: str, values: tuple[float, ...]) -> Quat | None:
    if letter == "Q":
        w, x, y, z = values
        return unit_quat(w, x, y, z, MAX_NORM_ERROR)
    if letter == "R":
        return quat_from_matrix(values)
    roll, pitch, yaw = values
    return quat_from_angles_deg(yaw, -pitch, roll) if max(map(abs, values)) <= 360.0 else None


DIALECT = Dialect(
    name="ximu3",
    about="x-io x-IMU3, text and binary",
    transport=Transport.SERIAL,
    check=Check.NONE,
    axes=Axes.SENSOR,
    make_decoder=Ximu3Decoder,
    make_device=Ximu3Device,
    verified="vectors, virtual device; messages as in the maker's API; set it to NWU or ENU, NED cannot be told",
    rate_hz=100.0,
    clock_wrap_s=(1 << 64) * 1e-6,
    talk=Talk(opening=(PING,)),
)
