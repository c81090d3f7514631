"""Decoders of text: one frame is what stands between two ends."""

from abc import abstractmethod

from firmware_bridge.decoder import StreamDecoder
from firmware_bridge.messages import Message


class LineDecoder(StreamDecoder):
    """Cuts a stream at `end`; longer pieces than `max_line_bytes` are skipped up to the next end."""

    end = b"\n"
    max_line_bytes = 128

    def __init__(self) -> None:
        super().__init__()
        self._skipping = False

    def reset(self) -> None:
        """Forget half a line."""
        super().reset()
        self._skipping = False

    def scan(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        """Take one line, or skip what has no end."""
        if self._skipping:
            end = buffer.find(self.end, at)
            self._skipping = end < 0
            self.counts.damaged += 1
            return (end + 1 if end >= 0 else len(buffer)) - at, None
        end = buffer.find(self.end, at, at + self.max_line_bytes)
        if end >= 0:
            line = buffer[at:end].strip()
            return end + 1 - at, self.read_line(line) if line else None
        if len(buffer) - at < self.max_line_bytes:
            return 0, None
        self._skipping = True
        self.counts.damaged += 1
        return self.max_line_bytes, None

    @abstractmethod
    def read_line(self, line: bytes) -> Message | None:
        """Read one line without its end and outer spaces, never empty; count what is rejected."""
