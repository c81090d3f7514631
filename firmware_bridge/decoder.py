"""What every decoder is: bytes in, in pieces of any size; messages out. No input or output here."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

from firmware_bridge.messages import Message


@dataclass(slots=True)
class Counts:
    """What became of the bytes so far.

    `frames` were whole and gave a message; `damaged` failed a checksum or their form; `implausible` were
    whole but cannot be true (norm, range); `lost` never came, by the device's own counter.
    """

    frames: int = 0
    damaged: int = 0
    implausible: int = 0
    lost: int = 0

    @property
    def dropped(self) -> int:
        """Return the number of frames that were damaged, implausible or lost."""
        return self.damaged + self.implausible + self.lost

    def __add__(self, other: "Counts") -> "Counts":
        """Return both together."""
        return Counts(
            self.frames + other.frames,
            self.damaged + other.damaged,
            self.implausible + other.implausible,
            self.lost + other.lost,
        )


class Decoder(Protocol):
    """Reads one dialect. It never raises for what comes over the wire. Thread: one."""

    counts: Counts

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete, oldest first."""

    def reset(self) -> None:
        """Forget half a frame and the last counter, as after a reconnection; the counts stay."""


class StreamDecoder(ABC):
    """Decoder of a byte stream without borders: subclasses look at one place at a time.

    `max_frame_bytes` bounds what is ever kept. Datagram decoders (UDP, HID reports, BLE notifications) need
    no such help: there each `feed` is one datagram. `n_explained` counts the bytes that were not rejected:
    of several dialects that find frames, the right one explains most.
    """

    max_frame_bytes = 1024

    def __init__(self) -> None:
        self.counts = Counts()
        self.n_explained = 0
        self._pending = b""

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete, oldest first. Never raises."""
        buffer, at = self._pending + data, 0
        messages: list[Message] = []
        counts = self.counts
        while at < len(buffer):
            n_rejected = counts.damaged + counts.implausible
            n_bytes, message = self.scan(buffer, at)
            if n_bytes == 0:
                break
            at += n_bytes
            if counts.damaged + counts.implausible == n_rejected:
                self.n_explained += n_bytes
            if message is not None:
                self.counts.frames += 1
                messages.append(message)
        self._pending = buffer[at:]
        if len(self._pending) > self.max_frame_bytes:
            self.counts.damaged += 1
            self._pending = b""
        return messages

    def reset(self) -> None:
        """Forget half a frame; the counts stay."""
        self._pending = b""

    @abstractmethod
    def scan(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        """Look at `buffer[at:]`, which is never empty.

        Return how many bytes are done with and the message they gave. (0, None) asks for more bytes;
        (n, None) is rubbish or a frame without a message: the subclass counts what it rejects, and after a
        bad checksum steps on by one byte only, for a frame may begin within what looked like one.
        """
