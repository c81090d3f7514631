"""What a measurement of motion to sound has found."""

from dataclasses import dataclass

from rt_render.app.budget import Array, Budget, Spread

AGREE_MS, AGREE_SHARE = 1.0, 0.1
"""Claimed and measured medians agree within the larger of the two."""
SLACK_MS = 2.0
FOUND_SHARE = 0.9
"""So many of the movements must be heard."""
ENOUGH = 20
"""The median of fewer movements of a kind strays by a millisecond or two: it accuses nobody."""


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of movement, "step" or "turn": how late it was heard, and how late by the program's own account.

    `n_made` movements, `n_heard` of which were found in the recording; values of the figures in ms.
    """

    name: str
    n_made: int
    n_heard: int
    measured: Spread
    claimed: Spread
    measured_ms: Array
    claimed_ms: Array
    claimed_weights: Array

    @property
    def is_found(self) -> bool:
        """Whether as many were heard as must be."""
        return self.n_heard >= FOUND_SHARE * self.n_made

    @property
    def agrees(self) -> bool | None:
        """Whether the program's account can be believed; None where there were too few to tell."""
        if not self.is_found:
            return False
        if self.n_made < ENOUGH:
            return None
        off_ms = abs(self.measured.p50_ms - self.claimed.p50_ms)
        return off_ms <= max(AGREE_MS, AGREE_SHARE * abs(self.measured.p50_ms))


@dataclass(frozen=True, eq=False)
class Latency:
    """Motion to sound, measured and claimed.

    `kinds` with the one that counts first: steps, or turns where they are predicted. `limit_ms` is what the median
    of steps may be on the virtual card without prediction: half a sensor interval, two blocks, the filters' onset
    and 2 ms; None elsewhere. `believed_ms` of what was measured is somebody's word, `believed` whose. `advice`: what to
    do about a slow device, None where it is not. `disturbed`: what went wrong meanwhile, counted, "none" at best.
    """

    kinds: tuple[Kind, ...]
    budget: Budget
    prediction: str
    rate_hz: float
    fs_hz: int
    block_size: int
    order: int
    head: str
    onset_ms: float
    device: str
    wearable: str
    recorded: str
    believed_ms: float
    believed: str
    lost_frames: int
    late_blocks: int
    disturbed: str
    advice: str | None
    limit_ms: float | None
    machine: str

    @property
    def claimed_p50_ms(self) -> float:
        """The median that the program claims."""
        return self.kinds[0].claimed.p50_ms

    @property
    def measured_p50_ms(self) -> float:
        """The median that was measured."""
        return self.kinds[0].measured.p50_ms

    @property
    def agrees(self) -> bool | None:
        """Whether claimed and measured agree, for all kinds of movement that tell; None where none does."""
        found = {kind.agrees for kind in self.kinds} - {None}
        return all(found) if found else None

    @property
    def within_limit(self) -> bool:
        """Whether the measured median is within its limit, where there is one."""
        return self.limit_ms is None or self.measured_p50_ms <= self.limit_ms
