"""The command line `rt-render`: a thin layer of words over `rt_render.app.api`."""

import json
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from firmware_bridge.errors import BridgeError
from rt_render import __version__
from rt_render.app import api
from rt_render.app.cli_options import (
    AsJson,
    Block,
    Config,
    Convention,
    Device,
    Equaliser,
    Force,
    Gain,
    HeadName,
    Method,
    Order,
    Poses,
    Rate,
    Seconds,
    Taps,
)
from rt_render.errors import RenderError

_OUT = Console(highlight=False)
_ERR = Console(stderr=True, highlight=False)
_INTERRUPTED = 130

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
    debug = "--debug" in sys.argv
    try:
        # typer would put an error of ours into a frame of its own
        code = app(standalone_mode=False)
    except (RenderError, BridgeError) as error:
        _fail(str(error), 2)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(_INTERRUPTED)
    except typer.Exit as leaving:
        sys.exit(leaving.exit_code)
    except Exception as error:
        # click's own sentences about options; typer carries its own copy of click
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            sentence = error.format_message()
            _fail(f"{sentence} Try `rt-render --help`.", 2) if sentence else sys.exit(2)
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


def _fail(sentence: str, code: int) -> NoReturn:
    _ERR.print(f"[red]rt-render: {escape(sentence)}[/red]", soft_wrap=True)
    sys.exit(code)


def _number_or_name(text: str | None) -> int | float | str | None:
    """Return an option that may be a number or a word as what it is."""
    if text is None:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


@app.callback(invoke_without_command=True)
def _common(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback of unexpected errors.")] = False,
) -> None:
    if version:
        _OUT.print(f"rt-render {__version__}")
        raise typer.Exit


@app.command(epilog="Examples: [bold]rt-render demo[/bold]; rt-render demo --seconds 30 --out turn.wav --force")
def demo(
    seconds: Annotated[float, typer.Option(help="How long, 0.5 to 600.")] = 10.0,
    out: Annotated[Path, typer.Option("--out", "-o", help="The WAV file; .png and .md come beside it.")] = Path(
        "demo.wav"
    ),
    force: Force = False,
    device: Device = "auto",
) -> None:
    """Play the built-in scene to a simulated head, live; keep the sound, a picture and a report."""
    from rt_render.app.live_view import LiveView
    from rt_render.app.progress_bar import ProgressBar

    with ProgressBar(_OUT) as progress, LiveView(_OUT) as view:
        files = api.demo(
            seconds=seconds,
            out=out,
            force=force,
            device=_number_or_name(device),  # type: ignore[arg-type]
            on_message=view.say,
            on_progress=progress,
            watch=view,
        )
    _OUT.print(files.summary, soft_wrap=True)
    for path, what in ((files.wav, "what both ears got"), (files.picture, "picture"), (files.report, "report")):
        _OUT.print(f"  [bold]{escape(str(path))}[/bold]  {what}", soft_wrap=True)


