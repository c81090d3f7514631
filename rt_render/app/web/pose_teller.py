"""What a page gets thirty times a second: the head, the levels at the ears, and where the sound comes from."""

from math import log10
from typing import Any

from rt_render.app.ear_levels import ear_levels
from rt_render.app.web.surroundings import Surroundings

ENERGY_EVERY = 3
_FLOOR_DB = -120.0


class PoseTeller:
    """Makes the page's messages of what is around a listener; the page's thread."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around, self._number = surroundings, 0

    def message(self, now_s: float) -> dict[str, Any]:
        """Return the message of this moment; each third one has the energy."""
        snapshot, head = self._around.look(now_s)
        rms, peak = ear_levels(snapshot, self._around.blind)
        self._number += 1
        return {
            "type": "pose",
            "q": [round(v, 5) for v in head],
            "t": round(now_s, 3),
            "levels": {"rms_db": [_db(v) for v in rms], "peak_db": [_db(v) for v in peak]},
            "energy": self._around.levels_db() if self._number % ENERGY_EVERY == 1 else None,
            "age_ms": round(1e3 * snapshot.pose_age_s, 1),
        }


def _db(level_lin: float) -> float:
    return round(20.0 * log10(max(level_lin, 10.0 ** (_FLOOR_DB / 20.0))), 1)
