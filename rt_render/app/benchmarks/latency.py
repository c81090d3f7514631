"""How many frames the algorithm adds beyond the block: none, shown by an impulse."""

from collections.abc import Callable

import numpy as np

from rt_render.app.benchmarks.speed import asymmetric_filters
from rt_render.conventions import BLOCK_SIZES
from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan

_N_FRAMES = 8192


def impulse_delay_frames(block_size: int, order: int = 3) -> int:
    """Return how late an impulse comes out behind a filter that is one unit impulse itself."""
    delta = np.zeros((2, (order + 1) ** 2, 1))
    delta[:, 0, 0] = 0.5
    engine = Engine(Plan(order, block_size, 48000, 256), delta)
    field = np.zeros((_N_FRAMES, engine.ring.n_channels), np.float32)
    at = 3 * block_size // 2 + 5
    field[at, 0] = 1.0
    return int(np.argmax(np.abs(_render(engine, field)[:, 0]))) - at


def convolution_error(block_size: int, order: int = 3, n_taps: int = 256) -> float:
    """Return the largest difference to direct float64 convolution, over the largest value."""
    filters = asymmetric_filters(order, n_taps)
    engine = Engine(Plan(order, block_size, 48000, n_taps), filters, gain_db=-12)
    field = np.random.default_rng(8).standard_normal((_N_FRAMES, engine.ring.n_channels)).astype(np.float32)
    rendered = _render(engine, field)
    direct = 10 ** (-12 / 20) * np.stack(
        [sum(np.convolve(field[:, c], ear[c])[:_N_FRAMES] for c in range(field.shape[1])) for ear in filters], 1
    )
    return float(np.abs(rendered - direct).max() / np.abs(direct).max())


def _render(engine: Engine, field: np.ndarray) -> np.ndarray:
    engine.ring.write(field)
    engine.ring.set_end()
    out = np.zeros((len(field) // engine.plan.block_size, engine.plan.block_size, 2), np.float32)
    for block in out:
        engine.process(block)
    return out.reshape(-1, 2)


def run(on_progress: Callable[[str], None]) -> dict[str, object]:
    """Measure the delay of an impulse and the error of the convolution at every block size."""
    on_progress("latency of the algorithm")
    return {
        "algorithmic_latency_frames": max(impulse_delay_frames(b) for b in BLOCK_SIZES),
        "convolution_error": max(convolution_error(b) for b in BLOCK_SIZES),
    }
