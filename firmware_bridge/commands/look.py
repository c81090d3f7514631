"""The commands that only look: list, detect, dialects."""

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from firmware_bridge.commands.options import AsJson
from firmware_bridge.commands.progress_bar import ProgressBar
from firmware_bridge.commands.terminal import ERR, INTERRUPTED, OUT, print_json
from firmware_bridge.commands.words import hertz, plural

if TYPE_CHECKING:
    from firmware_bridge.osc.detection import OscHeard
    from firmware_bridge.sources.detect import Found


def list_places(
    ble: Annotated[bool, typer.Option("--ble", help="Search for Bluetooth devices too, five seconds long.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the serial ports, and MIDI, HID and Bluetooth devices; nothing is opened."""
    from firmware_bridge.commands.places import places

    found, missing = places(ble=ble)
    if as_json:
        print_json({"places": [asdict(place) for place in found], "missing": missing})
        return
    for place in found:
        OUT.print(f"{place.transport:<7} [bold]{escape(place.name)}[/bold]  {escape(place.about)}", soft_wrap=True)
        if place.tracker:
            OUT.print(f"        [dim]--tracker {escape(place.tracker)}[/dim]", soft_wrap=True)
    if not found:
        OUT.print("No serial port, MIDI, HID or Bluetooth device is there: plug the head tracker in.", soft_wrap=True)
    for sentence in missing:
        OUT.print(escape(sentence), style="dim", soft_wrap=True)


def detect(
    port: Annotated[list[str] | None, typer.Argument(help="Serial ports; without any, all that are there.")] = None,
    seconds: Annotated[float, typer.Option(help="How long to listen at most.", min=0.1, max=600.0)] = 8.0,
    osc: Annotated[bool, typer.Option("--osc", help="Listen at the usual UDP and OSC ports too.")] = False,
    host: Annotated[str, typer.Option(help="Where --osc listens; 0.0.0.0 hears other devices too.")] = "127.0.0.1",
    as_json: AsJson = False,
) -> None:
    """Say what each port speaks, by listening only: nothing is written to any. Exit code 1 when nothing is heard."""
    found, interrupted = _listen(port or [], seconds, host if osc else None)
    speaking = [one for one in found if one.dialect is not None]
    if as_json:
        print_json([asdict(one) for one in found])
    elif not found and not interrupted:
        OUT.print("No serial port is there: plug the head tracker in, or listen for OSC with --osc.", soft_wrap=True)
    else:
        OUT.print(_table_of(found))
        for one in speaking[:1]:
            OUT.print(f"Listen to it with [bold]rt-render play --tracker {escape(_tracker_of(one))}[/bold]")
        if osc and host in ("127.0.0.1", "localhost", "::1"):
            OUT.print("Only programs of this machine were heard over UDP: add --host 0.0.0.0 for other devices.")
    if interrupted or not speaking:
        raise typer.Exit(INTERRUPTED if interrupted else 1)


def _listen(ports: list[str], seconds: float, udp_host: str | None) -> "tuple[list[Found], bool]":
    """Return what was found, and whether Ctrl-C came before all was heard."""
    import threading
    import time

    from firmware_bridge.sources.detect import detect_ports, listed_trackers
    from firmware_bridge.transports.serial_port import SerialPort

    found: list[Found] = []
    failed: list[BaseException] = []
    over, done = threading.Event(), threading.Event()
    interrupted = False

    def work() -> None:
        try:
            named = [SerialPort(port, "", "") for port in ports]
            found.extend(detect_ports(seconds=seconds, ports=named or None, is_over=over.is_set))
            if not ports:
                found.extend(one for one in listed_trackers(over.is_set) if one.place)
            if udp_host is not None:
                found.extend(_datagrams(min(seconds, 3.0), udp_host, over.is_set))
        except BaseException as error:
            failed.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=work, daemon=True)
    begin_s = time.monotonic()
    with ProgressBar(ERR) as progress:
        thread.start()
        while not done.is_set():
            share = (time.monotonic() - begin_s) / (seconds + (3.0 if udp_host is not None else 0.0))
            try:
                progress(min(share, 0.99), "listening")
                done.wait(0.1)
            except KeyboardInterrupt:
                # Its threads see that within a look, and what they have is worth telling.
                interrupted = True
                over.set()
    if failed:
        raise failed[0]
    return found, interrupted


def _datagrams(seconds: float, host: str, is_over: Callable[[], bool]) -> "list[Found]":
    """Listen at the usual ports of devices and of OSC at once; return those where something came."""
    from concurrent.futures import ThreadPoolExecutor

    from firmware_bridge.osc.detection import listen_for_osc
    from firmware_bridge.sources.detect import detect_datagrams

    with ThreadPoolExecutor(1) as pool:
        devices = pool.submit(detect_datagrams, seconds, host, is_over)
        programs = [_found(one) for one in listen_for_osc(seconds, host=host, is_over=is_over) if one.n_packets]
        return [*(one for one in devices.result() if one.n_bytes or one.dialect), *programs]


def _found(heard: "OscHeard") -> "Found":
    from firmware_bridge.dialect import Transport
    from firmware_bridge.sources.detect import Found

    place = f"OSC port {heard.port}"
    known = f"osc-{heard.dialects[0]}" if len(heard.dialects) == 1 else "osc" if heard.dialects else None
    return Found(place, "", Transport.OSC, heard.text, known, None, heard.rate_hz, heard.n_bytes)


def _table_of(found: "list[Found]") -> Table:
    table = _table("place", "dialect", "rate", "baud", "heard")
    for one in found:
        what = " ".join(part for part in (one.heard, one.description and f"({one.description})") if part)
        table.add_row(
            escape(one.place), one.dialect or "", hertz(one.rate_hz), str(one.baud) if one.baud else "", escape(what)
        )
    return table


def _tracker_of(found: "Found") -> str:
    """Return what to write to listen to what was found."""
    if found.transport == "serial":
        return found.place
    if found.transport == "osc":
        name = (found.dialect or "").removeprefix("osc").removeprefix("-")
        return f"osc:{found.place.rpartition(' ')[2]}" + (f" --osc-dialect {name}" if name else "")
    return found.dialect or "auto"


def dialects(as_json: AsJson = False) -> None:
    """List the dialects: where they are heard, what guards and times them, and what was verified."""
    from firmware_bridge.commands.dialect_rows import dialect_rows, osc_input_rows, osc_output_rows

    devices, inputs, outputs = dialect_rows(), osc_input_rows(), osc_output_rows()
    if as_json:
        print_json({"devices": devices, "osc_inputs": inputs, "osc_outputs": outputs})
        return
    for row in devices:
        facts = (row["where"], f"check: {row['check']}", f"clock: {row['clock']}", f"{row['axes']} axes")
        OUT.print(
            f"[bold]{row['name']:<14}[/bold]{escape(' · '.join((*facts, hertz(row['rate_hz']))))}", soft_wrap=True
        )
        OUT.print(f"{'':14}{escape(row['about'])}", soft_wrap=True)
        unsure = f"; sign of {', '.join(row['uncertain'])} unsure" if row["uncertain"] else ""
        untried = "" if row["hardware"] else "no hardware was there to try it; "
        OUT.print(f"{'':14}{untried}checked with: {escape(row['verified'] + unsure)}", style="dim", soft_wrap=True)
    sent = {row["name"] for row in outputs}
    heard = {row["name"] for row in inputs}
    OUT.print("\n[bold]OSC[/bold], heard (--osc-dialect) and sent (--output)")
    for row in (*inputs, *(row for row in outputs if row["name"] not in heard)):
        how = "sent" if row["name"] not in heard else "heard, sent" if row["name"] in sent else "heard"
        OUT.print(f"  {row['name']:<25} {how:<12}{escape(row['about'])}", soft_wrap=True)
    OUT.print(f"\n{plural(len(devices), 'dialect')} of devices, {len(inputs)} of OSC.", style="dim")


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
