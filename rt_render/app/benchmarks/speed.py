"""How long a block takes, as a ratio to SciPy's real FFT of the same input in the same run."""

import time
from collections.abc import Callable

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from firmware_bridge.mailbox_kernels import store_word
from rt_render.app.benchmarks.turning_head import wandering_turn
from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.hrtf.decoder import design_decoder
from rt_render.hrtf.heads import kemar
from rt_render.kernels.state import field_offset

FS_HZ = 48000
SPEED_DEG_S = 600.0
REQUIRED = {(1, 128): 1.0, (3, 128): 1.2, (5, 128): 1.2, (7, 128): 1.3, (3, 64): 1.4, (7, 64): 1.4}
"""Largest ratio at 256 taps, by order and block size in frames."""
_ROUNDS, _CALLS = 40, 120


def asymmetric_filters(order: int, n_taps: int, seed: int = 2) -> NDArray[np.float64]:
    """Return decaying noise as filters (2, n_sh, n_taps) of a head that is like no mirror image of itself."""
    rng = np.random.default_rng(seed)
    decay = np.exp(-np.arange(n_taps) / 30.0)
    return 0.02 * decay * rng.standard_normal((2, (order + 1) ** 2, n_taps))


def turning_engine(order: int, block_size: int, filters: NDArray[np.floating], seconds: float = 4.0) -> Engine:
    """Return an engine that plays noise endlessly; its head turns at 600 degrees/s about a wandering axis."""
    engine = Engine(Plan(order, block_size, FS_HZ, filters.shape[2], ring_s=0.5), filters)
    rng = np.random.default_rng(3)
    noise = 0.05 * rng.standard_normal((engine.ring.free_frames(), engine.ring.n_channels))
    engine.ring.write(noise.astype(np.float32))
    # the reader wraps over the same samples for ever
    store_word(engine.address + field_offset("ring_written"), 1 << 60)
    steps = round(seconds * FS_HZ / 128)
    engine.follow_timeline(np.arange(steps) * 128 / FS_HZ, wandering_turn(SPEED_DEG_S, 128 / FS_HZ, steps))
    return engine


def _turn_again(engine: Engine) -> None:
    # the head must turn in every block that is timed: back to the beginning of the timeline
    engine.set_frame(0)


def _fill_ring(engine: Engine, level: float) -> None:
    engine.ring.flush()
    engine.ring.write(np.full((engine.ring.free_frames(), engine.ring.n_channels), level, np.float32))
    store_word(engine.address + field_offset("ring_written"), 1 << 60)


def time_blocks(engine: Engine, n_blocks: int) -> NDArray[np.float64]:
    """Run blocks and return the time of each in seconds, as the block function itself measures it."""
    out = np.zeros((engine.plan.block_size, 2), np.float32)
    times = np.empty(n_blocks)
    for i in range(n_blocks):
        engine.process(out)
        times[i] = engine.last_block_s
    return times


def _time_scipy(x: NDArray[np.float32], n_calls: int) -> NDArray[np.float64]:
    times = np.empty(n_calls)
    for i in range(n_calls):
        start = time.perf_counter()
        scipy.fft.rfft(x)
        times[i] = time.perf_counter() - start
    return times


def measure(engine: Engine) -> dict[str, float]:
    """Time an engine's blocks and SciPy's FFT of (channels, 2 block) float32 in turns."""
    plan = engine.plan
    x = np.random.default_rng(4).standard_normal((plan.n_sh, 2 * plan.block_size)).astype(np.float32)
    time_blocks(engine, 200)
    _time_scipy(x, 50)
    blocks, ffts = [], []
    for _ in range(_ROUNDS):
        _turn_again(engine)
        blocks.append(time_blocks(engine, _CALLS))
        ffts.append(_time_scipy(x, _CALLS))
    block_us = 1e6 * np.concatenate(blocks)
    scipy_us = 1e6 * float(np.median(np.concatenate(ffts)))
    return {
        "order": plan.order,
        "block_size": plan.block_size,
        "n_taps": plan.n_taps,
        "block_us": round(float(np.median(block_us)), 2),
        "scipy_rfft_us": round(scipy_us, 2),
        "ratio": round(float(np.median(block_us)) / scipy_us, 3),
        "p999_us": round(float(np.percentile(block_us, 99.9)), 2),
    }


def run(on_progress: Callable[[str], None]) -> dict[str, object]:
    """Measure speed by order, block size, taps and head; and silence after sound."""
    rows = []
    for order in (1, 3, 5, 7):
        decoder = design_decoder(kemar(), order, fs_hz=FS_HZ)
        heads: dict[str, NDArray[np.floating]] = {
            "kemar": decoder.filters,
            "asymmetric": asymmetric_filters(order, 256),
        }
        for block_size in (64, 128, 256):
            for head, filters in heads.items():
                on_progress(f"speed: order {order}, {block_size} frames, {head}")
                row = measure(turning_engine(order, block_size, filters))
                required = REQUIRED.get((order, block_size))
                rows.append({"head": head, "required_ratio": required, **row})
    by_taps = []
    for n_taps in (128, 256, 512, 1024):
        on_progress(f"speed: order 3, {n_taps} taps")
        by_taps.append(measure(turning_engine(3, 128, asymmetric_filters(3, n_taps))) | {"head": "asymmetric"})
    on_progress("speed: order 5 lowered")
    lowered = lowered_us()
    on_progress("speed: silence after sound")
    return {
        "speed": rows,
        "speed_by_taps": by_taps,
        "speed_lowered_us": lowered,
        "silence_over_sound": silence_over_sound(),
    }


def lowered_us(order: int = 5, to: tuple[int, ...] = (3, 1)) -> dict[int, float]:
    """Return median block times in us of an engine by the order of the filters that it is given while it runs."""
    engine = turning_engine(order, 128, asymmetric_filters(order, 256))
    medians = {}
    for now in (order, *to):
        engine.publish_filters(asymmetric_filters(now, 256))
        time_blocks(engine, 200)  # over the fade
        _turn_again(engine)
        medians[now] = round(1e6 * float(np.median(time_blocks(engine, 1400))), 2)
    return medians


def silence_over_sound(order: int = 5) -> dict[str, float]:
    """Return median block times of noise, of the silence after it, and of denormal input, over noise's."""
    engine = turning_engine(order, 128, asymmetric_filters(order, 256))
    time_blocks(engine, 200)
    medians = {}
    for name, level in (("sound", None), ("silence", 0.0), ("denormal", 1e-39), ("vanishing", 1e-14)):
        if level is not None:
            _fill_ring(engine, level)
        _turn_again(engine)
        medians[name] = float(np.median(time_blocks(engine, 1400)))
    return {name: round(value / medians["sound"], 3) for name, value in medians.items() if name != "sound"}
