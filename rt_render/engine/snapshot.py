"""What an engine tells of itself."""

from dataclasses import dataclass

import numpy as np

from rt_render.kernels.pose import KNOT_SPACING_FRAMES
from rt_render.kernels.state import HISTOGRAM_BINS_PER_OCTAVE, N_HISTOGRAM_BINS

BLOCK_TIME_BINS_S = tuple(62.5e-9 * 2 ** ((b + 1) / HISTOGRAM_BINS_PER_OCTAVE) for b in range(N_HISTOGRAM_BINS))
"""Where the bins of block times end."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the engine counts and measures, read at one moment (single numbers are whole, not the set).

    Levels are linear full scale, (left, right); times in seconds; `quat_world_from_head` is the pose at the
    end of the last block, `pose_age_s` the pose's age when it began, `hear_latency_s` the time from then until its
    first sample is heard (0 offline). `order` is the one rendered, at most the plan's. `silent`: a pause has been
    carried out, nothing moves until `play`. `late_blocks` were not ready at their scheduled end (virtual card) or
    reported by the sound card. `budget_s` is what a block may take, its own length; `block_times` a histogram: blocks
    that took up to so many seconds, and longer than the bin before. `non_finite` frames came in with a sample or more
    that was NaN or infinite.
    """

    frame: int
    frames: int
    blocks: int
    order: int
    ended: bool
    silent: bool
    underruns: int
    late_blocks: int
    missed_slots: int
    host_underflows: int
    clock_jumps: int
    capture_lost: int
    trace_lost: int
    events_lost: int
    calls: int
    stale_blocks: int
    non_finite: int
    limited_blocks: int
    torn_reads: int
    poses: int
    pose_age_s: float
    quat_world_from_head: tuple[float, float, float, float]
    tracking_mix: float
    peak: tuple[float, float]
    rms: tuple[float, float]
    highest_peak: float
    gain_lin: float
    limiter_lin: float
    lowest_limiter_lin: float
    block_s: float
    longest_block_s: float
    block_p50_s: float
    block_p999_s: float
    budget_s: float
    block_times: tuple[tuple[float, int], ...]
    device_latency_s: float
    hear_latency_s: float


def take_snapshot(record: np.void, silent: bool) -> Snapshot:
    """Read the state record; `silent` is the engine's to know."""
    s = record
    last_knot = max(1, int(s["block_size"]) // KNOT_SPACING_FRAMES)
    return Snapshot(
        frame=int(s["frame"]),
        frames=int(s["frames"]),
        blocks=int(s["blocks"]),
        order=int(s["rendered_order"]),
        ended=bool(s["ended"]),
        silent=silent,
        underruns=int(s["underruns"]),
        late_blocks=int(s["late_blocks"] + s["card_flags"]),
        missed_slots=int(s["missed_slots"]),
        host_underflows=int(s["card_flags"]),
        clock_jumps=int(s["clock_jumps"]),
        capture_lost=int(s["capture_lost"]),
        trace_lost=int(s["trace_lost"]),
        events_lost=int(s["events_lost"]),
        calls=int(s["calls"]),
        stale_blocks=int(s["stale_blocks"]),
        non_finite=int(s["non_finite"]),
        limited_blocks=int(s["limited_blocks"]),
        torn_reads=int(s["pose"][11]),
        poses=int(s["pose"][10]),
        pose_age_s=float(s["pose_age_s"]),
        quat_world_from_head=tuple(float(v) for v in s["path"][last_knot]),  # type: ignore[arg-type]
        tracking_mix=float(s["tracking_mix"]),
        peak=(float(s["peak"][0]), float(s["peak"][1])),
        rms=(float(s["mean_square"][0]) ** 0.5, float(s["mean_square"][1]) ** 0.5),
        highest_peak=float(s["highest_peak"]),
        gain_lin=float(s["gain"]),
        limiter_lin=float(s["limiter"]),
        lowest_limiter_lin=float(s["lowest_limiter"]),
        block_s=int(s["block_ns"]) * 1e-9,
        longest_block_s=int(s["longest_block_ns"]) * 1e-9,
        block_p50_s=block_time_percentile_s(s, 50.0),
        block_p999_s=block_time_percentile_s(s, 99.9),
        budget_s=int(s["block_size"]) / float(s["fs_hz"]),
        block_times=tuple(zip(BLOCK_TIME_BINS_S, s["histogram"].tolist(), strict=True)),
        device_latency_s=float(s["device_latency_s"]),
        hear_latency_s=float(s["hear_latency_s"]),
    )


def block_time_percentile_s(record: np.void, percent: float) -> float:
    """Return the block time that a percentage of blocks stayed below, to a quarter octave; 0 before the first."""
    counts = np.cumsum(record["histogram"])
    if counts[-1] == 0:
        return 0.0
    index = int(np.searchsorted(counts, counts[-1] * percent / 100.0))
    return min(BLOCK_TIME_BINS_S[min(index, N_HISTOGRAM_BINS - 1)], int(record["longest_block_ns"]) * 1e-9)
