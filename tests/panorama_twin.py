"""The panorama in plain numpy, float64, a frame at a time, with the exact harmonics."""

from itertools import pairwise

import numpy as np

from rt_render.ambisonics.harmonics import cartesian_to_spherical, real_sh_sn3d
from rt_render.engine.panorama_design import ambience_rotors, band_starts, feed_directions
from rt_render.kernels.primary_ambient import UP_SHARE

TIME_S = 0.06


def split(covariance):
    """Return the panning angle and the share of ambience, of a band's (left, right, cross) powers."""
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


def separate(stereo, fs_hz):
    """Return frames of (y, z, pan, share), each (bins,): the primary, what is at right angles to it, b over a."""
    n = 1024 if fs_hz <= 50000 else 2048
    starts = band_starts(n, fs_hz)
    keep = np.exp(-n / 4 / fs_hz / TIME_S)
    covariance = np.zeros((len(starts) - 1, 3))
    frames = []
    for left, right in stft_frames(stereo, n):
        pans, shares = np.zeros(len(left)), np.zeros(len(left))
        for b, (i, j) in enumerate(pairwise(starts)):
            xl, xr = left[i:j], right[i:j]
            power = [np.sum(abs(xl) ** 2), np.sum(abs(xr) ** 2), np.sum(xl * xr.conj()).real]
            covariance[b] = keep * covariance[b] + (1 - keep) * np.array(power)
            pans[i:j], shares[i:j] = split(covariance[b])
        ul, ur = np.cos(pans), np.sin(pans)
        frames.append((ul * left + ur * right, ul * right - ur * left, pans, shares))
    return frames, n


def least_squares(frame):
    """Return the estimates of primary (2, bins) and ambience (2, bins), not scaled."""
    y, z, pans, shares = frame
    u = np.array([np.cos(pans), np.sin(pans)])
    return (1 - shares) * y * u, shares * y * u + z * np.array([-u[1], u[0]])


def kept_ambience(frame, azimuths, heard):
    """Return both ambiences (2, bins), such that a pair of figures of eight hears a unitary matrix of y and z.

    `heard` (bins, 2, 2): what the pair hears on x and y of the ambiences. Of unitary matrices it is the one nearest to
    what Faller's scaled estimates give, by the powers of y and z: by singular values.
    """
    y, z, pans, shares = frame
    u = np.array([np.cos(pans), np.sin(pans)])
    wanted = np.array([[u[0] * shares, -u[1]], [u[1] * shares, u[0]]])
    wanted = np.moveaxis(wanted / np.sqrt(np.maximum(1 - u**2 * (1 - shares), 1e-3))[:, None], -1, 0)
    primary = np.zeros_like(wanted)
    primary[:, :, 0] = (np.sqrt(1 - shares) * np.array([np.cos(azimuths), np.sin(azimuths)])).T
    weights = np.stack([np.ones_like(shares), np.maximum(shares, 1e-13)], axis=-1)
    left, _, right = np.linalg.svd((primary + heard @ wanted) * weights[:, None, :])
    mixed = np.linalg.solve(heard, left @ right - primary)
    return np.einsum("kij,jk->ik", mixed, np.array([y, z]))


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
    azimuths = [np.deg2rad(width_deg) * (1 - pans / (np.pi / 4)) for _, _, pans, _ in frames]
    m = np.arange(order + 1)
    front = real_sh_sn3d(order, 0.0, 0.0)
    field = 0.0
    for index in range(-order, order + 1):
        spectra = []
        for (y, _, _, shares), azimuth in zip(frames, azimuths, strict=True):
            turn = np.cos(index * azimuth) if index >= 0 else np.sin(-index * azimuth)
            spectra.append(np.sqrt(1 - shares) * y * turn)
        shape = np.zeros(len(front))
        for degree in m[abs(index) :]:
            shape[degree * degree + degree + index] = front[degree * degree + degree + abs(index)]
        field = field + overlap(spectra, n)[:, None] * shape
    rotors, heard = ambience_rotors(n, fs_hz)
    up = UP_SHARE * height
    heard = np.sqrt(1 - up) * heard[:, 0] + np.sqrt(up) * heard[:, 1]
    ambiences = [kept_ambience(frame, azimuth, heard) for frame, azimuth in zip(frames, azimuths, strict=True)]
    shapes = real_sh_sn3d(order, *cartesian_to_spherical(feed_directions().T))
    for feed in range(6):
        signal = overlap([rotors[feed] * ambience[feed // 3] for ambience in ambiences], n)
        field = field + np.sqrt(up if feed % 3 == 2 else 1 - up) * signal[:, None] * shapes[feed]
    return field
