"""Auditory bands one ERB apart, as power weights over the bins of a real FFT."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def bin_frequencies_hz(n_fft: int, fs_hz: float) -> NDArray[np.float64]:
    """Return the frequencies in Hz of a real FFT's bins (n_fft // 2 + 1,)."""
    return np.asarray(np.fft.rfftfreq(n_fft, 1 / fs_hz), np.float64)


def erb_number(frequency_hz: ArrayLike) -> NDArray[np.float64]:
    """Return the ERB-rate of frequencies in Hz (Glasberg, Moore 1990, eq. 4)."""
    return np.asarray(21.4 * np.log10(1.0 + 0.00437 * np.asarray(frequency_hz, np.float64)))


def erb_centres_hz(low_hz: float, high_hz: float) -> NDArray[np.float64]:
    """Return band centres in Hz, one ERB apart, from `low_hz` up to at most `high_hz`."""
    first, last = erb_number(low_hz), erb_number(high_hz)
    number = np.arange(float(first), float(last) + 1e-9)
    return np.asarray((10.0 ** (number / 21.4) - 1.0) / 0.00437)


def gammatone_power(frequency_hz: NDArray[np.float64], centres_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return fourth-order gammatone power weights (n_bands, n_bins), each band's sum 1.

    |G|^2 = (1 + ((f - fc) / (1.019 ERB(fc)))^2)^-4: Patterson, Robinson, Holdsworth et al. 1992;
    ERB(fc) = 24.7 (1 + 0.00437 fc): Glasberg, Moore 1990, eq. 3.
    """
    width_hz = 1.019 * 24.7 * (1.0 + 0.00437 * centres_hz[:, None])
    power = (1.0 + ((frequency_hz[None, :] - centres_hz[:, None]) / width_hz) ** 2) ** -4
    return np.asarray(power / power.sum(axis=1, keepdims=True))
