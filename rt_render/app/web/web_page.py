"""The page of a session: its port is taken before anything else takes time, and it is shown once there is a session."""

import secrets
import socket
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from rt_render import __version__
from rt_render.app.beat import Beat
from rt_render.app.remote_guard import is_this_machine
from rt_render.app.settings import Web
from rt_render.app.web.energy_map import ENERGY_GRID
from rt_render.app.web.gate import Gate
from rt_render.app.web.place import link, listen, needs_token
from rt_render.app.web.pose_teller import PoseTeller
from rt_render.app.web.roles import visitors_token
from rt_render.errors import DeviceError

if TYPE_CHECKING:
    from rt_render.app.session import Session
    from rt_render.app.web.server import PageServer

_TOKEN_BYTES = 12


class WebPage:
    """A context that holds the port; `show` serves a session until the context is left. One thread.

    Does nothing where the settings want no page. A token is made where there are others than the operator and the
    settings have none. Visitors of this machine need none, and those of others have one of their own. `on_message` gets
    the links, of which `link` is for the person who started the program alone.
    """

    def __init__(self, settings: Web, on_message: Callable[[str], None]) -> None:
        self._settings, self._on_message = settings, on_message
        self._token = settings.web_token or (secrets.token_urlsafe(_TOKEN_BYTES) if needs_token(settings) else "")
        self._visitors: str | None = None
        if settings.web_visitors:
            self._visitors = "" if is_this_machine(settings.web_host) else visitors_token(self._token)
        self._listener: socket.socket | None = None
        self._server: PageServer | None = None
        self.link, self.visitors_link, self.port = "", "", 0

    @property
    def beats(self) -> list[Beat]:
        """The signs of life of what is served, for a heart."""
        return [self._server.beat] if self._server else []

    def __enter__(self) -> "WebPage":
        """Take the port; raises DeviceError where it cannot be had, or a library is missing."""
        if self._settings.web:
            if find_spec("websockets") is None:
                raise DeviceError(
                    "the page needs the library websockets, which is not installed: pip install 'rt-render[web]'."
                )
            self._listener = listen(self._settings.web_host, self._settings.web_port)
            self.port = int(self._listener.getsockname()[1])
            self.link = link(self._settings.web_host, self.port, self._token)
            if self._visitors is not None:
                self.visitors_link = link(self._settings.web_host, self.port, self._visitors)
        return self

    def show(self, session: "Session") -> None:
        """Serve a session, and tell the link."""
        if not self._listener:
            return
        from rt_render.app.web.server import PageServer

        self._server = PageServer(
            self._listener,
            Gate(self._settings.web_host, self._token, self._settings.web_names, self._visitors),
            session.desk,
            PoseTeller(session.surroundings()).message,
            greeting={"version": __version__, "title": "rt-render", "energy_grid": ENERGY_GRID},
            on_message=session.on_message,
        )
        self._server.start()
        who = "; whoever has this link controls what plays" if self._token else ""
        visitors = f" Visitors open {self.visitors_link} instead, and have no set-up." if self.visitors_link else ""
        self._on_message(f"the page: open {self.link} in a browser{who}.{visitors}")

    def __exit__(self, *_: object) -> None:
        if self._server:
            self._server.stop()
        elif self._listener:
            self._listener.close()
