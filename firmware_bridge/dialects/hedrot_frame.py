"""The bytes of hedrot: packing of frames, control bytes, and what the chips' counts mean."""

FRAME_BYTES = 22
MAX_INFO_BYTES = 1000
FRAME_END, OVERLOAD, PING = 0x00, 0x01, 0x7F
INFO_START, INFO_END = 0x0B, 0x0C
STOP, SEND_INFO, ARE_YOU_THERE, PING_COMMAND = b"\x00", b"\x01", b"\x7e", b"\x7f"
"""What the host says."""
GYRO_PER_DEG_S = 14.375
ACCEL_PER_G = 256.0
MAG_PER_GAUSS = 440.0
"""At gain 4, which the device is given by default."""


def unpack_counts(frame: bytes) -> tuple[int, ...]:
    """Return the nine counts of a frame's 21 or 22 bytes: magnetometer, accelerometer, gyro, on the board's axes."""
    counts: list[int] = []
    for at in (0, 7, 14):
        bits = 0
        for byte in frame[at : at + 7]:
            bits = bits << 7 | byte & 0x7F
        counts += (((bits >> shift) + 0x8000 & 0xFFFF) - 0x8000 for shift in (33, 17, 1))
    return tuple(counts)


def pack_counts(counts: list[int]) -> bytes:
    """Return the frame of nine counts."""
    frame = bytearray()
    for at in (0, 3, 6):
        x, y, z = (count & 0xFFFF for count in counts[at : at + 3])
        bits = x << 33 | y << 17 | z << 1 | 1
        frame += bytes(0x80 | bits >> shift & 0x7F for shift in range(42, -1, -7))
    return bytes(frame) + bytes([FRAME_END])
