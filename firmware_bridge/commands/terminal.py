"""The terminal: where words, errors and JSON go, and what typed words mean."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

OUT = Console(highlight=False)
ERR = Console(stderr=True, highlight=False)
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
