"""The terminal: where words, errors and JSON go, and what typed words mean."""

import json
import sys
from collections.abc import Iterable
from typing import Any
from unicodedata import category

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

_SAFE_KINDS = ("L", "M", "N", "P", "S", "Zs")
_NEW_LINE = "\n"
_REPLACED = "\N{REPLACEMENT CHARACTER}"


class SafeConsole(Console):
    """Prints words that others chose, names of files and devices, without the commands to terminals in them.

    Whatever is no letter, mark, number, sign or space becomes U+FFFD: escape sequences, directions of writing, and
    what a file name holds that is no text. Rich's own commands pass.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else harmless(text), style, control)


def harmless(text: str) -> str:
    """Return a text with U+FFFD for what a terminal would not show but obey; new lines stay."""
    if text.isprintable():
        return text
    return "".join(one if one == _NEW_LINE or category(one).startswith(_SAFE_KINDS) else _REPLACED for one in text)


OUT = SafeConsole(highlight=False)
ERR = SafeConsole(stderr=True, highlight=False)
INTERRUPTED = 130
"""Exit code of a command that was interrupted."""


def number_or_name(text: str | None) -> int | float | str | None:
    """Return an option that may be a number or a word as what it is."""
    if text is None:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def say(console: Console, sentence: str, style: str = "dim") -> None:
    """Print a sentence with its full stop, broken between words at a terminal's edge and nowhere when piped."""
    console.print(Text(ended(sentence), style=style), soft_wrap=not console.is_terminal)


def ended(sentence: str) -> str:
    """Return a sentence with its full stop."""
    sentence = sentence.rstrip()
    return sentence if not sentence or sentence[-1] in ".!?:" else f"{sentence}."


def print_json(value: Any) -> None:
    """Print one JSON value and nothing else."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
