"""What a source of poses is, whatever it listens to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from firmware_bridge.decoder import Counts
from firmware_bridge.dialect import Dialect
from firmware_bridge.messages import Message
from firmware_bridge.pose import PoseSample
from firmware_bridge.raw_recording import RawRecordingWriter


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How a source does: `sender` in words or "", `dropped` counts what could not be used, `counts` of which kind.

    `is_open` is false once the port itself is gone or could not be opened, and not where it is only silent.
    `is_worn` is false where nobody wears anything, and no pose will ever come.
    """

    connected: bool
    sender: str
    dropped: int
    counts: Counts | None = None
    is_open: bool = True
    is_worn: bool = True


@dataclass(frozen=True, slots=True)
class Heard:
    """A message and the host's monotonic time right after the read that completed it.

    Sources that know their times beforehand (a file, a simulated head) put the exact moment here.
    """

    message: Message
    arrival_s: float


class Source(Protocol):
    """Where messages come from: waits, decodes, reconnects; it never raises for what comes over the wire.

    `dialect` is None until a port has identified itself; `device_id` tells devices apart (USB serial number,
    MIDI name, address), "" where nothing does. `exact_times` is true where `arrival_s` is the moment itself.
    """

    name: str
    dialect: Dialect | None
    device_id: str
    exact_times: bool

    def poll(self, timeout_s: float) -> Sequence[Heard]:
        """Return what came, oldest first, waiting at most `timeout_s` for the first."""

    def health(self) -> SourceHealth:
        """Return the present health. Any thread."""

    def say(self, data: bytes) -> bool:
        """Write to the device; False where that cannot be done. Called on the thread that polls."""

    def close(self) -> None:
        """Give ports and files back. Called on the thread that polls."""


@runtime_checkable
class Recordable(Protocol):
    """A source whose raw bytes can be kept."""

    def record(self, writer: RawRecordingWriter) -> None:
        """Write down all bytes that come from now on; one recording per source."""


def look_in_words(pose: PoseSample) -> str:
    """Return a pose as a person would say it: "you look 30° to the left, 10° down, ..."."""
    yaw, pitch, roll = (round(angle) for angle in pose.yaw_pitch_roll_deg())
    parts = []
    if yaw:
        parts.append(f"you look {abs(yaw)}° to the {'left' if yaw > 0 else 'right'}")
    if pitch:
        parts.append(f"{'' if parts else 'you look '}{abs(pitch)}° {'up' if pitch > 0 else 'down'}")
    if not parts:
        parts.append("you look straight ahead")
    if roll:
        parts.append(f"your head leans {abs(roll)}° to the {'right' if roll > 0 else 'left'}")
    return ", ".join(parts)
