"""The command that tests the chain without ears."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from firmware_bridge.commands.terminal import ERR, OUT, number_or_name, print_json
from rt_render.app import api
from rt_render.app.cli_options import AsJson, Block, Config, Dialect, Force, HeadName, Method, Rate, Taps, Tracker

if TYPE_CHECKING:
    from rt_render.app.selftest.result import Check, SelfTest

_MARKS = {True: "[green]✓[/green]", False: "[red]✗[/red]", None: "[yellow]·[/yellow]"}


def selftest(
    config: Config = None,
    order: Annotated[str | None, typer.Option(help="Ambisonic order, 1 to 7.", show_default="3")] = None,
    head: HeadName = None,
    method: Method = None,
    taps: Taps = None,
    rate: Rate = None,
    block: Block = None,
    tracker: Tracker = None,
    osc_dialect: Dialect = None,
    invert: Annotated[
        list[str] | None, typer.Option(help="Turn the sign of yaw, pitch or roll; may be given several times.")
    ] = None,
    picture: Annotated[Path, typer.Option(help="The picture to write.")] = Path("selftest.png"),
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Test without ears that the sound stays where it is while the head turns; exit code 1 when a link is wrong."""
    from firmware_bridge.commands.progress_bar import ProgressBar
    from rt_render.app.output_names import refuse_overwrite

    refuse_overwrite([picture], force)
    with ProgressBar(ERR if as_json else OUT) as progress:
        result = api.selftest(
            config=config,
            picture=picture,
            on_message=lambda text: ERR.print(escape(text), style="dim", soft_wrap=True),
            on_progress=progress,
            order=number_or_name(order),  # type: ignore[arg-type]
            head=head,
            method=method,
            taps=taps,
            fs_hz=rate,
            block_size=number_or_name(block),  # type: ignore[arg-type]
            tracker=tracker,
            osc_dialect=osc_dialect,
            invert=invert or None,
        )
    if as_json:
        print_json(as_json_object(result, picture))
    else:
        _print(result)
        OUT.print(f"[bold]{escape(_capital(result.text))}[/bold] (drawn in {escape(str(picture))})", soft_wrap=True)
    if not result.ok:
        raise typer.Exit(1)


def as_json_object(result: "SelfTest", picture: Path) -> dict[str, Any]:
    """Return a result as programs read it."""
    outcome = {"ok": result.ok, "wrong_link": result.wrong_link, "text": result.text}
    return {**outcome, **asdict(result), "picture": str(picture)}


def _print(result: "SelfTest") -> None:
    chain = f"{result.head}, order {result.order} ({result.method}), {result.fs_hz / 1000:g} kHz"
    OUT.print(escape(f"{chain}, blocks of {result.block_size}; worn: {result.dialect}"), style="dim", soft_wrap=True)
    dialects = [check for check in result.checks if check.link == "dialect" and not check.name.startswith("your")]
    for check in result.checks:
        if check not in dialects:
            _print_check(check)
        elif check is dialects[0]:
            right = sum(check.ok is True for check in dialects)
            all_right = right == len(dialects)
            OUT.print(f"{_MARKS[all_right]} {right} of {len(dialects)} dialects tell the same rotation")
        if check in dialects and check.ok is not True:
            _print_check(check)
    live = result.live
    if live is not None and live.trials:
        _print_trials(live)
    for text in result.not_judged:
        OUT.print(f"{_MARKS[None]} not judged: {escape(text)}", style="dim", soft_wrap=True)


def _print_check(check: "Check") -> None:
    OUT.print(f"{_MARKS[check.ok]} {escape(_capital(check.sentence or check.name))}", soft_wrap=True)


def _print_trials(check: "Check") -> None:
    OUT.print(f"  {'due / heard live':<38}{'µs':>13}{'dB':>15}{'dB off / mirrored':>19}", style="dim", soft_wrap=True)
    for trial in check.trials:
        times = f"{trial.expected_itd_us:+.0f} / {trial.heard_itd_us:+.0f}"
        levels = f"{trial.expected_ild_db:+.1f} / {trial.heard_ild_db:+.1f}"
        height = "" if trial.to_expected_db is None else f"{trial.to_expected_db:.1f} / {trial.to_mirrored_db:.1f}"
        OUT.print(f"{_MARKS[trial.ok]} {escape(trial.name):<38}{times:>13}{levels:>15}{height:>19}", soft_wrap=True)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
