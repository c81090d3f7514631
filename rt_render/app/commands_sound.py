"""The commands that make sound: demo, play, render."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from firmware_bridge.commands.terminal import ERR, INTERRUPTED, OUT, number_or_name, print_json, say
from rt_render.app import api
from rt_render.app.cli_options import (
    AsJson,
    Block,
    Ceiling,
    Config,
    Convention,
    Crossfade,
    Degrade,
    Device,
    Dialect,
    Equaliser,
    ExtraLatency,
    Field,
    Force,
    Gain,
    HeadName,
    InputChannels,
    InputDevice,
    Inputs,
    Layout,
    LfeGain,
    Loop,
    Loudness,
    Method,
    Order,
    Panorama,
    PanoramaHeight,
    PanoramaWidth,
    Poses,
    Prediction,
    PredictionCap,
    Rate,
    RemoteHost,
    RemotePort,
    RenderedInputs,
    RenderPoses,
    Seconds,
    Taps,
    Tracker,
    TrackerThread,
    Web,
    WebHost,
    WebPort,
)


def demo(
    seconds: Annotated[float, typer.Option(help="How long, 0.5 to 600.")] = 10.0,
    out: Annotated[Path, typer.Option("--out", "-o", help="The WAV file; .png and .md come beside it.")] = Path(
        "demo.wav"
    ),
    force: Force = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Play the built-in scene to a simulated head, live; keep the sound, a picture and a report."""
    from firmware_bridge.commands.progress_bar import ProgressBar
    from rt_render.app.live_view import LiveView
    from rt_render.app.outcome import session_json

    shown = ERR if as_json else OUT
    with ProgressBar(shown) as progress, LiveView(shown, quiet=as_json) as view:
        files = api.demo(
            seconds=seconds,
            out=out,
            force=force,
            device=number_or_name(device),  # type: ignore[arg-type]
            on_message=view.say,
            on_progress=progress,
            watch=view,
        )
    written = ((files.wav, "what both ears got"), (files.picture, "picture"), (files.report, "report"))
    if as_json:
        print_json(session_json(files.status) | {"files": [str(path) for path, _ in written]})
    else:
        say(OUT, files.summary, "")
        for path, what in written:
            OUT.print(f"  [bold]{escape(str(path))}[/bold]  {what}", soft_wrap=True)
    if files.interrupted:
        raise typer.Exit(INTERRUPTED)


