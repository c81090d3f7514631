"""The panorama in plain numpy, float64, a frame at a time, with the exact harmonics."""

from itertools import pairwise

import numpy as np

from rt_render.ambisonics.harmonics import cartesian_to_spherical, real_sh_sn3d
from rt_render.engine.panorama_design import ambience_rotors, band_starts, feed_directions
from rt_render.kernels.primary_ambient import UP_SHARE

TIME_S = 0.06


def split(left, right, covariance):
    """Return gain, panning angle and share of a band's (left, right, cross) powers."""
    a, b, c = covariance[0], covariance[1], max(covariance[2], 0.0)
    small, large = np.linalg.eigvalsh([[a, c], [c, b]])
    share = max(small, 0.0) / large if large > 0 else 1.0
    return 0.5 * np.arctan2(2 * c, a - b), share


def stft_frames(stereo, n):
    """Yield the spectra (2, bins) of sine-windowed frames, the first with one hop of the stream in it."""
    hop = n // 4
    padded = np.concatenate([np.zeros((n - hop, 2)), stereo])
    window = np.sin(np.pi * (np.arange(n) + 0.5) / n)
    for start in range(0, len(stereo) // hop * hop, hop):
        yield np.fft.rfft(window[:, None] * padded[start : start + n], axis=0).T


def separate(stereo, fs_hz, scaled=True):
    """Return primary gains and signals as STFT lists, and both ambiences as signals aligned with the input."""
    n = 1024 if fs_hz <= 50000 else 2048
    starts = band_starts(n, fs_hz)
    keep = np.exp(-n / 4 / fs_hz / TIME_S)
    covariance = np.zeros((len(starts) - 1, 3))
    frames = []
    for left, right in stft_frames(stereo, n):
        primary, ambience, pans = np.zeros(len(left), complex), np.zeros((2, len(left)), complex), np.zeros(len(left))
        for b, (i, j) in enumerate(pairwise(starts)):
            xl, xr = left[i:j], right[i:j]
            power = [np.sum(abs(xl) ** 2), np.sum(abs(xr) ** 2), np.sum(xl * xr.conj()).real]
            covariance[b] = keep * covariance[b] + (1 - keep) * np.array(power)
            pan, share = split(xl, xr, covariance[b])
            u = np.array([np.cos(pan), np.sin(pan)])
            y = u[0] * xl + u[1] * xr
            rest = np.array([xl, xr]) - u[:, None] * (1 - share) * y
            primary[i:j], pans[i:j] = (1 - share) * y, pan
            if scaled:
                primary[i:j] = np.sqrt(1 - share) * y
                rest /= np.sqrt(np.maximum(1 - u[:, None] ** 2 * (1 - share), 1e-3))
            ambience[:, i:j] = rest
        frames.append((primary, pans, ambience))
    return frames, n


def overlap(spectra, n):
    """Return the signal of sine-windowed frames, `n` behind the stream they came from."""
    hop = n // 4
    window = np.sin(np.pi * (np.arange(n) + 0.5) / n) / 2
    out = np.zeros(len(spectra) * hop + n)
    for k, spectrum in enumerate(spectra):
        out[k * hop : k * hop + n] += window * np.fft.irfft(spectrum, n)
    return np.concatenate([np.zeros(hop), out])[: len(spectra) * hop]


def panorama(stereo, order, fs_hz, width_deg=60.0, height=0.5):
    """Return the field (n, n_sh) of whole hops, `n` frames late as the kernel's."""
    frames, n = separate(stereo, fs_hz)
    m = np.arange(order + 1)
    front = real_sh_sn3d(order, 0.0, 0.0)
    field = 0.0
    for index in range(-order, order + 1):
        spectra = []
        for primary, pans, _ in frames:
            azimuth = np.deg2rad(width_deg) * (1 - pans / (np.pi / 4))
            turn = np.cos(index * azimuth) if index >= 0 else np.sin(-index * azimuth)
            spectra.append(primary * turn)
        shape = np.zeros(len(front))
        for degree in m[abs(index) :]:
            shape[degree * degree + degree + index] = front[degree * degree + degree + abs(index)]
        field = field + overlap(spectra, n)[:, None] * shape
    rotors = ambience_rotors(n, fs_hz)
    shapes = real_sh_sn3d(order, *cartesian_to_spherical(feed_directions().T))
    for feed in range(6):
        signal = overlap([rotors[feed] * ambience[feed // 3] for _, _, ambience in frames], n)
        up = UP_SHARE * height
        field = field + np.sqrt(up if feed % 3 == 2 else (1 - up) / 2) * signal[:, None] * shapes[feed]
    return field
