"""What must be heard: the cues of the measured head, and those of the decoder alone, for any direction."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rt_render.ambisonics.harmonics import cartesian_to_spherical, real_sh_sn3d
from rt_render.app.selftest.trials import Array, Trial, heard_directions, mirrored_directions
from rt_render.hrtf.decoder import Decoder
from rt_render.hrtf.evaluate import ear_cues
from rt_render.hrtf.hrir_set import HrirSet

N_NEIGHBOURS = 4
SIZE_FROM_ORDER = 3
"""Below this order the interaural time of a decoder is off by 200 µs and more."""
HEIGHT_MARGIN_DB = 0.4
LEAST_HEIGHT_DB = 1.0
"""Spectra of above and below that differ by less tell no height."""


@dataclass(frozen=True, eq=False)
class Cues:
    """What both ears hear in each of n trials: `itd_us` (n,) + where the left ear is first, `ild_db` (n,) + where
    it is louder (mean over auditory bands from 1.5 kHz), `band_db` (n, 2, n_bands) from 200 Hz to 16 kHz."""

    itd_us: Array
    ild_db: Array
    band_db: Array

    def colour_error_db(self, other: "Cues") -> Array:
        """Return the rms difference of the spectra (n,), at one gain for both ears."""
        error = self.band_db - other.band_db
        error -= error.mean(axis=(1, 2), keepdims=True)
        return np.asarray(np.sqrt(np.mean(error**2, axis=(1, 2))))

    def swapped(self) -> "Cues":
        """Return what is heard with left and right exchanged."""
        return Cues(-self.itd_us, -self.ild_db, self.band_db[:, ::-1])


class Reference:
    """A measured head and the decoder made for it, asked for what they sound like. Thread: one."""

    def __init__(self, hrirs: HrirSet, decoder: Decoder) -> None:
        self.decoder, self.fs_hz = decoder, decoder.fs_hz
        self._head = hrirs.resampled(decoder.fs_hz)
        longest = max(decoder.n_taps, self._head.n_taps, int(2048 * decoder.fs_hz / 48000))
        self.n_fft = 1 << (longest - 1).bit_length()
        self._known: dict[tuple[str, bytes], Cues] = {}

    def cues(self, ears: NDArray[np.floating]) -> Cues:
        """Return the cues of ear responses (n, 2, up to n_fft), whatever their common delay."""
        cues = ear_cues(ears, self.fs_hz, self.n_fft)
        return Cues(1e6 * cues.itd_s, cues.ild_db.mean(axis=1), cues.band_db)

    def measured(self, directions: Array) -> Cues:
        """Return what was measured around directions (n, 3), the nearer the more it weighs."""
        return self._once("measured", directions, self._measure)

    def ideal(self, directions: Array) -> Cues:
        """Return what the decoder makes of directions (n, 3) at its order: what a right chain must give."""
        return self._once("ideal", directions, lambda wanted: self.cues(self.ideal_ears(wanted)))

    def ideal_ears(self, directions: Array) -> Array:
        """Return the ear responses (n, 2, n_taps) of the decoder to plane waves from directions, without an engine."""
        harmonics = real_sh_sn3d(self.decoder.order, *cartesian_to_spherical(directions))
        return np.asarray(np.einsum("dn,ent->det", harmonics, self.decoder.filters.astype(np.float64)))

    def away_deg(self, directions: Array) -> Array:
        """Return how far the nearest measured direction is from each one (n, 3)."""
        distance = np.linalg.norm(self._head.unit_vectors[None] - directions[:, None], axis=2).min(axis=1)
        return np.asarray(np.degrees(2.0 * np.arcsin(np.minimum(0.5 * distance, 1.0))))

    @property
    def tells_size(self) -> bool:
        """Whether the decoder keeps the size of times and levels, and not only their sign."""
        return self.decoder.order >= SIZE_FROM_ORDER and self.decoder.method != "ls"

    def why_no_height(self, trials: tuple[Trial, ...]) -> str:
        """Return why above and below cannot be told apart by their colour, "" where they can."""
        chosen = tuple(trial for trial in trials if trial.proves == "height")
        there, mirrored = heard_directions(chosen), mirrored_directions(chosen)
        right, wrong, ideal = self.measured(there), self.measured(mirrored), self.ideal(there)
        if np.any(self.away_deg(there) > 15.0) or np.any(self.away_deg(mirrored) > 15.0):
            return "this head was not measured 30° above and below the front"
        if np.any(right.colour_error_db(wrong) < LEAST_HEIGHT_DB):
            return "this head sounds alike above and below"
        if np.any(ideal.colour_error_db(right) > ideal.colour_error_db(wrong) - HEIGHT_MARGIN_DB):
            return f"order {self.decoder.order} ({self.decoder.method}) is too low to tell height by colour"
        return ""

    def _once(self, kind: str, directions: Array, make: Callable[[Array], Cues]) -> Cues:
        # the same few directions are asked for again and again
        key = (kind, directions.tobytes())
        if key not in self._known:
            self._known[key] = make(directions)
        return self._known[key]

    def _measure(self, directions: Array) -> Cues:
        distance = np.linalg.norm(self._head.unit_vectors[None] - directions[:, None], axis=2)
        nearest = np.argsort(distance, axis=1)[:, :N_NEIGHBOURS]
        weight = 1.0 / (np.take_along_axis(distance, nearest, 1) + 1e-3) ** 2
        weight /= weight.sum(axis=1, keepdims=True)
        near = self.cues(self._head.hrirs[nearest.ravel()])
        return Cues(
            np.einsum("nk,nk->n", weight, near.itd_us.reshape(nearest.shape)),
            np.einsum("nk,nk->n", weight, near.ild_db.reshape(nearest.shape)),
            np.einsum("nk,nkeb->neb", weight, near.band_db.reshape(*nearest.shape, 2, -1)),
        )
