"""The frames of WitMotion trackers: kinds, sizes, units, and the commands that write and read registers."""

SYNC = b"\x55"
FRAME_BYTES, BLE_BYTES = 11, 20
ACCEL, GYRO, ANGLE, QUAT = 0x51, 0x52, 0x53, 0x59
KINDS = frozenset((*range(0x50, 0x5B), 0x5F))
"""What follows 55 in a serial frame."""
REGISTERS = 0x5F
MOTION, ANSWER = 0x61, 0x71
"""What follows 55 in a BLE frame."""
ACCEL_PER_G = 32768.0 / 16.0
GYRO_PER_DEG_S = 32768.0 / 2000.0
ANGLE_PER_DEG = 32768.0 / 180.0
QUAT_ONE = 32768.0
MAG_PER_UT = 120.0
CONTENTS, READ, MAG_REGISTER, QUAT_REGISTER = 0x02, 0x27, 0x3A, 0x51
SAVE = 0x00
SEND_ACCEL, SEND_GYRO, SEND_ANGLE, SEND_QUAT = 0x02, 0x04, 0x08, 0x200
"""Bits of the register `CONTENTS`."""
WANTED = SEND_ACCEL | SEND_GYRO | SEND_QUAT
COMMAND = b"\xff\xaa"
UNLOCK = b"\xff\xaa\x69\x88\xb5"


def read_register(register: int) -> bytes:
    """Return the command that asks for a register and those after it."""
    return COMMAND + bytes((READ, register, 0))


def write_register(register: int, value: int) -> bytes:
    """Return the command that writes 16 bits; it needs `UNLOCK` before it, and is forgotten unless saved."""
    return COMMAND + bytes((register,)) + value.to_bytes(2, "little")
