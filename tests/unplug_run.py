"""A tracker that is pulled and plugged in again: how long until poses are back, and what is left behind.

python tests/unplug_run.py --cycles 1000
"""

import argparse
import random
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from pty_tools import Wearable, n_open_files, resident_kib, stream

from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.notices import Notices
from firmware_bridge.sources.open_source import serial_source

RATE_HZ = 100.0
LIMIT_S = 5.0


@dataclass
class Cycles:
    """`back_s`: from the port being there to the first motion, per cycle."""

    back_s: list[float] = field(default_factory=list)
    n_texts: int = 0


def unplug_cycles(n_cycles, link, seed=0, on_progress=lambda done: None, away=(0.0, 0.0, 0.05, 0.3)):
    """Plug in, stream, die in mid-frame, stay away for a while, again and again, behind one source."""
    random_ = random.Random(seed)
    frames = stream(DIALECTS["hbf1"], 64, RATE_HZ)
    result = Cycles()

    def count(text):
        result.n_texts += 1

    source = serial_source(str(link), Notices(count))
    try:
        for cycle in range(n_cycles):
            wearable = Wearable(link)
            there_s = time.monotonic()
            sent, heard = 0, []
            while not heard and time.monotonic() - there_s < LIMIT_S:
                # The device streams all the time; nobody reads before the port is opened.
                if sent < (time.monotonic() - there_s) * RATE_HZ:
                    wearable.send(frames[sent % len(frames)])
                    sent += 1
                heard += source.poll(0.002)
            if heard:
                result.back_s.append(time.monotonic() - there_s)
            wearable.send(frames[0][: random_.randrange(len(frames[0]))])
            if random_.random() < 0.5:
                source.poll(0.002)
            wearable.unplug()
            away_s = time.monotonic() + random_.choice(away)
            while time.monotonic() < away_s:
                source.poll(0.02)
            on_progress(cycle + 1)
    finally:
        source.close()
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=1000)
    n_cycles = parser.parse_args().cycles
    with tempfile.TemporaryDirectory() as folder:
        unplug_cycles(20, Path(folder) / "tracker")
        files, kib = n_open_files(), resident_kib()

        def progress(done):
            if done % 50 == 0:
                print(f"\r{done} of {n_cycles} cycles", end="", flush=True)

        result = unplug_cycles(n_cycles, Path(folder) / "tracker", seed=1, on_progress=progress)
    back_s = sorted(result.back_s)
    print(f"\r{len(back_s)} of {n_cycles} times back; asked: all of them within 2 s")
    if back_s:
        p50, p99 = back_s[len(back_s) // 2], back_s[int(0.99 * (len(back_s) - 1))]
        print(f"time back: p50 {p50 * 1e3:.0f} ms, p99 {p99 * 1e3:.0f} ms, max {back_s[-1] * 1e3:.0f} ms")
    print(f"open files {files} before, {n_open_files()} after; memory {kib} KiB before, {resident_kib()} KiB after")
    print(f"{result.n_texts} messages for people")


if __name__ == "__main__":
    main()
