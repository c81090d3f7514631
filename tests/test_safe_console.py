"""A terminal shows the names that others chose, and obeys none of them."""

import io
import re

import pytest
from rich.live import Live
from rich.table import Table
from rich.text import Text

from firmware_bridge.commands.terminal import ERR, OUT, SafeConsole, harmless, say

HOSTILE = "a\x1b]0;owned\x07\x1b[2Jb\x9bc\u202egnp.\udcff\r\b"
RICHS_OWN = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[\d?[AK]|\r")


def console(terminal=True):
    return SafeConsole(file=io.StringIO(), force_terminal=terminal, width=60, highlight=False)


def left_of(screen):
    return RICHS_OWN.sub("", screen.file.getvalue())


def in_a_table(screen):
    table = Table.grid()
    table.add_row("playing", Text(HOSTILE))
    with Live(table, console=screen, auto_refresh=False):
        pass


@pytest.mark.parametrize(
    "show",
    [
        lambda screen: say(screen, HOSTILE),
        lambda screen: screen.print(HOSTILE, markup=False, soft_wrap=True),
        lambda screen: screen.print(Text(HOSTILE)),
        in_a_table,
    ],
    ids=["sentence", "string", "text", "live lines"],
)
@pytest.mark.parametrize("terminal", [True, False])
def test_what_a_name_tells_the_terminal_to_do_is_not_told(show, terminal):
    screen = console(terminal)
    show(screen)
    left = left_of(screen)
    assert all(letter.isprintable() for letter in left if letter != "\n")
    assert "owned" in left and "\N{REPLACEMENT CHARACTER}" in left
    left.encode()


def test_words_in_any_writing_stay_as_they_are():
    words = "Für Elise – 月光 · العربية · हिन्दी 🎧 50 % ±3 dB\u00a0✓\nnext line"
    assert harmless(words) == words and harmless("\r") == "\ufffd"


def test_the_commands_terminals_are_such():
    assert isinstance(OUT, SafeConsole) and isinstance(ERR, SafeConsole)
