"""The commands of a booth: rt-render booth, rt-render booth install."""

from contextlib import suppress
from typing import Annotated

import typer
from rich.markup import escape

from firmware_bridge.commands.terminal import OUT, say
from rt_render.app.cli_options import Config, Force
from rt_render.errors import ConfigurationError

booth_app = typer.Typer(rich_markup_mode="rich", context_settings={"help_option_names": ["-h", "--help"]})


@booth_app.callback(invoke_without_command=True)
def booth(context: typer.Context, config: Config = None) -> None:
    """Play for visitors, and look after itself: rest while nobody listens, begin anew when something hangs."""
    if context.invoked_subcommand is not None:
        return
    from rt_render.app.booth.config_watch import check
    from rt_render.app.booth.keeper import Keeper
    from rt_render.app.booth.state_files import last_good

    found = check(config)
    if found.settings is None and last_good(config) is None:
        raise ConfigurationError(found.refused)  # told now, to whom it concerns
    if status := Keeper(config, _say).run():
        raise typer.Exit(status)


@booth_app.command(epilog="Example: [bold]rt-render booth install --config booth.toml[/bold]")
def install(
    config: Config = None,
    print_it: Annotated[bool, typer.Option("--print", help="Print the unit and write nothing.")] = False,
    force: Force = False,
) -> None:
    """Write a systemd user unit that starts the booth with the machine; nothing is started yet."""
    from rt_render.app.booth.config_watch import check
    from rt_render.app.booth.unit import next_steps, unit_folder, unit_text, write_unit

    if refused := check(config).refused:
        raise ConfigurationError(refused)
    if print_it:
        OUT.print(unit_text(config), soft_wrap=True, markup=False, highlight=False, end="")
        return
    path = write_unit(config, unit_folder(), force)
    OUT.print(f"[bold]{escape(str(path))}[/bold] written. Start the booth now, and with the machine:", soft_wrap=True)
    for step in next_steps():
        OUT.print(f"  {step}", soft_wrap=True, highlight=False)


def _say(text: str) -> None:
    with suppress(SystemExit):  # rich's word that nobody reads any more: it is silent then, and the booth plays on
        say(OUT, text, "")
