"""How long blocks took, as a histogram in a line or a table, and what disturbed them, counted."""

from collections.abc import Sequence
from math import log2

from rt_render.app.words import plural
from rt_render.engine.snapshot import Snapshot
from rt_render.kernels.state import HISTOGRAM_BINS_PER_OCTAVE

Histogram = Sequence[tuple[float, int]]
"""Blocks that took up to so many seconds, and longer than the bin before."""
_BARS = "▁▂▃▄▅▆▇█"
_EMPTY = "·"


def disturbances(engine: Snapshot) -> str:
    """Return what of a session's blocks was not as it should be, counted."""
    return (
        f"{engine.late_blocks} missed, {plural(engine.underruns, 'underrun')}, "
        f"{plural(engine.stale_blocks, 'stale pose')}, {plural(engine.clock_jumps, 'clock jump')}"
    )


def sparkline(block_times: Histogram) -> str:
    """Return bars from the shortest block to the longest, as high as the logarithm of how many there were."""
    found = _octaves(block_times, steps=2)
    if not found:
        return "no block yet"
    step = max(1.0, log2(max(n for _, n in found))) / (len(_BARS) - 1)
    bars = "".join(_BARS[round(log2(n) / step)] if n else _EMPTY for _, n in found)
    return f"{bars} up to {1e6 * found[0][0]:.0f} to {1e6 * found[-1][0]:.0f} µs"


def block_times_markdown(block_times: Histogram) -> str:
    """Return the section of a report; "" before the first block."""
    found = _octaves(block_times, steps=1)
    if not found:
        return ""
    n_all = sum(n for _, n in found)
    rows = "".join(f"| {1e6 * up_to_s:.0f} µs | {n} | {100.0 * n / n_all:.3f} % |\n" for up_to_s, n in found)
    return f"## How long blocks took\n\n| up to | blocks | of all |\n| ---: | ---: | ---: |\n{rows}\n"


def _octaves(block_times: Histogram, steps: int) -> list[tuple[float, int]]:
    """Return the histogram in so many bins an octave, from the first that holds blocks to the last."""
    n = HISTOGRAM_BINS_PER_OCTAVE // steps
    merged = [block_times[k : k + n] for k in range(0, len(block_times), n)]
    bins = [(some[-1][0], sum(blocks for _, blocks in some)) for some in merged]
    held = [k for k, (_, blocks) in enumerate(bins) if blocks]
    return bins[held[0] : held[-1] + 1] if held else []
