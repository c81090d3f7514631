"""Who may control this program over the network, and how fast: this machine, and hosts that said the token."""

import hmac
from collections import OrderedDict
from ipaddress import ip_address

from rt_render.app.rate import Rate, RateOfEach

MAX_HOSTS, ADMITTED_S = 16, 3600.0
"""So many other machines at once, each until it has said nothing for an hour."""
PACKETS_PER_S = 5000.0
STRANGER_PER_S, STRANGERS_PER_S = 10.0, 500.0
"""Of each other machine that did not say the token yet, and of all such; tokens and everything else, each so many."""
MIN_TOKEN = 8


def is_this_machine(host: str) -> bool:
    """Tell whether an address, or "localhost", is reached from this machine alone."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


class Guard:
    """Decides whom to hear, by the address of a packet. `token`: None lets no other machine in. One thread.

    Addresses of UDP packets can be forged within a network: this keeps out who does not know the token, not who
    already listens on the line.
    """

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._hosts: OrderedDict[str, float] = OrderedDict()
        self._packets = Rate(PACKETS_PER_S)
        self._tokens, self._junk = (RateOfEach(STRANGER_PER_S, STRANGERS_PER_S) for _ in range(2))

    def hears(self, host: str, now_s: float, *, is_token: bool = False) -> bool:
        """Whether a packet of a host may be looked at now: not where they come too fast, strangers' above all.

        A stranger's tokens are counted apart from all else of strangers, so that a flood does not keep them out.
        """
        if self.knows(host, now_s):
            return self._packets.allows(now_s)
        return (self._tokens if is_token else self._junk).allows(host, now_s)

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
