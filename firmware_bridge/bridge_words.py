"""What a bridge says of itself beside the pose: words of the mailbox that any attached program can read.

The words lie from `OFFSET_BRIDGE_WORDS` on, an int64 each, in the order of `BridgeWords`; -1 stands for
unknown. The heartbeat is stored last: where it is not 0, the others were told. Each word is whole, all of
them together need not be of one moment. The lock on the file says who may write; a bridge that died is
known by its heartbeat, which stands still.
"""

import struct
from dataclasses import astuple, dataclass
from enum import IntEnum

from firmware_bridge.messages import Quat

HEARTBEAT_EVERY_S = 0.25
UNKNOWN = -1


class StateWord(IntEnum):
    """What the poses are at this moment; NONE where nobody wears anything."""

    NONE = 0
    WAITING = 1
    LIVE = 2
    HELD = 3
    EASING = 4
    FRONT = 5
    ENDED = 6


@dataclass(frozen=True, slots=True)
class BridgeWords:
    """State (`StateWord`), process, figures of health, and host monotonic times.

    `rate_mhz` in thousandths of a hertz, `newest_ns` the moment of the newest measurement, `dropped` frames
    damaged, implausible or lost, `drift_mdeg_per_min` thousandths of a degree a minute, without sign.
    """

    state: int
    process_id: int
    rate_mhz: int
    newest_ns: int
    jitter_us: int
    gaps: int
    dropped: int
    drift_mdeg_per_min: int
    battery_per_mille: int
    heartbeat_ns: int

    def row(self) -> tuple[int, ...]:
        """Return the words in their order."""
        return astuple(self)


N_BRIDGE_WORDS = 10


@dataclass(frozen=True, slots=True)
class Kept:
    """What the next bridge at the same mailbox goes on with.

    `reference` is what is ahead for the device whose mark is `device` (0: for none), `recentres` how many
    requests were answered.
    """

    device: int
    reference: Quat
    recentres: int

    def row(self) -> tuple[int, ...]:
        """Return the words in their order, `device` first: 0 while the others are being told."""
        return (self.device, *struct.unpack("<4q", struct.pack("<4d", *self.reference)), self.recentres)


def kept_of(row: tuple[int, ...]) -> Kept | None:
    """Return what a row of words says, None where it is none."""
    w, x, y, z = struct.unpack("<4d", struct.pack("<4q", *row[1:5]))
    return Kept(row[0], (w, x, y, z), row[5]) if 0.999 < w * w + x * x + y * y + z * z < 1.001 else None


N_KEPT_WORDS = 6
