"""A head's motion written in a file: `time_s,w,x,y,z`, one pose a line, and poses between the lines."""

from dataclasses import dataclass
from math import isfinite, sqrt
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from firmware_bridge import quaternion
from firmware_bridge.errors import BridgeError
from firmware_bridge.quaternion import Array

HEADER = ("time_s", "w", "x", "y", "z")
NORM_RANGE = (0.9, 1.1)


@dataclass(frozen=True, slots=True)
class PoseTrack:
    """Poses in time: `times_s` (n,) rising, `quats_world_from_head` (n, 4) unit, sign-continuous; float64."""

    times_s: Array
    quats_world_from_head: Array

    def pose_at(self, time_s: ArrayLike) -> Array:
        """Return the heads (..., 4) at times (...): great-circle arcs between poses, held at both ends."""
        at = np.asarray(time_s, np.float64)
        if len(self.times_s) == 1:
            return np.broadcast_to(self.quats_world_from_head[0], (*at.shape, 4)).copy()
        left = np.clip(np.searchsorted(self.times_s, at, side="right") - 1, 0, len(self.times_s) - 2)
        span_s = self.times_s[left + 1] - self.times_s[left]
        fraction = np.clip((at - self.times_s[left]) / span_s, 0.0, 1.0)
        quats = self.quats_world_from_head
        return quaternion.slerp(quats[left], quats[left + 1], fraction)


def read_pose_csv(path: Path) -> PoseTrack:
    """Return the poses of a CSV file with the header `time_s,w,x,y,z`.

    Blank lines and lines that begin with # are skipped; quaternions (scalar first, world from head) are
    normalised. Raises BridgeError that names file, line and what is wrong with it.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise BridgeError(f"{path}: {error.strerror}; name a readable pose file.") from None
    except UnicodeDecodeError:
        raise BridgeError(f"{path} is not a text file: a pose file has lines {','.join(HEADER)}.") from None
    rows: list[list[float]] = []
    has_header = False
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split(",")]
        if not has_header:
            if tuple(cells) != HEADER:
                raise BridgeError(f"{path}, line {number}: the header must be {','.join(HEADER)}.")
            has_header = True
            continue
        rows.append(_row(cells, rows[-1][0] if rows else None, f"{path}, line {number}"))
    if not rows:
        raise BridgeError(f"{path} holds no poses: write lines {','.join(HEADER)} below that header.")
    table = np.array(rows)
    return PoseTrack(table[:, 0].copy(), quaternion.continuous(quaternion.normalise(table[:, 1:])))


def _row(cells: list[str], previous_s: float | None, where: str) -> list[float]:
    if len(cells) != len(HEADER):
        raise BridgeError(f"{where}: {len(cells)} values, expected the five of {','.join(HEADER)}.")
    row = []
    for name, cell in zip(HEADER, cells, strict=True):
        try:
            value = float(cell)
        except ValueError:
            raise BridgeError(f"{where}: {name} is {cell!r}, which is not a number.") from None
        if not isfinite(value):
            raise BridgeError(f"{where}: {name} is {cell}, it must be finite.")
        row.append(value)
    if previous_s is not None and row[0] <= previous_s:
        raise BridgeError(f"{where}: time {row[0]:g} s does not rise above the {previous_s:g} s before it.")
    norm = sqrt(sum(part * part for part in row[1:]))
    if not NORM_RANGE[0] <= norm <= NORM_RANGE[1]:
        raise BridgeError(f"{where}: the quaternion has length {norm:.3g}, it must be 1.")
    return row
