"""From a movement to its sound: where the time goes, read from the trace of the blocks that were heard.

A movement at any moment waits for the next measurement, which travels to the mailbox, waits for the next block, is
reached half-way when half of that block has sounded (or, with prediction, when the path has eased half-way to it),
and the block is heard when the device converts it and the filters answer. What no plan decides is measured, for every
pose that was used.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rt_render.app.budget_terms import Terms
from rt_render.app.trace_feed import Rows
from rt_render.kernels.state import FLAG_FROZEN, FLAG_STALE

MAX_INTERVAL_S = 0.5
"""A pose that comes later after another ends a silence, which is told elsewhere."""
N_MOMENTS, MIN_MOMENTS, MAX_MOMENTS = 8000, 4, 64
"""Of movements that are looked at, about so many in all; between two measurements not fewer and not more."""
_LEAST_PERCENT = 2.0

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spread:
    """How a latency is spread, in ms."""

    p50_ms: float
    p95_ms: float
    worst_ms: float


@dataclass(frozen=True, slots=True)
class Budget:
    """The latency of a movement that nobody could foresee: its parts by name, in order, and the total.

    `ahead` is how far the end of each block was predicted beyond its pose, `left` how late a steady turn is heard
    in spite of it, `cap_ms` how far may be predicted, beside an interval; None where nothing was predicted. `interval`
    lies between two measurements. `n_poses` were heard.
    """

    parts: dict[str, Spread]
    total: Spread
    ahead: Spread | None
    left: Spread | None
    cap_ms: float | None
    interval: Spread
    n_poses: int


HEARD = np.dtype(
    [
        ("interval_s", np.float64),  # since the pose used before
        ("every_s", np.float64),  # between measurements
        ("begin_s", np.float64),  # of the block
        ("age_s", np.float64),  # of the pose then
        ("gap_s", np.float64),  # since the block before
        ("device_s", np.float64),  # from the begin until the block's first sample is heard
        ("eased", np.bool_),  # the path eases towards it and does not lead straight there
    ]
)
"""A pose, in the block that was the first to use it."""


def heard_poses(rows: Rows, terms: Terms) -> Rows:
    """Return the poses (`HEARD`) that are new in `rows` of a trace, which follow each other.

    The first and the last row only tell what was before the others, and behind them.
    """
    if len(rows) < 3:
        return np.zeros(0, HEARD)
    time_s, number, begin_s = (rows[name][:-1] for name in ("pose_time_s", "pose_number", "begin_s"))
    interval_s = np.diff(time_s)
    new = (interval_s > 0.0) & (interval_s <= MAX_INTERVAL_S) & (number[:-1] > 0) & _is_heard(rows)[1:-1]
    poses = np.zeros(len(rows) - 2, HEARD)
    poses["interval_s"], poses["every_s"] = interval_s, interval_s / np.maximum(np.diff(number), 1)
    poses["begin_s"], poses["gap_s"] = begin_s[1:], np.diff(begin_s)
    poses["age_s"], poses["device_s"] = (begin_s - time_s)[1:], (_heard_s(rows, terms.block_s) - begin_s)[1:]
    poses["eased"] = terms.predicts
    return poses[new]


def _heard_s(rows: Rows, block_s: float) -> Array:
    """Return when blocks (n,) are really heard, all but the last: `hear_s` is what was planned when they began.

    The virtual card plays a late block so many slots later as passed in silence, which the next row counts. What a
    sound card does with one it does not tell, but nothing is heard before it is finished.
    """
    slots = np.diff(rows["missed_slots"]) * (np.diff(rows["block"]) == 1)
    planned_s = rows["hear_s"][:-1] + slots * block_s
    finished_s = (rows["begin_s"] + 1e-9 * rows["block_ns"])[:-1]
    return np.asarray(np.maximum(planned_s, finished_s), np.float64)


def _is_heard(rows: Rows) -> NDArray[np.bool_]:
    return np.asarray((rows["hear_s"] > 0.0) & (rows["flags"] & (FLAG_FROZEN | FLAG_STALE) == 0), np.bool_)


def predicted(rows: Rows, terms: Terms) -> Array:
    """Return (n, 2) how far ahead of its pose each block's end was predicted, and how much was left, in seconds.

    Of `rows` of a trace, which follow each other, without the first and the last.
    """
    which = (_is_heard(rows) & (rows["ahead_s"] > 0.0))[1:-1]
    lag_s = (_heard_s(rows, terms.block_s) - rows["pose_time_s"][:-1])[1:][which] + terms.block_s + terms.onset_s
    ahead_s = rows["ahead_s"][1:-1][which]
    return np.stack([ahead_s, lag_s - ahead_s], axis=-1)


def moments(n_poses: int) -> Array:
    """Return moments between two measurements, as shares of the time until the later one, evenly."""
    n = min(MAX_MOMENTS, max(MIN_MOMENTS, N_MOMENTS // max(1, n_poses)))
    return (np.arange(n) + 0.5) / n


def parts_s(poses: Rows, terms: Terms) -> tuple[dict[str, Array], Array]:
    """Return each part for movements at random moments (n,), and the weights of these moments.

    The transport is the least that was seen, or more where a block had already passed by then. Half of a block passes
    where the path leads straight to its pose, the easing where it eases. No poses, no moments.
    """
    shares = moments(len(poses))
    weights = np.repeat(poses["interval_s"] / len(shares), len(shares))
    until_s = (poses["interval_s"][:, None] * shares).reshape(-1)

    def each(values: Array) -> Array:
        return np.repeat(values, len(shares))

    sensor_s = np.mod(until_s, each(poses["every_s"]))
    least_s = max(0.0, float(np.percentile(poses["age_s"], _LEAST_PERCENT))) if len(poses) else 0.0
    transport_s = np.minimum(np.maximum(least_s, poses["age_s"] - poses["gap_s"]), np.maximum(poses["age_s"], 0.0))
    parts = {
        "sensor and transport": sensor_s + each(transport_s),
        "wait for the block": until_s - sensor_s + each(poses["age_s"] - transport_s),
        "block": each(np.where(poses["eased"], 0.0, 0.5 * terms.block_s)),
        "easing": each(np.where(poses["eased"], terms.easing_s, 0.0)),
        "device": each(poses["device_s"] - terms.extra_s),
        "filters": np.full(len(weights), terms.onset_s),
        "extra": np.full(len(weights), terms.extra_s),
    }
    return parts, weights


def budget_of(poses: Rows, ahead_left_s: Array, terms: Terms) -> Budget | None:
    """Return the budget of poses that were heard, None of none; `ahead_left_s` as `predicted` returns it."""
    if not len(poses):
        return None
    parts, weights = parts_s(poses, terms)
    total = np.sum(list(parts.values()), axis=0)
    ahead, left = (spread_of(values) if len(ahead_left_s) else None for values in ahead_left_s.T)
    named = {name: spread_of(values, weights) for name, values in parts.items()}
    cap_ms = None if ahead is None else round(1e3 * terms.cap_s, 3)
    interval = spread_of(poses["every_s"])
    return Budget(named, spread_of(total, weights), ahead, left, cap_ms, interval, len(poses))


def spread_of(values_s: Array, weights: Array | None = None) -> Spread:
    """Return median, 95th percentile and worst, in ms."""
    order = np.argsort(values_s)
    shares = np.cumsum(np.ones(len(values_s)) if weights is None else weights[order])
    found = values_s[order][np.searchsorted(shares, np.array([0.5, 0.95, 1.0]) * shares[-1] * (1.0 - 1e-12))]
    p50, p95, worst = (round(1e3 * float(value), 3) + 0.0 for value in found)  # no minus before a zero
    return Spread(p50, p95, worst)
