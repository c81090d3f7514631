"""Supperware Head Tracker 1: MIDI System Exclusive, as its maker's own API (ht-api-juce) has it.

`F0 00 21 42 | message | data | F7`. A value is two 7-bit bytes, signed, 2048 to the unit. Axes are x right, y front,
z up; its angles, R = Rz(yaw) Rx(pitch) Ry(roll) there, are just ours.
"""

import re
from math import degrees, hypot

from firmware_bridge.dialect import Axes, Check, Dialect, Talk, Transport
from firmware_bridge.dialects.supperware_device import SupperwareDevice
from firmware_bridge.dialects.supperware_frame import (
    COMPASS,
    CONFIGURE,
    CONTROL,
    EAR_AND_GESTURES,
    EVENT,
    MATRIX,
    ONE,
    ORIENTATION,
    OUTPUT,
    OUTPUT_QUATERNION,
    PULL,
    QUATERNION,
    READBACK,
    SENSORS,
    SENSORS_100_HZ,
    SENSORS_OFF,
    STATUS,
    TRAVEL,
    YAW_PITCH_ROLL,
    message,
)
from firmware_bridge.dialects.synced import SyncedDecoder
from firmware_bridge.dialects.turn_forms import quat_from_matrix
from firmware_bridge.dialects.turns import quat_from_angles_deg, quat_from_rfu, unit_quat
from firmware_bridge.messages import Message, Motion, Quat, Told

REALTIME = bytes(range(0xF8, 0x100))
"""Clock and active sensing: these may stand anywhere, even within another message."""
MAX_NORM_ERROR = 0.02
MAX_ANGLES_DEG = (181.0, 91.0, 181.0)

TURN_ON = message(CONFIGURE, SENSORS, SENSORS_100_HZ, OUTPUT, OUTPUT_QUATERNION, COMPASS, 0x40)
"""100 Hz, quaternions, and status whenever it changes."""
TURN_OFF = message(CONFIGURE, SENSORS, SENSORS_OFF)
ZERO = message(CONTROL, 0x00, 0x01)
READ_STATUS = message(READBACK, COMPASS, EAR_AND_GESTURES, TRAVEL)

_END = re.compile(rb"[\x80-\xff]")
_COMPASS_STATES = ("off", "bad data", "good data", "calibrating")
_EVENTS = {
    1: ("compass", "calibrating"),
    2: ("compass", "calibrated"),
    3: ("compass", "calibration failed"),
    4: ("compass", "bad data"),
    5: ("compass", "good data"),
    6: ("gyroscope", "calibrated"),
}
_TRAVEL = {6: "slow", 7: "fast"}


class SupperwareDecoder(SyncedDecoder):
    """Reads orientation in all three forms, and status as Told."""

    sync = b"\xf0"

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete, oldest first. Never raises."""
        return super().feed(data.translate(None, REALTIME))

    def read_frame(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        """Read one System Exclusive message."""
        end = _END.search(buffer, at + 1)
        if end is None:
            return 0, None
        # Any other status byte means that this message was cut off.
        if end[0] != b"\xf7" or buffer[at + 1 : at + 4] != b"\x00\x21\x42":
            return self.damaged()
        body = buffer[at + 4 : end.start()]
        if body[:1] == bytes((STATUS,)) and len(body) >= 3 and len(body) % 2:
            return end.end() - at, _status(body[1:])
        if body[:1] != bytes((ORIENTATION,)):
            # File transfers of its updater, and what later models may say.
            return end.end() - at, None
        values = [_value(body, k) for k in range(2, len(body) - 1, 2)]
        n_values = {YAW_PITCH_ROLL: 3, QUATERNION: 4, MATRIX: 9}.get(body[1] if len(body) > 1 else -1)
        if len(values) != n_values or len(body) % 2:
            return self.damaged()
        quat = _quat(values)
        norm = hypot(*values) if len(values) == 4 else 1.0
        return self.implausible() if quat is None else (end.end() - at, Motion(quat_wxyz=quat, norm=norm))


def _value(body: bytes, at: int) -> float:
    raw = body[at] << 7 | body[at + 1]
    return (raw - 0x4000 if raw >= 0x2000 else raw) / ONE


def _quat(values: list[float]) -> Quat | None:
    if len(values) == 3:
        yaw, pitch, roll = map(degrees, values)
        inside = all(abs(angle) <= most for angle, most in zip((yaw, pitch, roll), MAX_ANGLES_DEG, strict=True))
        return quat_from_angles_deg(yaw, pitch, roll) if inside else None
    if len(values) == 4:
        w, x, y, z = values
        quat = unit_quat(w, x, y, z, MAX_NORM_ERROR)
    else:
        quat = quat_from_matrix(values)
    return None if quat is None else quat_from_rfu(quat)


def _status(pairs: bytes) -> Told:
    words: dict[str, str] = {}
    for parameter, value in zip(pairs[::2], pairs[1::2], strict=True):
        if parameter == COMPASS:
            words["compass"] = _COMPASS_STATES[value & 3]
            words["compass on"] = _yes(value, 0x10)
            words["compass corrects"] = "no" if value & 0x08 else "yes"
        elif parameter == EAR_AND_GESTURES:
            words["cable at"] = "right ear" if value & 3 == 3 else "left ear"
            words["calibrates by gesture"] = _yes(value, 0x14)
            words["zeroes by gesture"] = _yes(value, 0x18)
        elif parameter == EVENT and value in _EVENTS:
            words.update((_EVENTS[value],))
        elif parameter == PULL:
            words["pull speed"] = f"{0.05 + 0.05 * value:.2f} °/s"
        elif parameter == TRAVEL:
            words["travel mode"] = _TRAVEL.get(value & 7, "off")
        else:
            words[f"parameter {parameter}"] = str(value)
    return Told("event" if EVENT in pairs[::2] else "info", words)


def _yes(value: int, bits: int) -> str:
    return "yes" if value & bits == bits else "no"


DIALECT = Dialect(
    name="supperware",
    about="Supperware Head Tracker 1 over MIDI",
    transport=Transport.MIDI,
    check=Check.NONE,
    axes=Axes.HEAD,
    make_decoder=SupperwareDecoder,
    make_device=SupperwareDevice,
    verified="vectors, virtual device; messages as in the maker's API",
    rate_hz=100.0,
    port_name="Head Tracker",
    talk=Talk(opening=(TURN_ON, READ_STATUS), opening_gap_s=0.05, closing=TURN_OFF),
    zero=ZERO,
)
