"""What a panorama must reach, and whether it does."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rt_render.app.panorama import measure
from rt_render.app.panorama.signals import Stereo, pink
from rt_render.engine.upmix import Upmix

MOST_FOLD_DB = 1.0
_MOST_EARS_DB, _MOST_AMBIENCE_DB, _LEAST_OPENING_DEG, _LEAST_SPEED = 0.5, -30.0, 45.0, 20.0
_NEAR_DEG = 0.5
_SECONDS = 4.0


@dataclass(frozen=True)
class Bound:
    """A figure beside its bound: at most `required`, or at least where `least`."""

    name: str
    value: float
    required: float
    unit: str
    least: bool = False

    @property
    def ok(self) -> bool:
        """Whether it is reached."""
        return self.value >= self.required if self.least else self.value <= self.required

    @property
    def words(self) -> str:
        """The figure, its bound, and ok or MISSED."""
        kind = "at least" if self.least else "at most"
        return f"{self.value:.2f} {self.unit} ({kind} {self.required:g}) {'ok' if self.ok else 'MISSED'}"


def required_figures(upmix: Upmix, largest_fold_db: Mapping[str, float], times: float, width_deg: float) -> list[Bound]:
    """Return all figures that have a bound, measured of signals made here, beside two that were measured before.

    `largest_fold_db`: the largest change of a third octave behind the fold, by the signal's name; `times`: the speed;
    `width_deg`: where the panorama was made narrower than 45, no more than that is asked for.
    """
    opening_deg = min(_LEAST_OPENING_DEG, width_deg - _NEAR_DEG)
    one, other = (pink(upmix.fs_hz, _SECONDS, seed) for seed in (1, 2))
    mono, left = _stereo(one, one), _stereo(one, 0.0 * one)
    worst = max(largest_fold_db, key=lambda name: largest_fold_db[name])
    return [
        Bound(f"third octaves behind the fold, worst of all ({worst})", largest_fold_db[worst], MOST_FOLD_DB, "dB"),
        Bound("mono: level between the ears", abs(measure.level_between_ears_db(upmix, mono)), _MOST_EARS_DB, "dB"),
        Bound("mono: what is not from the front", measure.rest_db(upmix, mono), _MOST_AMBIENCE_DB, "dB"),
        Bound("left alone: from", measure.opening_deg(upmix, left), opening_deg, "°", least=True),
        Bound(
            "left beside an unrelated right: from",
            measure.part_from_deg(upmix, one, other),
            opening_deg,
            "°",
            least=True,
        ),
        Bound("times faster than it plays, on one core", times, _LEAST_SPEED, "×", least=True),
    ]


def _stereo(left: NDArray[np.float64], right: NDArray[np.float64]) -> Stereo:
    return np.stack([left, right], axis=1).astype(np.float32)
