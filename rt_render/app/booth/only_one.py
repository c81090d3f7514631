"""Lets one booth alone write a log: a lock beside it, which the system opens again however its holder ended."""

import os
import sys
from pathlib import Path

ANOTHER_RUNS = 5
"""The exit status of a booth that found another one: whoever starts booths need not try again."""
_MODE = 0o600


class OnlyOne:
    """Holds the lock of one log at a time, until `release`. One thread."""

    def __init__(self) -> None:
        self._log: Path | None = None
        self._descriptor = -1

    @property
    def holds(self) -> bool:
        """Whether a lock is held."""
        return self._descriptor >= 0

    def take(self, log: Path) -> bool:
        """Take a log's lock and give the one before back; False where another process has it.

        A disk that is full, or knows no locks, keeps no booth from playing: that is True, and nothing is held.
        """
        if log == self._log and self.holds:
            return True
        descriptor = -1
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(log.with_name(f"{log.name}.lock"), os.O_RDWR | os.O_CREAT, _MODE)
            _lock(descriptor)
        except (OSError, ValueError) as error:
            if descriptor >= 0:
                os.close(descriptor)
                descriptor = -1
            if isinstance(error, BlockingIOError):
                return False
        self.release()
        self._log, self._descriptor = log, descriptor
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self.holds:
            os.close(self._descriptor)
            self._descriptor = -1


def _lock(descriptor: int) -> None:
    """Lock a file for this process; raises BlockingIOError where it is locked."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from None
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
