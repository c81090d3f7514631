"""What the program itself claims of the movements that are measured: its budget, for steps and for steady turns."""

import numpy as np

from rt_render.app.budget import Array, heard_poses, moments, parts_s, predicted
from rt_render.app.budget_terms import Terms
from rt_render.app.latency.movements import STEP
from rt_render.app.trace_feed import Rows


def claimed_s(rows: Rows, kind: str, terms: Terms) -> tuple[dict[str, Array], Array]:
    """Return the claimed parts (n,) in seconds, which add up, and the weights of each of the n moments.

    `rows` are the trace of the time in which movements of a kind were made. Of a step the program claims its budget.
    A predicted turn has one part alone: what is left.
    """
    if terms.predicts and kind != STEP:
        left_s = predicted(rows, terms)[:, 1]
        return {"left": left_s}, np.ones(len(left_s))
    poses = heard_poses(rows, terms)
    parts, weights = parts_s(poses, terms)
    if kind != STEP:
        # a turn passes the front somewhere within its block, and the later the shorter its pose was to come
        parts["block"] = np.tile(terms.block_s * (1.0 - moments(len(poses))), len(poses))
    return parts, weights
