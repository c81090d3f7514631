"""Streams whose frames all begin with the same bytes: rubbish is skipped at the speed of a search."""

from abc import abstractmethod

from firmware_bridge.decoder import StreamDecoder
from firmware_bridge.messages import Message


class SyncedDecoder(StreamDecoder):
    """Calls `read_frame` where `sync` (one byte, or one byte twice) is found, and counts each straying once."""

    sync: bytes

    def __init__(self) -> None:
        super().__init__()
        self.astray = False

    def reset(self) -> None:
        """Forget half a frame; the counts stay."""
        super().reset()
        self.astray = False

    def scan(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        """Look at one place: a frame, or rubbish up to the next one's beginning."""
        start = buffer.find(self.sync, at)
        if start == at:
            n_bytes, message = self.read_frame(buffer, at)
            if n_bytes:
                self.astray = n_bytes == 1
            return n_bytes, message
        if start < 0:
            start = len(buffer) - (len(self.sync) > 1 and buffer[-1] == self.sync[0])
        if start > at and not self.astray:
            self.astray = True
            self.counts.damaged += 1
        return start - at, None

    def wait(self, buffer: bytes, at: int) -> tuple[int, None]:
        """Ask for the rest of a frame, unless a whole good one already stands in it: then its length is wrong."""
        inner = buffer.find(self.sync, at + 1)
        while inner >= 0:
            if self.stands_at(buffer, inner):
                return self.damaged()
            inner = buffer.find(self.sync, inner + 1)
        return 0, None

    def stands_at(self, buffer: bytes, at: int) -> bool:
        """Return whether a frame that tells a motion stands whole at `at`; False where that is never asked."""
        return False

    def damaged(self) -> tuple[int, None]:
        """Count a frame that failed, unless the stream strayed already; step on by one byte."""
        self.counts.damaged += not self.astray
        return 1, None

    def implausible(self) -> tuple[int, None]:
        """Count a frame that is whole but cannot be true; step on by one byte."""
        self.counts.implausible += 1
        return 1, None

    @abstractmethod
    def read_frame(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        """Read the frame at `at`: its length and message, (0, None) while it is not whole, or what it failed for."""
