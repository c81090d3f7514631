"""How near a decoder comes to the head it was made from: time, level and colour at both ears.

The definitions, at 48 kHz and an FFT of 1024 points (longer for longer responses):

- `itd_us`: mean |error| of the interaural time difference, from the cross-correlation of both ears after a
  zero-phase low-pass at 1.5 kHz with a Gaussian skirt of 150 Hz, 16 times upsampled, a parabola on its peak;
- `itd_env_us`: the same of the ears' Hilbert envelopes below 3 kHz;
- `ild_db`: mean |error| of the interaural level difference over auditory bands from 1.5 to 16 kHz;
- `lsd_lin_db`, `lsd_erb_db`: mean over ears and directions of the rms level error from 200 Hz to 16 kHz, over
  FFT bins and over auditory bands; one gain for everything (the mean error over the auditory bands) is removed.

Bands are gammatone powers one ERB apart; directions weigh by their Voronoi areas. A common delay of both
ears changes nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rt_render.ambisonics.harmonics import real_sh_sn3d
from rt_render.hrtf.bands import bin_frequencies_hz, erb_centres_hz, gammatone_power
from rt_render.hrtf.hrir_set import HrirSet

_HORIZONTAL_DEG = 5.0
_WIDEST_ITD_S = 1.2e-3
_UPSAMPLING = 16


@dataclass(frozen=True)
class Accuracy:
    """Errors against the measured head, averaged over directions; definitions at the head of this file."""

    itd_us: float
    itd_env_us: float
    ild_db: float
    lsd_lin_db: float
    lsd_erb_db: float


@dataclass(frozen=True)
class Evaluation:
    """Accuracy over the whole measured sphere and over the horizontal plane (|elevation| < 5 degrees)."""

    sphere: Accuracy
    horizontal: Accuracy | None
    """None where nothing was measured near the horizontal plane."""


@dataclass(frozen=True, eq=False)
class EarCues:
    """What the evaluator hears in ear responses: times in s (n_dirs,), levels in dB (n_dirs, 2, n_bands)."""

    itd_s: NDArray[np.float64]
    itd_env_s: NDArray[np.float64]
    ild_db: NDArray[np.float64]
    band_db: NDArray[np.float64]
    bin_db: NDArray[np.float64]


def evaluate(filters: NDArray[np.floating], fs_hz: float, hrirs: HrirSet) -> Evaluation:
    """Judge ambisonic decoder filters (2, n_sh, n_taps) for ACN/SN3D input at `fs_hz` against a head.

    Every measured direction is encoded as a plane wave. The head is resampled when its rate differs. Any
    thread; nothing is modified. Raises ValueError when the channel count is not (order + 1)^2.
    """
    order = round(np.sqrt(filters.shape[1])) - 1
    if filters.ndim != 3 or filters.shape[0] != 2 or (order + 1) ** 2 != filters.shape[1]:
        raise ValueError(f"filters of shape {filters.shape}: expected (2, (order + 1)^2, n_taps)")
    sh = real_sh_sn3d(order, hrirs.azimuth_rad, hrirs.elevation_rad)
    return evaluate_ears(np.einsum("dn,ent->det", sh, filters.astype(np.float64)), fs_hz, hrirs)


def evaluate_ears(ears: NDArray[np.floating], fs_hz: float, hrirs: HrirSet) -> Evaluation:
    """Judge ear responses (n_dirs, 2, n) at `fs_hz`, one per measured direction, however they were rendered.

    Raises ValueError when the number of directions differs. Any thread; nothing is modified.
    """
    if ears.shape[:2] != (hrirs.n_dirs, 2):
        raise ValueError(f"ear responses of shape {ears.shape}: expected ({hrirs.n_dirs}, 2, n)")
    reference = hrirs.resampled(fs_hz).hrirs
    n_fft = max(int(1024 * np.ceil(fs_hz / 48000)), _power_of_two(max(ears.shape[2], reference.shape[2])))
    rendered, measured = ear_cues(ears, fs_hz, n_fft), ear_cues(reference, fs_hz, n_fft)
    flat = np.abs(hrirs.elevation_rad) < np.deg2rad(_HORIZONTAL_DEG)
    everywhere = np.ones(hrirs.n_dirs, bool)
    gain_db = _weighted((rendered.band_db - measured.band_db).mean(axis=(1, 2)), hrirs.weights, everywhere)

    def accuracy(chosen: NDArray[np.bool_]) -> Accuracy:
        def mean(error: NDArray[np.float64]) -> float:
            return _weighted(error.reshape(len(error), -1).mean(axis=1), hrirs.weights, chosen)

        def rms(error: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(np.sqrt(np.mean((error - gain_db) ** 2, axis=2)))

        return Accuracy(
            itd_us=1e6 * mean(np.abs(rendered.itd_s - measured.itd_s)),
            itd_env_us=1e6 * mean(np.abs(rendered.itd_env_s - measured.itd_env_s)),
            ild_db=mean(np.abs(rendered.ild_db - measured.ild_db)),
            lsd_lin_db=mean(rms(rendered.bin_db - measured.bin_db)),
            lsd_erb_db=mean(rms(rendered.band_db - measured.band_db)),
        )

    return Evaluation(accuracy(everywhere), accuracy(flat) if np.any(flat) else None)


def ear_cues(ears: NDArray[np.floating], fs_hz: float, n_fft: int) -> EarCues:
    """Measure times and levels of ear responses (n_dirs, 2, n) at `fs_hz`, n at most `n_fft`."""
    spectrum = np.fft.rfft(ears, n_fft)
    frequency_hz = bin_frequencies_hz(n_fft, fs_hz)
    power = np.abs(spectrum) ** 2
    floor = 1e-20 * max(float(power.max()), 1e-300)
    centres_hz = erb_centres_hz(200.0, 16000.0)
    band_db = 10 * np.log10(power @ gammatone_power(frequency_hz, centres_hz).T + floor)
    heard = (frequency_hz >= 200.0) & (frequency_hz <= 16000.0)
    high = centres_hz >= 1500.0
    return EarCues(
        itd_s=_itd_s(spectrum * _low_pass(frequency_hz, 1500.0), fs_hz, n_fft),
        itd_env_s=_itd_s(_envelope_spectrum(spectrum * _low_pass(frequency_hz, 3000.0), n_fft), fs_hz, n_fft),
        ild_db=band_db[:, 0, high] - band_db[:, 1, high],
        band_db=band_db,
        bin_db=10 * np.log10(power[:, :, heard] + floor),
    )


def _itd_s(spectrum: NDArray[np.complex128], fs_hz: float, n_fft: int) -> NDArray[np.float64]:
    """Delay of the right ear against the left (n_dirs,): positive for a source on the left."""
    cross = np.fft.irfft(spectrum[:, 1] * np.conj(spectrum[:, 0]), _UPSAMPLING * n_fft)
    widest = int(_WIDEST_ITD_S * fs_hz * _UPSAMPLING)
    lags = np.arange(-widest, widest + 1)
    near = cross[:, lags]
    peak = np.clip(np.argmax(near, axis=1), 1, len(lags) - 2)
    rows = np.arange(len(near))
    before, at, after = near[rows, peak - 1], near[rows, peak], near[rows, peak + 1]
    bend = before - 2 * at + after
    shift = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1.0), 0.0)
    return np.asarray((lags[peak] + np.clip(shift, -1, 1)) / (fs_hz * _UPSAMPLING))


def _envelope_spectrum(spectrum: NDArray[np.complex128], n_fft: int) -> NDArray[np.complex128]:
    analytic = np.zeros((*spectrum.shape[:2], n_fft), np.complex128)
    analytic[..., : spectrum.shape[2]] = 2 * spectrum
    analytic[..., 0] = spectrum[..., 0]
    envelope = np.abs(np.fft.ifft(analytic))
    return np.asarray(np.fft.rfft(envelope - envelope.mean(axis=2, keepdims=True)))


def _low_pass(frequency_hz: NDArray[np.float64], edge_hz: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-0.5 * (np.maximum(frequency_hz - edge_hz, 0.0) / 150.0) ** 2))


def _weighted(values: NDArray[np.float64], weights: NDArray[np.float64], chosen: NDArray[np.bool_]) -> float:
    return float(values[chosen] @ weights[chosen] / weights[chosen].sum())


def _power_of_two(at_least: int) -> int:
    return 1 << (at_least - 1).bit_length()
