"""SHTP on a UART, as the BNO08x speaks it: frames between flags, a header, cargoes of reports."""

from struct import pack

FLAG, ESCAPE = b"\x7e", b"\x7d"
BUFFER_STATUS, SHTP = 0x00, 0x01
HEADER_BYTES = 4
EXECUTABLE, CONTROL, INPUT, WAKE_INPUT, GYRO_INTEGRATED = 1, 2, 3, 4, 5
"""Channels."""
SET_FEATURE, FEATURE, TIME_BASE = 0xFD, 0xFC, 0xFB
ACCEL, GYRO, MAG = 0x01, 0x02, 0x03
ROTATION, GAME_ROTATION, AR_ROTATION, AR_GAME_ROTATION = 0x05, 0x08, 0x28, 0x29
TURNS = frozenset((ROTATION, GAME_ROTATION, AR_ROTATION, AR_GAME_ROTATION))
Q14, ACCEL_PER_M_S2, GYRO_PER_RAD_S, MAG_PER_UT, FAST_GYRO_PER_RAD_S = 16384.0, 256.0, 512.0, 16.0, 1024.0
GYRO_INTEGRATED_BYTES = 14
TIME_BASE_BYTES = 5
REPORT_BYTES = dict.fromkeys((0x01, 0x02, 0x03, 0x04, 0x06), 10) | {
    **{0x05: 14, 0x07: 16, 0x08: 12, 0x09: 14, 0x0A: 8, 0x0B: 8, 0x0C: 6, 0x0D: 6, 0x0E: 6, 0x0F: 16},
    **{0x10: 5, 0x11: 12, 0x12: 6, 0x13: 6, 0x14: 16, 0x15: 16, 0x16: 16, 0x18: 8, 0x19: 6, 0x1A: 6, 0x1B: 8},
    **{0x1C: 6, 0x1E: 16, 0x1F: 6, 0x20: 6, 0x21: 6, 0x22: 6, 0x23: 6, 0x28: 14, 0x29: 12},
    **{0xFA: TIME_BASE_BYTES, 0xFB: TIME_BASE_BYTES},
}
"""Of all reports that may come as input: reports are told apart by nothing but their lengths."""


def frame(channel: int, seq: int, cargo: bytes) -> bytes:
    """Return the bytes on the wire of one cargo."""
    content = bytes([SHTP]) + pack("<HBB", HEADER_BYTES + len(cargo), channel, seq & 0xFF) + cargo
    return FLAG + content.replace(ESCAPE, b"\x7d\x5d").replace(FLAG, b"\x7d\x5e") + FLAG


def unescape(content: bytes) -> bytes | None:
    """Return what stands between two flags, None where an escape is none."""
    n_escapes = content.count(ESCAPE)
    if not n_escapes:
        return content
    if content.count(b"\x7d\x5e") + content.count(b"\x7d\x5d") != n_escapes:
        return None
    return content.replace(b"\x7d\x5e", FLAG).replace(b"\x7d\x5d", ESCAPE)


def set_feature(report: int, interval_us: int, seq: int) -> bytes:
    """Return the command that has a report sent every `interval_us`, or never with 0."""
    return frame(CONTROL, seq, pack("<BBBHIII", SET_FEATURE, report, 0, 0, interval_us, 0, 0))
