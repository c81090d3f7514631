"""A thread's sign of life, for a heart that listens."""

import time
from threading import Thread, current_thread


class Beat:
    """One for each thread that goes round; `name` is for people: "the remote control".

    `on_disk`: it may be a disk that keeps the thread, which a new beginning would not mend. `go`, `rest`: the thread
    itself; the others: any.
    """

    def __init__(self, name: str, *, on_disk: bool = False) -> None:
        self.name, self.on_disk = name, on_disk
        self._going: tuple[float, Thread] | None = None

    def go(self) -> None:
        """Tell that the thread goes on."""
        self._going = time.monotonic(), current_thread()

    def rest(self) -> None:
        """Tell that the thread waits for as long as it may take, or has ended as it should."""
        self._going = None

    @property
    def died(self) -> bool:
        """Whether the thread ended without a word."""
        going = self._going
        return going is not None and not going[1].is_alive()

    def trouble(self, hung_after_s: float) -> str | None:
        """Return in words that the thread died, or stood still for longer than this; None while it is well."""
        going = self._going
        if going is None:
            return None
        if self.died:
            return f"{self.name} has died"
        silent_s = time.monotonic() - going[0]
        return f"{self.name} has stood still for {silent_s:.0f} s" if silent_s > hung_after_s else None
