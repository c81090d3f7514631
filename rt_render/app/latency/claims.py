"""What the program itself claims of the movements that are measured: its budget, for steps and for steady turns."""

from math import exp, floor, log

import numpy as np

from rt_render.app.budget import Array, heard_poses, moments, parts_s, predicted
from rt_render.app.latency.movements import STEP
from rt_render.app.trace_feed import Rows
from rt_render.engine.plan import Plan
from rt_render.engine.prepared_state import CORRECTION_S
from rt_render.kernels.pose import KNOT_SPACING_FRAMES


def claimed_s(rows: Rows, kind: str, plan: Plan, onset_s: float, *, prediction: bool) -> tuple[dict[str, Array], Array]:
    """Return the claimed parts (n,) in seconds, which add up, and the weights of each of the n moments.

    `rows` are the trace of the time in which movements of a kind were made. A predicted turn has one part alone:
    what is left.
    """
    block_s = plan.block_size / plan.fs_hz
    if prediction and kind != STEP:
        left_s = predicted(rows, block_s, onset_s)[:, 1]
        return {"left": left_s}, np.ones(len(left_s))
    poses = heard_poses(rows, block_s)
    parts, weights = parts_s(poses, block_s, onset_s, 0.0)
    if kind != STEP:
        # a turn passes the front somewhere within its block, and the later the shorter its pose was to come
        parts["block"] = np.tile(block_s * (1.0 - moments(len(poses))), len(poses))
    elif prediction:
        parts["block"] = np.full(len(weights), half_way_s(plan.block_size, plan.fs_hz))
    return parts, weights


def half_way_s(block_size: int, fs_hz: float) -> float:
    """Return how long a path that approaches an unforeseen pose takes until it is half-way, from the block's begin."""
    knot_s = min(block_size, KNOT_SPACING_FRAMES) / fs_hz
    keep = exp(-knot_s / CORRECTION_S)
    whole = floor(log(0.5) / log(keep))
    left = keep**whole
    return knot_s * (whole + (left - 0.5) / (left * (1.0 - keep)))
