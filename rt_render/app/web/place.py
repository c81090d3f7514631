"""Where the page is served: a port that is free, and the link under which it is found."""

import errno
import socket
from contextlib import closing, suppress

from rt_render.app.remote_guard import is_this_machine
from rt_render.app.settings import Web
from rt_render.errors import DeviceError

_TRIED_PORTS = 20
_BACKLOG = 64


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes any that is free.

    Raises DeviceError: for a port in use it names the next one that is free.
    """
    try:
        return _open(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise DeviceError(
                f"port {port} of {host} is in use by another program; {_free_port(host, port)}."
            ) from None
        reason = (error.strerror or str(error)).lower()
        raise DeviceError(
            f"the page cannot be served at {host} port {port} ({reason}); choose an address of this machine with "
            "web_host in [web] or --web-host, and a port with web_port or --web-port."
        ) from None


def link(host: str, port: int, token: str) -> str:
    """Return the address to open in a browser; the token is behind #, where no server or proxy gets to see it."""
    shown = host
    if host in ("0.0.0.0", "::", ""):  # noqa: S104  every interface: people need one that others reach
        shown = _own_address()
    shown = f"[{shown}]" if ":" in shown else shown
    return f"http://{shown}:{port}/" + (f"#token={token}" if token else "")


def needs_token(settings: Web) -> bool:
    """Whether there are others than the operator: from other machines, or visitors."""
    return settings.web_visitors or not is_this_machine(settings.web_host)


def _open(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def _free_port(host: str, port: int) -> str:
    for other in range(port + 1, min(port + _TRIED_PORTS, 65536)):
        with suppress(OSError), closing(_open(host, other)):
            return f"{other} is free: web_port = {other} in [web], or --web-port {other}"
    return "choose another with web_port in [web] or --web-port, or 0 for any that is free"


def _own_address() -> str:
    """Return the address of the interface that leads to other machines; nothing is sent."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe, suppress(OSError):
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return socket.gethostname()
