"""What leads a sound card's input into an engine's ring: the record that the native callback works on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rt_render.engine.engine import Engine
from rt_render.engine.prepared_state import aligned
from rt_render.engine.upmix import NativeUpmix
from rt_render.kernels.live_input import INPUT, STAGE_FRAMES

_LANES = 16


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """How live input does: seconds from its converter to the ears, and what was lost.

    `input_to_ears_s`: both converters as the host tells them, the block adapter, a stage and the extra latency; None
    before the first call. `padded_frames`: of silence that stood in for what was missing. `lost_frames` found no room.
    `lost_calls`: calls of the card that brought no input, or not all of it.
    """

    input_to_ears_s: float | None
    padded_frames: int
    lost_frames: int
    lost_calls: int


class LiveInput:
    """A matrix from the channels of a card's input to those of an engine's ring, or to a stage that makes these.

    `matrix` (n_channels, n_in), or (n_channels, 2) with a stage, which brings the engine's field: frames of the card
    times the matrix. The engine takes live input from then on. Control side; an engine has one for its life.
    """

    def __init__(self, engine: Engine, matrix: ArrayLike, stage: NativeUpmix | None = None) -> None:
        weights = np.asarray(matrix, np.float64)
        n_mixed = 2 if stage else engine.plan.n_in
        if weights.ndim != 2 or weights.shape[1] != n_mixed or not len(weights):
            raise ValueError(f"a matrix of shape {weights.shape}: it must be (channels, {n_mixed})")
        if stage and (stage.order, stage.fs_hz, engine.plan.n_objects) != (engine.plan.order, engine.plan.fs_hz, 0):
            raise ValueError("the stage brings another field than the engine renders")
        self._engine, self._stage = engine, stage
        self._record = np.zeros(1, INPUT)
        self._s = self._record[0]
        self.address = int(self._record.ctypes.data)
        columns = -(-n_mixed // _LANES) * _LANES
        self._matrix = aligned(len(weights) * columns).reshape(len(weights), columns)
        self._matrix[:, :n_mixed] = weights
        self._frame, self._mixed = aligned(len(weights)), aligned(STAGE_FRAMES * n_mixed)
        self._s["n_channels"], self._s["n_mixed"], self._s["columns"] = len(weights), n_mixed, columns
        self._s["matrix"], self._s["frame"] = self._matrix.ctypes.data, self._frame.ctypes.data
        self._s["mixed"] = self._mixed.ctypes.data
        if stage:
            self._s["stage"], self._s["stage_state"] = stage.stage, stage.address
        engine.take_live_input()

    @property
    def n_channels(self) -> int:
        """How many channels the card shall record, from its first on."""
        return int(self._s["n_channels"])

    def begin(self, told_s: float, *, fixed_calls: bool) -> None:
        """Begin anew, with nothing waiting: another stream brings the input. Only while nobody runs the block function.

        `told_s`: from converter to converter, as the host told when it opened the stream. `fixed_calls`: the host
        promises calls of one size, so that no more silence goes first than these need; without, or where it breaks its
        word, it is a block less a frame, and calls of any size leave no gap from then on.
        """
        self._engine.forget_input()
        if self._stage:
            self._stage.reset()
        self._s["told_s"], self._s["primed"], self._s["latency_s"] = told_s, 0, 0.0
        self._s["fixed_calls"] = fixed_calls

    def status(self) -> LiveStatus:
        """Tell how it does. Any thread."""
        stage, s = self._stage, self._s
        through_s = self._engine.extra_latency_s + (stage.latency_frames / stage.fs_hz if stage else 0.0)
        to_ears_s = float(s["latency_s"]) + through_s if s["primed"] else None
        return LiveStatus(to_ears_s, int(s["padded_frames"]), int(s["lost_frames"]), int(s["lost_calls"]))
