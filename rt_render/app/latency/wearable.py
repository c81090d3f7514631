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
from typing import NoReturn

from firmware_bridge.dialects.hbf1_device import Hbf1Device
from firmware_bridge.virtual.device import DeviceState
from firmware_bridge.virtual.endpoint import Endpoint, PtyEndpoint, UdpEndpoint
from rt_render.app.latency.movements import StepsAndTurns
from rt_render.io.realtime import request_priority

PTY = "pty"


class Wearable:
    """Measures on an absolute schedule; its clock begins with it, its movements at `begin_s`, host monotonic."""

    def __init__(self, head: StepsAndTurns, rate_hz: float) -> None:
        self.begin_s = inf
        self._head, self._rate_hz = head, rate_hz
        self._device = Hbf1Device()

    def play(self, endpoint: Endpoint) -> NoReturn:
        """Send each measurement when it is due, and answer the host meanwhile."""
        start_s, number = time.monotonic(), 0
        while True:
            due_s = start_s + number / self._rate_hz
            while (wait_s := due_s - time.monotonic()) > 0.0:
                heard = endpoint.hear(wait_s)
                if heard:
                    endpoint.send(self._device.answer(heard, time.monotonic() - start_s))
            quat, gyro = self._head.pose_at(max(0.0, due_s - self.begin_s))
            endpoint.send(self._device.encode(DeviceState(due_s - start_s, number, quat, gyro)))
            number += 1


def main(rate_hz: float, head: StepsAndTurns, place: str) -> None:
    """Play until standard input ends."""
    wearable, endpoint = Wearable(head, rate_hz), _open(place)
    print(endpoint.place, flush=True)
    threading.Thread(target=_obey, args=(wearable,), daemon=True).start()
    request_priority()  # a device does not wait for this machine's other programs
    wearable.play(endpoint)


def _open(place: str) -> Endpoint:
    if place == PTY:
        return PtyEndpoint()
    host, _, port = place.rpartition(":")
    return UdpEndpoint(host, int(port))


def _obey(wearable: Wearable) -> None:
    if sys.stdin.readline():
        wearable.begin_s = time.monotonic()
        print(wearable.begin_s, flush=True)
        sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(
        float(sys.argv[1]),
        StepsAndTurns(int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])),
        sys.argv[6],
    )
