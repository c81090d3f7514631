"""A block rendered again from its trace row: the row says what pose, transport and gain decided live."""

import numpy as np
from numba.np.numpy_support import carray

from rt_render.kernels.jit import rt_jit
from rt_render.kernels.pose import KNOT_SPACING_FRAMES
from rt_render.kernels.simd import as_pointer
from rt_render.kernels.state import MAX_KNOTS, TRACE

_ROW_BYTES = TRACE.itemsize


@rt_jit
def replay_rt(state):
    """Bring fade, gain and path to those of the row at `state.replay`; return the fade's step and the segments.

    The rest of a block follows from the blocks before it: delay line, limiter, fading filters, where a path begins.
    """
    row = carray(as_pointer(state.replay), (1,), TRACE)[0]
    state.fade = row.fade
    state.gain = row.gain_begin
    state.gain_target = row.gain  # reached within the block: a replaying engine's `gain_keep` is 0
    n_segments = max(1, state.block_size // KNOT_SPACING_FRAMES)
    knots = carray(as_pointer(state.replay + _ROW_BYTES), (MAX_KNOTS, 4), np.float64)
    for k in range(n_segments + 1):
        for i in range(4):
            state.path[k, i] = knots[k, i]
    return row.fade_step, n_segments


@rt_jit
def replay_order_rt(state):
    """Return the order up to which the row's block was rendered."""
    return carray(as_pointer(state.replay), (1,), TRACE)[0].order
