"""The figures that shape a panorama: bands as wide as the ear's, directions and phases of the ambience."""

import numpy as np
from numpy.typing import NDArray

_LEAST_BAND_BINS = 3
_FEEDS_DEG = ((60.0, 0.0), (150.0, 0.0), (105.0, 45.0))
"""Azimuth and elevation on the left. The first two are at right angles: a pair of figures of eight hears the powers of
both added, whatever their phases; the third is in the middle above."""
_PHASES_DEG = (61.0, 315.0, 135.0, 72.0, 293.0, 122.0)
"""Of the feeds where they keep still. Found by minimising what feeds and primaries add to and take from each other's
power, in a pair of figures of eight and in W, for unrelated sounds, a source in ambience, and notes of a band."""
_WALKS = (2, 3, 5, 7, 11, 13)
"""Their roots are irrational: each feed's delays take values that never repeat those of another."""
_WALK_FROM_HZ, _WALK_FULL_HZ = 1500.0, 2000.0
_LONGEST_DELAY_S = 4e-3
_SHARES = np.sqrt([0.41, 0.41, 0.18])
"""Of a side's feeds at the usual height."""
_EVENED = (0.6, 1.6)
_STEPS_AN_ERB = 1.0


def band_starts(fft_frames: int, fs_hz: int) -> NDArray[np.int64]:
    """Return the first bin of each band and, last, the end: one ERB (Glasberg, Moore 1990), at least three bins."""
    bin_hz = fs_hz / fft_frames
    starts = [0]
    while starts[-1] <= fft_frames // 2:
        erb_hz = 24.7 * (1.0 + 4.37e-3 * starts[-1] * bin_hz)
        starts.append(starts[-1] + max(_LEAST_BAND_BINS, round(erb_hz / bin_hz)))
    return np.array([*starts[:-1], fft_frames // 2 + 1], np.int64)


def feed_directions() -> NDArray[np.float64]:
    """Return unit vectors (3, 6) of the ambience's feeds: x, y, z; front side, back and above, left ones first."""
    left = np.deg2rad(_FEEDS_DEG).T
    azimuth, elevation = np.concatenate([left, left * [[-1.0], [1.0]]], axis=1)
    return np.stack([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])


def ambience_rotors(fft_frames: int, fs_hz: int) -> NDArray[np.complex128]:
    """Return what each bin of each feed is multiplied with: (6, fft_frames / 2 + 1), left feeds first.

    Feeds differ by constant phases at low frequencies, where nothing else keeps third octaves even; from 1500 Hz on
    also by delays of up to 4 ms that wander with frequency: they have little in common, and a click stays one sound.
    What a pair of figures of eight then hears of a side is made even, bin by bin.
    """
    f_hz = np.arange(fft_frames // 2 + 1) * fs_hz / fft_frames
    longest_s = _LONGEST_DELAY_S * np.clip((f_hz - _WALK_FROM_HZ) / (_WALK_FULL_HZ - _WALK_FROM_HZ), 0.0, 1.0)
    erb_number = 21.4 * np.log10(1.0 + 4.37e-3 * f_hz)
    knots = np.arange(64)
    walks = [np.interp(erb_number * _STEPS_AN_ERB, knots, (knots + 1) * np.sqrt(prime) % 1.0) for prime in _WALKS]
    delays_s = longest_s * np.array(walks)
    phases = np.deg2rad(_PHASES_DEG)[:, None] - 2.0 * np.pi * np.cumsum(delays_s, axis=1) * fs_hz / fft_frames
    # a frame that is delayed within itself loses what its windows then take off
    late = delays_s * fs_hz / fft_frames
    kept = (1.0 - late) * np.cos(np.pi * late) + np.sin(np.pi * late) / np.pi
    rotors: NDArray[np.complex128] = np.exp(1j * phases)
    x, y = feed_directions()[:2]
    for side in (slice(0, 3), slice(3, 6)):
        heard = sum(abs((axis[side] * _SHARES) @ rotors[side]) ** 2 for axis in (x, y))
        rotors[side] /= np.clip(np.sqrt(heard), *_EVENED)
    rotors /= kept
    rotors[:, [0, -1]] = 1.0
    return rotors
