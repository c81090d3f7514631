"""What a person who listens would point at: where the head is, and where the sound comes from."""

from collections.abc import Callable

import numpy as np

from firmware_bridge.messages import Quat
from rt_render.app.web.energy_map import EnergyMap
from rt_render.engine.engine import Engine
from rt_render.engine.snapshot import Snapshot


class Surroundings:
    """Reads an engine without disturbing it, each time `look` is called; one thread.

    `head` tells where to show the head (scalar first) in the place of where it is heard to be, None for there. Then the
    sound is shown to turn with the head, unless `blind`, for that would tell.
    """

    def __init__(
        self,
        engine: Engine,
        head: Callable[[], Quat | None] = lambda: None,
        blind: Callable[[], bool] = lambda: False,
    ) -> None:
        self._engine, self._map = engine, EnergyMap(engine.plan.order)
        self._head, self._blind = head, blind
        self._frame = -1

    @property
    def blind(self) -> bool:
        """Whether nothing may be shown that tells one version from another."""
        return self._blind()

    def look(self, now_s: float) -> tuple[Snapshot, Quat]:
        """Take in what is heard now; return it, and where the head is."""
        snapshot = self._engine.snapshot()
        field = self._engine.last_field()
        if snapshot.frame == self._frame:  # nothing moves: what lies in the buffers is not heard
            field = np.zeros_like(field)
        self._frame = snapshot.frame
        heard = snapshot.quat_world_from_head
        head = self._head() or heard
        self._map.take(field, heard if self.blind else head, now_s)
        return snapshot, head

    def levels_db(self) -> list[float]:
        """Return the level from each direction, as an `EnergyMap` has it."""
        return self._map.levels_db()
