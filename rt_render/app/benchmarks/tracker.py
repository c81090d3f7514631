"""How long a pose takes from a wearable's cable to the audio thread, while the renderer's interpreter is kept busy."""

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.opening import open_bridge
from firmware_bridge.settings import make_settings
from rt_render.app.benchmarks.frame_writer import number_of
from rt_render.app.benchmarks.lock_immunity import LockHolder
from rt_render.app.benchmarks.mailbox_watch import MailboxWatch
from rt_render.errors import DeviceError

RATE_HZ = 200.0
REQUIRED = {"lost": 0, "p50_ms": 1.0, "p99_ms": 4.0}
"""Of own-process mode, on an otherwise quiet machine."""
_OPEN_TIMEOUT_S, _DRAIN_S = 20.0, 1.0


def measure(seconds: float, process: Literal["own", "thread"], *, busy: bool = True) -> dict[str, object]:
    """Return frames sent, lost and out of order, and the latency of each in percentiles (ms).

    `ok` is false where frames were lost, came out of order, or were seen before they were written.

    A process writes HBF-1 frames at 200 Hz to a pseudo-terminal; `busy` keeps an asyncio loop and a thread that
    holds the interpreter lock for 100 to 300 ms at a time running here. Raises DeviceError without
    pseudo-terminals.
    """
    n_frames = round(seconds * RATE_HZ)
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        master, name = _pseudo_terminal(stack)
        told: list[str] = []
        bridge = open_bridge(make_settings(tracker=f"hbf1:{name}:115200"), process=process, on_message=told.append)
        stack.callback(bridge.stop)
        watch = MailboxWatch(bridge.mailbox, 2 * n_frames + 1000)
        _wait_for(lambda: any("is open" in text for text in told))
        watch.start()
        times = Path(folder) / "times.npy"
        module = "rt_render.app.benchmarks.frame_writer"
        command = [sys.executable, "-m", module, str(master), str(n_frames), str(RATE_HZ), str(times)]
        with ExitStack() as load:
            if busy:
                load.enter_context(LockHolder().holding())
                load.enter_context(_busy_loop())
            subprocess.run(command, pass_fds=[master], check=True)  # noqa: S603 - our own program
        time.sleep(_DRAIN_S)
        seen = watch.stop()
        return _figures(seen, np.load(times))


def run(on_progress: Callable[[str], None], seconds: float = 20.0) -> dict[str, object]:
    """Measure own process and thread under load, so many seconds each."""
    results: dict[str, object] = {"seconds": seconds, "rate_hz": RATE_HZ, "required": REQUIRED}
    modes: tuple[Literal["own", "thread"], ...] = ("own", "thread")
    for process in modes:
        on_progress(f"tracker: {process}, {seconds:g} s of frames at {RATE_HZ:g} Hz beside a busy interpreter")
        load = os.getloadavg()[0]
        results[process] = measure(seconds, process) | {"load_before": round(load, 2)}
    return {"tracker": results}


def _figures(seen: NDArray[np.float64], written_s: NDArray[np.float64]) -> dict[str, object]:
    # A pose that is given on again, as when the tracker fell silent, keeps its number; one that another followed
    # within a look was visible at that look at the latest.
    numbers = np.array([number_of(x, y) for x, y in seen[:, 2:4]], np.int64)
    seqs = seen[:, 1].astype(np.int64)
    forward = bool(np.all(np.diff(seqs) >= 0))
    fresh = np.flatnonzero(np.diff(seqs, prepend=0) > 0)
    numbers, seqs, times_s = numbers[fresh], seqs[fresh], seen[fresh, 0]
    if not len(seqs):
        raise DeviceError("no pose came through the pseudo-terminal: see what `firmware-bridge detect` tells.")
    lost = len(written_s) - int(seqs[-1])
    ordered = forward and bool(np.all(np.diff(numbers) == np.diff(seqs)))
    at = np.searchsorted(numbers, np.arange(len(written_s)))
    visible = at < len(times_s)
    latency_ms = 1e3 * (times_s[at[visible]] - written_s[visible])
    figures = {f"p{p:g}_ms": round(float(np.percentile(latency_ms, p)), 3) for p in (50, 99, 99.9)}
    figures["min_ms"] = round(float(latency_ms.min()), 3)
    figures["max_ms"] = round(float(latency_ms.max()), 3)
    # A pose cannot be seen before it was written: such a time means that the two do not belong together.
    ok = lost == 0 and ordered and float(latency_ms.min()) >= 0.0
    return {"ok": ok, "frames": len(written_s), "lost": lost, "in_order": ordered, **figures}


def _pseudo_terminal(stack: ExitStack) -> tuple[int, str]:
    try:
        import pty
        import tty
    except ImportError:
        raise DeviceError("this system has no pseudo-terminals: measure the tracker on Linux or macOS.") from None
    master, slave = pty.openpty()
    stack.callback(os.close, master)
    stack.callback(os.close, slave)
    tty.setraw(slave)
    return master, os.ttyname(slave)


def _wait_for(condition: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + _OPEN_TIMEOUT_S
    while not condition():
        if time.monotonic() > give_up_s:
            raise DeviceError("the bridge did not open its pseudo-terminal: see whether `rt-render doctor` is content.")
        time.sleep(0.01)


@contextmanager
def _busy_loop() -> Iterator[None]:
    """Run an asyncio loop that always has something to do."""
    ended = threading.Event()

    async def spin() -> None:
        while not ended.is_set():
            await asyncio.sleep(0)

    thread = threading.Thread(target=lambda: asyncio.run(spin()), name="busy loop")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
