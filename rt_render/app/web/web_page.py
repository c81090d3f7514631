"""The page of a session: its port is taken before anything else takes time, and it is shown once there is a session."""

import secrets
import socket
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from rt_render import __version__
from rt_render.app.beat import Beat
from rt_render.app.settings import Web
from rt_render.app.web.energy_map import ENERGY_GRID
from rt_render.app.web.gate import Gate
from rt_render.app.web.place import link, listen, needs_token
from rt_render.app.web.pose_teller import PoseTeller, Quat
from rt_render.errors import DeviceError

if TYPE_CHECKING:
    from rt_render.app.session import Session
    from rt_render.app.web.server import PageServer

_TOKEN_BYTES = 12


class WebPage:
    """A context that holds the port; `show` serves a session until the context is left. One thread.

    Does nothing where the settings want no page. A token is made where others than this machine reach the address and
    the settings have none. `on_message` gets the link, which is for the person who started the program alone.
    """

    def __init__(self, settings: Web, on_message: Callable[[str], None]) -> None:
        self._settings, self._on_message = settings, on_message
        host = settings.web_host
        self._token = settings.web_token or (secrets.token_urlsafe(_TOKEN_BYTES) if needs_token(host) else "")
        self._listener: socket.socket | None = None
        self._server: PageServer | None = None
        self.link, self.port = "", 0

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
        return self

    def show(self, session: "Session") -> None:
        """Serve a session, and tell the link."""
        if not self._listener:
            return
        from rt_render.app.web.server import PageServer

        self._server = PageServer(
            self._listener,
            Gate(self._settings.web_host, self._token, self._settings.web_names),
            session.desk,
            _teller(session).message,
            greeting={"version": __version__, "title": "rt-render", "energy_grid": ENERGY_GRID},
            on_message=session.on_message,
        )
        self._server.start()
        who = "; whoever has this link controls what plays" if self._token else ""
        self._on_message(f"the page: open {self.link} in a browser{who}.")

    def __exit__(self, *_: object) -> None:
        if self._server:
            self._server.stop()
        elif self._listener:
            self._listener.close()


def _teller(session: "Session") -> PoseTeller:
    def head() -> Quat | None:
        pose = None if session.comparison.follows_head else session.newest_pose()
        return pose.quat_world_from_head if pose else None

    return PoseTeller(session.engine, head, lambda: session.comparison.blind)
