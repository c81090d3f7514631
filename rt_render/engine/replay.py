"""The engine that renders the blocks of a trace again, sample for sample."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.engine.prepared_state import CEILING_DB
from rt_render.kernels.state import trace_dtype


class ReplayEngine(Engine):
    """An engine whose pose, fades and gain come from trace rows, through the very block function that made them.

    What is left to the caller is what a live engine is told as well: before the block of a row, the ring holds its
    frames, a row with `FLAG_CLEARED` is preceded by `reset(row["frame"])`, one that names another filter set by
    `publish_filters`. Its own trace (`trace_rows`) tells what became of it.
    """

    def __init__(self, plan: Plan, filters: ArrayLike, *, ceiling_db: float = CEILING_DB, trace_rows: int = 0) -> None:
        """Prepare as the engine that was traced was prepared."""
        super().__init__(plan, filters, ceiling_db=ceiling_db, trace_rows=trace_rows)
        self._row = np.zeros(1, trace_dtype(plan.block_size))
        self._s["gain_keep"] = 0.0
        self._s["replay"] = self._row.ctypes.data

    def replay(self, row: np.void, out: NDArray[np.float32]) -> None:
        """Render the block of a row into `out` (block_size, 2) float32. One thread."""
        self._row[0] = row
        self.process(out)
