"""The state record of the block function, with all memory that its addresses lead to."""

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.mailbox_kernels import load_word, store_word
from rt_render.conventions import MAX_ORDER, n_sh
from rt_render.engine.air import air_table
from rt_render.engine.plan import Plan
from rt_render.errors import ConfigurationError
from rt_render.kernels.convolve import four_step_twiddles, plane_floats
from rt_render.kernels.fft import twiddle_table
from rt_render.kernels.objects import OBJECT_KNOT_FRAMES
from rt_render.kernels.pose import KNOT_SPACING_FRAMES
from rt_render.kernels.rotate import MATRIX_FLOATS, SCRATCH_FLOATS, matrix_tables
from rt_render.kernels.state import MAX_OBJECTS, STATE, field_offset

FILTER_FADE_S = 0.02
GAIN_TIME_S = 0.03
METER_TIME_S = 0.3
LIMITER_RELEASE_S = 0.08
TRACKING_RAMP_S = 0.2
STALE_AFTER_S = 0.5
PREDICTION_CAP_MS = 60.0
CORRECTION_S = 0.01
"""A pose that comes elsewhere than predicted bends the path with this time constant."""
CEILING_DB = -1.0
OBJECT_GLIDE_S = 0.004
"""Time constant of each of the two smoothers of an object's gains: 90 % after 16 ms."""
OBJECT_REFERENCE_M = 1.0
"""Up to this distance an object has its full level, from there on it falls with the distance."""

_ROW_PAD = 16
"""Floats behind each rotated row into which padded columns may write zeros."""


