"""What happened in a session, ready to be drawn and told: the trace, the counters, the machine."""

import os
import platform
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from firmware_bridge import quaternion
from rt_render.app.budget import Budget
from rt_render.app.session import Session
from rt_render.app.session_status import SessionStatus
from rt_render.app.trace_feed import Rows


@dataclass(frozen=True, slots=True)
class Story:
    """A session in retrospect.

    Per block, (n_blocks,) float64: `times_s` from the first block's end, `yaw_pitch_roll_deg` (n_blocks, 3)
    in the display's signs, `rms` (n_blocks, 2) linear, left and right, `block_times_s`.
    """

    title: str
    head: str
    method: str
    order: int
    n_taps: int
    fs_hz: int
    block_size: int
    tracker: str
    status: SessionStatus
    budget: Budget | None
    machine: str
    times_s: NDArray[np.float64]
    yaw_pitch_roll_deg: NDArray[np.float64]
    rms: NDArray[np.float64]
    block_times_s: NDArray[np.float64]

    @property
    def budget_s(self) -> float:
        """Time that one block may take: its own length."""
        return self.block_size / self.fs_hz


def tell_story(session: Session, status: SessionStatus, trace: Rows) -> Story:
    """Gather the story of a session from its trace; `status` as it was before it stopped."""
    trace = trace[trace["consumed"] > 0]  # blocks that played
    block_times_s = 1e-9 * trace["block_ns"]
    times_s = trace["begin_s"] + block_times_s
    angles = quaternion.to_yaw_pitch_roll_deg(trace["knots"][:, -1])
    plan, decoder = session.engine.plan, session.decoder
    return Story(
        title=session.source.title,
        head=decoder.head,
        method=decoder.method,
        order=plan.order,
        n_taps=plan.n_taps,
        fs_hz=int(plan.fs_hz),
        block_size=plan.block_size,
        tracker=status.tracker.source if status.tracker else f"poses of {session.settings.tracking.poses}",
        status=status,
        budget=session.budget.whole(),
        machine=describe_machine(),
        times_s=times_s - times_s[0] if len(times_s) else times_s,
        yaw_pitch_roll_deg=angles,
        rms=np.sqrt(trace["mean_square"]),
        block_times_s=block_times_s,
    )


def describe_machine() -> str:
    """Return processor, cores, system and versions in one line."""
    processor = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
        processor = names[0] if names else processor
    except OSError:
        pass  # not Linux: the name from `platform` will do
    return (
        f"{processor}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, numba {numba.__version__}"
    )
