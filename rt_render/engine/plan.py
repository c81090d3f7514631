"""What an engine is built for: sizes that are fixed while it lives."""

from dataclasses import dataclass
from math import ceil

from rt_render.conventions import BLOCK_SIZES, MAX_ORDER, RATES_HZ, n_sh
from rt_render.errors import ConfigurationError
from rt_render.kernels.convolve import chunks_of
from rt_render.kernels.state import MAX_OBJECTS

MAX_TAPS = 8192
FADE_S = 0.005
RESUME_S = 0.25
"""A stream that starved resumes with so much in hand, as far as the ring holds it: a slow source must not make the
sound pulse."""
_LEAST_RESERVES = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """Order, block size in frames, sample rate and the longest filter an engine can take, in taps.

    `n_objects`: 0 for a ring that carries the field itself; else so many mono signals, encoded in the block.
    """

    order: int
    block_size: int = 128
    fs_hz: int = 48000
    n_taps: int = 256
    ring_s: float = 2.0
    n_objects: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.order <= MAX_ORDER:
            raise ConfigurationError(f"order {self.order} cannot be rendered: choose 0 to {MAX_ORDER}.")
        if self.block_size not in BLOCK_SIZES:
            raise ConfigurationError(
                f"block size {self.block_size} cannot be rendered: choose one of {', '.join(map(str, BLOCK_SIZES))}."
            )
        if self.fs_hz not in RATES_HZ:
            raise ConfigurationError(
                f"sample rate {self.fs_hz} Hz cannot be rendered: choose one of {', '.join(map(str, RATES_HZ))}."
            )
        if not 1 <= self.n_taps <= MAX_TAPS:
            raise ConfigurationError(f"filters of {self.n_taps} taps cannot be rendered: 1 to {MAX_TAPS} are allowed.")
        if not 0.05 <= self.ring_s <= 60:
            raise ConfigurationError(f"a ring of {self.ring_s} s cannot be used: choose 0.05 to 60 s.")
        if not 0 <= self.n_objects <= MAX_OBJECTS:
            raise ConfigurationError(f"{self.n_objects} objects cannot be rendered: 0 to {MAX_OBJECTS} are allowed.")

    @property
    def n_sh(self) -> int:
        """Number of ambisonic channels."""
        return n_sh(self.order)

    @property
    def n_in(self) -> int:
        """Number of channels of the ring: the field's, or one an object."""
        return self.n_objects or self.n_sh

    @property
    def n_partitions(self) -> int:
        """Number of filter partitions of one block each."""
        return ceil(self.n_taps / self.block_size)

    @property
    def chunk(self) -> int:
        """Lanes whose FFTs are done together: two channels ride in a lane, 4 lanes suffice to order 1."""
        return 4 if self.n_sh <= 4 else 8

    @property
    def n_chunks(self) -> int:
        """Number of chunks of lanes that hold all channels, two in a lane."""
        return chunks_of(self.n_sh, self.chunk)

    @property
    def fade_frames(self) -> int:
        """Length of the fades of pause, seek and starvation."""
        return round(FADE_S * self.fs_hz)

    @property
    def reserve_frames(self) -> int:
        """Frames the ring must hold for a block to play: its own, and whole blocks for the fade if no more come."""
        return self.block_size * (1 + ceil(self.fade_frames / self.block_size))

    @property
    def ring_frames(self) -> int:
        """Capacity of the sample ring: whole largest blocks, so that no block wraps, and enough to resume."""
        enough = max(self.ring_s * self.fs_hz, 2 * (_LEAST_RESERVES * self.reserve_frames + self.block_size))
        return ceil(enough / BLOCK_SIZES[-1]) * BLOCK_SIZES[-1]

    @property
    def resume_frames(self) -> int:
        """Frames the ring must hold for a stream that starved to resume; who fills it may do so by half of it."""
        wanted = max(round(RESUME_S * self.fs_hz), _LEAST_RESERVES * self.reserve_frames)
        return min(wanted, self.ring_frames // 2 - self.block_size)
