"""Reads the pose log of a long run to its end and holds it against what the engine counted."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rt_render.app.words import plural
from rt_render.engine.snapshot import Snapshot
from rt_render.errors import RenderError
from rt_render.io.pose_log_file import Done, PoseLogReader
from rt_render.kernels.state import FLAG_FROZEN, FLAG_STALE

_MIB = 2.0**20


@dataclass(slots=True)
class LogSums:
    """What a log's rows come to: blocks, source frames, poses that were heard; `gaps`: blocks out of their row."""

    mb: float = 0.0
    blocks: int = 0
    gaps: int = 0
    frames: int = 0
    poses_heard: int = 0
    done: Done | None = None
    damage: list[str] = field(default_factory=list)
    _last_block: int = 0
    _last_pose: int = 0

    def add(self, rows: NDArray[np.void]) -> None:
        """Take in rows, in the file's order."""
        number, pose = (rows[name].astype(np.int64) for name in ("block", "pose_number"))
        heard = rows["flags"] & (FLAG_FROZEN | FLAG_STALE) == 0
        self.gaps += int(np.count_nonzero(np.diff(number, prepend=self._last_block) != 1))
        self.poses_heard += int(np.count_nonzero((np.diff(pose, prepend=self._last_pose) != 0) & (pose > 0) & heard))
        self.blocks += len(rows)
        self.frames += int(rows["consumed"].sum())
        self._last_block, self._last_pose = int(number[-1]), int(pose[-1])

    def wrong(self, engine: Snapshot) -> list[str]:
        """Return in words where the log disagrees with the engine at its end; empty where nothing is wrong.

        Of a session without a seek.
        """
        found = list(self.damage)
        if self.done is None:
            found.append("the log has no end")
        elif self.done.lost or self.done.missed_slots != engine.missed_slots:
            found.append(
                f"its end tells of {plural(self.done.lost, 'lost block')} and {plural(self.done.missed_slots, 'slot')} "
                f"missed, of which the engine counted {engine.missed_slots}"
            )
        if self.gaps:
            found.append(f"blocks are missing or out of their row at {plural(self.gaps, 'place')}")
        if self.blocks != engine.blocks:
            found.append(f"it holds {plural(self.blocks, 'block')}, the engine counted {engine.blocks}")
        if self.frames != engine.frame:
            found.append(f"its blocks took {plural(self.frames, 'frame')} of the source, the engine {engine.frame}")
        return found

    def as_json(self) -> dict[str, Any]:
        """Return the sums as plain numbers."""
        return {"mb": round(self.mb, 2), "blocks": self.blocks, "frames": self.frames, "poses_heard": self.poses_heard}


def read_log(path: Path) -> LogSums:
    """Read a log to its end, each piece's checksum too. Never raises: what cannot be read is `damage`."""
    sums = LogSums()
    try:
        sums.mb = path.stat().st_size / _MIB
        with PoseLogReader(path) as reader:
            for piece in reader.pieces():
                if isinstance(piece, np.ndarray):
                    sums.add(piece)
                elif isinstance(piece, Done):
                    sums.done = piece
            if reader.cut:
                sums.damage.append(f"it is cut or damaged after {plural(sums.blocks, 'block')}")
    except (RenderError, OSError) as error:
        sums.damage.append(str(error))
    return sums
