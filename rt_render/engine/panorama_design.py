"""The figures that shape a panorama: bands as wide as the ear's, directions and phases of the ambience."""

import numpy as np
from numpy.typing import NDArray

_LEAST_BAND_BINS = 3
_FEEDS_DEG = ((60.0, 0.0), (150.0, 0.0), (105.0, 45.0))
"""Azimuth and elevation on the left: where hard left is heard, the back, and in the middle above."""
_PHASES_DEG = (59.0, 92.0, 102.0, 59.0, 93.0, 101.0)
"""Of the feeds where they keep still. Found by a search for those of which six unrelated feeds are missed least: at the
ears of KEMAR, turned all around, from 100 Hz to 1.6 kHz (0.48 dB rms), and in W."""
_WALKS = (2, 3, 5, 7, 11, 13)
"""Their roots are irrational: each feed's delays take values that never repeat those of another."""
_WALK_FROM_HZ, _WALK_FULL_HZ = 1500.0, 2000.0
_LONGEST_DELAY_S = 1.5e-3
_FRONT_SHARE = 0.85
"""Of a side's ambience on the horizon: with less, what is loud on one side alone is drawn to the back."""
_USUAL_UP = 0.18
"""The share of what is above for which rotors are made even."""
_STEPS_AN_ERB = 0.5


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


def ambience_rotors(fft_frames: int, fs_hz: int) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Return what each bin of each feed is multiplied with, and what a pair of figures of eight hears of it.

    The former is (6, fft_frames / 2 + 1), left feeds first. The latter is (fft_frames / 2 + 1, 2, 2, 2): of the feeds
    on the horizon and above, ahead (x) and to the left (y), of the left and the right ambience. Feeds differ by
    constant phases at low frequencies, where nothing else keeps third octaves even; from 1500 Hz on also by delays of
    up to 1.5 ms that wander with frequency: they have little in common, and a click stays one sound. They are then
    moved, no further than need be, to where the pair hears left and right ambience at right angles, of unchanged power.
    """
    f_hz = np.arange(fft_frames // 2 + 1) * fs_hz / fft_frames
    longest_s = _LONGEST_DELAY_S * np.clip((f_hz - _WALK_FROM_HZ) / (_WALK_FULL_HZ - _WALK_FROM_HZ), 0.0, 1.0)
    erb_number = 21.4 * np.log10(1.0 + 4.37e-3 * f_hz)
    knots = np.arange(64)
    walks = [np.interp(erb_number * _STEPS_AN_ERB, knots, (knots + 1) * np.sqrt(prime) % 1.0) for prime in _WALKS]
    delays_s = longest_s * np.array(walks)
    phases = np.deg2rad(_PHASES_DEG)[:, None] - 2.0 * np.pi * np.cumsum(delays_s, axis=1) * fs_hz / fft_frames
    rotors: NDArray[np.complex128] = np.exp(1j * phases)
    rotors[:, [0, -1]] = 1.0
    rotors *= np.sqrt([_FRONT_SHARE, 1.0 - _FRONT_SHARE, 1.0] * 2)[:, None]
    axes = feed_directions()[:2]
    usual = axes * np.sqrt([1.0 - _USUAL_UP, 1.0 - _USUAL_UP, _USUAL_UP] * 2)
    sides = (slice(0, 3), slice(3, 6))
    heard = np.stack([(usual[:, side] @ rotors[side]).T for side in sides], axis=-1)
    u, _, vh = np.linalg.svd(heard)
    missing = u @ vh - heard
    for i, side in enumerate(sides):
        rotors[side] += np.linalg.pinv(usual[:, side]) @ missing[:, :, i].T
    parts = [[axes[:, side][:, part] @ rotors[side][part] for side in sides] for part in (slice(0, 2), slice(2, 3))]
    # a frame that is delayed within itself loses what its windows then take off
    late = delays_s * fs_hz / fft_frames
    kept = (1.0 - late) * np.cos(np.pi * late) + np.sin(np.pi * late) / np.pi
    return rotors / kept, np.moveaxis(np.array(parts), (0, 1, 2, 3), (1, 3, 2, 0))