@app.command(
    epilog="Examples: [bold]rt-render play[/bold]; rt-render play field.wav --tracker serial:auto; "
    "rt-render play field.wav --device virtual --poses turn.csv --record ears.wav"
)
def play(
    input: Annotated[str | None, typer.Argument(help='An ambisonic file, or "scene".', show_default="scene")] = None,
    config: Config = None,
    device: Device = None,
    rate: Rate = None,
    block: Block = None,
    gain: Gain = None,
    order: Order = None,
    head: HeadName = None,
    method: Method = None,
    taps: Taps = None,
    headphone_eq: Equaliser = None,
    convention: Convention = None,
    loop: Annotated[bool | None, typer.Option("--loop/--no-loop", help="Begin again at the end.")] = None,
    tracker: Annotated[
        str | None, typer.Option(help="osc, serial:PORT[:BAUD], csv:FILE, simulated[:SEED] or none.")
    ] = None,
    poses: Poses = None,
    osc_host: Annotated[str | None, typer.Option(help="Address to listen on; 0.0.0.0 is every interface.")] = None,
    osc_port: Annotated[int | None, typer.Option(help="UDP port of the head tracker.")] = None,
    osc_dialect: Annotated[str | None, typer.Option(help="What the OSC messages mean, by name.")] = None,
    record: Annotated[Path | None, typer.Option(help="Keep what is played in this file.")] = None,
    force: Force = False,
    seconds: Seconds = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No live view, only what is worth knowing.")] = False,
) -> None:
    """Play a file or the built-in scene live, following your head. Keys: r + - m space t [ ] ? q."""
    from rt_render.app.live_view import LiveView
    from rt_render.app.progress_bar import ProgressBar
    from rt_render.app.words import summary

    code = 0
    with ProgressBar(_OUT) as progress, LiveView(_OUT, quiet=quiet) as view:
        try:
            view.last = api.play(
                input,
                config=config,
                seconds=seconds,
                on_message=view.say,
                on_progress=progress,
                watch=view,
                device=_number_or_name(device),  # type: ignore[arg-type]
                fs_hz=rate,
                block_size=_number_or_name(block),  # type: ignore[arg-type]
                gain_db=_number_or_name(gain),
                order=_number_or_name(order),  # type: ignore[arg-type]
                head=head,
                method=method,
                taps=taps,
                headphone_eq=headphone_eq,
                convention=convention,
                loop=loop,
                tracker=tracker,
                poses=poses,
                osc_host=osc_host,
                osc_port=osc_port,
                osc_dialect=osc_dialect,
                record=record,
                force=force or None,
            )
        except KeyboardInterrupt:
            code = _INTERRUPTED
    if view.last:
        _OUT.print(summary(view.last), soft_wrap=True)
    if code:
        raise typer.Exit(code)


@app.command(
    epilog="Examples: [bold]rt-render render field.wav -o ears.wav --poses turn.csv[/bold]; "
    "rt-render render scene -o ears.wav --seconds 20 --order 7"
)
def render(
    input: Annotated[str, typer.Argument(help='An ambisonic file, or "scene" (with --seconds).')],
    output: Annotated[Path, typer.Option("--output", "-o", help="The stereo file to write (WAV: float32).")],
    poses: Poses = None,
    config: Config = None,
    rate: Rate = None,
    block: Block = None,
    gain: Gain = None,
    order: Order = None,
    head: HeadName = None,
    method: Method = None,
    taps: Taps = None,
    headphone_eq: Equaliser = None,
    convention: Convention = None,
    seconds: Seconds = None,
    force: Force = False,
) -> None:
    """Render to a file, faster than real time, equal to what is heard live."""
    from rt_render.app.progress_bar import ProgressBar
    from rt_render.app.words import decibels

    with ProgressBar(_OUT) as progress:
        snapshot = api.render(
            input,
            output,
            config=config,
            seconds=seconds,
            on_message=lambda text: _OUT.print(escape(text), style="dim", soft_wrap=True),
            on_progress=progress,
            poses=poses,
            fs_hz=rate,
            block_size=_number_or_name(block),  # type: ignore[arg-type]
            gain_db=_number_or_name(gain),
            order=_number_or_name(order),  # type: ignore[arg-type]
            head=head,
            method=method,
            taps=taps,
            headphone_eq=headphone_eq,
            convention=convention,
            force=force or None,
        )
    limited = ", the limiter was at work" if snapshot.limited_blocks else ""
    _OUT.print(
        f"[bold]{escape(str(output))}[/bold] written, highest peak {decibels(snapshot.highest_peak)}{limited}",
        soft_wrap=True,
    )


@app.command(epilog="Example: [bold]rt-render design -o decoder.npz --order 5 --sofa my_head.sofa[/bold]")
def design(
    output: Annotated[Path, typer.Option("--output", "-o", help="The .npz file to write.")],
    order: Annotated[int | None, typer.Option(help="Ambisonic order, 0 to 7.", show_default="3")] = None,
    head: HeadName = None,
    method: Method = None,
    taps: Taps = None,
    rate: Rate = None,
    headphone_eq: Equaliser = None,
    config: Config = None,
    force: Force = False,
) -> None:
    """Export a decoder: filters (2, channels, taps) for ACN/SN3D, ears left and right, and fs_hz."""
    from rt_render.app.progress_bar import ProgressBar

    with ProgressBar(_OUT) as progress:
        decoder = api.design(
            output,
            config=config,
            order=order,
            force=force or None,
            on_progress=progress,
            head=head,
            method=method,
            taps=taps,
            fs_hz=rate,
            headphone_eq=headphone_eq,
        )
    _OUT.print(
        f"[bold]{escape(str(output))}[/bold] written: order {decoder.order}, {escape(decoder.head)}, {decoder.method}, "
        f"{decoder.n_taps} taps at {decoder.fs_hz:g} Hz, onset after {decoder.onset_frames} frames",
        soft_wrap=True,
    )


