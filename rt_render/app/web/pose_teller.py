"""What a page gets thirty times a second: the head, the levels at the ears, and where the sound comes from."""

from collections.abc import Callable
from math import log10
from typing import Any

import numpy as np

from rt_render.app.web.energy_map import EnergyMap
from rt_render.engine.engine import Engine

Quat = tuple[float, float, float, float]
ENERGY_EVERY = 3
_FLOOR_DB = -120.0


class PoseTeller:
    """Reads an engine without disturbing it; the page's thread.

    `head` tells where the head is (scalar first) while the field does not follow it, None while it does. Then the sound
    is shown to turn with the head, unless `blind`, for that would tell.
    """

    def __init__(
        self,
        engine: Engine,
        head: Callable[[], Quat | None] = lambda: None,
        blind: Callable[[], bool] = lambda: False,
    ) -> None:
        self._engine, self._map = engine, EnergyMap(engine.plan.order)
        self._head, self._blind = head, blind
        self._frame, self._number = -1, 0

    def message(self, now_s: float) -> dict[str, Any]:
        """Return the message of this moment; each third one has the energy."""
        snapshot = self._engine.snapshot()
        field = self._engine.last_field()
        if snapshot.frame == self._frame:  # nothing moves: what lies in the buffers is not heard
            field = np.zeros_like(field)
        self._frame, self._number = snapshot.frame, self._number + 1
        followed = snapshot.quat_world_from_head
        head = self._head() or followed
        self._map.take(field, followed if self._blind() else head, now_s)
        return {
            "type": "pose",
            "q": [round(v, 5) for v in head],
            "t": round(now_s, 3),
            "levels": {"rms_db": [_db(v) for v in snapshot.rms], "peak_db": [_db(v) for v in snapshot.peak]},
            "energy": self._map.levels_db() if self._number % ENERGY_EVERY == 1 else None,
            "age_ms": round(1e3 * snapshot.pose_age_s, 1),
        }


def _db(level_lin: float) -> float:
    return round(20.0 * log10(max(level_lin, 10.0 ** (_FLOOR_DB / 20.0))), 1)
