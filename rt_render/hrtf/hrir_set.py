"""A head as it was measured: impulse responses of both ears over directions."""

import hashlib
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import SphericalVoronoi, cKDTree

from rt_render.ambisonics.harmonics import spherical_to_cartesian

_SAME_DIRECTION = 1e-4  # as a chord of the unit sphere, about 0.006 degrees


@dataclass(frozen=True, eq=False)
class HrirSet:
    """Head-related impulse responses of both ears over measured directions.

    `hrirs` (n_dirs, 2, n_taps) float64, ears left, right; `azimuth_rad`, `elevation_rad` (n_dirs,) in the
    head's frame (x front, y left, z up); `distance_m` of the sources, or None where unknown or mixed;
    `terms` says where the data comes from and under which terms. Never modified; any thread.
    """

    name: str
    hrirs: NDArray[np.float64]
    azimuth_rad: NDArray[np.float64]
    elevation_rad: NDArray[np.float64]
    fs_hz: float
    distance_m: float | None = None
    terms: str = ""

    @property
    def n_dirs(self) -> int:
        """Number of measured directions."""
        return int(self.hrirs.shape[0])

    @property
    def n_taps(self) -> int:
        """Length of the responses in frames."""
        return int(self.hrirs.shape[2])

    @cached_property
    def unit_vectors(self) -> NDArray[np.float64]:
        """Directions as unit vectors (n_dirs, 3)."""
        return spherical_to_cartesian(self.azimuth_rad, self.elevation_rad)

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """Share of the sphere nearest to each direction (n_dirs,), summing to 1 (see `sphere_weights`)."""
        return sphere_weights(self.unit_vectors)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of rate, directions and responses; the name and the terms do not enter."""
        digest = hashlib.sha256(f"{float(self.fs_hz)!r} {self.hrirs.shape!r}".encode())
        for array in (self.azimuth_rad, self.elevation_rad, self.hrirs):
            digest.update(np.ascontiguousarray(array, "<f8").tobytes())
        return digest.hexdigest()

    @cached_property
    def mirror(self) -> NDArray[np.intp] | None:
        """Index (n_dirs,) of each direction's mirror image, or None unless the head is exactly symmetric.

        Exactly symmetric means: the left ear hears from a direction, to 1e-9 of the peak, what the right
        ear hears from its mirror image across the median plane.
        """
        distance, image = cKDTree(self.unit_vectors).query(self.unit_vectors * [1, -1, 1])
        if np.max(distance) > _SAME_DIRECTION:
            return None
        apart = np.max(np.abs(self.hrirs[:, 0] - self.hrirs[image, 1]))
        return image if apart <= 1e-9 * np.max(np.abs(self.hrirs)) else None

    def nearest(self, azimuth_rad: ArrayLike, elevation_rad: ArrayLike) -> NDArray[np.intp]:
        """Return the index of the measured direction nearest to each given one, in their broadcast shape."""
        wanted = spherical_to_cartesian(azimuth_rad, elevation_rad)
        return np.asarray(cKDTree(self.unit_vectors).query(wanted)[1], np.intp)

    def resampled(self, fs_hz: float) -> "HrirSet":
        """Return a copy at another rate, faded out over the last tenth below the lower Nyquist frequency.

        A gain of 1 at some frequency stays 1: the taps scale with the ratio of the rates. No delay is added.
        """
        if fs_hz == self.fs_hz:
            return self
        ratio = Fraction(fs_hz / self.fs_hz).limit_denominator(1000)
        # Room behind the responses for what rings: the ends of an FFT meet.
        periods = -(-(self.n_taps + 256) // ratio.denominator)
        n_in, n_out = periods * ratio.denominator, periods * ratio.numerator
        n_bins = min(n_in, n_out) // 2 + 1
        above_edge = np.clip((np.arange(n_bins) / (n_bins - 1) - 0.9) / 0.1, 0.0, 1.0)
        spectrum = np.fft.rfft(self.hrirs, n_in)[..., :n_bins] * (0.5 + 0.5 * np.cos(np.pi * above_edge))
        n_kept = ceil(self.n_taps * ratio)
        turned = np.fft.irfft(spectrum, n_out)[..., :n_kept]
        return replace(self, hrirs=turned, fs_hz=fs_hz)

    def truncated(self, n_taps: int, fade_taps: int = 32) -> "HrirSet":
        """Return a copy cut to `n_taps`, its last `fade_taps` faded out with half a Hann window."""
        if n_taps >= self.n_taps:
            return self
        cut = self.hrirs[:, :, :n_taps].copy()
        fade = min(fade_taps, n_taps)
        cut[:, :, n_taps - fade :] *= 0.5 + 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / fade)
        return replace(self, hrirs=cut)


def sphere_weights(unit_vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the spherical Voronoi area of each direction (n_dirs,), summing to 1.

    Directions measured twice share their area. Sets that span no volume (a single ring, a few points) have
    no such areas: all directions weigh the same. Any thread; `unit_vectors` (n_dirs, 3) is not modified.
    """
    n_dirs = len(unit_vectors)
    _, first, group = np.unique(
        np.round(unit_vectors / _SAME_DIRECTION), axis=0, return_index=True, return_inverse=True
    )
    group = group.reshape(-1)
    sites = unit_vectors[first] / np.linalg.norm(unit_vectors[first], axis=1, keepdims=True)
    # A flat set is a circle on the sphere: its points lie in one plane.
    if len(sites) < 4 or np.linalg.svd(sites - sites.mean(axis=0), compute_uv=False)[-1] < 1e-6 * n_dirs:
        return np.full(n_dirs, 1.0 / n_dirs)
    areas = SphericalVoronoi(sites, threshold=1e-7).calculate_areas()
    shared = areas[group] / np.bincount(group)[group]
    return np.asarray(shared / shared.sum(), np.float64)
