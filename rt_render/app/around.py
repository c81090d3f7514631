"""Where the sound comes from, as a line of bars once around, and where the head looks in it."""

import time

import numpy as np
from rich.text import Text

from firmware_bridge.quaternion import to_yaw_pitch_roll_deg
from rt_render.app.web.energy_map import ELEVATIONS_DEG, N_AZIMUTH
from rt_render.app.web.surroundings import Surroundings

N_CELLS = 40
RANGE_DB = 15.0
_BARS = " ▁▂▃▄▅▆▇█"
_FLOOR_DB = -70.0
RULER = "behind  left      ahead     right behind"
"""Below the bars: from behind over the left, ahead and the right to behind again."""


def around(surroundings: Surroundings) -> Text:
    """Return the bars of this moment, the one that the head faces inverted."""
    _, head = surroundings.look(time.monotonic())
    return bars(surroundings.levels_db(), float(to_yaw_pitch_roll_deg(head)[0]))


def bars(levels_db: list[float], yaw_deg: float) -> Text:
    """Return an energy map's levels as bars from behind over the left to behind, the cell at `yaw_deg` inverted."""
    ring_db = np.reshape(levels_db, (len(ELEVATIONS_DEG), N_AZIMUTH)).max(axis=0)
    azimuth_deg = 180.0 - (np.arange(N_CELLS) + 0.5) * 360.0 / N_CELLS
    nearest = np.round(azimuth_deg / 360.0 * N_AZIMUTH).astype(int) % N_AZIMUTH
    cells_db = ring_db[nearest]
    share = 1.0 - (max(float(cells_db.max()), _FLOOR_DB + RANGE_DB) - cells_db) / RANGE_DB
    heights = np.ceil(np.clip(share, 0.0, 1.0) * (len(_BARS) - 1)).astype(int)
    faced = int((180.0 - yaw_deg) % 360.0 / 360.0 * N_CELLS) % N_CELLS
    text = Text()
    for cell, height in enumerate(heights):
        text.append(_BARS[height], "reverse" if cell == faced else "cyan")
    return text
