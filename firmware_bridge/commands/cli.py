"""The command line `firmware-bridge`: any wearable becomes a trusted pose."""

from typing import NoReturn

from firmware_bridge.commands import live, look, recordings
from firmware_bridge.commands.calibrate import calibrate
from firmware_bridge.commands.decode import decode
from firmware_bridge.commands.eval_imu import eval_imu
from firmware_bridge.commands.program import new_program, run_program
from firmware_bridge.commands.simulate import simulate
from firmware_bridge.errors import BridgeError

_COMMANDS = (
    "list",
    "detect",
    "monitor",
    "run",
    "calibrate",
    "simulate",
    "record",
    "replay",
    "eval-imu",
    "decode",
    "dialects",
)

app = new_program(
    "firmware-bridge",
    "Whatever you wear on your head becomes a timestamped pose: for rt-render, and over OSC for others.",
    "[bold]firmware-bridge detect[/bold]; without hardware with [bold]firmware-bridge simulate --dialect hbf1[/bold].",
)


def main() -> NoReturn:
    """Run the command line: exit codes 0 done, 1 nothing found, 2 an error that is told, 130 interrupted."""
    run_program("firmware-bridge", app, _COMMANDS, _explain)


def _explain(error: Exception, help_of: str) -> str | None:
    return str(error) if isinstance(error, BridgeError) else None


app.command("list", epilog="Examples: [bold]firmware-bridge list[/bold]; firmware-bridge list --ble")(look.list_places)
app.command(epilog="Examples: [bold]firmware-bridge detect[/bold]; firmware-bridge detect --osc --json")(look.detect)
app.command(epilog="Examples: [bold]firmware-bridge monitor[/bold]; firmware-bridge monitor /dev/ttyACM0 --json")(
    live.monitor
)
app.command(
    epilog="Examples: [bold]firmware-bridge run[/bold]; firmware-bridge run supperware -o sparta@127.0.0.1:9000"
)(live.run)
app.command(epilog="Examples: [bold]firmware-bridge calibrate /dev/ttyACM0[/bold]; firmware-bridge calibrate osc:8000")(
    calibrate
)
app.command(
    epilog="Examples: [bold]firmware-bridge simulate --dialect hbf1[/bold]; "
    "firmware-bridge simulate --dialect razor --drop 0.02 --link /tmp/tracker; "
    "firmware-bridge simulate --dialect opentrack --motion spin:30"
)(simulate)
app.command(epilog="Example: [bold]firmware-bridge record turn.rtraw /dev/ttyACM0 --seconds 60[/bold]")(
    recordings.record
)
app.command(
    epilog="Examples: [bold]firmware-bridge replay turn.rtraw[/bold]; firmware-bridge replay turn.rtraw --out pty"
)(recordings.replay)
app.command("eval-imu", epilog="Example: [bold]firmware-bridge eval-imu *.hdf5 --drop 0.02 --jitter-ms 5[/bold]")(
    eval_imu
)
app.command(
    epilog="Examples: [bold]firmware-bridge decode --dialect hbf1 < bytes[/bold]; "
    "echo AA AA DE 01 00 92 FF 25 08 8D FE EC FF D1 03 00 00 00 E7 | "
    "firmware-bridge decode --dialect bno08x-rvc --hex"
)(decode)
app.command(epilog="Examples: [bold]firmware-bridge dialects[/bold]; firmware-bridge dialects --json")(look.dialects)
