"""The numbers of Supperware's System Exclusive messages."""

MAKER = b"\xf0\x00\x21\x42"
CONFIGURE, CONTROL, READBACK = 0x00, 0x01, 0x02
"""Messages of the host; CONTROL zeroes and sets the travel mode."""
ORIENTATION, STATUS = 0x40, 0x42
"""Messages of the device."""
YAW_PITCH_ROLL, QUATERNION, MATRIX = 0x00, 0x01, 0x02
"""Forms of ORIENTATION."""
SENSORS, OUTPUT, COMPASS, EAR_AND_GESTURES, EVENT, PULL, TRAVEL = 0x00, 0x01, 0x03, 0x04, 0x05, 0x06, 0x11
"""Parameters of CONFIGURE, READBACK and STATUS."""
SENSORS_100_HZ, SENSORS_50_HZ, SENSORS_25_HZ, SENSORS_OFF = 0x28, 0x08, 0x18, 0x40
OUTPUT_NONE, OUTPUT_ANGLES, OUTPUT_QUATERNION, OUTPUT_MATRIX = 0x00, 0x01, 0x05, 0x09
ONE = 2048.0


def message(*body: int) -> bytes:
    """Return a System Exclusive message."""
    return MAKER + bytes(body) + b"\xf7"
