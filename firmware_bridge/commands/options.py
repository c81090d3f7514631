"""Options that several commands share, and the settings they make."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
Invert = Annotated[list[str] | None, typer.Option(help="yaw, pitch or roll, for a wrong sign; may be repeated.")]
NoMounting = Annotated[bool, typer.Option("--no-mounting", help="Leave a stored calibration aside.")]
Gesture = Annotated[
    list[str] | None, typer.Option(help="What recentres: hold (hold still looking ahead) or double-nod.")
]
AutoRecentre = Annotated[float | None, typer.Option(help="Recentre slowly, by at most so many °/s: 0 (off) to 2.")]
Hold = Annotated[float | None, typer.Option(help="Seconds to hold the last pose when the tracker falls silent.")]
Ease = Annotated[float | None, typer.Option(help="Seconds to ease to the front after that.")]
Output = Annotated[
    list[str] | None, typer.Option("--output", "-o", help="DIALECT[@HOST[:PORT]][@HZ]; may be repeated.")
]
Seconds = Annotated[float | None, typer.Option(help="Stop after so many seconds.", min=0.01)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
AsJsonLines = Annotated[bool, typer.Option("--json", help="Print one JSON object a line and nothing else.")]
LinkPath = Annotated[Path | None, typer.Option("--link", help="A name for the pseudo-terminal that stays the same.")]


def make(tracker: str, **options: object) -> "BridgeSettings":
    """Return settings of the options that were given; raises BridgeError."""
    from firmware_bridge.settings import make_settings

    given = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
    return make_settings(tracker=tracker, **{name: value for name, value in given.items() if value is not None})
