"""Razor AHRS: `#YPR=yaw,pitch,roll` lines, or twelve bytes (three float32) without any header.

Degrees in x front, y right, z down: yaw right +, pitch up +, roll right ear down +. In the binary stream a
frame is only told by its numbers: they are angles and not absurdly small. After a break, three frames in a
row must be, and of the alignments that pass, that one is taken whose first angles are nearest to the last
ones known, or lean least where none are. A break by whole floats (4 or 8 bytes) cannot be seen at all: the
bridge asks a device that it knows for text, which has no such doubt. For the same reason binary frames identify
nobody: any device that sends small floats sends such.
"""

import re
from struct import Struct

from firmware_bridge.decoder import StreamDecoder
from firmware_bridge.dialect import Axes, Check, Dialect, Talk, Transport
from firmware_bridge.dialects.turns import angles_deg_from_quat, quat_from_angles_deg
from firmware_bridge.messages import Message, Motion, Told, Vec3
from firmware_bridge.virtual.device import DeviceState

FRAME_BYTES = 12
MAX_LINE_BYTES = 48
TINY_DEG = 1e-5
"""A smaller angle that is not zero is no angle: half of all random float32 are such."""
SEARCH_FRAMES = 3
SEARCH_BYTES = (SEARCH_FRAMES + 1) * FRAME_BYTES

_NUMBER = rb"(-?\d{1,3}(?:\.\d{1,6})?)"
_YPR = re.compile(rb"#YPR=" + _NUMBER + b"," + _NUMBER + b"," + _NUMBER + rb"\r?")
_SYNCH = re.compile(rb"#SYNCH([ -~]{2})\r?")
_STARTS = (b"#YPR=", b"#SYNCH")
_START = re.compile(rb"#YPR=|#SYNCH")
_TEXT = re.compile(rb"[\t\r\n -~]*")
_FRAME = Struct("<3f")


