"""What the booth's program tells its keeper: lines of JSON on its standard output, four beats a second among them.

A keeper that ends closes the program's standard input, which ends the program too.
"""

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any

AGAIN, FOR_GOOD = 4, 2
"""Exit statuses: begin anew; it cannot begin, and has said why."""


class LifeLine:
    """Tells without ever waiting: a thread writes. Any thread."""

    def __init__(self, on_keeper_gone: Callable[[], None]) -> None:
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        # a file of its own, so that what libraries print cannot cut a line in two
        self._out = os.dup(sys.stdout.fileno())
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self._writer = Thread(target=self._write, name="life line", daemon=True)
        self._writer.start()
        Thread(target=self._listen, args=(on_keeper_gone,), name="keeper watch", daemon=True).start()

    def tell(self, kind: str, **details: Any) -> None:
        """Tell the keeper something, JSON-able."""
        self._lines.put(json.dumps({"kind": kind, **details}, default=str).encode() + b"\n")

    def close(self, timeout_s: float = 2.0) -> None:
        """Write what is left."""
        self._lines.put(None)
        self._writer.join(timeout_s)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                while line:
                    line = line[os.write(self._out, line) :]
            except OSError:
                return

    @staticmethod
    def _listen(on_keeper_gone: Callable[[], None]) -> None:
        with suppress(OSError, ValueError):  # one that cannot be read is gone too
            while os.read(sys.stdin.fileno(), 4096):
                pass
        on_keeper_gone()
