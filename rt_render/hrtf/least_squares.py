"""Decoders in the frequency domain: plain least squares, and magnitude least squares (MagLS)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rt_render.ambisonics.harmonics import real_sh_sn3d
from rt_render.conventions import n_sh
from rt_render.hrtf.bands import bin_frequencies_hz
from rt_render.hrtf.hrir_set import HrirSet
from rt_render.hrtf.minimum_phase import end_fade

PHASE_UPDATES = 10
"""Magnitude least squares: how often the phase of one bin is taken anew from its own solution."""
ONSET_S = 1e-3
"""Where the arrival at the head's centre comes to lie in the filters: room for the near ear and its rise."""


@dataclass(frozen=True, eq=False)
class DesignTarget:
    """What a decoder shall reproduce, ready for any of the methods.

    `sh` (n_dirs, n_sh) N3D harmonics of the measured directions; `weights` (n_dirs,) sum to 1; `spectrum`
    (n_dirs, 2, n_bins) complex128, the head's common delay taken out; `frequency_hz` (n_bins,);
    `regularisation` is relative to the harmonics' mean square, 1.
    """

    order: int
    fs_hz: float
    n_taps: int
    n_fft: int
    sh: NDArray[np.float64]
    weights: NDArray[np.float64]
    spectrum: NDArray[np.complex128]
    frequency_hz: NDArray[np.float64]
    regularisation: float
    cutoff_hz: float

    @property
    def onset_frames(self) -> int:
        """Delay in frames that makes the filters causal."""
        return min(round(ONSET_S * self.fs_hz), self.n_taps // 3)


def n3d_gains(order: int) -> NDArray[np.float64]:
    """Return sqrt(2n + 1) per ACN channel ((order + 1)^2,): N3D harmonics over SN3D ones."""
    return np.sqrt(2.0 * np.floor(np.sqrt(np.arange(n_sh(order)))) + 1.0)


def prepare_target(hrirs: HrirSet, order: int, n_taps: int) -> DesignTarget:
    """Return what a decoder of `order` with `n_taps` shall reproduce of a head, at the head's own rate."""
    frames_per_1k = 1 << int(np.ceil(np.log2(1024 * hrirs.fs_hz / 48000) - 0.2))
    n_fft = max(frames_per_1k, 1 << (2 * n_taps - 1).bit_length(), 1 << (hrirs.n_taps - 1).bit_length())
    frequency_hz = bin_frequencies_hz(n_fft, hrirs.fs_hz)
    spectrum = np.fft.rfft(hrirs.hrirs, n_fft)
    delay_s = common_delay_s(hrirs)
    sh = real_sh_sn3d(order, hrirs.azimuth_rad, hrirs.elevation_rad) * n3d_gains(order)
    return DesignTarget(
        order=order,
        fs_hz=hrirs.fs_hz,
        n_taps=n_taps,
        n_fft=n_fft,
        sh=sh,
        weights=hrirs.weights,
        spectrum=spectrum * np.exp(2j * np.pi * frequency_hz * delay_s),
        frequency_hz=frequency_hz,
        # A cap of the sphere that nobody measured would be filled with anything, at any level.
        regularisation=1e-3 if largest_hole_deg(hrirs) > 30.0 else 1e-6,
        cutoff_hz=min(3000.0, max(2000.0, 600.0 * order)),
    )


def common_delay_s(hrirs: HrirSet) -> float:
    """Return the delay common to all directions and both ears: the energy's mean time from 0.2 to 1.5 kHz."""
    n_fft = 1 << hrirs.n_taps.bit_length()
    frequency_hz = bin_frequencies_hz(n_fft, hrirs.fs_hz)
    low = (frequency_hz >= 200.0) & (frequency_hz <= 1500.0)
    spectrum = np.fft.rfft(hrirs.hrirs, n_fft)[..., low]
    ramped = np.fft.rfft(hrirs.hrirs * np.arange(hrirs.n_taps), n_fft)[..., low]
    weights = hrirs.weights[:, None, None]
    energy = np.sum(weights * np.abs(spectrum) ** 2)
    return float(np.sum(weights * (np.conj(spectrum) * ramped).real) / energy / hrirs.fs_hz)


def largest_hole_deg(hrirs: HrirSet) -> float:
    """Return the angle in degrees from the point of the sphere farthest from any measured direction to it."""
    index = np.arange(4000) + 0.5
    z = 1 - 2 * index / len(index)
    azimuth = np.pi * (1 + np.sqrt(5)) * index
    probes = np.stack([np.sqrt(1 - z**2) * np.cos(azimuth), np.sqrt(1 - z**2) * np.sin(azimuth), z], axis=1)
    nearest = np.max(probes @ hrirs.unit_vectors.T, axis=1)
    return float(np.rad2deg(np.arccos(np.clip(nearest.min(), -1, 1))))


def solve_least_squares(target: DesignTarget) -> NDArray[np.complex128]:
    """Return (n_bins, 2, n_sh) that minimise the weighted squared error of every complex bin."""
    return np.ascontiguousarray((_projection(target) @ _bins_first(target.spectrum)).transpose(0, 2, 1))


def solve_magls(target: DesignTarget, progress: Callable[[float], None] = lambda _: None) -> NDArray[np.complex128]:
    """Return (n_bins, 2, n_sh): least squares below the cutoff, magnitudes alone above it.

    Above the cutoff a bin's phase starts from the solution of the bin below, then comes from its own
    solution `PHASE_UPDATES` times. With the common delay removed the phase hardly turns from bin to bin.

    Schörkhuber, Zaunschirm, Höldrich 2018, "Binaural rendering of Ambisonic signals via magnitude least
    squares", DAGA; phase update after Zotter, Frank 2019, "Ambisonics", section 4.11.
    """
    solution = solve_least_squares(target)
    magnitude = np.abs(_bins_first(target.spectrum))
    projection, sh = _projection(target), target.sh
    first = int(np.searchsorted(target.frequency_hz, target.cutoff_hz))
    for k in range(first, len(solution)):
        ears = sh @ _columns(solution[k - 1])
        for _ in range(PHASE_UPDATES):
            length = np.hypot(ears[:, :2], ears[:, 2:])
            scale = magnitude[k] / np.maximum(length, 1e-12 * (1.0 + magnitude[k]))
            columns = projection @ (ears * np.concatenate([scale, scale], axis=1))
            ears = sh @ columns
        solution[k] = (columns[:, :2] + 1j * columns[:, 2:]).T
        progress((k + 1 - first) / (len(solution) - first))
    return solution


def equalise_diffuse_field(solution: NDArray[np.complex128], target: DesignTarget) -> NDArray[np.complex128]:
    """Return the solution with one real gain per bin, so that its diffuse-field level is the head's."""
    rendered = np.abs(np.einsum("ken,dn->kde", solution, target.sh, optimize=True)) ** 2
    wanted = np.abs(_bins_first(target.spectrum)) ** 2
    share = np.einsum("d,kde->k", target.weights, wanted) / np.maximum(
        np.einsum("d,kde->k", target.weights, rendered), 1e-300
    )
    return np.asarray(solution * np.sqrt(share)[:, None, None])


def causal_taps(solution: NDArray[np.complex128], target: DesignTarget) -> NDArray[np.float64]:
    """Return N3D filters (2, n_sh, n_taps): delayed by the onset, cut, both ends faded."""
    shift = np.exp(-2j * np.pi * np.arange(len(solution)) * target.onset_frames / target.n_fft)
    taps = np.fft.irfft((solution * shift[:, None, None]).transpose(1, 2, 0), target.n_fft)
    return np.asarray(taps[:, :, : target.n_taps] * end_window(target.n_taps))


def end_window(n_taps: int) -> NDArray[np.float64]:
    """Return (n_taps,): 1, with half a Hann window over the first sixteenth and the last eighth."""
    window = end_fade(n_taps)
    rise = max(1, n_taps // 16)
    window[:rise] *= 0.5 - 0.5 * np.cos(np.pi * (np.arange(rise) + 0.5) / rise)
    return window


def _projection(target: DesignTarget) -> NDArray[np.float64]:
    """The weighted, regularised pseudo-inverse of the harmonics (n_sh, n_dirs)."""
    weighted = target.sh.T * target.weights
    gram = weighted @ target.sh + target.regularisation * np.eye(target.sh.shape[1])
    return np.asarray(np.linalg.solve(gram, weighted))


def _bins_first(spectrum: NDArray[np.complex128]) -> NDArray[np.complex128]:
    return np.ascontiguousarray(spectrum.transpose(2, 0, 1))


def _columns(coefficients: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Real parts of both ears, then imaginary parts, as columns (n_sh, 4): one real product serves all."""
    return np.concatenate([coefficients.real, coefficients.imag]).T.copy()
