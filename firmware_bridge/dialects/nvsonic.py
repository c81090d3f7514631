"""nvsonic Head Tracker: ` 0.9623,-0.0954, 0.0194, 0.2539;`, a quaternion in x right, y front, z up; no line ends."""

import re
from math import hypot

from firmware_bridge.dialect import Axes, Check, Dialect, Transport
from firmware_bridge.dialects.lines import LineDecoder
from firmware_bridge.dialects.turns import quat_from_rfu, quat_to_rfu, unit_quat
from firmware_bridge.messages import Motion
from firmware_bridge.virtual.device import DeviceState

MAX_NORM_ERROR = 0.01
"""Four decimals leave 0.0001."""

_NUMBER = rb" *(-?[01]\.\d{2,6}) *"
_FRAME = re.compile(b",".join([_NUMBER] * 4))


class NvsonicDecoder(LineDecoder):
    """Reads quaternions ended by semicolons."""

    end = b";"
    max_line_bytes = 64

    def read_line(self, line: bytes) -> Motion | None:
        """Read four numbers."""
        match = _FRAME.fullmatch(line)
        if match is None:
            self.counts.damaged += 1
            return None
        w, x, y, z = map(float, match.groups())
        quat = unit_quat(w, x, y, z, MAX_NORM_ERROR)
        if quat is None:
            self.counts.implausible += 1
            return None
        return Motion(quat_wxyz=quat_from_rfu(quat), norm=hypot(w, x, y, z))


class NvsonicDevice:
    """Sends quaternions; it takes no commands."""

    def encode(self, state: DeviceState) -> bytes:
        """Return one quaternion, four decimals, seven characters a number."""
        return ",".join(f"{part:7.4f}" for part in quat_to_rfu(state.quat_world_from_head)).encode() + b";"

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Return nothing."""
        return b""


DIALECT = Dialect(
    name="nvsonic",
    about="nvsonic Head Tracker, text over USB",
    transport=Transport.SERIAL,
    check=Check.NONE,
    axes=Axes.HEAD,
    make_decoder=NvsonicDecoder,
    make_device=NvsonicDevice,
    verified="vector, its firmware's source",
    rate_hz=50.0,
)
