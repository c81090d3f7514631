"""What all command lines of this distribution have in common: exit codes, interrupts, and errors in one sentence."""

import os
import re
import signal
import sys
from collections.abc import Callable, Collection
from importlib.metadata import version as installed_version
from typing import Annotated, NoReturn

import typer

from firmware_bridge.commands.terminal import ERR, INTERRUPTED, OUT, ended, say

READER_GONE = 141
"""As programs end that a closed pipe kills."""
_NUMBERS = {"integer": "a whole number is needed", "number": "a number is needed"}


def new_program(name: str, help: str, begin_with: str) -> typer.Typer:
    """Return a command line without commands yet: it answers `--help` and `--version`, and takes `--debug`.

    `help` is its one sentence, `begin_with` what newcomers are told to type.
    """
    app = typer.Typer(
        name=name,
        help=help,
        epilog=f"Begin with {begin_with}",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        add_completion=False,
    )

    @app.callback(invoke_without_command=True)
    def common(
        version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
        debug: Annotated[bool, typer.Option("--debug", help="Show a traceback of unexpected errors.")] = False,
    ) -> None:
        if version:
            OUT.print(f"{name} {installed_version('rt-render')}")
            raise typer.Exit

    return app


def run_program(
    name: str, app: typer.Typer, commands: Collection[str], explain: Callable[[Exception, str], str | None]
) -> NoReturn:
    """Run a command line and leave: exit codes 0 done, 1 judged bad, 2 an error that is told, 130 interrupted.

    `explain` gets an error and the command that helps with it, and returns what people are told, None for an
    error that nobody expected: that one is asked to be reported (3), with a traceback after `--debug`.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
        signal.signal(signal.SIGHUP, _hang_up)
    words = sys.argv[1:]
    command = next((word for word in words if word in commands), None)
    help_of = f"{name} {command} --help" if command else f"{name} --help"
    try:
        # typer would put an error of ours into a frame of its own
        code = app([word for word in words if word != "--debug"], standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # What is still buffered has no reader, and would be said again at exit.
        _silence()
        sys.exit(READER_GONE)
    except typer.Exit as leaving:
        sys.exit(leaving.exit_code)
    except Exception as error:
        told = explain(error, help_of)
        if told is not None:
            _fail(name, told, 2)
        # click's own sentences about options; typer carries its own copy of click
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            text = ended(_plain(error.format_message()))
            _fail(name, f"{text} See `{help_of}`.", 2) if text else sys.exit(2)
        if "--debug" in words:
            raise
        _fail(
            name,
            f"something unexpected went wrong ({type(error).__name__}: {error}); please report it with what "
            f"`{name} --debug ...` prints for the same command.",
            3,
        )
    sys.exit(code if isinstance(code, int) else 0)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _hang_up(*_: object) -> None:
    """Leave as on an interrupt, once, and print nowhere: the terminal is closed."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _silence()
    raise KeyboardInterrupt


def _silence() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)


def _fail(name: str, sentence: str, code: int) -> NoReturn:
    say(ERR, f"{name}: {sentence}", "red")
    sys.exit(code)


def _plain(sentence: str) -> str:
    """Say what kind of number an option takes in fewer words than its library."""
    for kind, plain in _NUMBERS.items():
        sentence = re.sub(rf"Input should be a valid {kind}.*", plain, sentence, flags=re.DOTALL)
    return sentence
