"""The wearable that is measured with, in a process of its own: HBF-1 on a pseudo-terminal, or over UDP.

python -m rt_render.app.latency.wearable RATE_HZ N_STEPS N_TURNS SEED SLOW PLACE

`PLACE` is "pty" or HOST:PORT. It says where it is heard, rests until it reads a line, and answers with the monotonic
time at which its movements begin; it ends with its standard input.
"""

import os
import sys
import threading
import time
from math import inf

from firmware_bridge.dialects.hbf1_device import Hbf1Device
from firmware_bridge.virtual.device import DeviceState
from firmware_bridge.virtual.endpoint import Endpoint, PtyEndpoint, UdpEndpoint
from firmware_bridge.virtual.playing import play
from rt_render.app.latency.movements import StepsAndTurns
from rt_render.io.realtime import request_priority

PTY = "pty"


class Wearable:
    """Measures on an absolute schedule; `begin_s` is when its movements begin, in seconds from the start."""

    is_over = False

    def __init__(self, head: StepsAndTurns, rate_hz: float) -> None:
        self.begin_s = inf
        self._head, self._rate_hz = head, rate_hz
        self._device = Hbf1Device()
        self._next = 0
        self._answer = b""

    @property
    def next_s(self) -> float:
        """When there is something to do next, in seconds from the start."""
        return 0.0 if self._answer else self._next / self._rate_hz

    def due(self, now_s: float) -> list[bytes]:
        """Return what is to be sent by now: each measurement tells the head of its own moment."""
        pieces, self._answer = [self._answer] if self._answer else [], b""
        while (time_s := self._next / self._rate_hz) <= now_s:
            quat, gyro = self._head.pose_at(max(0.0, time_s - self.begin_s))
            pieces.append(self._device.encode(DeviceState(time_s, self._next, quat, gyro)))
            self._next += 1
        return pieces

    def hear(self, data: bytes, now_s: float) -> None:
        """Take what the host says."""
        self._answer += self._device.answer(data, now_s)


def main(rate_hz: float, head: StepsAndTurns, place: str) -> None:
    """Play until standard input ends."""
    wearable, endpoint = Wearable(head, rate_hz), _open(place)
    request_priority()  # a device does not wait for this machine's other programs
    print(endpoint.place, flush=True)
    start_s = time.monotonic()
    threading.Thread(target=_obey, args=(wearable, start_s), daemon=True).start()
    play(wearable, endpoint)


def _open(place: str) -> Endpoint:
    if place == PTY:
        return PtyEndpoint()
    host, _, port = place.rpartition(":")
    return UdpEndpoint(host, int(port))


def _obey(wearable: Wearable, start_s: float) -> None:
    if sys.stdin.readline():
        # play() reads the clock a moment after start_s was taken: microseconds
        wearable.begin_s = time.monotonic() - start_s
        print(start_s + wearable.begin_s, flush=True)
        sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(
        float(sys.argv[1]),
        StepsAndTurns(int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])),
        sys.argv[6],
    )
