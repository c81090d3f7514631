"""The sums that guard frames."""

from binascii import crc_hqx
from functools import reduce
from operator import xor


def crc16_ibm3740(data: bytes) -> int:
    """Return the CRC-16 with polynomial 0x1021 begun at 0xFFFF, "CCITT-FALSE": 0x29B1 for b"123456789"."""
    return crc_hqx(data, 0xFFFF)


def crc16_xmodem(data: bytes) -> int:
    """Return the CRC-16 with polynomial 0x1021 begun at 0: 0x31C3 for b"123456789", 0 with its own CRC behind."""
    return crc_hqx(data, 0)


def sum8(data: bytes) -> int:
    """Return the sum of all bytes modulo 256."""
    return sum(data) & 0xFF


def xor8(data: bytes) -> int:
    """Return all bytes combined by exclusive or, as NMEA lines have it."""
    return reduce(xor, data, 0)