@app.command()
def devices(as_json: AsJson = False) -> None:
    """List the sound cards, with the sample rates they take."""
    found = api.devices()
    if as_json:
        _print_json([asdict(device) for device in found])
        return
    if not found:
        _OUT.print("No sound card was found; `--device virtual` plays without one.")
    for device in found:
        rates = ", ".join(f"{rate / 1000:g}" for rate in device.rates_hz) or "none of ours"
        default = "  [bold](default)[/bold]" if device.is_default else ""
        name = escape(f"{device.name} ({device.host_api})")
        _OUT.print(f"{device.index:3}  {name}, {device.n_channels} channels, {rates} kHz{default}", soft_wrap=True)


@app.command("check-sofa", epilog="Example: [bold]rt-render check-sofa my_head.sofa[/bold]")
def check_sofa(
    file: Annotated[Path, typer.Argument(help="A SOFA file of the convention SimpleFreeFieldHRIR.")],
    plot: Annotated[
        Path | None, typer.Option(help="The picture to write; by default FILE's name with .png, here.")
    ] = None,
    rate: Annotated[int, typer.Option("--rate", "--fs", help="The rate it shall play at, in Hz.")] = 48000,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Say what a measured head would sound like, before it sounds; exit code 1 when it is refused."""
    from rt_render.app.output_names import refuse_overwrite

    picture = plot or Path(f"{file.stem}.png")
    refuse_overwrite([picture], force)
    verdict = api.check_sofa(file, plot=picture, fs_hz=rate)
    if as_json:
        _print_json({**asdict(verdict), "refused": verdict.refused, "picture": str(picture)})
    else:
        marks = {"ok": "[green]ok[/green]     ", "note": "[yellow]note[/yellow]   ", "refuse": "[red]refused[/red]"}
        for finding in verdict.findings:
            _OUT.print(f"{marks[finding.level]} {finding.topic:<12} {escape(finding.text)}", soft_wrap=True)
        outcome = f"refused: {verdict.reason}" if verdict.refused else f"can be used, with {verdict.gain_db:+.1f} dB"
        _OUT.print(f"{escape(verdict.name)} {escape(outcome)}; drawn in {escape(str(picture))}", soft_wrap=True)
    if verdict.refused:
        raise typer.Exit(1)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Tell what was found on this machine, and how to mend what is missing."""
    findings = api.doctor()
    if as_json:
        _print_json([asdict(finding) for finding in findings])
        return
    marks = {True: "[green]ok[/green]", False: "[red]no[/red]", None: "[dim]· [/dim]"}
    for finding in findings:
        _OUT.print(f"{marks[finding.ok]} {finding.name:<22} {escape(finding.text)}", soft_wrap=True)
        if finding.fix and not finding.ok:
            _OUT.print(f"   {'':<22} [dim]→ {escape(finding.fix)}[/dim]", soft_wrap=True)


@app.command(epilog="Examples: [bold]rt-render bench[/bold]; rt-render bench speed --json")
def bench(
    part: Annotated[list[str] | None, typer.Argument(help="Parts: speed, lock-immunity, accuracy, ...; all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure this machine: speed, lock immunity, latency, rotation, accuracy, start."""
    say: Callable[[str], None] = lambda text: _ERR.print(escape(text), style="dim", soft_wrap=True)  # noqa: E731
    result = api.bench(part or [], on_progress=say)
    if as_json:
        _print_json(result)
    else:
        from rt_render.app.benchmarks import report

        _OUT.print(escape(report(result)), soft_wrap=True)


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
