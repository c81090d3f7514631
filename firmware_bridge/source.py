"""What a source of poses is, whatever it listens to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from firmware_bridge.pose import PoseSample


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How a source does: `sender` in words or "", `dropped` counts what could not be used."""

    connected: bool
    sender: str
    dropped: int


class PoseSource(Protocol):
    """A source waits, decodes, reconnects; it never raises for what comes over the wire."""

    name: str

    def poll(self, timeout_s: float) -> Sequence[PoseSample]:
        """Return the poses that came, oldest first, waiting at most `timeout_s` for the first."""

    def health(self) -> SourceHealth:
        """Return the present health. Any thread."""

    def close(self) -> None:
        """Give ports and files back. Called on the thread that polls."""


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
