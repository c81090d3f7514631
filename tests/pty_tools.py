"""Wearables on pseudo-terminals, found under a fixed name as udev would give it, and what a process holds."""

import math
import os
import pty
import threading
import time
import tty
from pathlib import Path

from firmware_bridge.virtual.device import DeviceState


def turning_head(time_s, seq, rate_rad_s=0.5):
    """Return a level head that swings from side to side."""
    yaw = 0.6 * math.sin(rate_rad_s * time_s)
    gyro = (0.0, 0.0, 0.6 * rate_rad_s * math.cos(rate_rad_s * time_s))
    return DeviceState(time_s, seq, (math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)), gyro_rad_s=gyro)


def stream(dialect, n_frames, rate_hz=100.0, device=None):
    """Return what a virtual device of this dialect sends for a turning head, one item per measurement."""
    device = dialect.make_device() if device is None else device
    return [device.encode(turning_head(k / rate_hz, k)) for k in range(n_frames)]


class Wearable:
    """A pseudo-terminal with a name; a device that writes to `device` and can be pulled at any moment."""

    def __init__(self, link):
        self.link = Path(link)
        self.device, self._host_side = pty.openpty()
        tty.setraw(self._host_side)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(self._host_side))

    def send(self, data):
        os.write(self.device, data)

    def written_by_host(self):
        os.set_blocking(self.device, False)
        try:
            return os.read(self.device, 4096)
        except BlockingIOError:
            return b""
        finally:
            os.set_blocking(self.device, True)

    def unplug(self):
        self.link.unlink(missing_ok=True)
        os.close(self._host_side)
        os.close(self.device)


class Playing:
    """A virtual device that streams into a wearable on a thread of its own, and answers what the host writes."""

    def __init__(self, wearable, dialect, rate_hz=100.0, device=None):
        self.device = dialect.make_device() if device is None else device
        self._wearable, self._rate_hz = wearable, rate_hz
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        start_s = time.monotonic()
        seq = 0
        while not self._stop.is_set():
            at_s = seq / self._rate_hz
            heard = self._wearable.written_by_host()
            answer = self.device.answer(heard, at_s) if heard else b""
            self._wearable.send(answer + self.device.encode(turning_head(at_s, seq)))
            seq += 1
            self._stop.wait(max(0.0, start_s + seq / self._rate_hz - time.monotonic()))

    def stop(self):
        self._stop.set()
        self._thread.join(2.0)


def n_open_files():
    listing = Path("/proc/self/fd")
    return len(list(listing.iterdir())) if listing.is_dir() else None


def resident_kib():
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), None)


def heard_within(source, n_messages, seconds=5.0):
    """Poll until so many messages came, at most so long."""
    heard, end_s = [], time.monotonic() + seconds
    while len(heard) < n_messages and time.monotonic() < end_s:
        heard += source.poll(0.02)
    return heard


def poll_until(source, is_so, seconds=5.0, heard=None):
    """Poll until something is so; return what was heard meanwhile."""
    heard = [] if heard is None else heard
    end_s = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end_s:
        heard += source.poll(0.02)
    return heard
