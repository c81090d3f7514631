"""What is tried: a head that looks somewhere, a sound that stands somewhere, and where the head must hear it.

The directions are worked out here from plain trigonometry and share no code with what is tested.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SOURCES: dict[str, tuple[float, float]] = {"left": (60.0, 0.0), "right": (-60.0, 0.0), "above": (0.0, 90.0)}
SOURCES["front"] = (0.0, 0.0)
"""Where sounds stand in the world: azimuth (+ left) and elevation in degrees."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A pose in degrees (+ left, up, right ear down), a sound by its place, and what this proves."""

    name: str
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    source: str
    proves: str

    @property
    def pose_deg(self) -> tuple[float, float, float]:
        """Yaw, pitch and roll."""
        return self.yaw_deg, self.pitch_deg, self.roll_deg

    @property
    def source_unit(self) -> Array:
        """Where the sound stands in the world, as a unit vector (3,)."""
        azimuth, elevation = (radians(angle) for angle in SOURCES[self.source])
        return np.array([cos(elevation) * cos(azimuth), cos(elevation) * sin(azimuth), sin(elevation)])


TRIALS = (
    Trial("ahead, sound left", 0, 0, 0, "left", "ears"),
    Trial("yaw −25 pitch +25 roll +35, sound left", -25, 25, 35, "left", "all angles"),
    Trial("ahead, sound right", 0, 0, 0, "right", "ears"),
    Trial("roll +40, sound above", 0, 0, 40, "above", "roll"),
    Trial("roll −40, sound above", 0, 0, -40, "above", "roll"),
    Trial("yaw +40", 40, 0, 0, "front", "yaw"),
    Trial("yaw −40", -40, 0, 0, "front", "yaw"),
    Trial("pitch +30", 0, 30, 0, "front", "height"),
    Trial("pitch −30", 0, -30, 0, "front", "height"),
    Trial("roll +40 pitch +30", 0, 30, 40, "front", "pitch"),
    Trial("roll +40 pitch −30", 0, -30, 40, "front", "pitch"),
    Trial("yaw +50 pitch +20 roll −30", 50, 20, -30, "front", "all angles"),
)
"""In the order in which they are played: each place of the sound once."""


def head_from_world(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Array:
    """Return the matrix (3, 3) that takes where a sound stands in the world to where the head hears it."""
    yaw, pitch, roll = radians(yaw_deg), radians(pitch_deg), radians(roll_deg)
    # Turned left, what was ahead is at the right; looking up, it is below; right ear down, what is above is left.
    turned = np.array([[cos(yaw), sin(yaw), 0], [-sin(yaw), cos(yaw), 0], [0, 0, 1]])
    nodded = np.array([[cos(pitch), 0, sin(pitch)], [0, 1, 0], [-sin(pitch), 0, cos(pitch)]])
    tilted = np.array([[1, 0, 0], [0, cos(roll), sin(roll)], [0, -sin(roll), cos(roll)]])
    return np.asarray(tilted @ nodded @ turned, np.float64)


def heard_directions(trials: Sequence[Trial]) -> Array:
    """Return where the head must hear the sound of each trial (n, 3), in its own axes."""
    return np.array([head_from_world(*trial.pose_deg) @ trial.source_unit for trial in trials])


def mirrored_directions(trials: Sequence[Trial]) -> Array:
    """Return where the sound of each trial would be heard (n, 3) if up and down were exchanged."""
    return heard_directions(trials) * [1.0, 1.0, -1.0]
