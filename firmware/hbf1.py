"""HBF-1 on the wire: COBS frames with CRC-16/IBM-3740, and $HT lines, written in place and without allocation.

A frame is written to `buf` from `at` on and the place after it returned. What is measured comes in the units of
the wire: quaternion 1/16384, gyro 1/16 degree/s, accelerometer 1/2048 g, all int16.
"""

from array import array
from struct import pack_into

MOTION, INFO, PONG, EVENT = 1, 2, 3, 4
QUAT16, GYRO, ACCEL = 1, 4, 8
BIAS_FREE, BUTTON, OVERRUN, SATURATED = 1 << 4, 1 << 5, 1 << 6, 1 << 7
MAX_MOTION_BYTES, MAX_LINE_BYTES = 34, 160
"""What a MOTION frame and a $HT line take at most."""
TOLD_BYTES, MAX_TEXT_BYTES = 12, 118
"""What a frame takes beside its text, and what text it can hold."""


def _table():
    table = array("H", range(256))
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ (0x1021 if crc & 0x8000 else 0)
        table[byte] = crc & 0xFFFF
    return table


_CRC = _table()


def crc16(buf, at, end):
    """Return the CRC-16/IBM-3740 of `buf[at:end]`."""
    table, crc = _CRC, 0xFFFF
    for k in range(at, end):
        crc = ((crc << 8) ^ table[(crc >> 8) ^ buf[k]]) & 0xFFFF
    return crc


def put_motion(buf, at, fields, seq, clock, status, sample):
    """Write a MOTION frame of the sample; return its end."""
    # The time in two halves: a whole u32 is no small integer on a 32-bit port and would be allocated.
    low = clock.low_at(sample)
    high = (clock.high + (low >> 16)) & 0xFFFF
    pack_into("<BBHHHH", buf, at + 1, MOTION, fields, seq, low & 0xFFFF, high, status)
    end = at + 11
    if fields & QUAT16:
        q = sample.quat
        pack_into("<4h", buf, end, q[0], q[1], q[2], q[3])
        end += 8
    if fields & GYRO:
        v = sample.gyro
        pack_into("<3h", buf, end, v[0], v[1], v[2])
        end += 6
    if fields & ACCEL:
        v = sample.accel
        pack_into("<3h", buf, end, v[0], v[1], v[2])
        end += 6
    return _finish(buf, at, end)


def put_told(buf, at, kind, clock, body):
    """Write an INFO, EVENT or PONG frame of at most MAX_TEXT_BYTES of text; return its end."""
    pack_into("<BBHHH", buf, at + 1, kind, 0, 0, clock.low, clock.high)
    end = at + 9 + len(body)
    buf[at + 9 : end] = body
    return _finish(buf, at, end)


def put_line(buf, at, fields, seq, clock, status, sample):
    """Write a $HT line of the sample, which has a quaternion; return its end."""
    low = clock.low_at(sample)
    t_us = ((clock.high + (low >> 16)) & 0xFFFF) << 16 | low & 0xFFFF
    words = ["HT", str(seq), str(t_us)]
    words += [f"{part / 16384:.5f}" for part in sample.quat]
    words.append(f"{status:04X}")
    if fields & GYRO:
        words += [f"{part / 16:.3f}" for part in sample.gyro]
        if fields & ACCEL:
            words += [f"{part / 2048:.5f}" for part in sample.accel]
    body = ",".join(words).encode()
    total = 0
    for byte in body:
        total ^= byte
    line = b"$%s*%02X\r\n" % (body, total)
    buf[at : at + len(line)] = line
    return at + len(line)


def _finish(buf, at, end):
    """Add the CRC to what stands in `buf[at + 1:end]`, stuff it in place, end it."""
    crc = crc16(buf, at + 1, end)
    buf[end] = crc & 0xFF
    buf[end + 1] = crc >> 8
    end += 2
    # At most 128 bytes: one byte of stuffing is enough, and each zero only tells where the next one is.
    mark, zero = at, buf.find(b"\0", at + 1, end)
    while zero >= 0:
        buf[mark] = zero - mark
        mark, zero = zero, buf.find(b"\0", zero + 1, end)
    buf[mark] = end - mark
    buf[end] = 0
    return end + 1
