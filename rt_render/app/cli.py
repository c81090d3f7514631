"""The command line `rt-render`: a thin layer of words over `rt_render.app.api`."""

import os
import re
import signal
import sys
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from rt_render import __version__
from rt_render.app import commands_about, commands_sound
from rt_render.app.settings_file import SettingError
from rt_render.app.terminal import ERR, INTERRUPTED, OUT
from rt_render.app.words import ended
from rt_render.errors import RenderError

_COMMANDS = ("demo", "play", "render", "design", "devices", "check-sofa", "doctor", "bench")
_OPTIONS = {
    "fs_hz": "--rate",
    "block_size": "--block",
    "gain_db": "--gain",
    "ceiling_db": "--ceiling",
    "input": "INPUT",
}
"""What settings are called on the command line where it is not their own name."""

app = typer.Typer(
    name="rt-render",
    help="An ambisonic field on headphones that stays still while the head turns.",
    epilog="Begin with [bold]rt-render demo[/bold]: it needs no sound card, no head tracker and no file.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
)


def main() -> NoReturn:
    """Run the command line: exit codes 0 done, 1 judged bad, 2 an error that is told, 130 interrupted."""
    signal.signal(signal.SIGTERM, _interrupt)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
        signal.signal(signal.SIGHUP, _hang_up)
    debug = "--debug" in sys.argv
    try:
        # typer would put an error of ours into a frame of its own
        code = app([word for word in sys.argv[1:] if word != "--debug"], standalone_mode=False)
    except SettingError as error:
        option = _OPTIONS.get(error.key, "--" + error.key.replace("_", "-"))
        _fail(f"{error} See {option} in `{_help_of(sys.argv[1:])}`.", 2)
    except RenderError as error:
        _fail(str(error), 2)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except typer.Exit as leaving:
        sys.exit(leaving.exit_code)
    except Exception as error:
        # click's own sentences about options; typer carries its own copy of click
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            text = ended(_plain(error.format_message()))
            _fail(f"{text} See `{_help_of(sys.argv[1:])}`.", 2) if text else sys.exit(2)
        if debug:
            raise
        _fail(
            f"something unexpected went wrong ({type(error).__name__}: {error}); please report it with what "
            "`rt-render --debug ...` prints for the same command.",
            3,
        )
    sys.exit(code if isinstance(code, int) else 0)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _hang_up(*_: object) -> None:
    """Leave as on an interrupt, once, and print nowhere: the terminal is closed."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    raise KeyboardInterrupt


def _fail(sentence: str, code: int) -> NoReturn:
    ERR.print(f"[red]rt-render: {escape(ended(sentence))}[/red]", soft_wrap=True)
    sys.exit(code)


def _plain(sentence: str) -> str:
    """Say what kind of number an option takes in fewer words than its library."""
    sentence = re.sub(r"Input should be a valid integer.*", "a whole number is needed", sentence, flags=re.DOTALL)
    return re.sub(r"Input should be a valid number.*", "a number is needed", sentence, flags=re.DOTALL)


def _help_of(words: list[str]) -> str:
    """Return the command that explains what was typed."""
    command = next((word for word in words if word in _COMMANDS), None)
    return f"rt-render {command} --help" if command else "rt-render --help"


@app.callback(invoke_without_command=True)
def _common(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback of unexpected errors.")] = False,
) -> None:
    if version:
        OUT.print(f"rt-render {__version__}")
        raise typer.Exit


app.command(epilog="Examples: [bold]rt-render demo[/bold]; rt-render demo --seconds 30 --out turn.wav --force")(
    commands_sound.demo
)
app.command(
    epilog="Examples: [bold]rt-render play[/bold]; rt-render play field.wav --tracker serial:auto; "
    "rt-render play field.wav --device virtual --poses turn.csv --record ears.wav"
)(commands_sound.play)
app.command(
    epilog="Examples: [bold]rt-render render field.wav -o ears.wav --poses turn.csv[/bold]; "
    "rt-render render scene -o ears.wav --seconds 20 --order 7"
)(commands_sound.render)
app.command(epilog="Example: [bold]rt-render design -o decoder.npz --order 5 --sofa my_head.sofa[/bold]")(
    commands_about.design
)
app.command(epilog="Examples: [bold]rt-render devices[/bold]; rt-render devices --json")(commands_about.devices)
app.command("check-sofa", epilog="Example: [bold]rt-render check-sofa my_head.sofa[/bold]")(commands_about.check_sofa)
app.command(epilog="Examples: [bold]rt-render doctor[/bold]; rt-render doctor --json")(commands_about.doctor)
app.command(epilog="Examples: [bold]rt-render bench[/bold]; rt-render bench speed --json")(commands_about.bench)
