"""The command that measures motion to sound."""

from pathlib import Path
from typing import Annotated

import typer

from firmware_bridge.commands.terminal import ERR, OUT, number_or_name, print_json, say
from rt_render.app import api
from rt_render.app.cli_options import AsJson, Block, Config, Device, Force, HeadName


def latency(
    steps: Annotated[int, typer.Option(help="Steps of the head, 10 to 10000; a quarter as many turns.")] = 200,
    rate: Annotated[float, typer.Option(help="Measurements of the wearable a second, 10 to 1000.")] = 200.0,
    device: Device = "virtual",
    cable: Annotated[
        str | None, typer.Option("--input", help="An input that a cable leads to from the device's output.")
    ] = None,
    prediction: Annotated[str, typer.Option(help="off, constant or learnt.")] = "off",
    block: Block = None,
    order: Annotated[str | None, typer.Option(help="Ambisonic order, 1 to 7.", show_default="3")] = None,
    head: HeadName = None,
    config: Config = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The page to write; its picture comes beside it.")] = Path(
        "latency.md"
    ),
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Measure how long it takes from a movement to its sound; exit code 1 where it is not as claimed, or too long."""
    from firmware_bridge.commands.progress_bar import ProgressBar
    from rt_render.app.latency.words import as_json_object, lines
    from rt_render.app.output_names import refuse_overwrite

    refuse_overwrite([out, out.with_suffix(".png")], force)
    with ProgressBar(ERR if as_json else OUT) as progress:
        found = api.latency(
            steps=steps,
            rate_hz=rate,
            cable=number_or_name(cable),  # type: ignore[arg-type]
            prediction=prediction,
            out=out,
            config=config,
            on_message=lambda text: say(ERR, text),
            on_progress=progress,
            device=number_or_name(device),  # type: ignore[arg-type]
            block_size=number_or_name(block),  # type: ignore[arg-type]
            order=number_or_name(order),  # type: ignore[arg-type]
            head=head,
        )
    if as_json:
        print_json(as_json_object(found))
    else:
        for line in lines(found):
            say(OUT, line, "")
        say(OUT, f"told in {out}")
    if found.agrees is False or not found.within_limit:
        raise typer.Exit(1)
