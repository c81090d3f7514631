"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from firmware_bridge.settings import OSC_NAMES
from firmware_bridge.spec import SPECS

Config = Annotated[Path | None, typer.Option("--config", "-c", help="A set-up in TOML; options override it.")]
Device = Annotated[
    str | None, typer.Option(help='Sound card: "auto", "virtual", or a number or name of `rt-render devices`.')
]
Rate = Annotated[int | None, typer.Option("--rate", "--fs", help="44100, 48000, 88200 or 96000 Hz.")]
Block = Annotated[str | None, typer.Option(help='Frames a block: "auto" or 32 to 2048.')]
Gain = Annotated[str | None, typer.Option(help='Gain in dB, -60 to 24, or "auto".')]
Order = Annotated[str | None, typer.Option(help='Ambisonic order 0 to 7; "auto" is the order of the source.')]
HeadName = Annotated[
    str | None,
    typer.Option("--head", "--sofa", help='"kemar", "kemar-df" (flatter on headphones), "sphere" or a SOFA file.'),
]
Method = Annotated[str | None, typer.Option(help="Decoder: auto, ls, magls or magls-refined.")]
Taps = Annotated[int | None, typer.Option(help="Length of the filters, 32 to 4096.")]
Equaliser = Annotated[
    Path | None, typer.Option("--headphone-eq", help="A WAV impulse response or AutoEq's ParametricEQ.txt.")
]
Convention = Annotated[str | None, typer.Option(help="Of the file: ambix (ACN, SN3D), n3d or fuma.")]
Layout = Annotated[
    str | None,
    typer.Option(
        help="What the file's channels are: auto (as it tells), ambix, mono, stereo, quad, 5.1, 7.1, 5.1.4, 7.1.4, "
        f"9.1.6 or a .toml file of {escape('[[speaker]]')} entries."
    ),
]
LfeGain = Annotated[
    float | None,
    typer.Option("--lfe-db", help="Gain of LFE channels, -60 to 20 dB; 0 by default, cinemas play them at +10."),
]
Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        help='A sound file, a .toml of objects, "scene" or "live"; several files, a folder, an .m3u or a .toml of '
        f"{escape('[[item]]')} entries are a playlist.",
        show_default="scene",
    ),
]
RenderedInputs = Annotated[
    list[str] | None,
    typer.Argument(
        help='A sound file, a .toml of objects or "scene" (with --seconds); several files, a folder, an .m3u or a '
        f".toml of {escape('[[item]]')} entries are a playlist. A log knows its file.",
        show_default=False,
    ),
]
Loop = Annotated[
    bool | None, typer.Option("--loop/--no-loop", help="Begin again at the end; a file is rendered so with --seconds.")
]
Crossfade = Annotated[
    float | None, typer.Option("--crossfade-s", help="Seconds by which a playlist's items overlap, 0 (default) to 20.")
]
Loudness = Annotated[
    str | None,
    typer.Option(
        "--loudness-lufs",
        help='What loudness the items of a playlist are brought to: -40 to -5 LUFS, -23 by default, or "off".',
    ),
]
InputDevice = Annotated[
    str | None, typer.Option("--input-device", help="Of live input: a number or name of `rt-render devices`.")
]
InputChannels = Annotated[str | None, typer.Option("--input-channels", help='Of live input, from 1: "1,2" or "1-16".')]
Field = Annotated[
    Path | None, typer.Option("--field", help="Keep the field before the ears in this file (ambiX: ACN, SN3D).")
]
Panorama = Annotated[
    bool | None, typer.Option("--panorama/--no-panorama", help="Let stereo become a space around the head.")
]
PanoramaWidth = Annotated[
    float | None,
    typer.Option("--panorama-width", help="Where what is panned hard is heard: 30 to 90 degrees, 60 by default."),
]
PanoramaHeight = Annotated[
    float | None,
    typer.Option("--panorama-height", help="How much of the ambience comes from above: 0 to 1, 0.5 by default."),
]
Seconds = Annotated[float | None, typer.Option(help="Stop after so many seconds, 0.1 or more.")]
Ceiling = Annotated[float | None, typer.Option(help="Where the limiter holds, -40 to 0 dBFS; -1 by default.")]
Tracker = Annotated[str | None, typer.Option(help=f"{SPECS}; osc by default.")]
TrackerThread = Annotated[
    bool, typer.Option("--tracker-thread", help="Read the tracker on a thread of this process, not in its own.")
]
Dialect = Annotated[str | None, typer.Option("--osc-dialect", help=f"What the OSC messages mean: {OSC_NAMES}.")]
Poses = Annotated[Path | None, typer.Option(help="A CSV file (time_s,w,x,y,z) followed by the time of the source.")]
RenderPoses = Annotated[
    Path | None,
    typer.Option("--poses", help="A CSV file (time_s,w,x,y,z), or what `play --log` wrote: that session again."),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")]
ExtraLatency = Annotated[
    float | None,
    typer.Option("--extra-latency-ms", help="What wireless headphones take behind the card, 0 to 1000 ms."),
]
Prediction = Annotated[
    str | None, typer.Option(help="Render for when the sound is heard: learnt (the default), constant or off.")
]
PredictionCap = Annotated[
    float | None,
    typer.Option(
        "--prediction-cap-ms",
        help="How far ahead is predicted, and for one interval of the tracker more; 0 (off) to 200 ms, 60 by default.",
    ),
]
RemoteHost = Annotated[
    str | None, typer.Option("--remote-host", help="Address to be controlled at over OSC; 0.0.0.0: every interface.")
]
RemotePort = Annotated[
    int | None,
    typer.Option("--remote-port", help="UDP port to be controlled at, 0 for none; 4001 by default, if free."),
]
Web = Annotated[bool | None, typer.Option("--web/--no-web", help="Serve a page that shows and controls all.")]
WebHost = Annotated[
    str | None, typer.Option("--web-host", help="Address of the page; 0.0.0.0: every interface, with a token.")
]
WebPort = Annotated[int | None, typer.Option("--web-port", help="TCP port of the page; 8765 by default, 0: any.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Degrade = Annotated[
    bool | None,
    typer.Option("--degrade/--no-degrade", help="Lower the order, with a fade, while blocks take too long."),
]
