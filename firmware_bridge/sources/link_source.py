"""A source made of a link and a dialect: opens, listens, understands, answers, and comes back by itself."""

import time
from collections.abc import Callable, Sequence

from firmware_bridge.decoder import Counts, Decoder
from firmware_bridge.dialect import Dialect
from firmware_bridge.messages import Message, Motion
from firmware_bridge.notices import Notices
from firmware_bridge.raw_recording import RawRecordingWriter
from firmware_bridge.source import Heard, SourceHealth
from firmware_bridge.sources.identification import USUAL_BAUDS, BaudSearch, Verdict, serial_dialects
from firmware_bridge.sources.recording_link import RecordedLink
from firmware_bridge.sources.talker import Talker
from firmware_bridge.transports.link import ByteLink, LinkError, Piece

BACK_OFF_S = (0.1, 0.2, 0.4, 0.8, 1.0)
SILENT_S = 2.0
REGREET_S = 0.5


class LinkSource:
    """Messages of one device behind one link, whatever happens to it.

    Parameters: `dialect` as the user named it, or None: then it is found out by listening, anew after every
    reconnection, and nothing is written before; `make_decoder` where the dialect's own will not do. A link with
    several speeds is listened to at one after the other. `exact_times` is true for a link that knows them.
    """

    exact_times = False

    def __init__(
        self,
        link: ByteLink,
        dialect: Dialect | None,
        notices: Notices,
        make_decoder: Callable[[], Decoder] | None = None,
    ) -> None:
        self.name = link.name
        self.dialect = dialect
        self.device_id = ""
        self._link: ByteLink = link
        self._named, self._notices = dialect, notices
        self._make_decoder = make_decoder
        self._bauds = link.bauds
        self._is_open = False
        self._tries = 0
        self._retry_at_s = 0.0
        self._search: BaudSearch | None = None
        self._decoder: Decoder | None = None
        self._past = Counts()
        self._talker: Talker | None = None
        self._sender = ""
        self._heard_s = self._bytes_s = self._greeted_s = 0.0
        self._is_live = False
        self._is_greeted = True

    def poll(self, timeout_s: float) -> Sequence[Heard]:
        """Return the messages that these bytes completed, stamped right after the read. Never raises."""
        try:
            if not self._opened(timeout_s):
                return []
            now_s = time.monotonic()
            self._speak(now_s)
            wait_s = timeout_s if self._talker is None else min(timeout_s, self._talker.wait_s(now_s))
            pieces = self._link.read(wait_s)
            heard = self._listen(pieces) if self._search is not None else self._understand(pieces)
            self._tell(pieces, heard)
        except LinkError as loss:
            self._lost(loss)
            return []
        return heard

    def health(self) -> SourceHealth:
        """Return whether messages come, from whom, and how many frames were unusable."""
        counts = self.counts()
        sender = (self._sender or self.name) if self._is_live else ""
        return SourceHealth(self._is_live, sender, counts.dropped, counts)

    def counts(self) -> Counts:
        """Return what became of all frames so far, former connections included. Any thread."""
        past, now = self._past, self._decoder.counts if self._decoder is not None else Counts()
        return Counts(
            past.frames + now.frames,
            past.damaged + now.damaged,
            past.implausible + now.implausible,
            past.lost + now.lost,
        )

    def say(self, data: bytes) -> bool:
        """Write to the device, at its pace; False where it has not identified itself or is not there."""
        if not self._is_open or self.dialect is None or (self._search is not None and self._named is None):
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
        self._sender, self.device_id = "", self._link.device_id
        self._is_greeted = not self._link.answers_only
        self._begin(now_s)
        self._notices.repeat("opened", f"{self.name} is open, waiting for poses")
        return True

    def _begin(self, now_s: float) -> None:
        """Start to understand anew: at once where the dialect is sure, by listening where it is not."""
        self._use(None, now_s)
        if self._named is not None and len(self._bauds) < 2:
            self._search = None
            self._use(self._new_decoder(self._named), now_s)
            return
        dialects = serial_dialects() if self._named is None else (self._named,)
        is_named = self._named is not None
        self._search = BaudSearch(dialects, self._bauds or USUAL_BAUDS[:1], now_s, is_named)
        if self._bauds:
            self._link.set_baud(self._search.baud)

    def _use(self, decoder: Decoder | None, now_s: float) -> None:
        self._past, self._decoder = self.counts(), decoder
        dialect = self.dialect if decoder is not None else self._named
        talk = dialect.talk if dialect is not None else None
        self._talker = Talker(talk, now_s) if talk is not None and not self._link.answers_only else None

    def _new_decoder(self, dialect: Dialect) -> Decoder:
        return dialect.make_decoder() if self._make_decoder is None else self._make_decoder()

    def _listen(self, pieces: Sequence[Piece]) -> list[Heard]:
        search = self._search
        assert search is not None
        verdict = search.feed(pieces)
        if verdict is not None:
            return self._identified(verdict, search.baud)
        baud = search.turn(time.monotonic())
        if baud is not None and self._bauds:
            self._link.set_baud(baud)
            if self._named is not None:
                self._use(None, time.monotonic())
        return []

    def _identified(self, verdict: Verdict, baud: int) -> list[Heard]:
        self._search = None
        talks_already = self._named is not None
        is_news = self.dialect is not verdict.dialect or not talks_already
        self.dialect = verdict.dialect
        if self._bauds:
            # The next time this speed comes first.
            self._bauds = (baud, *(other for other in self._bauds if other != baud))
        talker = self._talker
        self._use(verdict.decoder, time.monotonic())
        if talks_already:
            self._talker = talker
        if is_news:
            self._notices.repeat("identified", f"{self.name} speaks {verdict.dialect.name}: {verdict.dialect.about}")
        return list(verdict.heard)

    def _understand(self, pieces: Sequence[Piece]) -> list[Heard]:
        heard: list[Heard] = []
        for data, arrival_s, sender in pieces:
            decoder = self._decoder
            if sender != self._sender or decoder is None:
                decoder = self._met(sender, arrival_s)
            messages = decoder.feed(data)
            if messages:
                self._link.believe()
                heard += [Heard(message, arrival_s) for message in messages]
                if not self._is_greeted or self._begs(messages, arrival_s):
                    self._greet(arrival_s)
        return heard

    def _met(self, sender: str, now_s: float) -> Decoder:
        """Meet another sender, or the same one after it began anew: nothing of the former is continued."""
        assert self.dialect is not None
        decoder = self._decoder
        if decoder is None or self._sender:
            decoder = self._new_decoder(self.dialect)
            self._use(decoder, now_s)
        self._sender, self.device_id = sender, self._link.device_id
        self._is_greeted = not self._link.answers_only
        return decoder

    def _begs(self, messages: Sequence[Message], now_s: float) -> bool:
        """Return whether a device that can only be answered calls, but sends no motion: it began anew."""
        if not self._link.answers_only or now_s - max(self._heard_s, self._greeted_s) < REGREET_S:
            return False
        return not any(isinstance(message, Motion) for message in messages)

    def _greet(self, now_s: float) -> None:
        self._greeted_s = now_s
        self._is_greeted = True
        if self.dialect is not None and self.dialect.talk is not None:
            self._talker = Talker(self.dialect.talk, now_s)

    def _speak(self, now_s: float) -> None:
        while self._talker is not None and (data := self._talker.due(now_s)):
            self.say(data)

    def _tell(self, pieces: Sequence[Piece], heard: Sequence[Heard]) -> None:
        now_s = time.monotonic()
        if pieces:
            self._bytes_s = now_s
        if any(isinstance(one.message, Motion) for one in heard):
            self._heard_s, self._tries = now_s, 0
            if not self._is_live:
                self._is_live = True
                self._notices.repeat("live", f"{self.name}: {self._dialect_name()} motion is coming in")
        elif self._is_open and now_s - self._heard_s > SILENT_S:
            self._is_live = False
            self._notices.repeat("silent", f"{self.name} {self._why_silent(now_s)}")
            if self._search is None and now_s - self._bytes_s < SILENT_S and self._may_be_another():
                self._begin(now_s)

    def _may_be_another(self) -> bool:
        return self._named is None or len(self._bauds) > 1

    def _dialect_name(self) -> str:
        return self.dialect.name if self.dialect is not None else "its"

    def _why_silent(self, now_s: float) -> str:
        if now_s - self._bytes_s > SILENT_S:
            return f"is open but silent: {self._link.if_silent}"
        if self._named is None:
            return (
                "sends bytes that no dialect explains so far: name the dialect if you know it "
                "(`firmware-bridge dialects` lists them), else check what the head tracker is set to send"
            )
        return (
            f"sends bytes but no poses ({self.counts().damaged} damaged frames): check its speed and that it "
            f"really speaks {self._named.name}"
        )

    def _lost(self, loss: LinkError) -> None:
        """Give the link up for now and come back after a while, longer each time."""
        self._notices.repeat("lost" if self._is_open else "open", f"{self.name} {loss}")
        self._close_link()
        self._retry_at_s = time.monotonic() + BACK_OFF_S[min(self._tries, len(BACK_OFF_S) - 1)]
        self._tries += 1

    def _close_link(self) -> None:
        self._is_open = self._is_live = False
        self._search = self._talker = None
        try:
            self._link.close()
        except LinkError as loss:
            self._notices.repeat("close", f"{self.name} {loss}")
