"""Minimum-phase filters from magnitudes, and the convolution that applies them."""

import numpy as np
from numpy.typing import NDArray


def minimum_phase_taps(magnitude: NDArray[np.float64], n_taps: int) -> NDArray[np.float64]:
    """Return the minimum-phase response (..., n_taps) of a magnitude (..., n_bins) on the bins of a real FFT.

    `magnitude` covers 0 to Nyquist inclusive; values 120 dB below its largest are raised to there. The last
    eighth of the taps is faded out. Any thread; nothing is modified.

    Oppenheim, Schafer, "Discrete-Time Signal Processing", chapter 13: the folded real cepstrum.
    """
    n_fft = 2 * (magnitude.shape[-1] - 1)
    floor = 1e-6 * np.max(magnitude, axis=-1, keepdims=True)
    cepstrum = np.fft.irfft(np.log(np.maximum(magnitude, floor)), n_fft)
    fold = np.zeros(n_fft)
    fold[0] = fold[n_fft // 2] = 1.0
    fold[1 : n_fft // 2] = 2.0
    taps = np.fft.irfft(np.exp(np.fft.rfft(cepstrum * fold)), n_fft)[..., :n_taps]
    return np.asarray(taps * end_fade(taps.shape[-1]))


def end_fade(n_taps: int) -> NDArray[np.float64]:
    """Return (n_taps,): 1, with half a Hann window over the last eighth, which does not reach 0."""
    window = np.ones(n_taps)
    fall = max(1, n_taps // 8)
    window[-fall:] = 0.5 + 0.5 * np.cos(np.pi * (np.arange(fall) + 0.5) / fall)
    return window


def convolved(responses: NDArray[np.float64], taps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the full convolution along the last axis (..., n + m - 1); the other axes broadcast."""
    n_full = responses.shape[-1] + taps.shape[-1] - 1
    n_fft = 1 << (n_full - 1).bit_length()
    product = np.fft.rfft(responses, n_fft) * np.fft.rfft(taps, n_fft)
    return np.asarray(np.fft.irfft(product, n_fft)[..., :n_full])
