"""The commands that keep a tracker's own bytes, and play them again: record and replay."""

import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from firmware_bridge.commands.options import LinkPath, OscDialect, OscHost, OscPort, Seconds, Tracker, make
from firmware_bridge.commands.terminal import ERR, OUT, say
from firmware_bridge.commands.words import plural
from firmware_bridge.errors import BridgeError

if TYPE_CHECKING:
    from firmware_bridge.bridge import Bridge
    from firmware_bridge.mailbox import PoseMailbox

STATUS_EVERY_S = 2.0
POLL_S = 0.05


def record(
    file: Annotated[Path, typer.Argument(help="The new recording (.rtraw).")],
    tracker: Tracker = "auto",
    osc_host: OscHost = None,
    osc_port: OscPort = None,
    osc_dialect: OscDialect = None,
    seconds: Seconds = None,
) -> None:
    """Keep the bytes of a tracker with the times they came, until Ctrl-C."""
    from firmware_bridge.notices import Notices
    from firmware_bridge.opening import make_source

    settings = make(tracker, osc_host=osc_host, osc_port=osc_port, osc_dialect=osc_dialect, record_raw=file)
    source = make_source(settings, Notices(_say))
    end_s, told_s = time.monotonic() + (inf if seconds is None else seconds), time.monotonic()
    n_messages = 0
    try:
        while (now_s := time.monotonic()) < end_s:
            n_messages += len(source.poll(POLL_S))
            if OUT.is_terminal and now_s - told_s >= STATUS_EVERY_S:
                told_s = now_s
                _say(f"{plural(n_messages, 'message')} so far, {_size(file)}; Ctrl-C ends the recording")
    except KeyboardInterrupt:
        pass
    finally:
        source.close()
    OUT.print(f"[bold]{escape(str(file))}[/bold]: {plural(n_messages, 'message')}, {_size(file)}.", soft_wrap=True)
    if not file.stat().st_size:
        file.unlink()
        raise BridgeError(f"nothing was heard, so there is no {file}: `firmware-bridge detect` says who speaks.")


def replay(
    file: Annotated[Path, typer.Argument(help="A recording of `firmware-bridge record`.")],
    out: Annotated[
        str,
        typer.Option(help="mailbox (rt-render play --tracker bridge), pty, stdout, udp:HOST:PORT or midi."),
    ] = "mailbox",
    speed: Annotated[float, typer.Option(help="1 as it was, 2 twice as fast.", min=0.01, max=1000.0)] = 1.0,
    mailbox: Annotated[Path | None, typer.Option(help="Another mailbox than the usual one.")] = None,
    link: LinkPath = None,
    seconds: Seconds = None,
) -> None:
    """Play a recording again: the very bytes to a port, or its poses to the renderer."""
    from firmware_bridge.raw_recording import read_raw_recording

    recording = read_raw_recording(file)
    if recording.n_cut_bytes:
        _say(f"{file} was cut off: the last {recording.n_cut_bytes} bytes are no whole record")
    if out == "mailbox":
        if speed != 1.0:
            raise BridgeError("poses of a recording keep its own times: use --speed with `--out pty` or another port.")
        _replay_poses(file, mailbox, min(inf if seconds is None else seconds, recording.duration_s + 0.5))
        return
    from firmware_bridge.commands.simulate import open_endpoint, play_at, tracker_for
    from firmware_bridge.dialect_names import dialect_named
    from firmware_bridge.virtual.played_recording import PlayedRecording

    player = PlayedRecording(recording, speed)
    dialect = dialect_named(recording.dialect) if recording.dialect else None
    endpoint = open_endpoint(out, link, dialect)
    words = OUT if out != "stdout" else ERR
    words.print(f"{escape(str(file))} plays at [bold]{escape(endpoint.place)}[/bold]", soft_wrap=True)
    tracker = tracker_for(dialect, out, endpoint) if dialect is not None else endpoint.place if out == "pty" else ""
    if tracker:
        words.print(f"listen with [bold]rt-render play --tracker {escape(tracker)}[/bold]", soft_wrap=True)
    played_s = play_at(player, endpoint, seconds, words)
    lost = f", {plural(endpoint.n_unread_bytes, 'byte')} lost as nobody read" if endpoint.n_unread_bytes else ""
    words.print(f"{plural(player.n_played, 'record')} in {played_s:.1f} s{lost}.", soft_wrap=True)


def _replay_poses(file: Path, mailbox: Path | None, seconds: float) -> None:
    from firmware_bridge.commands.live import bridge_at
    from firmware_bridge.commands.live_view import BridgeView
    from firmware_bridge.opening import open_thread

    settings = make(f"replay:{file}")

    def open_it(box: "PoseMailbox", say: Callable[[str], None]) -> "Bridge":
        return open_thread(settings, box, on_message=say)

    with BridgeView(OUT, plain_every_s=10.0) as view:
        bridge_at(mailbox, view, seconds, open_it)


def _say(text: str) -> None:
    say(OUT, text)


def _size(file: Path) -> str:
    return f"{file.stat().st_size / 1024:.0f} KiB"
