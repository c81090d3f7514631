"""How truly a speaker of each layout is heard from its direction, by order: against the head as measured."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rt_render.ambisonics.harmonics import spherical_to_cartesian
from rt_render.ambisonics.layouts import LAYOUTS
from rt_render.hrtf.decoder import design_decoder
from rt_render.hrtf.evaluate import EarCues, ear_cues
from rt_render.hrtf.heads import built_in_head

FS_HZ = 48000
_N_FFT = 1024
REQUIRED = {7: {"energy_db": 0.5, "itd_us": 20.0, "ild_db": 1.5}}
"""By order, at most so much: of the one that plays. Between the ears it is about what can just be told."""
_ITD_STEP_S = 30e-6
"""An error in time as audible as one of 1 dB in level, for the search of the direction that is heard."""


def run(
    on_progress: Callable[[str], None] = lambda text: None, orders: tuple[int, ...] = (3, 5, 7)
) -> dict[str, object]:
    """Return per layout and order the worst errors of its speakers at both ears of KEMAR.

    `itd_us`, `ild_db` (mean over auditory bands from 1.5 to 16 kHz): against the measured head, between whose
    directions is interpolated; `energy_db`: from the faintest speaker to the loudest, level over auditory bands
    against the measured head's; `direction_deg`: from the speaker to the measured direction that sounds most like
    it; `field_energy_db`: spread of the field's own energy. Control side; takes a few seconds.
    """
    hrirs = built_in_head("kemar", FS_HZ)
    measured = ear_cues(hrirs.resampled(FS_HZ).hrirs, FS_HZ, _N_FFT)
    places = spherical_to_cartesian(hrirs.azimuth_rad, hrirs.elevation_rad)
    figures: dict[str, dict[str, object]] = {name: {} for name in LAYOUTS}
    for order in orders:
        on_progress(f"layouts at order {order}")
        decoder = design_decoder(hrirs, order, "auto", 256, FS_HZ)
        norms = np.repeat(2 * np.arange(order + 1) + 1, 2 * np.arange(order + 1) + 1)
        for name, layout in LAYOUTS.items():
            speakers = [speaker for speaker in layout.speakers if not speaker.lfe]
            rows = layout.encoding_matrix(order)[[not speaker.lfe for speaker in layout.speakers]]
            angles_rad = np.deg2rad([(speaker.azimuth_deg, speaker.elevation_deg) for speaker in speakers])
            heard = ear_cues(np.einsum("sn,ent->set", rows, decoder.filters.astype(np.float64)), FS_HZ, _N_FFT)
            field_db = 10 * np.log10(rows**2 @ norms)
            errors = worst_errors(heard, measured, places, spherical_to_cartesian(*angles_rad.T))
            figures[name][str(order)] = {**errors, "field_energy_db": round(float(np.ptp(field_db)), 9)}
    return {"layouts": figures, "layouts_required": {str(order): limits for order, limits in REQUIRED.items()}}


def worst_errors(
    heard: EarCues, measured: EarCues, places: NDArray[np.float64], wanted: NDArray[np.float64]
) -> dict[str, float]:
    """Return the figures of `run` for plane waves `wanted` (n, 3), heard as (n,) cues, against (m,) at `places`."""
    away_rad = np.arccos(np.clip(wanted @ places.T, -1.0, 1.0))
    itd_s, ild_db, energy_db, found = [], [], [], []
    for i, row in enumerate(away_rad):
        near = np.argsort(row)[:2]
        share = row[near[::-1]] / row[near].sum()
        itd_s.append(abs(heard.itd_s[i] - share @ measured.itd_s[near]))
        ild_db.append(np.abs(heard.ild_db[i] - share @ measured.ild_db[near]).mean())
        energy_db.append(np.mean(heard.band_db[i] - np.tensordot(share, measured.band_db[near], 1)))
        level_db = heard.band_db[i] - measured.band_db
        colour = np.mean((level_db - level_db.mean(axis=(1, 2), keepdims=True)) ** 2, axis=(1, 2))
        alike = int(np.argmin(colour + ((heard.itd_s[i] - measured.itd_s) / _ITD_STEP_S) ** 2))
        found.append(np.rad2deg(row[alike]))
    worst = (1e6 * max(itd_s), max(ild_db), np.ptp(energy_db), max(found))
    return {
        key: round(float(value), 2)
        for key, value in zip(("itd_us", "ild_db", "energy_db", "direction_deg"), worst, strict=True)
    }
