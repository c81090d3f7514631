"""The commands that listen for as long as you like: monitor and run."""

import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firmware_bridge.commands.options import (
    AsJsonLines,
    AutoRecentre,
    Ease,
    FusionKind,
    Gesture,
    Hold,
    Invert,
    OscDialect,
    OscHost,
    OscPort,
    Output,
    RecordRaw,
    Seconds,
    Tracker,
    UseMounting,
    YawOnly,
    chosen,
)
from firmware_bridge.commands.terminal import INTERRUPTED, OUT
from firmware_bridge.errors import BridgeError

if TYPE_CHECKING:
    from firmware_bridge.bridge import Bridge
    from firmware_bridge.commands.live_view import BridgeView
    from firmware_bridge.opening import RunningBridge

LOOK_EVERY_S = 0.05
NOTHING = 1
"""Exit code where no pose came, or a fault of this program ended them."""


def monitor(
    context: typer.Context,
    tracker: Tracker = "auto",
    osc_host: OscHost = None,
    osc_port: OscPort = None,
    osc_dialect: OscDialect = None,
    fusion: FusionKind = None,
    invert: Invert = None,
    mounting: UseMounting = None,
    gestures: Gesture = None,
    seconds: Seconds = None,
    as_json: AsJsonLines = False,
) -> None:
    """Watch a tracker: where the head points, and how well it is known. Keys: r recentre, q quit."""
    from firmware_bridge.commands.live_view import BridgeView
    from firmware_bridge.opening import open_bridge

    settings = chosen(context)
    with BridgeView(OUT, plain_every_s=1.0, as_json=as_json) as view:
        bridge = open_bridge(settings, process="thread", on_message=view.say)
        _watch(bridge, view, seconds)


def run(
    context: typer.Context,
    tracker: Tracker = "auto",
    outputs: Output = None,
    osc_host: OscHost = None,
    osc_port: OscPort = None,
    osc_dialect: OscDialect = None,
    fusion: FusionKind = None,
    invert: Invert = None,
    mounting: UseMounting = None,
    yaw_only: YawOnly = None,
    gestures: Gesture = None,
    auto_recentre_deg_per_s: AutoRecentre = None,
    hold_s: Hold = None,
    ease_s: Ease = None,
    record_raw: RecordRaw = None,
    mailbox: Annotated[
        Path | None, typer.Option(help="Where renderers on this machine find the poses; the usual place by default.")
    ] = None,
    seconds: Seconds = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No status, only what is worth knowing.")] = False,
    as_json: AsJsonLines = False,
) -> None:
    """Be the bridge: poses for rt-render (`--tracker bridge`) and over OSC for others, until Ctrl-C."""
    from firmware_bridge.commands.live_view import BridgeView

    settings = chosen(context)
    with BridgeView(OUT, plain_every_s=10.0, as_json=as_json, picture=False, quiet=quiet) as view:
        bridge_at(mailbox, view, seconds, lambda box, say: _open(settings, box, say))


def bridge_at(path: Path | None, view: "BridgeView", seconds: float | None, open_it: "Callable[..., Bridge]") -> None:
    """Run a bridge that publishes where renderers look, or at `path`; raises BridgeError where one does already."""
    from firmware_bridge.mailbox import PoseMailbox

    if path is not None and not path.parent.is_dir():
        raise BridgeError(f"there is no folder {path.parent} for the mailbox: make it first.")
    box = PoseMailbox.create(path)
    try:
        box.become_writer()
        bridge = open_it(box, view.say)
    except BaseException:
        box.close()
        raise
    where = "" if path is None else f":{path}"
    view.say(f"poses are at {box.path}: listen with `rt-render play --tracker bridge{where}`")
    _watch(bridge, view, seconds)


def _open(settings: object, box: object, say: Callable[[str], None]) -> "Bridge":
    from firmware_bridge.opening import open_thread

    return open_thread(settings, box, on_message=say)  # type: ignore[arg-type]


def _watch(bridge: "RunningBridge", view: "BridgeView", seconds: float | None) -> None:
    from firmware_bridge.bridge import Bridge

    end_s = time.monotonic() + (inf if seconds is None else seconds)
    interrupted = has_posed = broke = False
    try:
        while view(bridge) and time.monotonic() < end_s and (not isinstance(bridge, Bridge) or bridge.is_running):
            has_posed = has_posed or _has_posed(bridge)
            time.sleep(LOOK_EVERY_S)
        has_posed = has_posed or _has_posed(bridge)
        broke = isinstance(bridge, Bridge) and not bridge.is_running
    except KeyboardInterrupt:
        interrupted = True
    finally:
        bridge.stop()
    if isinstance(bridge, Bridge) and bridge.failed:
        raise typer.Exit(2)
    if interrupted:
        raise typer.Exit(INTERRUPTED)
    if broke:
        raise typer.Exit(NOTHING)
    if not has_posed:
        next_step = "`firmware-bridge detect` says what each port speaks"
        if not isinstance(bridge, Bridge):
            next_step = "start the bridge with `firmware-bridge run`"
        view.say(f"no pose came: {next_step}")
        raise typer.Exit(NOTHING)


def _has_posed(bridge: "RunningBridge") -> bool:
    """Return whether a pose has come, or none is wanted."""
    status = bridge.status()
    return status.newest_s is not None or status.state == "none"
