"""The command that tells what the panorama makes of stereo."""

from pathlib import Path
from typing import Annotated

import typer

from firmware_bridge.commands.terminal import OUT, say
from rt_render.app.cli_options import Force


def panorama_report(
    file: Annotated[Path | None, typer.Argument(help="A stereo file; without one, signals made here.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder for the page and its picture.")] = Path(
        "panorama"
    ),
    width: Annotated[float, typer.Option(help="Where hard left is heard, 30 to 90 degrees.")] = 60.0,
    height: Annotated[float, typer.Option(help="How much of the ambience comes from above, 0 to 1.")] = 0.5,
    rate: Annotated[int, typer.Option("--rate", "--fs", help="The rate in Hz.")] = 48000,
    force: Force = False,
) -> None:
    """Write a page of figures and a picture: where stereo opens to, what a fold keeps; exit code 1: one is missed."""
    from rt_render.app.panorama.report import write_report

    report = write_report(output, file=file, fs_hz=rate, width_deg=width, height=height, force=bool(force))
    for f in report.found:
        say(OUT, f"{f.name}: from {f.opening_deg:.0f}°, third octaves within {f.largest_db:.1f} dB")
    for figure in report.verdict:
        say(OUT, f"{figure.name}: {figure.words}")
    say(OUT, f"told in {output / 'panorama.md'}")
    if not report.ok:
        raise typer.Exit(1)
