"""Lines of text from a serial head tracker: bytes in, poses out, resynchronising, counting.

Two dialects, told apart by their first characters and safe to mix:
`$HT,seq,t_us,w,x,y,z,status[,gx,gy,gz[,ax,ay,az]]*XOR` (our firmware: deg/s and g, sensor axes x front,
y left, z up) and `#YPR=yaw,pitch,roll` (Razor AHRS: degrees, yaw right +, no checksum).
"""

import re
from dataclasses import dataclass, field
from functools import reduce
from math import acos, degrees, radians, sqrt
from operator import xor

from firmware_bridge.quaternion import from_yaw_pitch_roll_deg

MAX_LINE_BYTES = 256
MAX_NORM_ERROR = 0.05
MAX_GYRO_DEG_S = 4000.0
MAX_STEP_DEG = 60.0
TRUST_FRAMES = 3
"""Consecutive plausible frames before a dialect without a checksum is believed."""

Quat = tuple[float, float, float, float]

_NUMBER = rb"[-+]?\d{1,7}(?:\.\d{1,9})?"
_THREE = rb"((?:," + _NUMBER + rb"){3})?"
_HT = re.compile(
    rb"\$(HT,(\d{1,5}),(\d{1,10})((?:," + _NUMBER + rb"){4}),([0-9A-Fa-f]{4})" + _THREE + _THREE + rb")"
    rb"\*([0-9A-Fa-f]{2})"
)
_YPR = re.compile(rb"#YPR=(" + _NUMBER + rb"),(" + _NUMBER + rb"),(" + _NUMBER + rb")")


@dataclass(frozen=True, slots=True)
class TextPose:
    """One decoded line; `device_time_us` wraps at 2^32 and is None where the device has no clock."""

    quat_world_from_head: Quat
    gyro_rad_s: tuple[float, float, float] | None
    device_time_us: int | None


@dataclass(slots=True)
class TextCounts:
    """What became of the bytes so far."""

    poses: int = 0
    damaged: int = 0
    implausible: int = 0
    lost: int = 0

    @property
    def dropped(self) -> int:
        """Return the number of frames that were damaged, implausible or never arrived."""
        return self.damaged + self.implausible + self.lost


@dataclass(slots=True)
class SerialTextDecoder:
    """Feed it bytes as they come, in pieces of any size."""

    counts: TextCounts = field(default_factory=TextCounts)
    _pending: bytes = b""
    _skipping: bool = False
    _seq: int | None = None
    _streak: int = 0
    _last_ypr: Quat | None = None

    def feed(self, data: bytes) -> list[TextPose]:
        """Return the poses completed by these bytes, oldest first. Never raises."""
        *lines, rest = re.split(rb"[\r\n]", self._pending + data)
        poses = []
        for line in lines:
            if self._skipping:
                self._skipping = False
                continue
            pose = self._read(line)
            if pose is not None:
                self.counts.poses += 1
                poses.append(pose)
        if len(rest) > MAX_LINE_BYTES:
            # Whatever this is, it has no lines; wait for the next line end without keeping it.
            if not self._skipping:
                self._damaged()
            rest, self._skipping = b"", True
        self._pending = rest
        return poses

    def reset(self) -> None:
        """Forget half a line and all trust, as after a reconnection; counts stay."""
        self._pending, self._skipping, self._seq = b"", False, None
        self._streak, self._last_ypr = 0, None

    def _read(self, line: bytes) -> TextPose | None:
        # A frame cut off by another one ends where the next begins.
        start = max(line.rfind(b"$"), line.rfind(b"#YPR="))
        if start < 0:
            if line and not line.startswith(b"#"):
                self._damaged()
            return None
        if start > 0:
            self._damaged()
        frame = line[start:]
        return self._read_ht(frame) if frame.startswith(b"$") else self._read_ypr(frame)

    def _read_ht(self, frame: bytes) -> TextPose | None:
        match = _HT.fullmatch(frame)
        if match is None or reduce(xor, match[1]) != int(match[8], 16):
            self._damaged()
            return None
        quat = [float(part) for part in match[4].split(b",")[1:]]
        gyro = [radians(float(part)) for part in match[6].split(b",")[1:]] if match[6] else None
        seq, device_time_us = int(match[2]), int(match[3])
        norm = sqrt(sum(part * part for part in quat))
        sane = abs(norm - 1.0) < MAX_NORM_ERROR and seq < 1 << 16 and device_time_us < 1 << 32
        if not sane or (gyro and max(map(abs, gyro)) > radians(MAX_GYRO_DEG_S)):
            self.counts.implausible += 1
            return None
        if self._seq is not None:
            gap = (seq - self._seq - 1) % (1 << 16)
            # A gap of half the range is a device that began anew.
            self.counts.lost += gap if gap < 1 << 15 else 0
        self._seq = seq
        w, x, y, z = (part / norm for part in quat)
        return TextPose((w, x, y, z), (gyro[0], gyro[1], gyro[2]) if gyro else None, device_time_us)

    def _read_ypr(self, frame: bytes) -> TextPose | None:
        match = _YPR.fullmatch(frame)
        if match is None:
            self._damaged()
            return None
        yaw, pitch, roll = (float(match[i]) for i in (1, 2, 3))
        if abs(yaw) > 180.0 or abs(pitch) > 90.0 or abs(roll) > 180.0:
            self.counts.implausible += 1
            self._streak = 0
            return None
        w, x, y, z = (float(part) for part in from_yaw_pitch_roll_deg(-yaw, pitch, roll))
        if self._last_ypr is not None and _turn_deg(self._last_ypr, (w, x, y, z)) > MAX_STEP_DEG:
            self._streak = 0
            self.counts.implausible += 1
        self._last_ypr = (w, x, y, z)
        self._streak += 1
        return TextPose((w, x, y, z), None, None) if self._streak >= TRUST_FRAMES else None

    def _damaged(self) -> None:
        self.counts.damaged += 1
        self._streak = 0


def _turn_deg(a: Quat, b: Quat) -> float:
    return 2.0 * degrees(acos(min(1.0, abs(sum(i * j for i, j in zip(a, b, strict=True))))))
