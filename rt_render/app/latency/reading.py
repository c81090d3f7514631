"""From the recorded ears to the moment at which each movement is heard."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rt_render.app.latency.field import level_difference_db
from rt_render.app.latency.movements import STEP, Movement

Array = NDArray[np.float64]

EARLY_S = 0.05
"""What is predicted may come before its movement."""
REACH_S = 0.19
"""A turn passes the front in the middle of 0.4 s: heard before or after it by no more than this, or not found."""
_PLATEAUS_PERCENT = (15.0, 85.0)
_FIRST_PERCENT, _NEAR_S = 5.0, 0.1


@dataclass(frozen=True, eq=False)
class Recorded:
    """What both ears got (n, 2) float32; frames `known` (k,), rising, were converted at monotonic times `known_s`.

    `believed_s` of these times is the word of a host and was not measured; `lost_frames` were not recorded.
    """

    ears: NDArray[np.float32]
    fs_hz: int
    known: Array
    known_s: Array
    believed_s: float = 0.0
    lost_frames: int = 0

    def time_s(self, frame: float) -> float:
        """Return when a frame was converted."""
        nearest = min(max(frame, float(self.known[0])), float(self.known[-1]))
        return float(np.interp(nearest, self.known, self.known_s)) + (frame - nearest) / self.fs_hz

    def frame(self, time_s: float) -> int:
        """Return the frame that was converted at a time, or the nearest that there is."""
        nearest_s = min(max(time_s, float(self.known_s[0])), float(self.known_s[-1]))
        frame = float(np.interp(nearest_s, self.known_s, self.known)) + (time_s - nearest_s) * self.fs_hz
        return min(max(round(frame), 0), len(self.ears))


def heard_late_s(recorded: Recorded, movements: Sequence[Movement], begin_s: float) -> Array:
    """Return how long after each movement its middle is heard, in seconds; NaN where it is not found.

    `begin_s`: monotonic time of the movements' begin. The middle of a step is where the level between the ears has
    gone half of its way; that of a turn where it is what it was before all moved, the sound in front.
    """
    level_db = level_difference_db(recorded.ears, recorded.fs_hz)
    steps = [m for m in movements if m.kind == STEP]
    turns = [m for m in movements if m.kind != STEP]
    late_s = []
    if steps:
        low, high = (recorded.frame(begin_s + m.time_s) for m in (steps[0], steps[-1]))
        half_db = float(np.mean(np.percentile(level_db[low : max(high, low + 1)], _PLATEAUS_PERCENT)))
        ends = [*(m.time_s for m in steps[2:]), *[steps[-1].time_s + REACH_S] * 2]
        for step, end_s in zip(steps, ends, strict=False):
            late_s.append(_crossing_s(recorded, level_db, half_db, step, begin_s, step.time_s, end_s))
    front = recorded.frame(begin_s)
    front_db = float(np.median(level_db[max(0, front - recorded.fs_hz // 5) : front + 1]))
    late_s += [
        _crossing_s(recorded, level_db, front_db, turn, begin_s, turn.time_s - EARLY_S, turn.time_s + REACH_S)
        for turn in turns
    ]
    return np.array(late_s)


def _crossing_s(
    recorded: Recorded, level_db: Array, at_db: float, moved: Movement, begin_s: float, from_s: float, to_s: float
) -> float:
    """Return when the level passes `at_db` first, to the side that the movement leads to, after the movement."""
    low, high = recorded.frame(begin_s + from_s), recorded.frame(begin_s + to_s)
    # the head turns left: what is in front is heard at the right
    way = -moved.direction * (level_db[low:high] - at_db)
    passes = np.flatnonzero((way[:-1] < 0.0) & (way[1:] >= 0.0))
    if not len(passes):
        return np.nan
    k = int(passes[0])
    share = way[k] / (way[k] - way[k + 1])
    return recorded.time_s(low + k + share) - (begin_s + moved.time_s)


def even_times_s(frames: Array, seen_s: Array, fs_hz: int) -> Array:
    """Return when each of `frames` (k,) passed that were seen at or after that moment, `seen_s` (k,).

    Those seen first within a fifth of a second tell it for all; a clock that slips or jumps is followed. What was
    seen before others has passed before them.
    """
    starts_s = seen_s - frames / fs_hz
    near = np.searchsorted(frames, [frames - _NEAR_S * fs_hz, frames + _NEAR_S * fs_hz])
    first_s = np.array([np.percentile(starts_s[a:b], _FIRST_PERCENT) for a, b in near.T])
    return np.asarray(np.minimum.accumulate((first_s + frames / fs_hz)[::-1])[::-1])
