"""The control side of a ring that the audio thread fills: one writer, one reader, nobody waits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.mailbox_kernels import load_word, store_word
from rt_render.kernels.state import field_offset


class RecordRing:
    """Takes out what the audio thread has put into `records`, oldest first.

    The state's words `<name>_written`, `<name>_read` and `<name>_lost` belong to it; a full ring keeps what it has.
    """

    def __init__(self, state_address: int, name: str, records: NDArray[Any]) -> None:
        self.records = records
        self._written, self._read, self._lost = (
            state_address + field_offset(f"{name}_{word}") for word in ("written", "read", "lost")
        )

    @property
    def lost(self) -> int:
        """Records that found the ring full."""
        return int(load_word(self._lost))

    def drain(self) -> NDArray[Any]:
        """Take out a copy of the records that are there now. Control side, one thread."""
        written, read, capacity = int(load_word(self._written)), int(load_word(self._read)), len(self.records)
        start = read % capacity if capacity else 0
        first = self.records[start : start + written - read]
        taken = np.concatenate([first, self.records[: written - read - len(first)]])
        store_word(self._read, written)
        return taken
