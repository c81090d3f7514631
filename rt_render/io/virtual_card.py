"""The virtual sound card: a native thread at the true block rate, for machines without a card.

The thread lives inside one native function, so the interpreter's lock cannot delay it. Deadlines, counters
and the block function are those of a real card; what it plays can be captured.
"""

import ctypes
import threading

import numpy as np

from firmware_bridge.mailbox_kernels import store_word
from rt_render.engine.engine import Engine
from rt_render.io.realtime import Grant, request_priority
from rt_render.kernels.cards import compile_virtual_card
from rt_render.kernels.jit import entry_address
from rt_render.kernels.state import field_offset

CAPTURE_S = 8.0


class VirtualCard:
    """Plays an engine in real time into nothing, or into a capture that `read_capture` drains."""

    name = "virtual sound card"

    def __init__(self, engine: Engine, *, capture: bool = False, latency_s: float = 0.0) -> None:
        """Prepare. `latency_s`: of the card it stands for, beyond the block that its schedule takes."""
        self._engine = engine
        self._loop = compile_virtual_card()
        store_word(engine.address + field_offset("virtual_latency_s"), int(np.float64(latency_s).view(np.int64)))
        self._out = np.zeros((engine.plan.block_size, 2), np.float32)
        self._thread: threading.Thread | None = None
        self.grant = Grant(False, "real-time priority: not yet asked")
        if capture and not engine.capture_frames:
            engine.prepare_capture(CAPTURE_S)

    @property
    def running(self) -> bool:
        """Whether its thread plays."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin to play; the schedule starts now."""
        store_word(self._engine.address + field_offset("stop"), 0)
        asked = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(asked,), name="virtual card", daemon=True)
        self._thread.start()
        asked.wait()

    def stop(self) -> None:
        """Stop after the current block; the engine can be played by another card then."""
        if self._thread is not None:
            store_word(self._engine.address + field_offset("stop"), 1)
            self._thread.join()
            self._thread = None

    def _run(self, asked: threading.Event) -> None:
        self.grant = request_priority()
        asked.set()
        loop = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(entry_address(self._loop))
        loop(self._engine.address, self._out.ctypes.data)

    def __enter__(self) -> "VirtualCard":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