class RazorDecoder(StreamDecoder):
    """Reads text and binary, whichever comes."""

    def __init__(self) -> None:
        super().__init__()
        self._aligned = True
        self._last_deg: Vec3 | None = None

    def reset(self) -> None:
        """Forget half a frame, and take what comes first as a frame's beginning."""
        super().reset()
        self._aligned, self._last_deg = True, None

    def scan(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        """Take a line, or a frame where one is expected, or search for either."""
        head = buffer[at : at + 6]
        if head.startswith(_STARTS):
            return self._scan_line(buffer, at)
        if any(start.startswith(head) for start in _STARTS):
            return 0, None
        return self._scan_binary(buffer, at)

    def _scan_binary(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        if self._aligned:
            if len(buffer) - at < FRAME_BYTES:
                return 0, None
            angles = angles_at(buffer, at)
            if angles is not None:
                return FRAME_BYTES, self._motion(angles)
            self._aligned = False
        return self._search(buffer, at)

    def _search(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        text = _START.search(buffer, at, at + SEARCH_BYTES)
        if text is not None:
            self.counts.damaged += 1
            return text.start() - at, None
        if len(buffer) - at < SEARCH_BYTES:
            return 0, None
        found = [run for run in (self._run_from(buffer, at + n) for n in range(FRAME_BYTES + 1)) if run is not None]
        start = min(found)[1] if found else at + FRAME_BYTES
        self._aligned = bool(found)
        if start == at:
            return FRAME_BYTES, self._motion(min(found)[2])
        self.counts.damaged += 1
        return start - at, None

    def _run_from(self, buffer: bytes, at: int) -> tuple[float, int, Vec3] | None:
        """Return how odd the frames from here on look, where they begin, and the first one's angles."""
        run = [angles_at(buffer, at + k * FRAME_BYTES) for k in range(SEARCH_FRAMES)]
        first = run[0]
        if first is None or None in run[1:]:
            return None
        if self._last_deg is None:
            return abs(first[1]) + abs(first[2]), at, first
        turn_deg = abs((first[0] - self._last_deg[0] + 180.0) % 360.0 - 180.0)
        return turn_deg + abs(first[1] - self._last_deg[1]) + abs(first[2] - self._last_deg[2]), at, first

    def _scan_line(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        end = buffer.find(b"\n", at, at + MAX_LINE_BYTES)
        cut = _START.search(buffer, at + 1, end if end >= 0 else at + MAX_LINE_BYTES)
        if cut is not None:
            self.counts.damaged += 1
            return cut.start() - at, None
        if end < 0:
            if len(buffer) - at < MAX_LINE_BYTES:
                return 0, None
            self._aligned = False
            self.counts.damaged += 1
            return 1, None
        line = buffer[at:end]
        self._aligned = True
        synch = _SYNCH.fullmatch(line)
        if synch is not None:
            return end + 1 - at, Told("event", {"synch": synch[1].decode("ascii")})
        match = _YPR.fullmatch(line)
        if match is None:
            self.counts.damaged += 1
            return end + 1 - at, None
        angles = (float(match[1]), float(match[2]), float(match[3]))
        if not are_angles(angles):
            self.counts.implausible += 1
            return end + 1 - at, None
        return end + 1 - at, self._motion(angles)

    def _motion(self, angles: Vec3) -> Motion:
        self._last_deg = angles
        return Motion(quat_wxyz=quat_from_angles_deg(-angles[0], angles[1], angles[2]))


class RazorTextDecoder(RazorDecoder):
    """Reads text only: what is sure to come from a Razor."""

    def _scan_binary(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        self.counts.damaged += 1
        start = buffer.find(b"#", at + 1)
        return (start if start >= 0 else len(buffer)) - at, None


def angles_at(buffer: bytes, at: int) -> Vec3 | None:
    """Return the binary frame at this place, None where these bytes are none."""
    frame = buffer[at : at + FRAME_BYTES]
    # Lines of text and a broken wire (zeros) would pass as angles now and then.
    if _TEXT.fullmatch(frame) or not any(frame):
        return None
    yaw, pitch, roll = _FRAME.unpack(frame)
    angles = (yaw, pitch, roll)
    return angles if are_angles(angles) and not any(0.0 < abs(angle) < TINY_DEG for angle in angles) else None


def are_angles(angles: Vec3) -> bool:
    """Return whether yaw, pitch and roll are within their ranges; NaN is not."""
    return abs(angles[0]) <= 180.0 and abs(angles[1]) <= 90.0 and abs(angles[2]) <= 180.0


class RazorDevice:
    """Streams text, or binary once asked; takes the commands of the firmware that matter here."""

    def __init__(self, binary: bool = False) -> None:
        self._binary, self._streaming, self._once = binary, True, False
        self._heard = b""

    def encode(self, state: DeviceState) -> bytes:
        """Return one frame, b"" while the stream is off."""
        if not self._streaming and not self._once:
            return b""
        self._once = False
        yaw, pitch, roll = angles_deg_from_quat(state.quat_world_from_head)
        if self._binary:
            return _FRAME.pack(-yaw, pitch, roll)
        return b"#YPR=%.2f,%.2f,%.2f\r\n" % (-yaw, pitch, roll)

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Obey `#ob`, `#ot`, `#o0`, `#o1` and `#f`, and answer `#s`; the rest is passed over."""
        heard, answers, at = self._heard + data, b"", 0
        while (at := heard.find(b"#", at)) >= 0:
            command = heard[at : at + 4]
            if (
                len(command) < 2
                or (command[1:2] == b"o" and len(command) < 3)
                or (command[1:2] == b"s" and len(command) < 4)
            ):
                break
            if command.startswith(b"#s"):
                answers += b"#SYNCH" + command[2:4] + b"\r\n"
            elif command[:3] in (b"#ob", b"#ot"):
                self._binary = command[:3] == b"#ob"
            elif command[:3] in (b"#o0", b"#o1"):
                self._streaming = command[:3] == b"#o1"
            elif command.startswith(b"#f"):
                self._once = True
            at += 2
        self._heard = heard[at:] if at >= 0 else b""
        return answers


DIALECT = Dialect(
    name="razor",
    about="Razor AHRS firmware, text or binary",
    transport=Transport.SERIAL,
    check=Check.NONE,
    axes=Axes.HEAD,
    make_decoder=RazorDecoder,
    make_device=RazorDevice,
    verified="vectors, its firmware's source; in binary it is heard only where dialect and port are named",
    rate_hz=50.0,
    bauds=(57600, 115200),
    heading_is_absolute=True,
    talk=Talk(opening=(b"#ot", b"#o1"), opening_gap_s=0.1),
    make_listener=RazorTextDecoder,
)
