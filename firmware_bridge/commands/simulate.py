"""The command that pretends: a virtual wearable, byte for byte like the real one."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from firmware_bridge.commands.options import LinkPath, Seconds
from firmware_bridge.commands.terminal import ERR, OUT
from firmware_bridge.commands.words import plural
from firmware_bridge.dialect import Transport
from firmware_bridge.dialect_names import dialect_named
from firmware_bridge.errors import BridgeError
from firmware_bridge.osc.dialects import OSC_PREFIX

if TYPE_CHECKING:
    from firmware_bridge.dialect import Dialect
    from firmware_bridge.virtual.endpoint import Endpoint
    from firmware_bridge.virtual.playing import Player

STATUS_EVERY_S = 10.0
OSC_PORT = 9000

Out = Annotated[str | None, typer.Option(help="pty, stdout, udp:HOST:PORT or midi; what the dialect uses by default.")]


def simulate(
    dialect: Annotated[str, typer.Option(help="Which kind of device; `firmware-bridge dialects` lists them.")],
    out: Out = None,
    motion: Annotated[
        str,
        typer.Option(
            help="head[:SEED], still, nods (to calibrate), spin:DEG_PER_S, csv:FILE or recording:FILE (with truth)."
        ),
    ] = "head",
    rate: Annotated[float | None, typer.Option(help="Measurements a second; the dialect's own by default.")] = None,
    noise: Annotated[float, typer.Option(help="0 ideal, 1 a typical sensor.")] = 0.0,
    gyro_bias: Annotated[float, typer.Option(help="Bias of each gyro axis in °/s.")] = 0.0,
    drift: Annotated[float, typer.Option(help="How fast the heading runs away, in °/min.")] = 0.0,
    drop: Annotated[float, typer.Option(help="Share of the measurements that lose bytes, 0 to 1.")] = 0.0,
    corrupt: Annotated[float, typer.Option(help="Share of the measurements with a flipped bit, 0 to 1.")] = 0.0,
    latency: Annotated[float, typer.Option(help="How late bytes arrive, in ms.")] = 0.0,
    jitter: Annotated[float, typer.Option(help="How much later at most, in ms.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of noise and faults.", min=0)] = 0,
    seconds: Seconds = None,
    link: LinkPath = None,
) -> None:
    """Open a port that behaves like a device on a moving head; Ctrl-C ends it."""
    from firmware_bridge.virtual.faults import FaultyLine, LineFaults
    from firmware_bridge.virtual.motions import make_motion
    from firmware_bridge.virtual.simulation import Measurements, PlayedDevice, PromptedDevice, SensorFaults

    kind = dialect_named(dialect)
    line = LineFaults(drop, corrupt, 1e-3 * latency, 1e-3 * jitter)
    sensor = SensorFaults(noise, gyro_bias, drift)
    measurements = Measurements(make_motion(motion), kind.rate_hz if rate is None else rate, sensor, seed)
    wanted = out or _usual_out(kind)
    is_stream = kind.transport is Transport.SERIAL and not wanted.startswith("udp")
    wearable = kind.make_device() if wanted != "stdout" else PromptedDevice(kind.make_device(), kind.talk)
    device = PlayedDevice(wearable, measurements, FaultyLine(line, seed, is_stream=is_stream))
    endpoint = open_endpoint(wanted, link, kind)
    words = OUT if wanted != "stdout" else ERR
    place = f"[bold]{escape(endpoint.place)}[/bold]"
    words.print(f"a virtual {kind.name} ({escape(kind.about)}) at {place}", soft_wrap=True)
    tracker = tracker_for(kind, wanted, endpoint)
    if tracker:
        words.print(f"listen with [bold]rt-render play --tracker {escape(tracker)}[/bold]", soft_wrap=True)
    played_s = play_at(device, endpoint, seconds, words)
    words.print(
        f"{plural(device.n_measured, 'measurement')} in {played_s:.1f} s{_losses(endpoint, device.n_skipped)}.",
        soft_wrap=True,
    )


def open_endpoint(wanted: str, link: Path | None, dialect: "Dialect | None") -> "Endpoint":
    """Return what `--out` names; raises BridgeError that says what is allowed."""
    from firmware_bridge.virtual.endpoint import MidiEndpoint, PipeEndpoint, PtyEndpoint, UdpEndpoint

    if link is not None and wanted != "pty":
        raise BridgeError(f"a name for a pseudo-terminal does not go with `--out {wanted}`: leave --link out.")
    kind, _, place = wanted.partition(":")
    if wanted == "pty":
        return PtyEndpoint(link)
    if wanted == "stdout":
        return PipeEndpoint(1)
    if kind == "udp" and place:
        host, _, port = place.rpartition(":")
        if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
            raise BridgeError(f"UDP port {port!r}: allowed is a whole number, 1 to 65535.")
        return UdpEndpoint(host or "127.0.0.1", int(port))
    if wanted == "midi":
        from firmware_bridge.transports.midi_port import load_mido

        return MidiEndpoint(*load_mido(), (dialect.port_name if dialect else "") or "rt-render")
    raise BridgeError(f"--out {wanted!r} cannot be: allowed are pty, stdout, udp:HOST:PORT and midi.")


def tracker_for(dialect: "Dialect", wanted: str, endpoint: "Endpoint") -> str:
    """Return what to write to listen to a virtual device, "" where only a program could."""
    if dialect.transport is Transport.OSC:
        port = endpoint.place.rpartition(":")[2]
        name = dialect.name.removeprefix(OSC_PREFIX)
        return f"osc:{port} --osc-dialect {name}" if wanted.startswith("udp") else ""
    if wanted == "pty":
        is_heard_out = dialect.transport is Transport.SERIAL and not (dialect.talk and dialect.talk.silent_until_asked)
        return endpoint.place if is_heard_out else f"{dialect.name}:{endpoint.place}"
    if wanted == "stdout":
        return ""
    return dialect.name if wanted == "midi" else f"{dialect.name}:udp:{endpoint.place}"


def play_at(player: "Player", endpoint: "Endpoint", seconds: float | None, words: Console) -> float:
    """Play until it is over, for so many seconds, or until Ctrl-C; return how long it was. Closes the endpoint."""
    from math import inf

    from firmware_bridge.virtual.playing import play

    told_s, unread = STATUS_EVERY_S, 0

    def tell(now_s: float) -> None:
        nonlocal told_s, unread
        if now_s >= told_s:
            told_s = now_s + STATUS_EVERY_S
            if endpoint.n_unread_bytes > unread:
                unread = endpoint.n_unread_bytes
                words.print(f"nobody reads: {plural(unread, 'byte')} lost so far", style="dim")

    begin_s = time.monotonic()
    try:
        return play(player, endpoint, inf if seconds is None else seconds, tell)
    except KeyboardInterrupt:
        return time.monotonic() - begin_s
    finally:
        endpoint.close()


def _usual_out(dialect: "Dialect") -> str:
    if dialect.transport is Transport.OSC:
        return f"udp:127.0.0.1:{dialect.udp_port or OSC_PORT}"
    return f"udp:127.0.0.1:{dialect.udp_port}" if dialect.transport is Transport.UDP and dialect.udp_port else "pty"


def _losses(endpoint: "Endpoint", n_skipped: int) -> str:
    lost = f", {plural(endpoint.n_unread_bytes, 'byte')} lost as nobody read" if endpoint.n_unread_bytes else ""
    return lost + (f", {n_skipped} left out as this machine was too busy" if n_skipped else "")
