"""The ways in which a rotation goes wrong, each with what it would sound like: the nearest one explains."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import degrees

import numpy as np

from rt_render.app.selftest.reference import Cues
from rt_render.app.selftest.trials import Array, Trial, head_from_world

ANGLES = ("yaw", "pitch", "roll")
_FELT = {
    "yaw": "turning left moved the sound to the left",
    "pitch": "looking up moved the sound up",
    "roll": "with the right ear down, what is above was heard at the right",
}
_SWAPPED = {
    ("yaw", "pitch"): "turning left moved the sound as looking up should",
    ("yaw", "roll"): "turning left tilted the sound instead of moving it to the right",
    ("pitch", "roll"): "looking up tilted the sound instead of moving it down",
}
ITD_STEP_US, ILD_STEP_DB, COLOUR_STEP_DB, WORST = 100.0, 3.0, 3.0, 4.0
"""What weighs as much as one step of another cue, and the most that a single trial may weigh."""
RIGHT, EXPLAINED, CLEARLY = 0.1, 0.6, 0.5
"""So near to the right rotation there is no fault (the nearest ones are 0.66 away); a fault explains where so little
is left, and the right rotation leaves more than twice as much."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to be wrong: `turn` gives head-from-world of a pose in degrees; `inverted` names angles that switches
    can mend; `text` says it as a person would notice it."""

    name: str
    text: str
    turn: Callable[[float, float, float], Array]
    inverted: tuple[str, ...] = ()
    ears_swapped: bool = False

    def directions(self, trials: Sequence[Trial]) -> Array:
        """Return where the sounds would be heard (n, 3)."""
        return np.array([self.turn(*trial.pose_deg) @ trial.source_unit for trial in trials])


@cache
def faults() -> tuple[Fault, ...]:
    """Return all faults, the right rotation first, simple ones before those that combine."""
    return (*_TURNS, *(_with_ears_swapped(fault) for fault in _TURNS))


def sound_of(fault: Fault, trials: Sequence[Trial], cues_at: Callable[[Array], Cues]) -> Cues:
    """Return what would be heard with a fault, by the cues of directions."""
    cues = cues_at(fault.directions(trials))
    return cues.swapped() if fault.ears_swapped else cues


def unlikeness(heard: Cues, expected: Cues) -> float:
    """Return how far apart two hearings are: 0 equal, 1 one step of a cue in every trial."""
    error = ((heard.itd_us - expected.itd_us) / ITD_STEP_US) ** 2
    error += ((heard.ild_db - expected.ild_db) / ILD_STEP_DB) ** 2
    error += (heard.colour_error_db(expected) / COLOUR_STEP_DB) ** 2
    return float(np.mean(np.minimum(error, WORST)))


def find_fault(heard: Cues, trials: Sequence[Trial], cues_at: Callable[[Array], Cues]) -> Fault | None:
    """Return the fault that explains what is heard clearly better than a right rotation; None where none does."""
    if unlikeness(heard, sound_of(faults()[0], trials, cues_at)) < RIGHT:
        return None
    left = [unlikeness(heard, sound_of(fault, trials, cues_at)) for fault in faults()]
    best = int(np.argmin(left))
    return faults()[best] if best and left[best] < min(EXPLAINED, CLEARLY * left[0]) else None


def _inverted(names: tuple[str, ...]) -> Fault:
    signs = [-1.0 if angle in names else 1.0 for angle in ANGLES]
    named = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    felt = "; ".join(_FELT[name] for name in names)
    return Fault(
        f"{named} inverted",
        f"{named} {'is' if len(names) == 1 else 'are'} inverted: {felt}",
        lambda yaw, pitch, roll: head_from_world(signs[0] * yaw, signs[1] * pitch, signs[2] * roll),
        names,
    )


def _exchanged(first: str, second: str) -> Fault:
    order = [second if angle == first else first if angle == second else angle for angle in ANGLES]

    def turn(*pose_deg: float) -> Array:
        told = dict(zip(ANGLES, pose_deg, strict=True))
        return head_from_world(*(told[angle] for angle in order))

    felt = _SWAPPED[first, second]
    return Fault(f"{first} and {second} swapped", f"{first} and {second} are swapped: {felt}", turn)


def _with_ears_swapped(fault: Fault) -> Fault:
    if not fault.name:
        text = "the ears are swapped: a sound at the left was heard at the right"
        return Fault("ears swapped", text, fault.turn, ears_swapped=True)
    return Fault(
        f"ears swapped, {fault.name}", f"the ears are swapped, and {fault.text}", fault.turn, fault.inverted, True
    )


_TURNS = (
    Fault("", "the rotation is right", head_from_world),
    *(_inverted(names) for size in (1, 2, 3) for names in combinations(ANGLES, size)),
    Fault(
        "transposed",
        "the rotation is transposed: the sound turns with the head instead of staying where it is",
        lambda *pose: head_from_world(*pose).T,
    ),
    *(_exchanged(first, second) for first, second in combinations(ANGLES, 2)),
    Fault(
        "degrees taken for radians",
        "degrees are taken for radians: the sound turns by 57 times too much",
        lambda *pose: head_from_world(*(degrees(angle) for angle in pose)),
    ),
    Fault(
        "no turn",
        "the head's pose has hardly any effect, as with radians taken for degrees: the sound turns with the head",
        lambda *pose: np.eye(3),
    ),
)
