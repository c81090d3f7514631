"""The USB serial port of a board, as bytes that come and go without waiting. Untried on hardware."""

import select
import sys


class UsbStdio:
    """Standard input and output in the raw; `sys.stdout` itself would turn each line feed into two bytes."""

    def __init__(self):
        self._in, self._out = sys.stdin.buffer, sys.stdout.buffer
        self._reading, self._writing = select.poll(), select.poll()
        self._reading.register(sys.stdin, select.POLLIN)
        self._writing.register(sys.stdout, select.POLLOUT)
        self._one = bytearray(1)

    def read_byte(self):
        """Return a byte that came, -1 for none."""
        for _ in self._reading.ipoll(0):
            self._in.readinto(self._one, 1)
            return self._one[0]
        return -1

    def write_some(self, buf, start, n_bytes):
        """Write what the port takes at once of `buf[start:start + n_bytes]`; return how many bytes."""
        # The port only tells whether there is room, not how much, and waits up to half a second for more:
        # so single bytes, each after asking.
        for k in range(n_bytes):
            ready = False
            for _ in self._writing.ipoll(0):
                ready = True
            if not ready:
                return k
            self._out.write(buf, start + k, 1)
        return n_bytes
