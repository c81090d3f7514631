"""Who may control this program over the network, and how fast: this machine, and hosts that said the token."""

import hmac
from collections import OrderedDict
from ipaddress import ip_address

MAX_HOSTS, ADMITTED_S = 16, 3600.0
"""So many other machines at once, each until it has said nothing for an hour."""
PACKETS_PER_S, STRANGERS_PER_S = 5000.0, 10.0
MIN_TOKEN = 8


def is_this_machine(host: str) -> bool:
    """Tell whether an address, or "localhost", is reached from this machine alone."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


class Rate:
    """Lets so many a second through, with a second's worth in reserve. One thread."""

    def __init__(self, per_s: float) -> None:
        self._per_s = self._left = per_s
        self._at_s: float | None = None

    def allows(self, now_s: float) -> bool:
        """Take one, or tell that there are none left."""
        since_s = 0.0 if self._at_s is None else max(0.0, now_s - self._at_s)
        self._left, self._at_s = min(self._per_s, self._left + since_s * self._per_s), now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Guard:
    """Decides whom to hear, by the address of a packet. `token`: None lets no other machine in. One thread.

    Addresses of UDP packets can be forged within a network: this keeps out who does not know the token, not who
    already listens on the line.
    """

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._hosts: OrderedDict[str, float] = OrderedDict()
        self._packets, self._strangers = Rate(PACKETS_PER_S), Rate(STRANGERS_PER_S)

    def hears(self, host: str, now_s: float) -> bool:
        """Whether a packet of a host may be looked at now: not where they come too fast, strangers' above all."""
        known = self.knows(host, now_s)
        return (self._packets if known else self._strangers).allows(now_s)

    def knows(self, host: str, now_s: float) -> bool:
        """Whether a host may control: this machine, or one that said the token within the last hour of talk."""
        if is_this_machine(host):
            return True
        heard_s = self._hosts.get(host)
        if heard_s is None or now_s - heard_s > ADMITTED_S:
            self._hosts.pop(host, None)
            return False
        self._hosts[host] = now_s
        self._hosts.move_to_end(host)
        return True

    def admit(self, host: str, said: object, now_s: float) -> bool:
        """Let a host in that says the token; the one that was silent for longest leaves where there are too many."""
        if self._token is None or not isinstance(said, str):
            return False
        if not hmac.compare_digest(said.encode(), self._token.encode()):
            return False
        self._hosts[host] = now_s
        self._hosts.move_to_end(host)
        if len(self._hosts) > MAX_HOSTS:
            self._hosts.popitem(last=False)
        return True
