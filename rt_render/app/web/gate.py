"""Who may come in: checks of a request's host, origin and token, against pages of others and against guests."""

import hmac
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from rt_render.app.remote_guard import is_this_machine
from rt_render.app.web.roles import Role


class Gate:
    """What is checked before a client is heard: pure functions of its request; any thread.

    `host`: the address that is listened at; `token`: what clients must know, "" for nothing; `names`: under which
    other machines know this one, besides its own name; `visitors`: what those must know that are only visitors, "" for
    nothing, None where there are none.
    """

    def __init__(self, host: str, token: str, names: Sequence[str] = (), visitors: str | None = None) -> None:
        self._token = token.encode()
        self._visitors = None if visitors is None else visitors.encode()
        self._local = is_this_machine(host)
        own = socket.gethostname().lower()
        self._names = {own, f"{own.split('.')[0]}.local", *(name.lower() for name in names)}

    def refusal(self, hosts: Sequence[str], origins: Sequence[str]) -> str | None:
        """Return why a request with these Host and Origin headers is turned away, or None.

        A page of another site may point its own name at this machine, and is known by that name; it cannot hide from
        where it comes either. Programs that are no browsers tell no origin.
        """
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return "This address is not known here: open the link that the program shows."
        if any(_place_of(origin) != hosts[0].lower() for origin in origins):
            return "Pages of other sites may not control this one: open the link that the program shows."
        return None

    def role(self, path: str) -> Role | None:
        """Return whose token a path has in its query, None for nobody's."""
        try:
            query = parse_qs(urlsplit(path).query, max_num_fields=8)
        except ValueError:
            return None
        given = query.get("token", [""])[0].encode(errors="replace")
        if not self._token or hmac.compare_digest(given, self._token):
            return Role.OPERATOR
        if self._visitors is not None and hmac.compare_digest(given, self._visitors):
            return Role.VISITOR
        return None

    def _is_ours(self, host_header: str) -> bool:
        host = _split_host(host_header)
        if host is None:
            return False
        if self._local:
            return is_this_machine(host)
        return host == "localhost" or host in self._names or _is_number(host)


def _place_of(origin: str) -> str | None:
    """Return host and port of an origin such as http://localhost:8765; None for what is none."""
    scheme, separator, rest = origin.lower().partition("://")
    return rest if separator and scheme in ("http", "https") else None


def _split_host(host_header: str) -> str | None:
    try:
        parts = urlsplit(f"//{host_header}")
        _ = parts.port  # raises for what is no port
    except ValueError:
        return None
    return parts.hostname if parts.netloc == host_header and not parts.username else None


def _is_number(host: str) -> bool:
    """Whether a host is an address, which no name server can point elsewhere."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
