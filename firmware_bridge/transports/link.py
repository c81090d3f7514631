"""What a transport gives: bytes in pieces with the moment they came, and a way back to the device."""

from abc import ABC, abstractmethod
from typing import NamedTuple


class LinkError(Exception):
    """A link that does not open or has gone; the text goes on after the link's name: "is not there: plug ..."."""


class Piece(NamedTuple):
    """Bytes that were read at once, and the monotonic time right after that.

    Datagrams, MIDI messages, HID reports and BLE notifications are one piece each. Another `sender` is another
    device, or the same one begun anew: half a frame of the former must not be continued.
    """

    data: bytes
    arrival_s: float
    sender: str = ""


class ByteLink(ABC):
    """One port of one transport; opened and closed any number of times. Thread: one.

    `name` in words; `device_id` what tells devices of a kind apart, known once open, "" where nothing does.
    `bauds`: speeds to try, empty where there is no such thing. `answers_only`: there is nobody to write to
    before somebody sent something. `descriptor`: how the device itself says its reports are laid out (HID).
    `if_silent` tells people what to do.
    """

    name: str = ""
    device_id: str = ""
    bauds: tuple[int, ...] = ()
    answers_only: bool = False
    descriptor: bytes = b""
    if_silent: str = "switch the head tracker on and check its cable"

    @abstractmethod
    def open(self, timeout_s: float) -> bool:
        """Open; False where that takes longer than `timeout_s`: call again. Raises LinkError."""

    @abstractmethod
    def read(self, timeout_s: float) -> list[Piece]:
        """Return what came, oldest first, waiting at most `timeout_s` for the first. Raises LinkError."""

    @abstractmethod
    def close(self) -> None:
        """Give the port back; without effect where it is not open. Raises LinkError where that went wrong."""

    def write(self, data: bytes) -> bool:
        """Send; False where there is nobody to send to. Raises LinkError."""
        return False

    def set_baud(self, baud: int) -> None:  # noqa: B027 (most links have no speed)
        """Go on at another speed, the port open or not; as before where that speed cannot be."""

    def believe(self, sender: str) -> None:  # noqa: B027 (most links hear one device only)
        """Note that a sender of the last pieces is believed: a link that hears many locks on to that one."""
