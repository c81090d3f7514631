"""A board for the streamer under the unix port: bytes over a pseudo-terminal, the clock of a 32-bit port."""

import select
import sys
import time

WRAP = 1 << 30


class Reboot(Exception):
    """What a board does on REBOOT, for whoever runs it to catch."""


class UnixBoard:
    """Standard input and output, which the parent made non-blocking; `first_ticks` is where `ticks_us` begins."""

    id = "unix"

    def __init__(self, settings_path, first_ticks=0):
        self.settings_path = settings_path
        self._in, self._out = sys.stdin.buffer, sys.stdout.buffer
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self._one = bytearray(1)
        self._offset = first_ticks - time.ticks_us()

    def ticks_us(self):
        return (time.ticks_us() + self._offset) & (WRAP - 1)

    def ticks_diff(self, end, start):
        return (end - start + WRAP // 2 & WRAP - 1) - WRAP // 2

    def sleep_ms(self, n):
        time.sleep_ms(n)

    def read_byte(self):
        try:
            n = self._in.readinto(self._one, 1)
        except OSError:  # nobody has the other end open
            return -1
        return self._one[0] if n else -1

    def write_some(self, buf, start, n_bytes):
        try:
            return self._out.write(buf, start, n_bytes) or 0
        except OSError:
            return 0

    def button(self):
        return False

    def battery(self):
        return 12

    def wait(self):
        self._poll.poll(1)

    def reboot(self):
        raise Reboot
