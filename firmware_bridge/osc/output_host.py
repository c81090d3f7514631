"""Where another renderer is: numbers at once, names asked for beside the stream, again and again until known."""

import socket
import threading
from math import inf

from firmware_bridge.notices import Notices

RETRY_S = 10.0
Place = tuple[socket.AddressFamily, tuple[str, int]]


class OutputHost:
    """The address of a host and port. It never raises and never waits. Thread: one.

    A number, and "localhost", is known from the start; another name is asked for on a thread, for the answer may
    take seconds or come only once the network is there. Plug-ins listen on IPv4: that is preferred.
    """

    def __init__(self, host: str, port: int, notices: Notices) -> None:
        self._host, self._port, self._notices = host, port, notices
        self._found = _asked("127.0.0.1" if host.lower() == "localhost" else host, port, socket.AI_NUMERICHOST)
        self._asker: threading.Thread | None = None
        self._asked_s = -inf
        self._refusal = ""
        self._has_told = False

    def place(self, now_s: float) -> Place | None:
        """Return family and address, None while they are not known."""
        if self._found is not None or (self._asker is not None and self._asker.is_alive()):
            return self._found
        if self._refusal and not self._has_told:
            self._has_told = True
            self._notices.say(
                f"output host {self._host!r} is not known ({self._refusal}): trying again every {RETRY_S:g} s; "
                "its number instead of its name needs no asking"
            )
        if now_s - self._asked_s >= RETRY_S:
            self._asked_s = now_s
            self._asker = threading.Thread(target=self._ask, name="output-host", daemon=True)
            self._asker.start()
        return None

    def _ask(self) -> None:
        try:
            self._found = _resolved(self._host, self._port, 0)
        except OSError as error:
            self._refusal = error.strerror or "nobody answers"


def is_own_address(host: str) -> bool:
    """Return whether a host's number, or a usual name of it, is of this computer; nobody else is asked."""
    if host.lower() in ("localhost", socket.gethostname().lower()):
        return True
    found = _asked(host, 0, socket.AI_NUMERICHOST)
    if found is None:
        return False
    family, address = found
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            # Only an address of its own can be listened on.
            probe.bind(address)
        except OSError:
            return False
    return True


def _asked(host: str, port: int, flags: int) -> Place | None:
    try:
        return _resolved(host, port, flags)
    except OSError:
        return None


def _resolved(host: str, port: int, flags: int) -> Place:
    """Raises OSError; a name that cannot even be written as one is a kind of it."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=flags)
    except UnicodeError:
        raise OSError(0, "it is no name of a host") from None
    family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return family, (str(address[0]), port)
