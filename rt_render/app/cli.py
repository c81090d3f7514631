"""The command line `rt-render`: a thin layer of words over `rt_render.app.api`."""

from typing import NoReturn

from firmware_bridge.commands.program import new_program, run_program
from rt_render.app import (
    commands_about,
    commands_booth,
    commands_controls,
    commands_latency,
    commands_panorama,
    commands_selftest,
    commands_sound,
    commands_watch,
)
from rt_render.app.option_names import option_of
from rt_render.app.settings_file import SettingError
from rt_render.errors import RenderError

_COMMANDS = (
    "demo",
    "play",
    "render",
    "design",
    "devices",
    "check-sofa",
    "controls",
    "doctor",
    "selftest",
    "latency",
    "panorama-report",
    "booth",
    "watch",
    "bench",
)
app = new_program(
    "rt-render",
    "An ambisonic field on headphones that stays still while the head turns.",
    "[bold]rt-render demo[/bold]: it needs no sound card, no head tracker and no file.",
)


def main() -> NoReturn:
    """Run the command line: exit codes 0 done, 1 judged bad, 2 an error that is told, 130 interrupted."""
    run_program("rt-render", app, _COMMANDS, _explain)


def _explain(error: Exception, help_of: str) -> str | None:
    if isinstance(error, SettingError):
        return f"{error} See {option_of(error.key)} in `{help_of}`."
    return str(error) if isinstance(error, RenderError) else None


app.command(epilog="Examples: [bold]rt-render demo[/bold]; rt-render demo --seconds 30 --out turn.wav --force")(
    commands_sound.demo
)
app.command(
    epilog="Examples: [bold]rt-render play[/bold]; rt-render play field.wav --tracker serial:auto; "
    "rt-render play field.wav --device virtual --poses turn.csv --record ears.wav"
)(commands_sound.play)
app.command(
    epilog="Examples: [bold]rt-render render field.wav -o ears.wav --poses turn.csv[/bold]; "
    "rt-render render scene -o ears.wav --seconds 20 --order 7; rt-render render --poses session.rtlog -o ears.wav"
)(commands_sound.render)
app.command(epilog="Example: [bold]rt-render design -o decoder.npz --order 5 --sofa my_head.sofa[/bold]")(
    commands_about.design
)
app.command(epilog="Examples: [bold]rt-render devices[/bold]; rt-render devices --json")(commands_about.devices)
app.command("check-sofa", epilog="Example: [bold]rt-render check-sofa my_head.sofa[/bold]")(commands_about.check_sofa)
app.command(epilog="Examples: [bold]rt-render controls[/bold]; rt-render controls --page remote.md")(
    commands_controls.controls
)
app.command(epilog="Examples: [bold]rt-render doctor[/bold]; rt-render doctor --json")(commands_about.doctor)
app.command(
    epilog="Examples: [bold]rt-render selftest[/bold]; rt-render selftest --tracker nvsonic --order 5; "
    "rt-render selftest --config my.toml --json"
)(commands_selftest.selftest)
app.command(
    epilog="Examples: [bold]rt-render latency[/bold]; rt-render latency --prediction learnt --json; "
    "rt-render latency --device 3 --input 3"
)(commands_latency.latency)
app.command(
    "panorama-report",
    epilog="Examples: [bold]rt-render panorama-report[/bold]; rt-render panorama-report song.flac -o song",
)(commands_panorama.panorama_report)
app.add_typer(
    commands_booth.booth_app,
    name="booth",
    epilog="Examples: [bold]rt-render booth --config configs/booth.toml[/bold]; rt-render booth install --help",
)
app.command(
    epilog="Examples: [bold]rt-render watch[/bold]; rt-render watch --config booth.toml; "
    "rt-render watch 'http://127.0.0.1:8765/#token=WORD'"
)(commands_watch.watch)
app.command(epilog="Examples: [bold]rt-render bench[/bold]; rt-render bench speed --json")(commands_about.bench)
