"""Hands what the audio thread leaves behind to all who want it: budget, report, log, accounts of what went wrong."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rt_render.app.beat import Beat
from rt_render.engine.engine import Engine

WAITING_S = 10.0
"""The engine's trace holds rows of so long: this interpreter may be held up for that time."""
LOOK_S = 0.05
"""How often the engine is looked at."""

Rows = NDArray[np.void]
Taker = Callable[[NDArray[Any]], None]


class TraceFeed:
    """Drains an engine's trace and events on a thread of its own; every taker gets all of them, in order.

    Takers are called on that thread with rows of `kernels.state.trace_dtype` or `EVENT`, at least one at a time,
    which they may keep but not change; `on_look` at every look, whether something came or not, before what came.
    They must be quick: who writes files has a queue. One that raises is told to `on_message` once, and called again.
    """

    def __init__(self, engine: Engine, on_message: Callable[[str], None]) -> None:
        self._engine, self._on_message = engine, on_message
        self.beat = Beat("what follows the sound")
        self._told: set[object] = set()
        self._on_rows: list[Taker] = []
        self._on_events: list[Taker] = []
        self._on_look: list[Callable[[], None]] = []
        self._leave = threading.Event()
        self._thread: threading.Thread | None = None

    def add(
        self,
        on_rows: Taker | None = None,
        on_events: Taker | None = None,
        on_look: Callable[[], None] | None = None,
    ) -> None:
        """Let somebody else take what comes from now on; those added before `start` miss nothing. Any thread."""
        self._on_rows += [on_rows] if on_rows else []
        self._on_events += [on_events] if on_events else []
        self._on_look += [on_look] if on_look else []

    def start(self) -> None:
        """Begin to drain, once."""
        self._thread = threading.Thread(target=self._run, name="trace feed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Hand on what is left, and end; after the card has stopped nothing is missing. Safe to call twice."""
        self._leave.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self._hand_on()

    def _run(self) -> None:
        while not self._leave.wait(LOOK_S):
            self.beat.go()
            self._hand_on()
        self.beat.rest()

    def _hand_on(self) -> None:
        for look in tuple(self._on_look):
            self._call(look)
        for found, takers in (
            (self._engine.drain_trace(), self._on_rows),
            (self._engine.drain_events(), self._on_events),
        ):
            if len(found):
                for take in tuple(takers):
                    self._call(take, found)

    def _call(self, one: Callable[..., None], *found: NDArray[Any]) -> None:
        try:
            one(*found)
        except Exception as error:  # a fault of one must not end what the others follow
            if one not in self._told:
                self._told.add(one)
                with suppress(Exception):
                    self._on_message(
                        f"what follows the sound has a fault ({type(error).__name__}: {error}): "
                        "what is told of it may lack something, and sound goes on."
                    )
