"""Live input without a card: an engine, its input, and calls as PortAudio makes them."""

import numpy as np
from card_tools import call_card
from numpy.typing import NDArray

from rt_render.engine.engine import Engine
from rt_render.engine.live_input import LiveInput
from rt_render.engine.plan import Plan
from rt_render.engine.upmix import NativeUpmix
from rt_render.kernels.state import LINK
from rt_render.kernels.turn import pass_turn


class LiveCard:
    """An engine of one tap's filters, whose field is tapped, and a stream that brings it live input."""

    def __init__(
        self,
        matrix: NDArray[np.floating],
        *,
        order: int = 1,
        block_size: int = 64,
        stage: NativeUpmix | None = None,
        n_objects: int = 0,
        told_s: float = 0.0,
        fixed_calls: bool = True,
    ) -> None:
        plan = Plan(order, block_size, 48000, 1, n_objects=n_objects)
        engine = Engine(plan, 0.1 * np.ones((2, plan.n_sh, 1)))
        self._begin(engine, LiveInput(engine, matrix, stage), told_s, fixed_calls)

    @classmethod
    def of(cls, engine: Engine, live: LiveInput) -> "LiveCard":
        """A stream for an engine and an input that are there."""
        card = cls.__new__(cls)
        card._begin(engine, live, 0.0, True)
        return card

    def _begin(self, engine: Engine, live: LiveInput, told_s: float, fixed_calls: bool) -> None:
        self.engine, self.live = engine, live
        engine.prepare_tap(4.0)
        live.begin(told_s, fixed_calls=fixed_calls)
        self.link = np.zeros(1, LINK)
        self.link["state"], self.link["stream"], self.link["input"] = self.engine.address, 1, self.live.address
        assert pass_turn(self.engine.address, 0, 1)

    def call(
        self,
        frames: NDArray[np.float32] | None,
        n_frames: int,
        flags: int = 0,
        times: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float32]:
        """One call of the card; returns what it plays."""
        out = np.zeros((n_frames, 2), np.float32)
        recorded = None if frames is None else np.ascontiguousarray(frames, np.float32)
        call_card(
            None if recorded is None else recorded.ctypes.data,
            out.ctypes.data,
            n_frames,
            None if times is None else times.ctypes.data,
            flags,
            self.link.ctypes.data,
        )
        return out

    def play(self, frames: NDArray[np.float32], sizes: list[int]) -> NDArray[np.float32]:
        """Bring frames in calls of these sizes, over and over; return the field of all blocks."""
        field, at, i = [], 0, 0
        while at + sizes[i % len(sizes)] <= len(frames):
            n = sizes[i % len(sizes)]
            self.call(frames[at : at + n], n)
            field.append(self.engine.read_tap())
            at, i = at + n, i + 1
        return np.concatenate(field)


def recorded(n_frames: int, n_channels: int, seed: int = 1) -> NDArray[np.float32]:
    """Noise that no frame begins in silence."""
    return (0.1 + 0.1 * np.random.default_rng(seed).random((n_frames, n_channels))).astype(np.float32)
