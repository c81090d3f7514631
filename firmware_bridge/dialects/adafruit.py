"""Adafruit's orientation sketches: `Quaternion: w, x, y, z`, `Orientation: heading, pitch, roll`, `Uni:` raw values.

The quaternion is preferred; `Orientation` counts only where two come without a quaternion between them, and
is then read as Rz(heading) Ry(pitch) Rx(roll) of the sensor: which filter runs, and its signs, the stream does
not tell. `Uni:` (m/s², rad/s, µT) is what the calibration sketch sends; the host fuses it. `Raw:` says the
same again, rounded, and is passed over.
"""

import re
from math import hypot, radians

from firmware_bridge.dialect import Axes, Check, Dialect, Transport
from firmware_bridge.dialects.lines import LineDecoder
from firmware_bridge.dialects.turns import GRAVITY_M_S2, angles_deg_from_quat, quat_from_angles_deg, unit_quat
from firmware_bridge.messages import Message, Motion, Told
from firmware_bridge.virtual.device import DeviceState

MAX_NORM_ERROR = 0.02
MAX_GYRO_RAD_S = radians(4000.0)
MAX_ACCEL_M_S2 = 32.0 * GRAVITY_M_S2

_LINE = re.compile(
    rb"(Quaternion|Orientation|Calibration|Raw|Uni):((?: *-?\d{1,6}(?:\.\d{1,6})? *,){2,8} *-?\d{1,6}(?:\.\d{1,6})?)"
)
_N_VALUES = {b"Quaternion": 4, b"Orientation": 3, b"Calibration": 4, b"Raw": 9, b"Uni": 9}


class AdafruitDecoder(LineDecoder):
    """Reads the lines that hold motion, and passes over those for people."""

    def __init__(self) -> None:
        super().__init__()
        self._n_without_quaternion = 0

    def reset(self) -> None:
        """Forget half a line, and whether quaternions come."""
        super().reset()
        self._n_without_quaternion = 0

    def read_line(self, line: bytes) -> Message | None:
        """Read one line by its first word."""
        match = _LINE.fullmatch(line)
        if match is None:
            # Sketches chat in between; only a line that begins like data and is none was damaged.
            self.counts.damaged += line.startswith(tuple(_N_VALUES)) or not line.isascii()
            return None
        kind, values = match[1], [float(value) for value in match[2].split(b",")]
        if len(values) != _N_VALUES[kind]:
            self.counts.damaged += 1
            return None
        if kind == b"Calibration":
            return Told("event", dict(zip(("sys", "gyro", "accel", "mag"), map("{:.0f}".format, values), strict=True)))
        motion = None
        if kind == b"Quaternion":
            self._n_without_quaternion = 0
            motion = self._quaternion(values)
        elif kind == b"Orientation":
            self._n_without_quaternion += 1
            if self._n_without_quaternion < 2:
                return None
            motion = self._orientation(values)
        elif kind == b"Uni":
            motion = self._raw(values)
        else:
            return None
        self.counts.implausible += motion is None
        return motion

    def _quaternion(self, values: list[float]) -> Motion | None:
        w, x, y, z = values
        quat = unit_quat(w, x, y, z, MAX_NORM_ERROR)
        return None if quat is None else Motion(quat_wxyz=quat, norm=hypot(w, x, y, z))

    def _orientation(self, values: list[float]) -> Motion | None:
        heading, pitch, roll = values
        if not -180.0 <= heading <= 360.0 or abs(pitch) > 180.0 or abs(roll) > 180.0:
            return None
        return Motion(quat_wxyz=quat_from_angles_deg(heading, -pitch, roll))

    def _raw(self, values: list[float]) -> Motion | None:
        ax, ay, az, gx, gy, gz, mx, my, mz = values
        if max(map(abs, values[:3])) > MAX_ACCEL_M_S2 or max(map(abs, values[3:6])) > MAX_GYRO_RAD_S:
            return None
        if not any(values[:6]):
            # A compass alone fills the rest with zeros.
            return None
        return Motion(gyro_rad_s=(gx, gy, gz), accel_m_s2=(ax, ay, az), mag_ut=(mx, my, mz))


class AdafruitDevice:
    """Sends `Orientation` and `Quaternion` as the orientation sketch, or `Raw` and `Uni` as the calibration sketch."""

    def __init__(self, raw: bool = False, quaternion: bool = True) -> None:
        self._raw, self._quaternion = raw, quaternion

    def encode(self, state: DeviceState) -> bytes:
        """Return the lines of one measurement."""
        if self._raw:
            accel, gyro, mag = state.accel_m_s2, state.gyro_rad_s, state.mag_ut
            counts = [int(part * 8192 / 9.8) for part in accel]
            counts += [int(part / radians(1.0) * 16) for part in gyro] + [int(part * 10) for part in mag]
            raw = ",".join(map(str, counts))
            uni = ",".join([f"{part:.2f}" for part in accel] + [f"{part:.4f}" for part in gyro])
            return f"Raw:{raw}\r\nUni:{uni},{','.join(f'{part:.2f}' for part in mag)}\r\n".encode()
        yaw, pitch, roll = angles_deg_from_quat(state.quat_world_from_head)
        lines = f"Orientation: {yaw:.2f}, {-pitch:.2f}, {roll:.2f}\r\n"
        if self._quaternion:
            lines += f"Quaternion: {', '.join(f'{part:.4f}' for part in state.quat_world_from_head)}\r\n"
        return lines.encode()

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Return nothing: the sketches take no commands while they stream."""
        return b""


DIALECT = Dialect(
    name="adafruit",
    about="Adafruit AHRS sketches, text over USB",
    transport=Transport.SERIAL,
    check=Check.NONE,
    axes=Axes.SENSOR,
    make_decoder=AdafruitDecoder,
    make_device=AdafruitDevice,
    verified="its sketches' source",
    rate_hz=10.0,
    heading_is_absolute=True,
    uncertain=("yaw", "pitch", "roll"),
)
