"""Whom to believe: one sender of datagrams at a time, the first whose poses make sense."""

import errno
from collections import deque

from firmware_bridge.notices import Notices

RELEASE_S = 5.0
"""Silence after which a sender of another host may take over."""
RELEASE_SAME_HOST_S = 0.25
"""The same for another port of the same host."""
N_REMEMBERED = 16
TOO_LONG = (errno.EMSGSIZE, 10040)
"""What Windows says of a datagram that is longer than was asked for: it is cut off elsewhere."""

Address = tuple[str, int]


class OneSender:
    """Admits packets of the trusted sender, or of anybody while there is none.

    Programs like `oscsend` take a new port for every message: a port that has sent a single packet gives way
    at once to another port of its host, unless that one was heard before. Thread: one; `sender` from any.
    """

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self.sender: Address | None = None
        self._last_pose_s = 0.0
        self._heard: Address | None = None
        self._n_packets = 0
        self._once: deque[Address] = deque(maxlen=N_REMEMBERED)

    def admits(self, sender: Address, now_s: float) -> bool:
        """Return whether a packet of this sender is to be read, and count it if so."""
        trusted, silent_s = self.sender, now_s - self._last_pose_s
        if trusted is not None and silent_s > RELEASE_S:
            self._notices.say(f"{in_words(trusted)} has been silent for {RELEASE_S:g} s")
            trusted = self.sender = None
        if trusted is not None and trusted != sender:
            same_host = trusted[0] == sender[0]
            if not same_host or (self._n_packets > 1 and silent_s <= RELEASE_SAME_HOST_S):
                self._tell_ignored(sender, trusted, RELEASE_SAME_HOST_S if same_host else RELEASE_S)
                return False
            self.sender = sender
        self._count(sender)
        return True

    def believe(self, sender: Address, now_s: float) -> bool:
        """Note that a pose of an admitted sender came; return whether there was nobody to trust before."""
        is_new = self.sender is None
        self.sender = sender
        self._last_pose_s = now_s
        return is_new

    def _count(self, sender: Address) -> None:
        if sender == self._heard:
            self._n_packets += 1
            return
        # A port that comes back is a sender that goes on: two of those must not take turns.
        self._n_packets = 2 if sender in self._once else 1
        self._heard = sender
        self._once.append(sender)

    def _tell_ignored(self, sender: Address, trusted: Address, release_s: float) -> None:
        self._notices.repeat(
            "foreign",
            f"{in_words(sender)} also sends, but {in_words(trusted)} came first: ignored until that one is "
            f"silent for {release_s:g} s",
        )


def in_words(address: Address) -> str:
    """Return host and port as people write them."""
    return f"{address[0]}:{address[1]}"
