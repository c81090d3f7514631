"""What an engine tells of itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the engine counts and measures, read at one moment (single numbers are whole, not the set).

    Levels are linear full scale, (left, right); times in seconds; `quat_world_from_head` is the pose at the
    end of the last block, `pose_age_s` the pose's age when it began, `hear_latency_s` the time from then until its
    first sample is heard (0 offline). `order` is the one rendered, at most the plan's. `silent`: a pause has been
    carried out, nothing moves until `play`. `late_blocks` were not ready at their scheduled end (virtual card) or
    reported by the sound card. `budget_s` is what a block may take, its own length; `block_times` a histogram: blocks
    that took up to so many seconds, and longer than the bin before.
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
    last_call_s: float
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
