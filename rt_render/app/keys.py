"""Single keys from a terminal, without waiting and without return."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Keys(Protocol):
    """What is typed."""

    def pressed(self) -> str:
        """Return the characters typed since the last call, "" for none."""


class NoKeys:
    """Nobody types: input is not a terminal."""

    def pressed(self) -> str:
        """Return nothing."""
        return ""


@contextmanager
def open_keys() -> Iterator[Keys]:
    """Read single keys from the terminal while the context lasts; the terminal is put back afterwards."""
    if not sys.stdin or not sys.stdin.isatty():
        yield NoKeys()
    elif sys.platform == "win32":  # untried
        yield _WindowsKeys()
    else:
        import termios
        import tty

        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
        tty.setcbreak(descriptor)
        try:
            yield _TerminalKeys(descriptor)
        finally:
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


class _TerminalKeys:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def pressed(self) -> str:
        import os
        import select

        if not select.select([self._descriptor], [], [], 0)[0]:
            return ""
        return os.read(self._descriptor, 64).decode(errors="ignore")


class _WindowsKeys:
    def pressed(self) -> str:
        import msvcrt

        keys = ""
        while msvcrt.kbhit():  # type: ignore[attr-defined]
            keys += msvcrt.getwch()  # type: ignore[attr-defined]
        return keys
