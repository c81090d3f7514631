"""A screen that is drawn again and again, and keys beside it: what every view of something at work is made of."""

from contextlib import ExitStack
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live

from firmware_bridge.commands.keys import Keys, NoKeys, open_keys
from firmware_bridge.commands.terminal import say


class LiveScreen:
    """Live lines on a terminal and the keys typed; used as a context. Thread: one, `say` from any.

    `quiet` listens to no keys.
    """

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console, self._quiet = console, quiet
        self._stack = ExitStack()
        self._keys: Keys = NoKeys()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if not self._quiet:
            self._keys = self._stack.enter_context(open_keys())
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._live = None

    def say(self, text: str) -> None:
        """Print a sentence above the live lines."""
        say(self._console, text)

    def _draw(self, lines: RenderableType) -> None:
        if self._live is None:
            self._live = Live(console=self._console, refresh_per_second=12, transient=True)
            self._stack.enter_context(self._live)
        self._live.update(lines)
