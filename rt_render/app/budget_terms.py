"""What is known of the way from a movement to its sound before anything is heard: lengths that the plan decides."""

from dataclasses import dataclass
from math import exp, floor, log

from rt_render.engine.plan import Plan
from rt_render.engine.prepared_state import CORRECTION_S
from rt_render.kernels.pose import KNOT_SPACING_FRAMES


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds: of a block, from its begin to its filters' answer, from the converter to the ears.

    `easing_s`: where `predicts`, until the path is half-way to a pose that was not foreseen: it eases then towards
    every pose, of a tracker that tells no rates too. `cap_s`: how far is predicted at most, beside an interval.
    """

    block_s: float
    onset_s: float
    easing_s: float
    cap_s: float
    predicts: bool
    extra_s: float = 0.0


def terms_of(plan: Plan, *, onset_s: float, prediction: str, cap_ms: float, extra_s: float = 0.0) -> Terms:
    """Return the terms of a session with this plan; `prediction` and `cap_ms` as in the settings."""
    easing_s, block_s = half_way_s(plan.block_size, plan.fs_hz), plan.block_size / plan.fs_hz
    return Terms(block_s, onset_s, easing_s, 1e-3 * cap_ms, is_predicting(prediction, cap_ms), extra_s)


def is_predicting(prediction: str, cap_ms: float) -> bool:
    """Return whether these settings turn poses on to when they are heard."""
    return prediction != "off" and cap_ms > 0.0


def half_way_s(block_size: int, fs_hz: float) -> float:
    """Return how long a path that approaches an unforeseen pose takes until it is half-way, from the block's begin."""
    knot_s = min(block_size, KNOT_SPACING_FRAMES) / fs_hz
    keep = exp(-knot_s / CORRECTION_S)
    whole = floor(log(0.5) / log(keep))
    left = keep**whole
    return knot_s * (whole + (left - 0.5) / (left * (1.0 - keep)))
