"""Which dialect do these bytes speak? By listening only, at one speed after the other."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from firmware_bridge.decoder import Decoder, StreamDecoder
from firmware_bridge.dialect import Check, Dialect, Transport
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.messages import Motion
from firmware_bridge.source import Heard
from firmware_bridge.stages.trust import TrustGate
from firmware_bridge.transports.link import Piece

USUAL_BAUDS = (115200, 921600, 57600, 9600, 230400, 460800, 3_000_000)
MIN_FRAMES = 3
MIN_SHARE = 0.5
DWELL_S, PROMISING_S, BOOT_S = 0.6, 4.0, 3.0
"""How long one speed is listened to: usually, where it looks promising, and at first where nothing comes yet."""
MAX_BYTES_PER_SPEED = 200_000
MAX_KEPT = 4096
STRENGTH = {Check.CRC16: 2, Check.SUM8: 1, Check.NONE: 0}


def serial_dialects() -> tuple[Dialect, ...]:
    """Return the dialects that a serial port may speak, in the order of preference."""
    return tuple(dialect for dialect in DIALECTS.values() if dialect.transport is Transport.SERIAL)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A dialect that was recognised.

    `share` of the bytes since its first frame that it explains, 0..1; `rate_hz` None where too few frames came
    to tell. `decoder` has read them all and goes on where it is, `heard` are its messages, the newest 4096.
    """

    dialect: Dialect
    rate_hz: float | None
    n_frames: int
    share: float
    decoder: Decoder
    heard: tuple[Heard, ...]


class Candidate:
    """One dialect that tries to make sense of the bytes; `is_named`: the user says that it is this one. Thread: one."""

    def __init__(self, dialect: Dialect, is_named: bool = False) -> None:
        self.dialect = dialect
        self.n_frames = 0
        self.share = 0.0
        make_listener = None if is_named else dialect.make_listener
        self._decoder = (make_listener or dialect.make_decoder)()
        self._gate = TrustGate(dialect.check)
        self._heard: deque[Heard] = deque(maxlen=MAX_KEPT)
        self._arrivals_s: deque[float] = deque(maxlen=MAX_KEPT)
        self._n_bytes = self._n_explained = self._n_understood = 0

    def feed(self, piece: Piece) -> None:
        """Try these bytes."""
        had_begun = self.n_frames > 0
        n_before = self._explained()
        messages = self._decoder.feed(piece.data)
        if messages and not isinstance(self._decoder, StreamDecoder):
            self._n_understood += len(piece.data)
        for message in messages:
            self._heard.append(Heard(message, piece.arrival_s))
            if isinstance(message, Motion):
                self._gate.admit(message, piece.arrival_s)
                self._arrivals_s.append(piece.arrival_s)
                self.n_frames += 1
        if self.n_frames > 0:
            n_explained = self._explained() - n_before
            self._n_explained += n_explained
            # What came before the first frame may be the rest of another: it is not held against anyone.
            self._n_bytes += len(piece.data) if had_begun else n_explained
            self.share = min(1.0, self._n_explained / self._n_bytes) if self._n_bytes else 0.0

    def is_promising(self) -> bool:
        """Return whether much is understood, though it may not be believed yet."""
        return self.n_frames >= MIN_FRAMES and self.share >= MIN_SHARE

    def verdict(self) -> Verdict | None:
        """Return what was found out, None while that is not sure."""
        if not (self.is_promising() and self._gate.trusted):
            return None
        return Verdict(self.dialect, self._rate_hz(), self.n_frames, self.share, self._decoder, tuple(self._heard))

    def _explained(self) -> int:
        """Return the bytes so far that made sense; a datagram does as a whole or not at all."""
        return self._decoder.n_explained if isinstance(self._decoder, StreamDecoder) else self._n_understood

    def _rate_hz(self) -> float | None:
        arrivals_s = self._arrivals_s
        # Frames that came at once at first may have waited in a buffer for long.
        later = [at_s for at_s in arrivals_s if at_s > arrivals_s[0]]
        span_s = arrivals_s[-1] - arrivals_s[0]
        return len(later) / span_s if len(later) >= MIN_FRAMES else None


class Identification:
    """Tells from bytes which of several dialects they speak. No input or output here. Thread: one.

    Needs three frames that follow each other, and where a dialect has no checksum as many as the trust gate
    asks for. Where several understand the bytes, the strongest checksum wins, then who explains more of them,
    then the order of `dialects`. `is_named`: the user named dialect and port, so that only the speed is sought, and
    forms of the dialect that identify nobody count as well.
    """

    def __init__(self, dialects: Sequence[Dialect], is_named: bool = False) -> None:
        self.n_bytes = 0
        self._candidates = [Candidate(dialect, is_named) for dialect in dialects]

    def feed(self, piece: Piece) -> Verdict | None:
        """Take bytes as they came; return the verdict as soon as there is one."""
        self.n_bytes += len(piece.data)
        if self.n_bytes <= MAX_BYTES_PER_SPEED:
            for candidate in self._candidates:
                candidate.feed(piece)
        return self.verdict()

    def verdict(self) -> Verdict | None:
        """Return the best verdict at present."""
        verdicts = [verdict for candidate in self._candidates if (verdict := candidate.verdict()) is not None]
        return max(verdicts, key=lambda one: (STRENGTH[one.dialect.check], round(one.share, 1)), default=None)

    def is_promising(self) -> bool:
        """Return whether some dialect understands much."""
        return any(candidate.is_promising() for candidate in self._candidates)


class BaudSearch:
    """Listens at one speed after the other, round and round, until a dialect is sure. Thread: one.

    Feed it with `feed`; ask `turn` often: it returns the next speed when that is due, and bytes from then on
    are of that speed. `n_rounds` counts how often all speeds were tried; `n_bytes` what was heard in all.
    `is_named` as for `Identification`.
    """

    def __init__(self, dialects: Sequence[Dialect], bauds: Sequence[int], now_s: float, is_named: bool = False) -> None:
        self.baud = bauds[0]
        self.n_rounds = self.n_bytes = 0
        self._dialects, self._bauds, self._is_named = dialects, tuple(bauds), is_named
        self._began_s = self._since_s = now_s
        self._listening = Identification(dialects, is_named)

    def feed(self, pieces: Sequence[Piece]) -> Verdict | None:
        """Take what came at the present speed; return the verdict as soon as there is one."""
        verdict = None
        for piece in pieces:
            self.n_bytes += len(piece.data)
            verdict = self._listening.feed(piece)
        return verdict

    def turn(self, now_s: float) -> int | None:
        """Return the next speed where it is time for one, else None."""
        if self.n_bytes == 0 and now_s - self._began_s < BOOT_S:
            return None
        is_worth_it = len(self._bauds) == 1 or self._listening.is_promising()
        dwell_s = PROMISING_S if is_worth_it else DWELL_S
        if now_s - self._since_s < dwell_s:
            return None
        index = (self._bauds.index(self.baud) + 1) % len(self._bauds)
        self.n_rounds += index == 0
        self.baud, self._since_s = self._bauds[index], now_s
        self._listening = Identification(self._dialects, self._is_named)
        return self.baud
