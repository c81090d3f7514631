"""Single keys from a terminal, without waiting and without return."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol


class Keys(Protocol):
    """What is typed."""

    def pressed(self) -> str:
        """Return the characters typed since the last call, "" for none."""


class NoKeys:
    """Nobody types to us: input is no terminal, or another program has it."""

    def pressed(self) -> str:
        """Return nothing."""
        return ""


@contextmanager
def open_keys() -> Iterator[Keys]:
    """Read single keys from the terminal while the context lasts; the terminal is put back afterwards.

    A program in the background (`rt-render play &`) gets none: to touch the terminal would stop it.
    """
    if not sys.stdin or not sys.stdin.isatty() or not in_foreground(sys.stdin.fileno()):
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
            if in_foreground(descriptor):
                with suppress(termios.error):  # the terminal may have been closed
                    termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def in_foreground(descriptor: int) -> bool:
    """Return whether a terminal's keys are meant for this process, as far as the shell has told."""
    if sys.platform == "win32":
        return True
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:  # not the terminal that controls us: no shell shares it out
        return True


class _TerminalKeys:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def pressed(self) -> str:
        import select

        # `bg` may have put us into the background meanwhile
        if not in_foreground(self._descriptor) or not select.select([self._descriptor], [], [], 0)[0]:
            return ""
        try:
            return os.read(self._descriptor, 64).decode(errors="ignore")
        except OSError:  # the terminal has been closed
            return ""


class _WindowsKeys:
    def pressed(self) -> str:
        import msvcrt

        keys = ""
        while msvcrt.kbhit():  # type: ignore[attr-defined]
            keys += msvcrt.getwch()  # type: ignore[attr-defined]
        return keys
