"""The command that looks at a program which runs already: rt-render watch."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from firmware_bridge.commands.terminal import OUT
from rt_render.app.cli_options import Config
from rt_render.errors import ConfigurationError, DeviceError

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  what is served there is found here


def watch(
    link: Annotated[
        str | None, typer.Argument(help="The link of its page, with the token.", show_default="that of the set-up")
    ] = None,
    config: Config = None,
) -> None:
    """Show a program that runs already, such as a booth, in this terminal: by what its page tells."""
    if find_spec("websockets") is None:
        raise DeviceError(
            "to watch a program needs the library websockets, which is not installed: pip install 'rt-render[web]'."
        )
    from rt_render.app.watch.far_view import FarView
    from rt_render.app.watch.page_link import PageLink

    with PageLink(link or link_of(config)) as page, FarView(OUT) as view:
        while view(page):
            pass


def link_of(config: Path | None) -> str:
    """Return the link of the page that a set-up serves, with the token that its booth keeps.

    Raises ConfigurationError where the set-up does not tell.
    """
    from rt_render.app.booth.state_files import told_token
    from rt_render.app.settings_file import load_settings
    from rt_render.app.web.place import link

    web = load_settings(config).web
    if not web.web_port:
        raise ConfigurationError("web_port = 0 in [web] is any port: name the link that the program told.")
    return link(_EVERYWHERE.get(web.web_host, web.web_host), web.web_port, web.web_token or told_token(config) or "")
