"""Decoders of datagrams: UDP packets, HID reports and Bluetooth notifications come whole or not at all."""

from abc import ABC, abstractmethod

from firmware_bridge.decoder import Counts
from firmware_bridge.messages import Message


class DatagramDecoder(ABC):
    """Each `feed` is one datagram, or several one after the other, as a pipe holds them.

    `frame_bytes` is the length of each; where it is 0, `length` tells.
    """

    frame_bytes = 0

    def __init__(self) -> None:
        self.counts = Counts()

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages of these datagrams, oldest first. Never raises."""
        if not data or (self.frame_bytes and len(data) % self.frame_bytes):
            self.counts.damaged += 1
            return []
        messages: list[Message] = []
        at = 0
        while at < len(data):
            end = at + self.length(data, at)
            messages += self.read(data[at:end])
            at = end
        self.counts.frames += len(messages)
        return messages

    def reset(self) -> None:  # noqa: B027 (most have nothing to forget)
        """Forget what earlier datagrams told; the counts stay."""

    def length(self, data: bytes, at: int) -> int:
        """Return how long the datagram at `at` is, 1 or more: all that is left, where nothing tells."""
        return self.frame_bytes or len(data) - at

    @abstractmethod
    def read(self, datagram: bytes) -> list[Message]:
        """Return the messages of one datagram, which is never empty; the subclass counts what it rejects."""
