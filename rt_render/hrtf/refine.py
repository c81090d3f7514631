"""Refinement of a decoder on what is heard: levels in auditory bands, their difference, and time.

Magnitude least squares weighs linear amplitudes, so that the far ear, 20 dB down, hardly counts. Here the
taps themselves are moved down the gradient of a cost in decibels, from a MagLS start. The idea of a cost on
the interaural level difference is iMagLS's (Berebi, Ben-Hur, Alon, Rafaely 2023); the logarithmic levels, the
auditory bands and the solution over taps (all bins at once, ends of the filters included) are ours.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from rt_render.hrtf.bands import erb_centres_hz, gammatone_power
from rt_render.hrtf.least_squares import DesignTarget, end_window

ITERATIONS = 100
"""Steps of the optimiser; twice as many gain less than 3 % of any figure."""
BAND_WEIGHT, ILD_WEIGHT, BIN_WEIGHT = 1.0, 0.5, 0.3
"""Mean squares in dB of both ears' band levels, of their difference from 1.5 kHz up, of levels by bin."""
COMPLEX_WEIGHT = 200.0
"""Of the squared complex error below the cutoff, relative to the head's diffuse-field power by bin."""
ITD_WEIGHT, ITD_SCALE_S = 2.0, 20e-6
"""Of the interaural time error below 1.5 kHz, in units of what a listener just notices in front."""
_DB = 10.0 / np.log(10.0)


def refine_taps(
    taps: NDArray[np.float64], target: DesignTarget, progress: Callable[[float], None] = lambda _: None
) -> NDArray[np.float64]:
    """Return refined N3D filters (2, n_sh, n_taps), starting from `taps` of the same shape.

    `progress` is called with a share of 1. Deterministic on one machine; nothing is modified. Any thread.
    """
    cost = _Cost(target)
    steps = iter(range(1, ITERATIONS + 1))
    found = minimize(
        lambda x: cost(x.reshape(taps.shape)),
        taps.reshape(-1),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": ITERATIONS, "maxcor": 12},
        callback=lambda _: progress(next(steps, ITERATIONS) / ITERATIONS),
    )
    return np.asarray(found.x.reshape(taps.shape) * cost.window)