class PreparedState:
    """The record as `kernels.state` lays it out, its buffers sized for a plan; not yet filters, pose and function.

    `record` is the record itself, for what only one side writes; `load` and `publish` exchange whole words with the
    audio thread. `ring` (ring_frames, n_sh), `rows` (2, block_size, columns) and `fdl` are float32. Control side.
    Raises ConfigurationError for a limiter ceiling outside -40 to 0 dBFS.
    """

    def __init__(self, plan: Plan, ceiling_db: float) -> None:
        """Take all memory that a plan needs, and write the plan's numbers into the record."""
        self._state = aligned(STATE.itemsize // 4 + 1).view(np.uint8)[: STATE.itemsize].view(STATE)
        self._buffers: list[NDArray[np.generic]] = []
        self.record = self._state[0]
        self.address = int(self._state.ctypes.data)
        self._prepare_sizes(plan)
        self._prepare_source(plan)
        if plan.n_objects:
            self._prepare_objects(plan)
        self._prepare_rotation(plan)
        self._prepare_convolution(plan)
        self._prepare_levels(plan, ceiling_db)
        self._prepare_pose(plan)

    def load(self, name: str) -> int:
        """Read a word of the record whole."""
        return int(load_word(self.address + field_offset(name)))

    def publish(self, name: str, value: int) -> None:
        """Write a word of the record whole, behind everything written before it."""
        store_word(self.address + field_offset(name), value)

    @property
    def memory(self) -> list[NDArray[np.generic]]:
        """The record and its buffers."""
        return [self._state, *self._buffers]

    def _prepare_sizes(self, plan: Plan) -> None:
        for name in (
            "order",
            "n_sh",
            "n_in",
            "n_objects",
            "block_size",
            "fs_hz",
            "chunk",
            "n_chunks",
            "n_partitions",
            "ring_frames",
        ):
            self.record[name] = getattr(plan, name)

    def _prepare_source(self, plan: Plan) -> None:
        s = self.record
        self.ring = aligned(plan.ring_frames * plan.n_in).reshape(plan.ring_frames, plan.n_in)
        s["ring"] = self._keep(self.ring)
        s["ring_end"] = -1
        s["clean"] = self._take(plan.block_size * plan.n_sh)
        s["taken"] = self._take(plan.block_size * plan.n_objects) if plan.n_objects else s["clean"]
        s["fade_frames"] = plan.fade_frames
        s["reserve_frames"], s["resume_frames"] = plan.reserve_frames, plan.resume_frames

    def _prepare_objects(self, plan: Plan) -> None:
        s = self.record
        s["object_fresh"] = 1
        s["object_keep"] = keep = np.exp(-OBJECT_KNOT_FRAMES / plan.fs_hz / OBJECT_GLIDE_S)
        s["object_lag_s"] = 2 * keep / (1 - keep) * OBJECT_KNOT_FRAMES / plan.fs_hz
        s["object_reference_m"] = OBJECT_REFERENCE_M
        s["object_harmonics"] = self._take(16 * n_sh(MAX_ORDER))
        gains = MAX_OBJECTS * n_sh(MAX_ORDER)
        for name in ("target", "middle", "start", "end", "step"):
            s[f"object_{name}"] = self._take(gains)
        s["object_air_table"] = self._constant(air_table(plan.fs_hz))
        for name in ("air_from", "air_to", "air_memory"):
            s[f"object_{name}"] = self._take(MAX_OBJECTS)
        s["object_place"] = self._keep(aligned(5 * MAX_OBJECTS))
        s["object_rows"] = self._take(OBJECT_KNOT_FRAMES * MAX_OBJECTS)

    def _prepare_rotation(self, plan: Plan) -> None:
        s = self.record
        row_floats = 2 * plan.chunk * plan.n_chunks + _ROW_PAD
        self.rows = aligned(2 * plan.block_size * row_floats).reshape(2, plan.block_size, row_floats)
        s["rows"], s["row_bytes"] = self._keep(self.rows), 4 * row_floats
        for name in ("matrix_start", "matrix_end", "matrix_step"):
            s[name] = self._take(MATRIX_FLOATS)
        s["matrix_scratch"] = self._take(SCRATCH_FLOATS)
        s["matrix_tables"] = self._constant(matrix_tables())

    def _prepare_convolution(self, plan: Plan) -> None:
        s, n = self.record, 2 * plan.block_size
        slot_floats = plan.n_chunks * 2 * plane_floats(n, plan.chunk)
        self.fdl = aligned(plan.n_partitions * slot_floats)
        s["fdl"], s["slot_bytes"] = self._keep(self.fdl), 4 * slot_floats
        s["spare"] = self._take(max(4 * n * plan.chunk, 6 * n))
        s["spectrum"] = self._take(2 * (n + 16))
        s["ears"], s["ears_old"] = self._take(2 * n), self._take(2 * n)
        s["twiddles"] = self._constant(twiddle_table(n))
        s["twiddles_columns"] = self._constant(twiddle_table(n // 16))
        s["twiddles_16"] = self._constant(twiddle_table(16))
        s["twiddles_between"] = self._constant(four_step_twiddles(n))
        s["filter_fade_frames"] = round(FILTER_FADE_S * plan.fs_hz)
        s["adapter"] = self._take(2 * plan.block_size)

    def _prepare_levels(self, plan: Plan, ceiling_db: float) -> None:
        if not -40.0 <= ceiling_db <= 0.0:
            raise ConfigurationError(f"a limiter ceiling of {ceiling_db} dBFS cannot be used: choose -40 to 0.")
        s, block_s = self.record, plan.block_size / plan.fs_hz
        # just below the ceiling, so that rounding to float32 cannot pass it
        s["ceiling"] = np.nextafter(np.float32(10 ** (ceiling_db / 20)), np.float32(0))
        s["gain_keep"] = np.exp(-block_s / GAIN_TIME_S)
        s["meter_keep"] = np.exp(-block_s / METER_TIME_S)
        s["release_keep"] = np.exp(-1 / (LIMITER_RELEASE_S * plan.fs_hz))
        s["limiter"] = s["lowest_limiter"] = 1.0

    def _prepare_pose(self, plan: Plan) -> None:
        s = self.record
        s["tracking"], s["tracking_mix"] = 1, 1.0
        s["tracking_step"] = plan.block_size / plan.fs_hz / TRACKING_RAMP_S
        s["stale_after_s"] = STALE_AFTER_S
        s["prediction_keep"] = np.exp(-min(plan.block_size, KNOT_SPACING_FRAMES) / plan.fs_hz / CORRECTION_S)
        s["prediction_cap_s"] = 1e-3 * PREDICTION_CAP_MS

    def _take(self, n_floats: int) -> int:
        return self._keep(aligned(n_floats))

    def _constant(self, values: NDArray[np.float32]) -> int:
        buffer = aligned(values.size)
        buffer[:] = values.reshape(-1)
        return self._keep(buffer)

    def _keep(self, array: NDArray[np.generic]) -> int:
        self._buffers.append(array)
        return int(array.ctypes.data)


def aligned(n_floats: int) -> NDArray[np.float32]:
    """Return zeros that begin on a cache line and have a line to spare."""
    raw = np.zeros(n_floats + 32, np.float32)
    start = (-raw.ctypes.data // 4) % 16
    return raw[start : start + n_floats]
