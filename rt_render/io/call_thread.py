"""Calls into a library that may hang: one thread makes them all, in order; nobody waits for ever."""

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from rt_render.errors import DeviceError

T = TypeVar("T")


class NoAnswerError(DeviceError):
    """A call that has not returned in time, and still may."""


class _Call:
    """One call on its way: what to do, and what came of it."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.function = function
        self.result: object = None
        self.error: BaseException | None = None
        self.done = threading.Event()


class CallThread:
    """Owns a daemon thread that makes every call to one library, which therefore need not be thread-safe.

    A call that hangs keeps the thread and nothing else: whoever asks next is told at once.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._pending: list[_Call] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether a call is under way or waits."""
        with self._lock:
            self._pending = [call for call in self._pending if not call.done.is_set()]
            return bool(self._pending)

    def ask(self, function: Callable[[], T], timeout_s: float) -> T:
        """Return what a function returns, raise what it raises, or NoAnswerError after the time-out (s). Any thread."""
        call = self._put(function)
        if not call.done.wait(timeout_s):
            raise NoAnswerError(
                f"{self.name} does not answer: if it stays so, restart the program or the sound server."
            )
        if call.error is not None:
            raise call.error
        return call.result  # type: ignore[return-value]

    def post(self, function: Callable[[], object]) -> None:
        """Let a function be called when its turn comes, and wait for nothing; what it raises is dropped."""
        self._put(function)

    def end(self) -> None:
        """Let the thread end behind the calls it has; the last thing to ask of it."""
        self._calls.put(None)

    def _put(self, function: Callable[[], object]) -> _Call:
        call = _Call(function)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
                self._thread.start()
            self._pending.append(call)
            self._calls.put(call)
        return call

    def _run(self) -> None:
        while True:
            call = self._calls.get()
            if call is None:
                return
            try:
                call.result = call.function()
            except BaseException as error:
                call.error = error
            call.done.set()
