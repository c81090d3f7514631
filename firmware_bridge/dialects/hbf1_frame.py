"""The words of an HBF-1 frame that both ends share: types, fields, scales, status bits."""

from math import pi
from struct import Struct

from firmware_bridge.dialects.turns import GRAVITY_M_S2

MOTION, INFO, PONG, EVENT, LOG = 1, 2, 3, 4, 5
QUAT16, QUAT32, GYRO, ACCEL, MAG, TEMP = 1, 2, 4, 8, 16, 32
STATUS_REST, STATUS_BIAS_FREE, STATUS_BUTTON, STATUS_OVERRUN, STATUS_SATURATED = 1 << 2, 1 << 4, 1 << 5, 1 << 6, 1 << 7
BATTERY_UNKNOWN = 15

QUAT16_ONE = 16384.0
GYRO_PER_RAD_S = 16.0 * 180.0 / pi
ACCEL_PER_M_S2 = 2048.0 / GRAVITY_M_S2
MAG_PER_UT = 16.0
MAX_WIRE_BYTES = 130
"""A frame has at most 128 bytes; stuffing adds one, the end is another."""

_BLOCKS = {QUAT16: "4h", QUAT32: "4f", GYRO: "3h", ACCEL: "3h", MAG: "3h", TEMP: "h"}


def _allowed(fields: int) -> bool:
    quats = fields & (QUAT16 | QUAT32)
    return quats in (QUAT16, QUAT32) or (quats == 0 and fields & (GYRO | ACCEL) == GYRO | ACCEL)


LAYOUTS = {
    fields: Struct("<BBHIH" + "".join(block for bit, block in _BLOCKS.items() if fields & bit) + "H")
    for fields in range(64)
    if _allowed(fields)
}
"""Whole frames by their fields: type, fields, seq, t_us, status, blocks, CRC. One quaternion, or raw gyro and accel."""
