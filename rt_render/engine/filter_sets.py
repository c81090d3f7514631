"""Filter sets: packed for the block function, published to it, and freed when it can no longer reach them."""

import threading
from collections.abc import Callable
from math import isqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rt_render.engine.plan import Plan
from rt_render.engine.prepared_state import PreparedState, aligned
from rt_render.errors import ConfigurationError
from rt_render.kernels.convolve import pack_filters
from rt_render.kernels.state import SET_CHUNKS, SET_FRAME, SET_NUMBER, SET_ORDER

_SET_FLOATS = 16
"""The end of this cache line before a packed set says what it is."""


class FilterSets:
    """All sets of an engine that the audio thread uses, fades from, or may still come to use. Control side."""

    def __init__(self, plan: Plan, state: PreparedState, filters: ArrayLike) -> None:
        """Put the first set (2, n_sh, n_taps) into use; while no audio thread runs."""
        self._plan, self._state = plan, state
        self._lock = threading.Lock()
        """Of the control side's threads, among themselves: one publishes while another looks."""
        self.packed: dict[int, NDArray[np.float32]] = {}
        """The sets that are held, by the address the block function knows them by."""
        self._out_of_sight: dict[int, int] = {}
        self._n_published = 0
        self._tell: Callable[[int, NDArray[np.float64]], None] = lambda number, filters: None
        state.record["filters"] = self._pack(filters)
        state.record["rendered_order"] = isqrt(np.shape(filters)[1] - 1)
        state.record["rendered_blocks"] = plan.n_partitions + 1  # silence is there of any order

    def publish(self, filters: ArrayLike, around_frame: int = 0) -> None:
        """Let the audio thread fade to another set, half of it by a source frame; raises ConfigurationError."""
        from_frame = around_frame - int(self._state.record["filter_fade_frames"]) // 2
        with self._lock:
            self._state.publish("filters_next", self._pack(filters, from_frame))
            self._free()

    def tell(self, tell: Callable[[int, NDArray[np.float64]], None]) -> None:
        """Call `tell` with number and taps of every set published from now on."""
        self._tell = tell

    def free(self) -> None:
        """Free what the audio thread can no longer reach."""
        with self._lock:
            self._free()

    def _free(self) -> None:
        finished = self._state.load("blocks")
        in_sight = {self._state.load(name) for name in ("filters_next", "filters", "filters_old")}
        for address in list(self.packed):
            if address in in_sight:
                self._out_of_sight.pop(address, None)
            elif self._out_of_sight.setdefault(address, self._state.load("begun")) <= finished:
                # a block that was under way when the set went out of sight may have taken it into use: look again
                del self.packed[address], self._out_of_sight[address]

    def _pack(self, filters: ArrayLike, from_frame: int = 0) -> int:
        plan = self._plan
        filters = np.asarray(filters, np.float64)
        if filters.ndim != 3 or filters.shape[0] != 2 or filters.shape[1] > plan.n_sh or not filters.size:
            raise ConfigurationError(
                f"filters of shape {filters.shape} do not fit an engine of order {plan.order}: "
                f"expected (2 ears, up to {plan.n_sh} channels, taps)."
            )
        if filters.shape[2] > plan.n_partitions * plan.block_size:
            raise ConfigurationError(
                f"filters of {filters.shape[2]} taps do not fit an engine planned for {plan.n_taps}."
            )
        if not np.isfinite(filters).all():
            raise ConfigurationError("the filters hold numbers that are not finite: design them anew.")
        packed = pack_filters(filters, plan.block_size, plan.n_partitions, plan.chunk)
        buffer = aligned(_SET_FLOATS + packed.size)
        buffer[_SET_FLOATS:] = packed.reshape(-1)
        self._n_published += 1
        words = buffer[:_SET_FLOATS].view(np.int64)
        words[SET_NUMBER // 8] = self._n_published
        words[SET_ORDER // 8] = isqrt(filters.shape[1] - 1)
        words[SET_CHUNKS // 8] = packed.shape[2]
        words[SET_FRAME // 8] = from_frame
        address = int(buffer[_SET_FLOATS:].ctypes.data)
        self.packed[address] = buffer
        self._tell(self._n_published, filters)
        return address
