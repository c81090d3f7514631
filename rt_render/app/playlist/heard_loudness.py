"""How loud a source is at both ears: through the decoder that will play it, with the head still."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import log10

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.io.source import Source

_HEADROOM_DB = 40.0
"""So much softer it is heard for measuring: the limiter never acts."""
_BLOCK_FRAMES, _CHUNK_FRAMES, _RING_S = 512, 4096, 0.5
_WHOLE_UP_TO_S, _ALL_UP_TO_S = 30.0, 1200.0
_FEW, _MANY = (12, 1.0), (200, 3.0)
"""Spans of a long file, and the seconds of each: for a first look, and for good."""

Span = tuple[int, int]
"""First frame and number of frames."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was measured: loudness, None for silence, and the highest sample at either ear.

    `whole`: all of it was measured, and nothing in it can be louder than `peak_dbfs`.
    """

    lufs: float | None
    peak_dbfs: float
    whole: bool


class HeardLoudness:
    """Measures sources of up to an order with filters (2, n_sh, n_taps), the engine's own. One thread at a time."""

    def __init__(self, order: int, fs_hz: int, filters: ArrayLike) -> None:
        taps = np.asarray(filters)
        plan = Plan(order, _BLOCK_FRAMES, fs_hz, taps.shape[2], ring_s=_RING_S)
        self._engine = Engine(plan, taps, gain_db=-_HEADROOM_DB)
        self._scale = np.float32(10 ** (_HEADROOM_DB / 20))

    def measure(
        self,
        source: Source,
        spans: Sequence[Span],
        *,
        whole: bool,
        at_each: Callable[[float], None] = lambda share: None,
    ) -> Heard:
        """Return the loudness of parts of a source, BS.1770 with the ears as its two channels.

        `whole`: whether the parts are all of it. The head faces the front. `at_each` is called with the share done,
        some ten times a second of sound; what it raises ends the measuring. The source is left where reading ended.
        Thread: the caller's.
        """
        from rt_render.io.loudness_meter import LoudnessMeter

        meter = LoudnessMeter(source.fs_hz)
        wanted = sum(n_frames for _, n_frames in spans)
        done, peak = 0, np.float32(1e-10)
        for first, n_frames in spans:
            source.seek(first)
            for ears in self._heard(source, n_frames):
                meter.add(ears * self._scale)
                peak = max(peak, np.abs(ears, out=ears).max(initial=0.0) * self._scale)
                done += len(ears)
                at_each(min(1.0, done / max(1, wanted)))
            meter.cut()
        return Heard(meter.lufs(), 20 * log10(peak), whole)

    def _heard(self, source: Source, n_frames: int) -> Iterator[NDArray[np.float32]]:
        engine, ring = self._engine, self._engine.ring
        engine.reset(0)
        field = np.zeros((_CHUNK_FRAMES, engine.plan.n_sh), np.float32)
        while n_frames > 0 and not engine.ended:
            frames = source.read(min(_CHUNK_FRAMES, n_frames))
            n_frames -= len(frames)
            last = len(frames) < _CHUNK_FRAMES or not n_frames
            field[: len(frames), : frames.shape[1]] = frames
            ring.write(field[: len(frames)])
            if last:
                ring.set_end()
                n_frames = 0
            yield self._process(ring.fill_frames if last else ring.fill_frames - engine.plan.reserve_frames)

    def _process(self, n_frames: int) -> NDArray[np.float32]:
        ears = np.zeros((max(0, n_frames // _BLOCK_FRAMES), _BLOCK_FRAMES, 2), np.float32)
        for block in ears:
            self._engine.process(block)
        return ears.reshape(-1, 2)


def all_of(n_frames: int) -> list[Span]:
    """Return all of a source as one span."""
    return [(0, n_frames)]


def thorough(n_frames: int, fs_hz: int) -> tuple[list[Span], bool]:
    """Return what tells a source's loudness, and whether it is all: up to twenty minutes, else 200 spans of 3 s."""
    if n_frames <= round(_ALL_UP_TO_S * fs_hz):
        return all_of(n_frames), True
    return _spread(n_frames, *_MANY, fs_hz), False


def excerpts(n_frames: int | None, fs_hz: int) -> tuple[list[Span], bool]:
    """Return spans that are measured in a second or less, and whether they are all of the source.

    Up to half a minute all of it; beyond, twelve spans of 1 s, even from the first to the last frame. Of an endless
    source, which is the built-in scene, its first half minute, and the rest is like it.
    """
    enough = round(_WHOLE_UP_TO_S * fs_hz)
    if n_frames is None:
        return all_of(enough), True
    if n_frames <= enough:
        return all_of(n_frames), True
    return _spread(n_frames, *_FEW, fs_hz), False


def _spread(n_frames: int, n_spans: int, seconds: float, fs_hz: int) -> list[Span]:
    """Return spans at even distances, from the first to the last frame."""
    length = round(seconds * fs_hz)
    return [((n_frames - length) * i // (n_spans - 1), length) for i in range(n_spans)]
