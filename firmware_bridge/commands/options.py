"""Options that several commands share, and the settings they make.

A parameter with a setting's name is that setting: `chosen` finds it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from firmware_bridge.errors import BridgeError
from firmware_bridge.osc.output_spec import GRAMMAR
from firmware_bridge.spec import SPECS

if TYPE_CHECKING:
    from firmware_bridge.settings import BridgeSettings

Tracker = Annotated[str, typer.Argument(metavar="[TRACKER]", help=f"{SPECS}; auto by default.")]
OscHost = Annotated[str | None, typer.Option(help="Address to listen on; 0.0.0.0 is every interface.")]
OscPort = Annotated[int | None, typer.Option(help="UDP port of an OSC head tracker, 9000 by default.")]
OscDialect = Annotated[
    str | None, typer.Option(help="What the OSC messages mean; `firmware-bridge dialects` lists them.")
]
FusionKind = Annotated[str | None, typer.Option("--fusion", help="For raw sensors: vqf, vqf9d or imufusion.")]
Invert = Annotated[
    list[str] | None, typer.Option(help="yaw, pitch or roll, for a wrong sign; may be repeated, or yaw,roll.")
]
UseMounting = Annotated[bool | None, typer.Option(" /--no-mounting", help="Leave a stored calibration aside.")]
Gesture = Annotated[
    list[str] | None,
    typer.Option(
        help="What recentres: hold (hold still looking ahead), double-nod; may be repeated, or hold,double-nod."
    ),
]
YawOnly = Annotated[bool | None, typer.Option(" /--all-angles", help="Recentring takes pitch and roll, too.")]
AutoRecentre = Annotated[
    float | None, typer.Option("--auto-recentre", help="Recentre slowly, by at most so many °/s: 0 (off) to 2.")
]
Hold = Annotated[
    float | None, typer.Option("--hold", help="Seconds to hold the last pose when the tracker falls silent.")
]
Ease = Annotated[float | None, typer.Option("--ease", help="Seconds to ease to the front after that.")]
RecordRaw = Annotated[Path | None, typer.Option("--record", help="Keep the tracker's own bytes in this new file.")]
Output = Annotated[
    list[str] | None,
    typer.Option(
        "--output", "-o", help=f"{escape(GRAMMAR)}; may be repeated. `firmware-bridge dialects` lists what can be sent."
    ),
]
Seconds = Annotated[float | None, typer.Option(help="Stop after so many seconds.", min=0.01)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
AsJsonLines = Annotated[bool, typer.Option("--json", help="Print one JSON object a line and nothing else.")]
LinkPath = Annotated[Path | None, typer.Option("--link", help="A name for the pseudo-terminal that stays the same.")]


LISTS = ("invert", "gestures")
TYPED = {
    "auto_recentre_deg_per_s": "--auto-recentre",
    "hold_s": "--hold",
    "ease_s": "--ease",
    "record_raw": "--record",
    "outputs": "--output",
}
"""Options whose names are not those of the settings."""


def chosen(context: typer.Context) -> "BridgeSettings":
    """Return settings of a command's own options; raises BridgeError that names the option as it was typed."""
    from firmware_bridge.settings import BridgeSettings

    return make(**{name: value for name, value in context.params.items() if name in BridgeSettings.model_fields})


def make(tracker: str, **options: Any) -> "BridgeSettings":
    """Return settings of the options that were given; raises BridgeError that names the option as it was typed."""
    from firmware_bridge.settings import make_settings

    given = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
    for name in LISTS:
        if given.get(name):
            given[name] = tuple(part.strip() for text in given[name] for part in text.split(","))
    try:
        return make_settings(tracker=tracker, **{name: value for name, value in given.items() if value is not None})
    except BridgeError as error:
        key, equals, rest = str(error).partition(" = ")
        if not equals or key not in given:
            raise
        option = TYPED.get(key, f"--{key.replace('_', '-')}")
        raise BridgeError(f"{option} {rest.removesuffix('.')}.") from None
