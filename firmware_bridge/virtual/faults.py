"""What happens to bytes between a device and the host: losses, flipped bits, delay. No input or output here."""

from dataclasses import dataclass
from math import inf
from random import Random

from firmware_bridge.errors import BridgeError


@dataclass(frozen=True, slots=True)
class LineFaults:
    """How bad a line is; all zero is perfect. Raises BridgeError for a value that cannot be.

    A share `drop` of the pieces loses bytes: a datagram all of them, a stream a run of any length. A share
    `corrupt` has one bit flipped. All are late by `latency_s` and up to `jitter_s` more.
    """

    drop: float = 0.0
    corrupt: float = 0.0
    latency_s: float = 0.0
    jitter_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("drop", "corrupt"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise BridgeError(f"{name} = {getattr(self, name):g}: allowed is a share, 0 to 1.")
        for name in ("latency", "jitter"):
            if not 0.0 <= getattr(self, f"{name}_s") < inf:
                raise BridgeError(f"{name} = {1e3 * getattr(self, f'{name}_s'):g} ms: allowed are 0 ms and more.")


class FaultyLine:
    """Carries pieces of bytes; equal seeds and equal pieces give equal faults. Thread: one.

    `is_stream`: pieces have no borders, so a loss may leave a part. `n_dropped` and `n_corrupted` count pieces.
    """

    def __init__(self, faults: LineFaults, seed: int = 0, *, is_stream: bool = True) -> None:
        self.n_dropped = self.n_corrupted = 0
        self._faults, self._is_stream = faults, is_stream
        self._random = Random(seed)  # noqa: S311 - a simulation
        self._last_s = -inf

    def carry(self, data: bytes, time_s: float) -> list[tuple[float, bytes]]:
        """Return what arrives of a piece that was sent at `time_s`, and when: never before an earlier one."""
        faults, random = self._faults, self._random
        # All of them are drawn each time, so that one fault does not change the others.
        is_lost, is_flipped, late = random.random() < faults.drop, random.random() < faults.corrupt, random.random()
        place, part = random.random(), random.random()
        if is_flipped and data:
            self.n_corrupted += 1
            bit = int(place * 8 * len(data))
            data = data[: bit // 8] + bytes((data[bit // 8] ^ 1 << bit % 8,)) + data[bit // 8 + 1 :]
        if is_lost and data:
            self.n_dropped += 1
            data = self._without(data, place, part)
        if not data:
            return []
        # Bytes do not overtake each other.
        self._last_s = max(self._last_s, time_s + faults.latency_s + late * faults.jitter_s)
        return [(self._last_s, data)]

    def _without(self, data: bytes, place: float, part: float) -> bytes:
        if not self._is_stream:
            return b""
        start = int(place * len(data))
        return data[:start] + data[start + 1 + int(part * (len(data) - start)) :]
