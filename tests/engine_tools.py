"""Small helpers of the engine's tests: engines with known filters, rendering, direct convolution."""

import numpy as np
from numpy.typing import NDArray

from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan


def noise_filters(order: int, n_taps: int, seed: int = 1) -> NDArray[np.float64]:
    """Return random filters (2, n_sh, n_taps) quiet enough not to reach the limiter."""
    return 0.01 * np.random.default_rng(seed).standard_normal((2, (order + 1) ** 2, n_taps))


def noise_field(n_frames: int, order: int, seed: int = 2) -> NDArray[np.float32]:
    """Return a random field (n_frames, n_sh)."""
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal((n_frames, (order + 1) ** 2))).astype(np.float32)


def make_engine(order: int = 1, block_size: int = 64, filters: object = None, **plan: object) -> Engine:
    """Return an engine with noise filters, or with those given."""
    chosen = noise_filters(order, 100) if filters is None else np.asarray(filters)
    return Engine(Plan(order, block_size, n_taps=chosen.shape[2], **plan), chosen)  # type: ignore[arg-type]


def run_blocks(engine: Engine, n_blocks: int) -> NDArray[np.float32]:
    """Render blocks and return all frames (n, 2)."""
    out = np.zeros((n_blocks, engine.plan.block_size, 2), np.float32)
    for block in out:
        engine.process(block)
    return out.reshape(-1, 2)


def run_to_end(engine: Engine, field: NDArray[np.float32], pieces: list[int] | None = None) -> NDArray[np.float32]:
    """Play a field through, written to the ring in pieces of given sizes (the last one repeats), to its end."""
    sizes = pieces or [len(field)]
    written, i, out = 0, 0, []
    while not engine.snapshot().ended:
        while written < len(field):
            n = min(sizes[min(i, len(sizes) - 1)], len(field) - written, engine.ring.free_frames())
            if n == 0:
                break
            engine.ring.write(field[written : written + n])
            written += n
            i += 1
            if written == len(field):
                engine.ring.set_end()
        if not len(field) and not out:
            engine.ring.set_end()
        out.append(run_blocks(engine, 1))
    return np.concatenate(out)


def convolve_direct(field: NDArray[np.floating], filters: NDArray[np.floating]) -> NDArray[np.float64]:
    """Convolve directly in float64: (n_frames + n_taps - 1, 2). The slow twin of the engine, head ahead."""
    return np.stack(
        [sum(np.convolve(field[:, c].astype(np.float64), ear[c]) for c in range(field.shape[1])) for ear in filters],
        axis=1,
    )


def assert_same_signal(rendered: NDArray[np.floating], expected: NDArray[np.floating]) -> None:
    """Assert equality within float32 rounding; what is longer must be silent behind the shorter's end."""
    n = min(len(rendered), len(expected))
    scale = np.abs(expected).max()
    # rounding of a few hundred float32 products and a 4096-point FFT: some eps times log2
    bound = 12 * np.finfo(np.float32).eps * scale
    assert np.abs(rendered[:n] - expected[:n]).max() < bound
    for rest in (rendered[n:], expected[n:]):
        assert rest.size == 0 or np.abs(rest).max() < bound
