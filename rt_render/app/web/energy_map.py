"""Where the sound comes from: the field's power from all around, in the frame of the world."""

from math import cos, exp, radians

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import eval_legendre

from rt_render.ambisonics.harmonics import real_sh_sn3d
from rt_render.ambisonics.rotation import head_field_rotation
from rt_render.conventions import n_sh

N_AZIMUTH = 72
ELEVATIONS_DEG = (-60, -40, -20, 0, 20, 40, 60)
ENERGY_GRID = {"n_azimuth": N_AZIMUTH, "elevations_deg": ELEVATIONS_DEG}
HIGHEST_ORDER = 3
"""Enough for a picture, and light: 16 channels."""
AVERAGE_S = 0.15
FLOOR_DB = -90.0


class EnergyMap:
    """A running mean of what beams in 7 × 72 directions get of a field; one thread, no engine in it."""

    def __init__(self, field_order: int) -> None:
        self._order = min(field_order, HIGHEST_ORDER)
        azimuth = np.radians(np.arange(N_AZIMUTH) * 360.0 / N_AZIMUTH)
        elevation = np.radians(ELEVATIONS_DEG)[:, None]
        harmonics = real_sh_sn3d(self._order, azimuth, elevation).reshape(-1, n_sh(self._order))
        self._beams = harmonics * _beam_weights(self._order)
        self._covariance = np.zeros((n_sh(self._order), n_sh(self._order)))
        self._taken_s = -1e9

    def take(self, field_head: NDArray[np.float32], quat_world_from_head: ArrayLike, now_s: float) -> None:
        """Let a piece of the field as the head hears it, (n, n_sh) ACN/SN3D, count for the mean of some 0.15 s."""
        turn = head_field_rotation(self._order, quat_world_from_head).T
        heard = field_head[:, : len(turn)].astype(np.float64)
        covariance = turn @ (heard.T @ heard / max(1, len(heard))) @ turn.T
        fresh = 1.0 - exp(-max(0.0, now_s - self._taken_s) / AVERAGE_S)
        self._covariance += fresh * (covariance - self._covariance)
        self._taken_s = now_s

    def levels_db(self) -> list[float]:
        """Return the mean level from each direction, rows from below up, each from the front round over the left.

        dB full scale: that of a plane wave from there, at least -90.
        """
        power = ((self._beams @ self._covariance) * self._beams).sum(axis=1)
        levels = 10.0 * np.log10(np.maximum(power, 10.0 ** (FLOOR_DB / 10.0)))
        rounded: list[float] = np.round(levels, 1).tolist()
        return rounded


def _beam_weights(order: int) -> NDArray[np.float64]:
    """Return a factor for each channel: beams with the most energy ahead, 1 for a plane wave that meets them.

    Zotter, Frank 2012, "All-round ambisonic panning and decoding", the max-rE weights.
    """
    degrees = np.arange(order + 1)
    per_degree = (2 * degrees + 1) * eval_legendre(degrees, cos(radians(137.9 / (order + 1.51))))
    weights: NDArray[np.float64] = np.repeat(per_degree / per_degree.sum(), 2 * degrees + 1)
    return weights