def play(
    input: Inputs = None,
    config: Config = None,
    device: Device = None,
    rate: Rate = None,
    block: Block = None,
    gain: Gain = None,
    ceiling: Ceiling = None,
    order: Order = None,
    head: HeadName = None,
    method: Method = None,
    taps: Taps = None,
    headphone_eq: Equaliser = None,
    convention: Convention = None,
    layout: Layout = None,
    lfe_db: LfeGain = None,
    panorama: Panorama = None,
    panorama_width_deg: PanoramaWidth = None,
    panorama_height: PanoramaHeight = None,
    loop: Loop = None,
    crossfade_s: Crossfade = None,
    loudness: Loudness = None,
    input_device: InputDevice = None,
    input_channels: InputChannels = None,
    tracker: Tracker = None,
    tracker_thread: TrackerThread = False,
    poses: Poses = None,
    osc_host: Annotated[str | None, typer.Option(help="Address to listen on; 0.0.0.0 is every interface.")] = None,
    osc_port: Annotated[int | None, typer.Option(help="UDP port of the head tracker.")] = None,
    osc_dialect: Dialect = None,
    prediction: Prediction = None,
    prediction_cap_ms: PredictionCap = None,
    extra_latency_ms: ExtraLatency = None,
    record: Annotated[Path | None, typer.Option(help="Keep what is played in this file.")] = None,
    field: Field = None,
    log: Annotated[Path | None, typer.Option(help="Keep all that `render --poses` needs to play it back.")] = None,
    force: Force = False,
    seconds: Seconds = None,
    degrade: Degrade = None,
    remote_host: RemoteHost = None,
    remote_port: RemotePort = None,
    web: Web = None,
    web_host: WebHost = None,
    web_port: WebPort = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No live view, only what is worth knowing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Play a file or the built-in scene live, following your head. Keys: r + - m space t [ ] n p ? q."""
    from firmware_bridge.commands.progress_bar import ProgressBar
    from rt_render.app.live_view import LiveView
    from rt_render.app.outcome import session_json
    from rt_render.app.words import summary

    code, shown = 0, ERR if as_json else OUT
    with ProgressBar(shown) as progress, LiveView(shown, quiet=quiet or as_json) as view:
        try:
            view.last = api.play(
                input,
                config=config,
                seconds=seconds,
                on_message=view.say,
                on_progress=progress,
                watch=view,
                device=number_or_name(device),  # type: ignore[arg-type]
                fs_hz=rate,
                block_size=number_or_name(block),  # type: ignore[arg-type]
                gain_db=number_or_name(gain),
                ceiling_db=ceiling,
                order=number_or_name(order),  # type: ignore[arg-type]
                head=head,
                method=method,
                taps=taps,
                headphone_eq=headphone_eq,
                convention=convention,
                layout=layout,
                lfe_db=lfe_db,
                panorama=panorama,
                panorama_width_deg=panorama_width_deg,
                panorama_height=panorama_height,
                loop=loop,
                crossfade_s=crossfade_s,
                loudness_lufs=number_or_name(loudness),
                input_device=number_or_name(input_device),  # type: ignore[arg-type]
                input_channels=input_channels,
                tracker=tracker,
                process="thread" if tracker_thread else None,
                poses=poses,
                osc_host=osc_host,
                osc_port=osc_port,
                osc_dialect=osc_dialect,
                prediction=prediction,
                prediction_cap_ms=prediction_cap_ms,
                extra_latency_ms=extra_latency_ms,
                degrade=degrade,
                remote_host=remote_host,
                remote_port=remote_port,
                web=web,
                web_host=web_host,
                web_port=web_port,
                record=record,
                field=field,
                log=log,
                force=force or None,
            )
        except KeyboardInterrupt:
            code = INTERRUPTED
    if view.last and as_json:
        print_json(session_json(view.last))
    elif view.last:
        say(OUT, summary(view.last), "")
    if code:
        raise typer.Exit(code)


def render(
    output: Annotated[Path, typer.Option("--output", "-o", help="The stereo file to write (WAV: float32).")],
    input: RenderedInputs = None,
    poses: RenderPoses = None,
    config: Config = None,
    rate: Rate = None,
    block: Block = None,
    gain: Gain = None,
    ceiling: Ceiling = None,
    order: Order = None,
    head: HeadName = None,
    method: Method = None,
    taps: Taps = None,
    headphone_eq: Equaliser = None,
    convention: Convention = None,
    layout: Layout = None,
    lfe_db: LfeGain = None,
    panorama: Panorama = None,
    panorama_width_deg: PanoramaWidth = None,
    panorama_height: PanoramaHeight = None,
    loop: Loop = None,
    crossfade_s: Crossfade = None,
    loudness: Loudness = None,
    seconds: Seconds = None,
    field: Field = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Render to a file, faster than real time, equal to what is heard live."""
    from firmware_bridge.commands.progress_bar import ProgressBar
    from rt_render.app.words import cleaned, decibels, limiting

    shown = ERR if as_json else OUT
    with ProgressBar(shown) as progress:
        rendered = api.render(
            input,
            output,
            config=config,
            seconds=seconds,
            on_message=lambda text: say(shown, text),
            on_progress=progress,
            poses=poses,
            fs_hz=rate,
            block_size=number_or_name(block),  # type: ignore[arg-type]
            gain_db=number_or_name(gain),
            ceiling_db=ceiling,
            order=number_or_name(order),  # type: ignore[arg-type]
            head=head,
            method=method,
            taps=taps,
            headphone_eq=headphone_eq,
            convention=convention,
            layout=layout,
            lfe_db=lfe_db,
            panorama=panorama,
            panorama_width_deg=panorama_width_deg,
            panorama_height=panorama_height,
            loop=loop,
            crossfade_s=crossfade_s,
            loudness_lufs=number_or_name(loudness),
            field=field,
            force=force or None,
        )
    engine, replay = rendered.engine, rendered.replay
    if as_json:
        print_json({"file": str(output)} | rendered.as_json())
    else:
        OUT.print(
            f"[bold]{escape(str(output))}[/bold] written, highest peak {decibels(engine.highest_peak)}; "
            f"{limiting(engine)}{cleaned(engine)}.",
            soft_wrap=True,
        )
    if replay and not replay.heard_again:
        raise typer.Exit(1)
