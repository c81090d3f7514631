"""From what was heard to a verdict, trial by trial: the sign and the size of times and levels, and the height."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rt_render.app.selftest.faults import Fault, find_fault
from rt_render.app.selftest.reference import Cues, Reference
from rt_render.app.selftest.trials import TRIALS, Trial, heard_directions, mirrored_directions

SIGN_ITD_US, SIGN_ILD_DB = 100.0, 3.0
"""What is expected to be larger must have the right sign."""
DECODED_ITD_US, DECODED_ILD_DB = 80.0, 3.0
"""How far from what the decoder makes of the right direction: some degrees."""
MEASURED_ITD_US, MEASURED_ILD_DB, ITD_US_PER_DEG, ILD_DB_PER_DEG = 120.0, 5.0, 9.0, 0.3
"""How far from the measured head where the decoder keeps sizes, and more by degree where nothing was measured near."""


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What one trial should have sounded like and did: `itd_us` + left ear first, `ild_db` + left ear louder.

    `ok` is None where nothing could be judged. Distances of the ear spectra to the measured ones at the expected
    height and at its mirror image are told where height is what the trial proves. `text` says what is wrong.
    """

    name: str
    proves: str
    ok: bool | None
    expected_itd_us: float
    heard_itd_us: float
    expected_ild_db: float
    heard_ild_db: float
    to_expected_db: float | None = None
    to_mirrored_db: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Hearing:
    """The verdict on one series of trials; `fault` explains what is wrong where a known one does."""

    trials: tuple[TrialResult, ...]
    fault: Fault | None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.fault is None and not any(trial.ok is False for trial in self.trials)

    @property
    def text(self) -> str:
        """What is wrong, in words; "" for nothing."""
        if self.fault is not None:
            return self.fault.text
        wrong = [trial for trial in self.trials if trial.ok is False]
        return f"with {wrong[0].name}, {wrong[0].text}" if wrong else ""


def judge(heard: Cues, reference: Reference, trials: Sequence[Trial] = TRIALS, *, no_height: str = "") -> Hearing:
    """Judge what was heard in trials; `no_height` is why height is not judged, "" where it is."""
    directions, mirrored = heard_directions(trials), mirrored_directions(trials)
    measured, ideal, away_deg = (
        reference.measured(directions),
        reference.ideal(directions),
        reference.away_deg(directions),
    )
    to_expected, to_mirrored = heard.colour_error_db(measured), heard.colour_error_db(reference.measured(mirrored))
    results = []
    for k, trial in enumerate(trials):
        tells_height = trial.proves == "height" and not no_height
        text = _sides(trial, k, heard, measured, ideal, float(away_deg[k]), reference.tells_size)
        if not text and tells_height and to_expected[k] >= to_mirrored[k]:
            text = (
                f"the colour is nearer to a sound {'above' if trial.pitch_deg > 0 else 'below'} "
                f"({to_mirrored[k]:.1f} dB away) than to one {'below' if trial.pitch_deg > 0 else 'above'} "
                f"({to_expected[k]:.1f} dB), where it stands"
            )
        ok = None if trial.proves == "height" and no_height and not text else not text
        results.append(
            TrialResult(
                trial.name,
                trial.proves,
                ok,
                _tenths(measured.itd_us[k]),
                _tenths(heard.itd_us[k]),
                _tenths(measured.ild_db[k]),
                _tenths(heard.ild_db[k]),
                _tenths(to_expected[k]) if tells_height else None,
                _tenths(to_mirrored[k]) if tells_height else None,
                text or (no_height if ok is None else ""),
            )
        )
    return Hearing(tuple(results), find_fault(heard, trials, reference.ideal))


def _sides(trial: Trial, k: int, heard: Cues, measured: Cues, ideal: Cues, away_deg: float, tells_size: bool) -> str:
    itd_us, ild_db = float(heard.itd_us[k]), float(heard.ild_db[k])
    due_us, due_db = float(measured.itd_us[k]), float(measured.ild_db[k])
    if (abs(due_us) > SIGN_ITD_US and itd_us * due_us <= 0) or (abs(due_db) > SIGN_ILD_DB and ild_db * due_db <= 0):
        heard_at, due_at = ("left", "right") if due_us + 50.0 * due_db < 0 else ("right", "left")
        return f"the sound was heard at the {heard_at} and stands at the {due_at} ({itd_us:+.0f} µs, {ild_db:+.1f} dB)"
    decoded_us = DECODED_ITD_US if tells_size else np.inf
    measured_us = MEASURED_ITD_US + ITD_US_PER_DEG * away_deg if tells_size else np.inf
    measured_db = MEASURED_ILD_DB + ILD_DB_PER_DEG * away_deg if tells_size else np.inf
    if abs(itd_us - ideal.itd_us[k]) > decoded_us or abs(itd_us - due_us) > measured_us:
        return f"the ears are {itd_us:+.0f} µs apart instead of {due_us:+.0f} µs"
    if abs(ild_db - ideal.ild_db[k]) > DECODED_ILD_DB or abs(ild_db - due_db) > measured_db:
        return f"the ears differ by {ild_db:+.1f} dB instead of {due_db:+.1f} dB"
    return ""


def _tenths(value: float) -> float:
    """Rounded to one decimal, and never the -0.0 that puzzles readers."""
    return round(float(value), 1) + 0.0
