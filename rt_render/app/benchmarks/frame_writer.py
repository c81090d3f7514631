"""A wearable in a process of its own: HBF-1 frames on a pseudo-terminal, each with the moment it was written.

python -m rt_render.app.benchmarks.frame_writer DESCRIPTOR N_FRAMES RATE_HZ TIMES.npy
"""

import os
import sys
import time
from math import radians

import numpy as np

from firmware_bridge.dialects.hbf1_device import Hbf1Device
from firmware_bridge.virtual.device import DeviceState
from rt_render.io.realtime import request_priority

GYRO_STEP_RAD_S = radians(1.0 / 16.0)
"""One count of the wire: the number of a frame travels in its gyro, and comes out of the mailbox exactly."""
COUNTS = 4096
_READ_BYTES = 4096


def number_of(gyro_x_rad_s: float, gyro_y_rad_s: float) -> int:
    """Return the number of the frame that carried these rates."""
    return round(gyro_x_rad_s / GYRO_STEP_RAD_S) + COUNTS * round(gyro_y_rad_s / GYRO_STEP_RAD_S)


def write_frames(descriptor: int, n_frames: int, rate_hz: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Write the frames on an absolute schedule and answer what the host asks; return the times of writing.

    A time is taken before the write, whose own duration is counted as latency. Blocks where nobody reads.
    """
    device, written_s = Hbf1Device(), np.zeros(n_frames)
    start_s = time.monotonic()
    for number in range(n_frames):
        due_s = start_s + number / rate_hz
        time.sleep(max(0.0, due_s - time.monotonic()))
        at_s = time.monotonic() - start_s
        gyro = (number % COUNTS * GYRO_STEP_RAD_S, number // COUNTS * GYRO_STEP_RAD_S, 0.0)
        data = device.encode(DeviceState(at_s, number, (1.0, 0.0, 0.0, 0.0), gyro))
        written_s[number] = time.monotonic()
        os.write(descriptor, data)
        answer = device.answer(_asked(descriptor), time.monotonic() - start_s)
        if answer:
            os.write(descriptor, answer)
    return written_s


def _asked(descriptor: int) -> bytes:
    os.set_blocking(descriptor, False)
    try:
        return os.read(descriptor, _READ_BYTES)
    except BlockingIOError:
        return b""
    finally:
        os.set_blocking(descriptor, True)


if __name__ == "__main__":
    request_priority()  # a device does not wait for this machine's other programs
    np.save(sys.argv[4], write_frames(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
