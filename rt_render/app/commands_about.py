"""The commands around the sound: design, devices, check-sofa, doctor, bench."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from firmware_bridge.commands.terminal import ERR, OUT, number_or_name, print_json, say
from rt_render.app import api
from rt_render.app.benchmarks import ONLY_BY_NAME, PARTS
from rt_render.app.cli_options import AsJson, Config, Equaliser, Force, HeadName, Method, Rate, Taps


def design(
    output: Annotated[Path, typer.Option("--output", "-o", help="The .npz file to write.")],
    order: Annotated[str | None, typer.Option(help="Ambisonic order, 0 to 7.", show_default="3")] = None,
    head: HeadName = None,
    method: Method = None,
    taps: Taps = None,
    rate: Rate = None,
    headphone_eq: Equaliser = None,
    config: Config = None,
    force: Force = False,
) -> None:
    """Export a decoder: filters (2, channels, taps) for ACN/SN3D, ears left and right, and fs_hz."""
    from firmware_bridge.commands.progress_bar import ProgressBar

    with ProgressBar(OUT) as progress:
        decoder = api.design(
            output,
            config=config,
            order=number_or_name(order),  # type: ignore[arg-type]
            force=force or None,
            on_message=lambda text: say(OUT, text),
            on_progress=progress,
            head=head,
            method=method,
            taps=taps,
            fs_hz=rate,
            headphone_eq=headphone_eq,
        )
    OUT.print(
        f"[bold]{escape(str(output))}[/bold] written: order {decoder.order}, {escape(decoder.head)}, {decoder.method}, "
        f"{decoder.n_taps} taps at {decoder.fs_hz:g} Hz, onset after {decoder.onset_frames} frames",
        soft_wrap=True,
    )


def devices(as_json: AsJson = False) -> None:
    """List the sound cards, with their channels and the sample rates they take."""
    found = api.devices()
    if as_json:
        print_json([asdict(device) for device in found])
        return
    if not found:
        OUT.print("No sound card was found; `--device virtual` plays without one.")
    for device in found:
        rates = ", ".join(f"{rate / 1000:g}" for rate in device.rates_hz) or "none of ours"
        default = "  [bold](default)[/bold]" if device.is_default else ""
        name = escape(f"{device.name} ({device.host_api})")
        played = f", {device.n_channels} channels, {rates} kHz" if device.n_channels else ""
        recorded = f", records {device.n_inputs} channel{'s' if device.n_inputs > 1 else ''}" if device.n_inputs else ""
        OUT.print(f"{device.index:3}  {name}{played}{recorded}{default}", soft_wrap=True)


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
    wanted = plot or Path(f"{file.stem}.png")
    picture = None if wanted.exists() and not force else wanted
    verdict = api.check_sofa(file, plot=picture, fs_hz=rate)
    if as_json:
        name = str(picture) if picture else None
        print_json({**asdict(verdict), "refused": verdict.refused, "picture": name})
    else:
        marks = {"ok": "[green]ok[/green]     ", "note": "[yellow]note[/yellow]   ", "refuse": "[red]refused[/red]"}
        for finding in verdict.findings:
            OUT.print(f"{marks[finding.level]} {finding.topic:<12} {escape(finding.text)}", soft_wrap=True)
        outcome = f"refused: {verdict.reason}" if verdict.refused else "can be used"
        if verdict.notes and not verdict.refused:
            outcome += f", but note: {verdict.notes[0]}"
        drawn = f"drawn in {picture}" if picture else f"not drawn, for {wanted} exists already (--force overwrites it)"
        OUT.print(f"{escape(verdict.name)} {escape(outcome)}; {escape(drawn)}.", soft_wrap=True)
    if verdict.refused:
        raise typer.Exit(1)


def doctor(as_json: AsJson = False) -> None:
    """Tell what was found on this machine, and how to mend what is missing."""
    findings = api.doctor()
    if as_json:
        print_json([asdict(finding) for finding in findings])
        return
    marks = {True: "[green]ok[/green]", False: "[red]no[/red]", None: "[dim]· [/dim]"}
    for finding in findings:
        text = finding.text.removeprefix(f"{finding.name}: ")
        OUT.print(f"{marks[finding.ok]} {finding.name:<22} {escape(text)}", soft_wrap=True)
        if finding.fix and not finding.ok:
            OUT.print(f"   {'':<22} [dim]→ {escape(finding.fix)}[/dim]", soft_wrap=True)


def bench(
    part: Annotated[
        list[str] | None,
        typer.Argument(help=f"Any of {', '.join(PARTS)}; without one, all but {', '.join(ONLY_BY_NAME)}."),
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="How long the tracker is measured, 1 to 3600; else 20.")] = None,
    recording: Annotated[
        list[Path] | None,
        typer.Option(help="Motion with its truth, to be predicted too: BROAD's .hdf5, .csv or .npz; also repeatedly."),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(help="The page of the prediction's figures to write (.md); its picture comes beside it."),
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="The picture of an object's jump to write (.png).")] = None,
    force: Force = False,
    minutes: Annotated[
        float | None, typer.Option(help="How long the soak is, up to 1440; else 60. Or the duplex run; else 10.")
    ] = None,
    days: Annotated[float | None, typer.Option(help="How long the booth's soak is, instead of minutes.")] = None,
    order: Annotated[int | None, typer.Option(help="Of the soak, 0 to 7; else 5.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure this machine: speed, lock immunity, latency, rotation, accuracy, start, tracker, prediction and more."""
    result = api.bench(
        part or [],
        seconds=seconds,
        recordings=recording or [],
        page=page,
        picture=picture,
        force=force,
        minutes=minutes,
        order=order,
        days=days,
        on_progress=lambda text: say(ERR, text),
    )
    if as_json:
        print_json(result)
    else:
        from rt_render.app.benchmarks import report

        OUT.print(escape(report(result)), soft_wrap=True)
    tracker = result.get("tracker", {})
    long_ok = all(result.get(part, {}).get("ok", True) for part in ("soak", "duplex", "page", "booth_soak"))
    if not long_ok or not all(tracker[way]["ok"] for way in ("own", "thread") if way in tracker):
        raise typer.Exit(1)
