"""A source made of a link and a dialect: opens, listens, understands, answers, and comes back by itself."""

import time
from collections.abc import Callable, Sequence

from firmware_bridge.decoder import Counts, Decoder
from firmware_bridge.dialect import Dialect
from firmware_bridge.messages import Motion, Told
from firmware_bridge.notices import Notices
from firmware_bridge.raw_recording import RawRecordingWriter
from firmware_bridge.source import Heard, SourceHealth
from firmware_bridge.sources.identification import USUAL_BAUDS, BaudSearch, Verdict, serial_dialects
from firmware_bridge.sources.reasons import why_no_pose, why_nothing_comes
from firmware_bridge.sources.recording_link import RecordedLink
from firmware_bridge.sources.senders import Sender, Strangers
from firmware_bridge.sources.talker import Talker
from firmware_bridge.transports.link import ByteLink, LinkError, Piece

BACK_OFF_S = (0.1, 0.2, 0.4, 0.8, 1.0)
SILENT_S = 2.0
REGREET_S = 0.5


class LinkSource:
    """Messages of one device behind one link, whatever happens to it.

    Parameters: `dialect` as the user named it, or None: then it is found out by listening, anew after every
    reconnection or silence; `make_decoder` where the dialect's own will not do. A link with several speeds is
    listened to at one after the other. Nothing is written before the dialect was heard, unless it is named and
    either the speed is sure or the device is silent until asked; `listen_first` holds a named one to that, too.
    Where several may send (UDP), one is heard once it has proved itself, and then no other. `exact_times` is true
    for a link that knows them.
    """

    exact_times = False

    def __init__(
        self,
        link: ByteLink,
        dialect: Dialect | None,
        notices: Notices,
        make_decoder: Callable[[], Decoder] | None = None,
        *,
        listen_first: bool = False,
    ) -> None:
        self.name = link.name
        self._named = None if listen_first else dialect
        self.dialect = self._named
        self.device_id = ""
        self._link: ByteLink = link
        self._wanted, self._notices = dialect, notices
        self._make_decoder = make_decoder
        self._bauds = link.bauds
        self._is_open = False
        self._tries = 0
        self._retry_at_s = 0.0
        self._search: BaudSearch | None = None
        self._sender: Sender | None = None
        self._strangers = Strangers(self._new_sender)
        self._past = Counts()
        self._talker = Talker()
        self._heard_s = self._bytes_s = 0.0
        self._is_live = False

    def poll(self, timeout_s: float) -> Sequence[Heard]:
        """Return the messages that these bytes completed, stamped right after the read. Never raises."""
        try:
            if not self._opened(timeout_s):
                return []
            now_s = time.monotonic()
            self._speak(now_s)
            pieces = self._link.read(min(timeout_s, self._talker.wait_s(now_s)))
            if pieces and self._named is None and self._search is None and now_s - self._bytes_s > SILENT_S:
                # What comes after a silence may be another device.
                self._begin(now_s)
            heard = self._listen(pieces) if self._search is not None else self._understand(pieces)
            self._tell(pieces, heard)
        except LinkError as loss:
            self._lost(loss)
            return []
        return heard

    def health(self) -> SourceHealth:
        """Return whether messages come, from whom, and how many frames were unusable."""
        counts, sender = self.counts(), self._sender
        words = ((sender.name if sender is not None else "") or self.name) if self._is_live else ""
        return SourceHealth(self._is_live, words, counts.dropped, counts, self._is_open)

    def counts(self) -> Counts:
        """Return what became of all frames so far, former connections included. Any thread."""
        past, sender = self._past + self._strangers.counts(), self._sender
        return past if sender is None else past + sender.decoder.counts

    def say(self, data: bytes) -> bool:
        """Write to the device, at its pace; False where it has not identified itself or is not there."""
        if not self._is_open or self.dialect is None or (self._search is not None and not self._waits_to_be_asked()):
            return False
        gap_s = self.dialect.talk.byte_gap_s if self.dialect.talk is not None else 0.0
        try:
            if gap_s <= 0.0:
                return self._link.write(data)
            for byte in data:
                if not self._link.write(bytes((byte,))):
                    return False
                time.sleep(gap_s)
        except LinkError as loss:
            self._lost(loss)
            return False
        return True

    def record(self, writer: RawRecordingWriter) -> None:
        """Write down all bytes that come from now on; one recording per source."""
        if not isinstance(self._link, RecordedLink):
            dialect = None if self.dialect is None else self.dialect.name
            self._link = RecordedLink(self._link, writer, dialect, self._notices)

    def close(self) -> None:
        """Say the closing words and free the link."""
        talk = self.dialect.talk if self.dialect is not None else None
        if talk is not None and talk.closing:
            self.say(talk.closing)
        self._close_link()

    def _opened(self, timeout_s: float) -> bool:
        if self._is_open:
            return True
        wait_s = self._retry_at_s - time.monotonic()
        if wait_s > 0.0:
            time.sleep(min(timeout_s, wait_s))
            return False
        if not self._link.open(timeout_s):
            return False
        now_s = time.monotonic()
        self._is_open = True
        self._heard_s = self._bytes_s = now_s
        self.device_id = self._link.device_id
        self._begin(now_s)
        self._notices.repeat("opened", f"{self.name} is open, waiting for poses")
        return True

    def _begin(self, now_s: float) -> None:
        """Start to understand anew: at once where the dialect is sure, by listening where it is not."""
        self._hear_only(None)
        self._talker.close()
        if self._named is not None and len(self._bauds) < 2:
            self._search = None
            if not self._link.answers_only:
                self._hear_only(self._new_sender(""))
                self._open_talk(now_s)
            return
        dialects = serial_dialects() if self._wanted is None else (self._wanted,)
        is_named = self._named is not None
        self._search = BaudSearch(dialects, self._bauds or USUAL_BAUDS[:1], now_s, is_named)
        if self._bauds:
            self._link.set_baud(self._search.baud)
        if self._waits_to_be_asked():
            self._open_talk(now_s)

    def _waits_to_be_asked(self) -> bool:
        talk = self._named.talk if self._named is not None else None
        return talk is not None and talk.silent_until_asked

    def _open_talk(self, now_s: float) -> None:
        self._talker.open(self.dialect.talk if self.dialect is not None else None, now_s)

    def _new_sender(self, name: str) -> Sender:
        dialect = self.dialect
        assert dialect is not None
        decoder = dialect.make_decoder() if self._make_decoder is None else self._make_decoder()
        return Sender(name, decoder, dialect.check if self._link.answers_only else None)

    def _hear_only(self, sender: Sender | None) -> None:
        before, self._sender = self._sender, sender
        if before is not None:
            self._past += before.decoder.counts

    def _listen(self, pieces: Sequence[Piece]) -> list[Heard]:
        search = self._search
        assert search is not None
        verdict = search.feed(pieces)
        if verdict is not None:
            return self._identified(verdict, search.baud, pieces[-1].sender)
        now_s = time.monotonic()
        baud = search.turn(now_s)
        if baud is not None and self._bauds:
            self._link.set_baud(baud)
            if self._waits_to_be_asked():
                self._open_talk(now_s)
        return []

    def _identified(self, verdict: Verdict, baud: int, sender: str) -> list[Heard]:
        self._search = None
        is_news = self.dialect is not verdict.dialect or self._named is None
        self.dialect = verdict.dialect
        if self._bauds:
            # The next time this speed comes first.
            self._bauds = (baud, *(other for other in self._bauds if other != baud))
        self._hear_only(Sender(sender, verdict.decoder))
        if not self._talker.is_open:
            self._open_talk(time.monotonic())
        if is_news:
            self._notices.repeat("identified", f"{self.name} speaks {verdict.dialect.name}: {verdict.dialect.about}")
        return list(verdict.heard)

    def _understand(self, pieces: Sequence[Piece]) -> list[Heard]:
        heard: list[Heard] = []
        for piece in pieces:
            sender = self._sender
            if sender is None or sender.name != piece.sender:
                if self._link.answers_only:
                    heard += self._hear_stranger(piece)
                    continue
                # The same device begun anew: nothing of before is continued.
                sender = self._new_sender(piece.sender)
                self._hear_only(sender)
            new = sender.hear(piece)
            if self._link.answers_only and new:
                self._follow(sender, new, piece.arrival_s)
            elif any(_is_reset(one) for one in new) and self._talker.opened_s <= piece.arrival_s:
                self._open_talk(max(piece.arrival_s, self._talker.opened_s + REGREET_S))
            heard += new
        return heard

    def _hear_stranger(self, piece: Piece) -> list[Heard]:
        """Hold back what a stranger says until it has proved itself: only then it is heard, and nobody else."""
        sender = self._strangers.of(piece)
        new = sender.hear(piece)
        sender.held += new
        if new and self._follow(sender, new, piece.arrival_s):
            self._strangers.remove(sender)
            self._hear_only(sender)
            self.device_id = self._link.device_id
            return list(sender.held)
        return []

    def _follow(self, sender: Sender, heard: list[Heard], now_s: float) -> bool:
        """Believe one of several senders, greet it, and again whenever it calls; return whether it is believed."""
        is_believed = sender.proves_itself(heard)
        if is_believed:
            self._link.believe(sender.name)
        has_moved = any(isinstance(one.message, Motion) for one in heard)
        last_s = max(sender.greeted_s, self._heard_s if sender is self._sender else sender.greeted_s)
        calls = not has_moved and now_s - last_s >= REGREET_S
        if calls or (is_believed and sender.greeted_s < 0.0):
            sender.greeted_s = now_s
            self._open_talk(now_s)
        return is_believed

    def _speak(self, now_s: float) -> None:
        if self._named is not None and self._search is None and not self._link.answers_only:
            self._talker.hears_nothing(self._heard_s, now_s)
        while data := self._talker.due(now_s):
            self.say(data)

    def _tell(self, pieces: Sequence[Piece], heard: Sequence[Heard]) -> None:
        now_s = time.monotonic()
        if pieces:
            self._bytes_s = now_s
        if any(isinstance(one.message, Motion) for one in heard):
            self._talker.hears_motion(now_s)
            self._heard_s, self._tries = now_s, 0
            if not self._is_live:
                self._is_live = True
                dialect = self.dialect.name if self.dialect is not None else "its"
                self._notices.repeat("live", f"{self.name}: {dialect} motion is coming in")
        elif self._is_open and now_s - self._heard_s > SILENT_S:
            self._is_live = False
            self._notices.repeat("silent", f"{self.name} {self._why_silent(now_s)}")
            may_be_another = self._named is None or len(self._bauds) > 1
            if self._search is None and now_s - self._bytes_s < SILENT_S and may_be_another:
                self._begin(now_s)

    def _why_silent(self, now_s: float) -> str:
        if now_s - self._bytes_s > SILENT_S:
            waits = self._named is not None and self._search is not None
            return why_nothing_comes(self._link.if_silent, self._wanted, waits)
        return why_no_pose(self._wanted, self.counts().damaged, self._strangers.why_not())

    def _lost(self, loss: LinkError) -> None:
        """Give the link up for now and come back after a while, longer each time."""
        self._notices.repeat("lost" if self._is_open else "open", f"{self.name} {loss}")
        self._close_link()
        self._retry_at_s = time.monotonic() + BACK_OFF_S[min(self._tries, len(BACK_OFF_S) - 1)]
        self._tries += 1

    def _close_link(self) -> None:
        self._is_open = self._is_live = False
        self._search = None
        self._talker.close()
        try:
            self._link.close()
        except LinkError as loss:
            self._notices.repeat("close", f"{self.name} {loss}")


def _is_reset(heard: Heard) -> bool:
    message = heard.message
    return isinstance(message, Told) and message.kind == "event" and message.values.get("event") == "reset"
