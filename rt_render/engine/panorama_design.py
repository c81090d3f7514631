"""The figures that shape a panorama: bands as wide as the ear's, directions of the ambience, its all-pass filters."""

import numpy as np
from numpy.typing import NDArray

_LEAST_BAND_BINS = 3
_FEEDS_DEG = ((60.0, 0.0), (150.0, 0.0), (105.0, 45.0))
"""Azimuth and elevation on the left. The first two are at right angles: a pair of figures of eight hears the powers of
both added, whatever their phases, and the third in the middle above."""
_DESIGN_FS_HZ = 48_000
_DELAYS_FRAMES = (
    ((214, 200, 341), (-45, 198, -326), (-119, 84, -159)),
    ((-41, 57, -40), (170, -309, -50), (-109, -53, 111)),
)
"""With the signs of their gains, at 48 kHz: per side, feed and section. The best of some thousands, by how evenly a pair
of figures of eight and an omnidirectional microphone hear the feeds of a side together in third octaves from 63 Hz on."""
_GAIN = 0.5


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


def allpass_delays(fs_hz: int) -> NDArray[np.int64]:
    """Return the delays in frames (6, 3), per feed and section, at least 16."""
    frames = np.abs(np.array(_DELAYS_FRAMES)).reshape(6, 3) * fs_hz / _DESIGN_FS_HZ
    return np.round(frames).astype(np.int64)


def allpass_gains() -> NDArray[np.float64]:
    """Return the gains (6, 3) of the sections."""
    return _GAIN * np.sign(np.array(_DELAYS_FRAMES, np.float64)).reshape(6, 3)
