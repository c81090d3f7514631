"""CEVA BNO080/085/086 over I2C: quaternion and gyro, fused on the chip. Untried on hardware.

SHTP: each transfer begins with `length u16 | channel | seq`; a first read of these four bytes tells how many to
read, a length with its top bit set is the rest of what was not read to its end. Inputs hold reports told apart by
their lengths; their times count back from the interrupt, in 100 us. Scales: Q14 quaternion i, j, k, real; Q9 rad/s.
"""

from struct import pack

from hbf1 import GYRO, QUAT16

ADDRESSES = (0x4A, 0x4B)
HEADER_BYTES, MAX_TRANSFER_BYTES = 4, 128
EXECUTABLE, CONTROL, INPUT = 1, 2, 3
"""Channels."""
RESET, RESET_DONE = b"\1", 1
SET_FEATURE, FEATURE, COMMAND, TIME_BASE = 0xFD, 0xFC, 0xF2, 0xFB
SAVE_CALIBRATION, CALIBRATE = 6, 7
CALIBRATED_GYRO, GAME_ROTATION, AR_GAME_ROTATION = 0x02, 0x08, 0x29
REPORT_BYTES = {0x01: 10, 0x02: 10, 0x03: 10, 0x05: 14, 0x08: 12, 0x28: 14, 0x29: 12, 0xFA: 5, 0xFB: 5}
RESET_TIMEOUT_US = 1000000


class Bno08x:
    """Samples of quaternion and gyro; `edge` is its INT wire, active low until read.

    The chip says when it has reset itself, for whatever reason, and is then told what to send.
    """

    name = "BNO08x"
    fields = usual_fields = QUAT16 | GYRO
    bias_free = True

    def __init__(self, bus, address, edge, board, rotation=AR_GAME_ROTATION):
        self._bus, self._address, self._edge, self._board, self._rotation = bus, address, edge, board, rotation
        self._header, self._cargo = bytearray(HEADER_BYTES), bytearray(MAX_TRANSFER_BYTES)
        self._views = {}
        self._seqs = bytearray(6)
        self._at = self._end = 0
        self._base = self._ticks = 0
        self._asked_rate_hz = self.rate_hz = 0
        self._has_reset = self._has_gyro = False
        self._reset_ticks = 0

    def start(self, rate_hz):
        """Have the chip send at this rate, after a reset if it has not had one; raises OSError."""
        self._asked_rate_hz = self.rate_hz = rate_hz
        if self._has_reset:
            self._ask()
        else:
            self._reset()

    def poll(self, sample):
        """Fill the sample and return True where there is a new one; raises OSError."""
        if self._at >= self._end and not self._read():
            return False
        return self._next_sample(sample)

    def calibrate(self, what):
        """Let the chip calibrate its gyro or magnetometer from now on, or stop and keep what it found."""
        on = (what != "STOP", what == "GYRO", what == "MAG")
        self._send(CONTROL, bytes((COMMAND, 0, CALIBRATE, on[0], on[1], on[2], 0, 0, 0, 0, 0, 0)))
        if what == "STOP":
            self._send(CONTROL, bytes((COMMAND, 0, SAVE_CALIBRATION, 0, 0, 0, 0, 0, 0, 0, 0, 0)))

    def _reset(self):
        self._reset_ticks = self._board.ticks_us()
        self._send(EXECUTABLE, RESET)

    def _ask(self):
        interval_us = 1000000 // self._asked_rate_hz
        for report in (CALIBRATED_GYRO, self._rotation):
            self._send(CONTROL, pack("<BBBHIII", SET_FEATURE, report, 0, 0, interval_us, 0, 0))

    def _send(self, channel, cargo):
        seq = self._seqs[channel]
        self._seqs[channel] = (seq + 1) & 0xFF
        self._bus.writeto(self._address, pack("<HBB", HEADER_BYTES + len(cargo), channel, seq) + cargo)

    def _read(self):
        """Read what waits; return whether it is input."""
        if not self._edge.is_up():
            self._be_patient()
            return False
        self._ticks = self._edge.ticks()
        header = self._header
        self._bus.readfrom_into(self._address, header)
        length, channel = header[0] | (header[1] & 0x7F) << 8, header[2]
        if length <= HEADER_BYTES or length == 0x7FFF:
            self._be_patient()
            return False
        n_bytes = min(length, MAX_TRANSFER_BYTES)
        if n_bytes not in self._views:
            # Of a few lengths, kept: a new view for each transfer would be garbage.
            self._views[n_bytes] = memoryview(self._cargo)[:n_bytes]
        self._bus.readfrom_into(self._address, self._views[n_bytes])
        if header[1] & 0x80:
            return False
        cargo = self._cargo
        if channel == EXECUTABLE and cargo[4] == RESET_DONE:
            self._has_reset = True
            self._ask()
        elif channel == CONTROL and cargo[4] == FEATURE and cargo[5] == self._rotation and n_bytes >= 13:
            interval_us = cargo[9] | cargo[10] << 8 | cargo[11] << 16
            self.rate_hz = 1000000 / interval_us if interval_us else 0
        elif channel == INPUT:
            self._at, self._end = HEADER_BYTES, n_bytes
            return True
        return False

    def _be_patient(self):
        if not self._has_reset:
            ticks_diff, now = self._board.ticks_diff, self._board.ticks_us()
            if ticks_diff(now, self._reset_ticks) > RESET_TIMEOUT_US:
                self._reset()

    def _next_sample(self, sample):
        """Read on in the reports to the next quaternion."""
        cargo = self._cargo
        while self._at < self._end:
            at, report = self._at, cargo[self._at]
            n_bytes = REPORT_BYTES.get(report, 0)
            if not n_bytes or at + n_bytes > self._end:
                self._at = self._end
                return False
            self._at += n_bytes
            if report == TIME_BASE:
                self._base = cargo[at + 1] | cargo[at + 2] << 8
            elif report == CALIBRATED_GYRO:
                self._has_gyro = True
                for k in range(3):
                    # 16 * 180 / pi / 2**9 of the wire's counts is 29335 / 2**14.
                    value = (_int16(cargo, at + 4 + 2 * k) * 29335 + 8192) >> 14
                    sample.gyro[k] = max(-32767, min(32767, value))
            elif report == self._rotation and self._has_gyro:
                for k in range(3):
                    sample.quat[k + 1] = _int16(cargo, at + 4 + 2 * k)
                sample.quat[0] = _int16(cargo, at + 10)
                sample.accuracy = cargo[at + 2] & 3
                sample.saturated = max(sample.gyro) == 32767 or min(sample.gyro) == -32767
                sample.ticks = self._ticks
                sample.late_us = 100 * (self._base - (cargo[at + 3] | cargo[at + 2] >> 2 << 8))
                return True
        return False


def _int16(buf, at):
    value = buf[at] | buf[at + 1] << 8
    return value - 0x10000 if value & 0x8000 else value
