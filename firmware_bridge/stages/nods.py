"""Which way is left, in the sensor's own axes, from a head that nodded: the trajectory of every nod is used.

Looking down turns the head about its left axis, right-handed. So the axis of each nod, made level, is left;
gravity alone (where "up" went) would mix in what the head turned about the vertical meanwhile.
"""

from dataclasses import dataclass
from math import degrees

import numpy as np

from firmware_bridge import quaternion
from firmware_bridge.messages import Vec3
from firmware_bridge.quaternion import Array

REVERSAL_DEG = 5.0
"""A movement back by less is noise or sway, not the end of a nod."""
MIN_NODS = 3
MIN_NOD_DEG = 8.0
MIN_DOWNNESS = 0.25
"""How much more the head must have been down than up, of the whole, to tell one from the other."""
OFF_AXIS_SHARE, SWAY_DEG = 0.1, 1.0
"""What makes nods differ: a share of their size (every person's nods), and a wobble of its own (any size)."""
MAX_VERTICAL_SHARE = 0.5
OUTLIER_DEG = 20.0


@dataclass(frozen=True, slots=True)
class Nod:
    """One nod: its size, and its axis (3,) of length one in the sensor's axes, towards the head's left."""

    size_deg: float
    axis: Array


@dataclass(frozen=True, slots=True)
class Left:
    """The head's left in the sensor's axes, how many nods it comes from and how they spread about it (std.).

    `nods_off_deg` is how far each nod was off, + to the left, those that were left out too.
    """

    axis: Vec3
    n_nods: int
    spread_deg: float
    nods_off_deg: tuple[float, ...] = ()


def find_nods(quats_world_from_sensor: Array, up: Array) -> tuple[list[Nod], float]:
    """Return the nods in a trajectory (n, 4) that begins looking ahead, and how surely down is down.

    `up` (3,) is the vertical in the sensor's axes, looking ahead. The second is 1 where the head was only ever
    to one side of ahead and 0 where it was as far up as down: below `MIN_DOWNNESS` nobody can tell which was
    which. A head that nods is further down than up. The trajectory may end at any moment; a nod counts once
    its way back has begun.
    """
    quats = quaternion.continuous(quats_world_from_sensor)
    turned = quaternion.to_rotation_vector(quaternion.multiply(quaternion.conjugate(quats[0]), quats))
    level = turned - np.outer(turned @ up, up)
    axis = _main_direction(level)
    down_deg = np.degrees(level @ axis)
    far = np.where(np.abs(down_deg) > REVERSAL_DEG, down_deg, 0.0)
    downness = float(np.sum(far) / max(float(np.sum(np.abs(far))), 1e-9))
    if downness < 0.0:
        axis, down_deg = -axis, -down_deg
    nods = []
    for start, lowest, end in _descents(down_deg):
        of_its_own = quaternion.multiply(quaternion.conjugate(quats[start]), quats[start : end + 1])
        nod_axis = _main_direction(quaternion.to_rotation_vector(of_its_own))
        nod_axis = nod_axis if nod_axis @ axis > 0.0 else -nod_axis
        if abs(nod_axis @ up) < MAX_VERTICAL_SHARE:
            nods.append(Nod(float(down_deg[lowest] - down_deg[start]), nod_axis))
    return nods, abs(downness)


def left_of(nods: list[Nod], up: Array) -> Left | None:
    """Return the weighted mean of the nods' level axes, without those far off the others; None below three."""
    level = np.array([nod.axis - (nod.axis @ up) * up for nod in nods])
    if len(nods) < MIN_NODS:
        return None
    level /= np.linalg.norm(level, axis=1, keepdims=True)
    size_deg = np.array([nod.size_deg for nod in nods])
    weight = 1.0 / (OFF_AXIS_SHARE**2 + (SWAY_DEG / size_deg) ** 2)
    middle = np.median(level, axis=0)
    heading = _headings(level, middle, up)
    kept = np.abs(heading - np.median(heading)) < np.radians(OUTLIER_DEG)
    if np.count_nonzero(kept) < MIN_NODS:
        return None
    weight = weight * kept
    mean = weight @ level
    mean /= np.linalg.norm(mean)
    off = _headings(level, mean, up)
    n_kept = int(np.count_nonzero(kept))
    variance = (weight @ off**2) / weight.sum() * n_kept / (n_kept - 1)
    axis = (float(mean[0]), float(mean[1]), float(mean[2]))
    return Left(axis, n_kept, degrees(float(np.sqrt(variance))), tuple(np.degrees(off).tolist()))


def _main_direction(vectors: Array) -> Array:
    """Return the direction (3,) along which vectors (n, 3) spread most; its sign is arbitrary."""
    centred = vectors - vectors.mean(axis=0)
    return np.asarray(np.linalg.eigh(centred.T @ centred)[1][:, -1])


def _headings(level: Array, ahead: Array, up: Array) -> Array:
    """Return the angles (n,) in radians of level directions (n, 3) about `up`, from `ahead`."""
    return np.arctan2(level @ np.cross(up, ahead), level @ ahead)


def _descents(down_deg: Array) -> list[tuple[int, int, int]]:
    """Return (start, lowest, end) of every movement down that has begun to come back, as indices.

    Start and end leave out the rest before and after, where only the sway of the head is to be seen.
    """
    course: list[float] = down_deg.tolist()
    found: list[tuple[int, int, int]] = []
    start = lowest = extreme = 0
    descending = True
    for k, value in enumerate(course):
        if descending == (value > course[extreme]):
            extreme = k
        if abs(value - course[extreme]) <= REVERSAL_DEG:
            continue
        if descending:
            lowest = extreme
        else:
            found.append((start, lowest, extreme))
            start = extreme
        descending, extreme = not descending, k
    if not descending:
        found.append((start, lowest, extreme))
    return [_without_rest(down_deg, *nod) for nod in found if course[nod[1]] - course[nod[0]] >= MIN_NOD_DEG]


def _without_rest(down_deg: Array, start: int, lowest: int, end: int) -> tuple[int, int, int]:
    up_again_deg = 0.1 * down_deg[lowest]
    before = down_deg[start:lowest] < up_again_deg + 0.9 * down_deg[start]
    after = down_deg[lowest : end + 1] < up_again_deg + 0.9 * down_deg[end]
    return start + int(np.flatnonzero(before)[-1]), lowest, lowest + int(np.flatnonzero(after)[0])
