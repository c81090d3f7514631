"""Who speaks behind a link: each sender understood by itself, and a stranger held back until it has proved itself."""

from collections import deque
from collections.abc import Callable

from firmware_bridge.decoder import Counts, Decoder
from firmware_bridge.dialect import Check
from firmware_bridge.messages import Motion
from firmware_bridge.source import Heard
from firmware_bridge.stages.trust import TrustGate
from firmware_bridge.transports.link import Piece

MAX_STRANGERS, MAX_HELD = 4, 256
STALE_S = 5.0
"""A stranger that was silent for so long is the first to make room."""


class Sender:
    """One sender: its decoder, and where `check` is given whether its motions are believed. Thread: one.

    `held` is what a stranger said so far, the newest 256. `greeted_s` is when it was last spoken to.
    """

    def __init__(self, name: str, decoder: Decoder, check: Check | None = None) -> None:
        self.name, self.decoder = name, decoder
        self.held: deque[Heard] = deque(maxlen=MAX_HELD)
        self.n_motions = 0
        self.heard_s = self.greeted_s = float("-inf")
        self._gate = None if check is None else TrustGate(check)

    def hear(self, piece: Piece) -> list[Heard]:
        """Return the messages that these bytes complete."""
        self.heard_s = piece.arrival_s
        return [Heard(message, piece.arrival_s) for message in self.decoder.feed(piece.data)]

    def proves_itself(self, heard: list[Heard]) -> bool:
        """Return whether one of these newest motions is believed; always where nothing needs to be proved."""
        gate = self._gate
        if gate is None:
            return True
        motions = [one for one in heard if isinstance(one.message, Motion)]
        self.n_motions += len(motions)
        admitted = [gate.admit(one.message, one.arrival_s) for one in motions if isinstance(one.message, Motion)]
        return any(admitted)

    @property
    def why_not(self) -> str:
        """Return why the last motion was not believed, in words."""
        return self._gate.why if self._gate is not None else ""


class Strangers:
    """Senders that have not proved themselves, at most four: those that move least make room. Thread: one."""

    def __init__(self, make_sender: Callable[[str], Sender]) -> None:
        self._make_sender = make_sender
        self._there: dict[str, Sender] = {}
        self._past = Counts()

    def of(self, piece: Piece) -> Sender:
        """Return the sender of a piece, a new one where it was not heard before."""
        sender = self._there.get(piece.sender)
        if sender is None:
            if len(self._there) >= MAX_STRANGERS:
                self._make_room(piece.arrival_s)
            sender = self._there[piece.sender] = self._make_sender(piece.sender)
        return sender

    def remove(self, sender: Sender) -> None:
        """Let go of one that is a stranger no longer."""
        del self._there[sender.name]

    def counts(self) -> Counts:
        """Return what became of the frames of all that are strangers still, or went as such. Any thread."""
        return sum((sender.decoder.counts for sender in list(self._there.values())), self._past)

    def why_not(self) -> str:
        """Return in words why none of them is believed, "" where nobody tries."""
        doubted = [one for one in self._there.values() if one.why_not]
        return ", ".join(f"{one.name} is not believed, for {one.why_not}" for one in doubted)

    def _make_room(self, now_s: float) -> None:
        def worth(sender: Sender) -> tuple[bool, int, float]:
            return (now_s - sender.heard_s < STALE_S, sender.n_motions, sender.heard_s)

        least = min(self._there.values(), key=worth)
        self._past += least.decoder.counts
        del self._there[least.name]
