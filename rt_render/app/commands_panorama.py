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
    """Write a page with figures and a picture: where stereo opens to, and what comes back when it is folded down."""
    from rt_render.app.panorama.report import write_report

    found = write_report(output, file=file, fs_hz=rate, width_deg=width, height=height, force=bool(force))
    for f in found:
        say(OUT, f"{f.name}: from {f.opening_deg:.0f}°, third octaves within {abs(f.deviation_db).max():.1f} dB")
    say(OUT, f"told in {output / 'panorama.md'}")