class _Cost:
    """The cost of windowed taps and its gradient; terms and weights stand at the head of this file."""

    def __init__(self, target: DesignTarget) -> None:
        # Twice the taps: enough for the power spectrum of a filter to be whole.
        self.n_fft = 1 << (2 * target.n_taps - 1).bit_length()
        step = target.n_fft // self.n_fft
        frequency_hz = target.frequency_hz[::step]
        self.sh, self.weights, self.window = target.sh, target.weights, end_window(target.n_taps)
        power = np.abs(target.spectrum.transpose(1, 0, 2)) ** 2
        diffuse = np.maximum(np.mean(target.weights @ power, axis=0), 1e-9 * power.mean())[::step]

        centres_hz = erb_centres_hz(200.0, 16000.0)
        self.bands = gammatone_power(frequency_hz, centres_hz)
        self.band_floor = 1e-8 * float(diffuse.mean())
        self.band_db = _DB * np.log(power @ gammatone_power(target.frequency_hz, centres_hz).T + self.band_floor)
        self.ild_mask = (centres_hz >= 1500.0).astype(float)

        heard = np.flatnonzero((frequency_hz >= target.cutoff_hz) & (frequency_hz <= 16000.0))
        self.bins = slice(heard[0], heard[-1] + 1)
        # Notches 30 dB below the diffuse field are not chased.
        self.bin_floor = 1e-3 * diffuse[self.bins]
        self.bin_db = _DB * np.log(power[:, :, ::step][:, :, self.bins] + self.bin_floor)

        self.low = slice(0, int(np.searchsorted(frequency_hz, target.cutoff_hz)))
        shift = np.exp(-2j * np.pi * frequency_hz * target.onset_frames / target.fs_hz)
        wanted = (target.spectrum[:, :, ::step] * shift).transpose(1, 0, 2)
        self.wanted = wanted[:, :, self.low]
        self.low_weight = 1.0 / np.maximum(diffuse, 1e-2 * diffuse[self.low].max())[self.low]
        self.spill = 3e-1 * target.regularisation * COMPLEX_WEIGHT / (len(frequency_hz) * float(diffuse.mean()))

        itd = slice(1, int(np.searchsorted(frequency_hz, 1950.0)))
        radians_s = 2 * np.pi * frequency_hz[itd]
        low_pass = np.exp(-((np.maximum(frequency_hz[itd] - 1500.0, 0) / 150.0) ** 2))
        cross = np.conj(wanted[0, :, itd]) * wanted[1, :, itd]
        bend = (radians_s**2 * low_pass) * np.abs(cross)
        self.itd = itd
        # The first-order time error: slope over curvature of the cross-correlation at the head's own peak.
        self.itd_phase = np.conj(cross) / np.maximum(np.abs(cross), 1e-300)
        self.itd_phase = self.itd_phase * (radians_s * low_pass) / (bend.sum(axis=1)[:, None] * ITD_SCALE_S)

    def __call__(self, taps: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        filters = np.fft.rfft(taps * self.window, self.n_fft)
        ears = self.sh @ filters.real + 1j * (self.sh @ filters.imag)
        total, slope = self._levels(ears)
        for part, gradient, where in (self._complex_error(ears), self._time_error(ears)):
            total += part
            slope[:, :, where] += gradient
        back = self.sh.T @ slope.real + 1j * (self.sh.T @ slope.imag)
        total += self.spill * float(np.sum(np.abs(filters) ** 2))
        back += 2 * self.spill * filters
        # The adjoint of rfft: inner bins stand for two, the first and the last for one real number.
        back[..., 0], back[..., -1] = 2 * back[..., 0].real, 2 * back[..., -1].real
        by_tap = np.fft.irfft(back, self.n_fft)[..., : taps.shape[2]] * (self.n_fft / 2)
        return total, np.asarray((by_tap * self.window).reshape(-1), np.float64)

    def _levels(self, ears: NDArray[np.complex128]) -> tuple[float, NDArray[np.complex128]]:
        power = ears.real**2 + ears.imag**2
        band = power @ self.bands.T + self.band_floor
        error = _DB * np.log(band) - self.band_db
        n_bands, n_high = error.shape[2], self.ild_mask.sum()
        weights = self.weights[:, None]
        total = BAND_WEIGHT / n_bands * float(np.sum(weights * error**2)) / 2
        slope = (BAND_WEIGHT / n_bands) * weights * error

        ild = (error[0] - error[1]) * self.ild_mask
        total += ILD_WEIGHT / n_high * float(np.sum(weights * ild**2))
        slope += 2 * ILD_WEIGHT / n_high * weights * np.stack([ild, -ild])
        by_power = (slope * _DB / band) @ self.bands

        level = power[:, :, self.bins] + self.bin_floor
        error = _DB * np.log(level) - self.bin_db
        n_bins = error.shape[2]
        total += BIN_WEIGHT / n_bins * float(np.sum(weights * error**2)) / 2
        by_power[:, :, self.bins] += BIN_WEIGHT / n_bins * _DB * weights * error / level
        return total, 2 * by_power * ears

    def _complex_error(self, ears: NDArray[np.complex128]) -> tuple[float, NDArray[np.complex128], slice]:
        error = ears[:, :, self.low] - self.wanted
        scale = COMPLEX_WEIGHT / error.shape[2] / 2 * self.weights[:, None] * self.low_weight
        return float(np.sum(scale * np.abs(error) ** 2)), 2 * scale * error, self.low

    def _time_error(self, ears: NDArray[np.complex128]) -> tuple[float, NDArray[np.complex128], slice]:
        left, right = ears[:, :, self.itd]
        error = np.sum((np.conj(left) * right * self.itd_phase).imag, axis=1)
        # Errors far beyond a just noticeable one pull no harder: low orders cannot mend them.
        bounded = np.sqrt(1.0 + error**2 / 9.0)
        total = ITD_WEIGHT * 18.0 * float(self.weights @ (bounded - 1.0))
        pull = (ITD_WEIGHT * 2.0 * self.weights * error / bounded)[:, None]
        by_left = -1j * pull * right * self.itd_phase
        by_right = 1j * pull * left * np.conj(self.itd_phase)
        return total, np.stack([by_left, by_right]), self.itd
