"""Whether sound goes on while the interpreter lock is held: missed blocks, native and from Python."""

import ctypes
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numba import cfunc, types

from rt_render.app.benchmarks.speed import FS_HZ, asymmetric_filters, turning_engine
from rt_render.engine.engine import Engine
from rt_render.io.virtual_card import VirtualCard
from rt_render.kernels.jit import entry_address

BLOCK_SIZE = 128
ORDER = 3
HOLD_S = (0.1, 0.2, 0.3)
ALLOWED_MORE = 3


@cfunc(types.float64(types.int64), cache=True)
def _burn(n: int) -> float:  # a pure C function once compiled
    total = 0.0
    for i in range(n):
        total += 1.0 / (1.0 + i)
    return total


class LockHolder:
    """A thread that calls a C function which burns CPU and keeps the interpreter lock, again and again."""

    def __init__(self) -> None:
        # PYFUNCTYPE calls keep the lock, CFUNCTYPE calls would let it go
        self._call = ctypes.PYFUNCTYPE(ctypes.c_double, ctypes.c_int64)(entry_address(_burn))
        start = time.perf_counter()
        self._call(10_000_000)
        self._per_s = 10_000_000 / (time.perf_counter() - start)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Hold the lock for 100 to 300 ms a call until the block is left."""
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(stop,), name="lock holder")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _run(self, stop: threading.Event) -> None:
        calls = 0
        while not stop.is_set():
            self._call(int(self._per_s * HOLD_S[calls % len(HOLD_S)]))
            calls += 1


class PythonCard:
    """The virtual card's schedule kept by a Python thread: what a Python callback would reach."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stop = threading.Event()
        self.missed_slots = 0

    def __enter__(self) -> "PythonCard":
        self._thread = threading.Thread(target=self._run, name="python card")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        out = np.zeros((BLOCK_SIZE, 2), np.float32)
        block_s = BLOCK_SIZE / FS_HZ
        start, slot = time.monotonic(), 0
        while not self._stop.is_set():
            time.sleep(max(0.0, start + slot * block_s - time.monotonic()))
            self._engine.process(out)
            ready = max(slot, int((time.monotonic() - start) / block_s))
            self.missed_slots += ready - slot
            slot = ready + 1


def _alternate(missed: Callable[[], int], holder: LockHolder, windows: int, window_s: float) -> tuple[int, int]:
    """Return what was missed in the idle and in the held windows."""
    totals = [0, 0]
    for window in range(windows):
        before = missed()
        if window % 2:
            with holder.holding():
                time.sleep(window_s)
        else:
            time.sleep(window_s)
        totals[window % 2] += missed() - before
    return totals[0], totals[1]


def run(on_progress: Callable[[str], None], windows: int = 10, window_s: float = 2.0) -> dict[str, object]:
    """Count missed blocks at 48 kHz, 128 frames, order 3, in alternating windows, idle and held."""
    holder = LockHolder()
    filters = asymmetric_filters(ORDER, 256)
    run_s = windows * window_s + 10.0
    load_before = os.getloadavg()[0]
    on_progress(f"lock immunity: native callback, {windows} windows of {window_s} s")
    engine = turning_engine(ORDER, BLOCK_SIZE, filters, run_s)
    with VirtualCard(engine) as card:
        time.sleep(0.2)
        idle, held = _alternate(lambda: engine.snapshot().missed_slots, holder, windows, window_s)
        priority = card.grant.text
    on_progress(f"lock immunity: Python callback, {windows} windows of {window_s} s")
    with PythonCard(turning_engine(ORDER, BLOCK_SIZE, filters, run_s)) as python_card:
        python_idle, python_held = _alternate(lambda: python_card.missed_slots, holder, windows, window_s)
    return {
        "lock_immunity": {
            "idle_missed": idle,
            "held_missed": held,
            "python_callback_missed": python_held,
            "python_callback_idle_missed": python_idle,
            "priority": priority,
            "load_before": round(load_before, 2),
            "load_after": round(os.getloadavg()[0], 2),
        }
    }
