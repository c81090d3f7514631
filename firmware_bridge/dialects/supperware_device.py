"""A virtual Supperware Head Tracker 1."""

import re
from math import radians

from firmware_bridge.dialects.supperware_frame import (
    COMPASS,
    CONFIGURE,
    CONTROL,
    EAR_AND_GESTURES,
    MAKER,
    MATRIX,
    ONE,
    ORIENTATION,
    OUTPUT,
    OUTPUT_ANGLES,
    OUTPUT_MATRIX,
    OUTPUT_QUATERNION,
    PULL,
    QUATERNION,
    READBACK,
    SENSORS,
    SENSORS_25_HZ,
    SENSORS_50_HZ,
    SENSORS_100_HZ,
    STATUS,
    TRAVEL,
    YAW_PITCH_ROLL,
    message,
)
from firmware_bridge.dialects.turn_forms import matrix_from_quat
from firmware_bridge.dialects.turns import angles_deg_from_quat, quat_from_angles_deg, quat_to_rfu
from firmware_bridge.messages import Quat
from firmware_bridge.virtual.device import DeviceState

_COMMAND = re.compile(re.escape(MAKER) + rb"([\x00-\x7f]+)\xf7")
_EVERY = {SENSORS_100_HZ: 1, SENSORS_50_HZ: 2, SENSORS_25_HZ: 4}
"""Of states that come 100 times a second."""
MAX_HEARD_BYTES = 256


class SupperwareDevice:
    """Sends one message per state at 100 Hz, fewer or none as the host configures it; on from the start."""

    def __init__(self, output: int = OUTPUT_QUATERNION) -> None:
        self._parameters = {
            SENSORS: SENSORS_100_HZ,
            OUTPUT: output,
            COMPASS: 0x00,
            EAR_AND_GESTURES: 0x02,
            PULL: 0x05,
            TRAVEL: 0x04,
        }
        self._heard = b""
        self._zero_asked = False
        self._zero_deg = 0.0

    def encode(self, state: DeviceState) -> bytes:
        """Return one orientation message, b"" where it is off or not due."""
        every = _EVERY.get(self._parameters[SENSORS])
        if every is None or state.seq % every:
            return b""
        yaw_deg, pitch_deg, roll_deg = angles_deg_from_quat(state.quat_world_from_head)
        if self._zero_asked:
            self._zero_asked, self._zero_deg = False, yaw_deg
        quat = state.quat_world_from_head
        if self._zero_deg:
            quat = quat_from_angles_deg(yaw_deg - self._zero_deg, pitch_deg, roll_deg)
        return self._orientation(quat)

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Obey whole messages; return status where it is asked for."""
        heard = self._heard + data
        answers = b""
        end = 0
        for command in _COMMAND.finditer(heard):
            answers += self._obey(command[1])
            end = command.end()
        self._heard = heard[end:][-MAX_HEARD_BYTES:]
        return answers

    def _obey(self, body: bytes) -> bytes:
        kind, arguments = body[0], body[1:]
        if kind == READBACK:
            pairs = [byte for key in arguments if key in self._parameters for byte in (key, self._parameters[key])]
            return message(STATUS, *pairs) if pairs else b""
        for parameter, value in zip(arguments[::2], arguments[1::2], strict=False):
            if kind == CONFIGURE and parameter in self._parameters:
                self._parameters[parameter] = value
            elif kind == CONTROL and parameter == 0x01:
                self._parameters[TRAVEL] = value
            elif kind == CONTROL and parameter == 0x00 and value == 0x01:
                self._zero_asked = True
        return b""

    def _orientation(self, quat: Quat) -> bytes:
        output = self._parameters[OUTPUT]
        if output == OUTPUT_ANGLES:
            return _values(YAW_PITCH_ROLL, *map(radians, angles_deg_from_quat(quat)))
        if output == OUTPUT_QUATERNION:
            return _values(QUATERNION, *quat_to_rfu(quat))
        if output == OUTPUT_MATRIX:
            return _values(MATRIX, *matrix_from_quat(quat_to_rfu(quat)))
        return b""


def _values(form: int, *values: float) -> bytes:
    counts = [max(-0x2000, min(0x1FFF, round(value * ONE))) & 0x3FFF for value in values]
    return message(ORIENTATION, form, *(byte for count in counts for byte in (count >> 7, count & 0x7F)))
