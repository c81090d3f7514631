"""Something opened ahead, on a thread of its own, so that nobody waits for a disk."""

from collections.abc import Callable
from threading import Lock, Thread
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """What can be let go of."""

    def close(self) -> None: ...


T = TypeVar("T", bound=Closable)


class Ahead(Generic[T]):
    """Calls `open_it` on a daemon thread at once; exactly one of `take` and `drop` ends it."""

    def __init__(self, open_it: Callable[[], T | None]) -> None:
        self._open_it = open_it
        self._lock = Lock()
        self._opened: T | None = None
        self._error: Exception | None = None
        self._dropped = False
        self._thread = Thread(target=self._run, name="rt-render-opening", daemon=True)
        self._thread.start()

    def take(self) -> T | None:
        """Wait for what was opened, and return it; raises what opening raised."""
        self._thread.join()
        if self._error:
            raise self._error
        return self._opened

    def drop(self) -> None:
        """Close what was opened, or will be, without waiting for it."""
        with self._lock:
            self._dropped = True
            opened = self._opened
        if opened is not None:
            opened.close()

    def _run(self) -> None:
        try:
            opened = self._open_it()
        # It is raised again where it is taken.
        except Exception as error:
            self._error = error
            return
        with self._lock:
            self._opened = opened
            dropped = self._dropped
        if dropped and opened is not None:
            opened.close()
