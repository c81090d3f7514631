"""Decoders of datagrams: UDP packets, HID reports and Bluetooth notifications come whole or not at all."""

from abc import ABC, abstractmethod

from firmware_bridge.decoder import Counts
from firmware_bridge.messages import Message


class DatagramDecoder(ABC):
    """Each `feed` is one datagram, or several of `frame_bytes` each one after the other, as a pipe holds them.

    A `frame_bytes` of 0 leaves lengths to `read`.
    """

    frame_bytes = 0

    def __init__(self) -> None:
        self.counts = Counts()

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages of these datagrams, oldest first. Never raises."""
        size = self.frame_bytes or len(data)
        if not data or len(data) % size:
            self.counts.damaged += 1
            return []
        messages: list[Message] = []
        for at in range(0, len(data), size):
            messages += self.read(data[at : at + size])
        self.counts.frames += len(messages)
        return messages

    def reset(self) -> None:  # noqa: B027 (most have nothing to forget)
        """Forget what earlier datagrams told; the counts stay."""

    @abstractmethod
    def read(self, datagram: bytes) -> list[Message]:
        """Return the messages of one datagram, which is never empty; the subclass counts what it rejects."""
