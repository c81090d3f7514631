"""The command that measures fusion: recordings with truth go through the bridge's own pipeline."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from firmware_bridge.commands.options import AsJson
from firmware_bridge.commands.progress_bar import ProgressBar
from firmware_bridge.commands.terminal import ERR, OUT, print_json
from firmware_bridge.errors import BridgeError

if TYPE_CHECKING:
    from firmware_bridge.imu_evaluation import Evaluation

_COURSES = ("times_s", "heading_error_deg", "inclination_error_deg")


def eval_imu(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="BROAD's .hdf5, or our .csv or .npz.")],
    drop: Annotated[float, typer.Option(help="Share of the samples that are lost, 0 to below 1.")] = 0.0,
    jitter_ms: Annotated[float, typer.Option(help="How much later than usual samples arrive at most.")] = 0.0,
    no_device_clock: Annotated[bool, typer.Option("--no-device-clock", help="Times from arrivals alone.")] = False,
    fusion: Annotated[str, typer.Option(help="vqf, vqf9d or imufusion.")] = "vqf",
    seed: Annotated[int, typer.Option(help="Of losses and jitter.", min=0)] = 0,
    plot: Annotated[Path | None, typer.Option(help="A folder for a picture of each recording's errors.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the bridge's fusion with the truth of recordings: inclination, heading and its drift."""
    from firmware_bridge.imu_evaluation import evaluate, means, save_plot
    from firmware_bridge.imu_recording import read_imu_recording

    if plot is not None and not plot.is_dir():
        raise BridgeError(f"there is no folder {plot}: make it first.")
    evaluations: list[Evaluation] = []
    with ProgressBar(ERR) as progress:
        for number, file in enumerate(files):

            def show(share: float, number: int = number, file: Path = file) -> None:
                progress(min(0.999, (number + share) / len(files)), file.name)

            evaluations.append(
                evaluate(
                    read_imu_recording(file),
                    device_clock=not no_device_clock,
                    drop=drop,
                    jitter_s=1e-3 * jitter_ms,
                    fusion=fusion,
                    seed=seed,
                    on_progress=show,
                )
            )
    pictures = [] if plot is None else [plot / f"{file.stem}.png" for file in files]
    for evaluation, picture in zip(evaluations, pictures, strict=False):
        save_plot(evaluation, picture)
    mean = means(evaluations)
    if as_json:
        trials = [{key: value for key, value in _fields(one).items() if key not in _COURSES} for one in evaluations]
        print_json({"trials": trials, "mean": asdict(mean), "pictures": [str(path) for path in pictures]})
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("recording", overflow="fold")
    for column in ("inclination rms", "worst moment", "heading rms", "heading drift", "total rms"):
        table.add_column(column, justify="right")
    for one in evaluations:
        table.add_row(
            escape(one.name),
            f"{one.inclination_rms_deg:.2f}°",
            f"{one.inclination_worst_deg:.2f}°",
            f"{one.heading_rms_deg:.2f}°",
            f"{one.heading_drift_deg_per_min:+.2f} °/min",
            f"{one.total_rms_deg:.2f}°",
        )
    table.add_row(
        "[bold]mean[/bold]",
        f"{mean.inclination_rms_deg:.2f}°",
        "",
        f"{mean.heading_rms_deg:.2f}°",
        f"{mean.heading_drift_deg_per_min:.2f} °/min",
        f"{mean.total_rms_deg:.2f}°",
    )
    OUT.print(table)
    OUT.print(f"{fusion}; times: {escape(evaluations[-1].clock)}", style="dim", soft_wrap=True)
    for picture in pictures:
        OUT.print(f"[bold]{escape(str(picture))}[/bold]", soft_wrap=True)


def _fields(evaluation: "Evaluation") -> dict[str, object]:
    return {name: getattr(evaluation, name) for name in evaluation.__slots__}
