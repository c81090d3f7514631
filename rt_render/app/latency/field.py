"""The field that is measured with: a plane wave from the front whose level at each ear is steady but for the head.

It is a complex of tones a whole number of samples long: over one period the level is exact, at any moment.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rt_render.ambisonics.encoding import encode_plane_wave
from rt_render.io.wav_writer import WavWriter

PERIOD_S = 0.001
HIGHEST_HZ = 12000.0
PEAK = 0.25
_SECONDS = 2.0


def period_frames(fs_hz: int) -> int:
    """Return the length of a period."""
    return round(PERIOD_S * fs_hz)


def write_field(path: Path, order: int, fs_hz: int) -> None:
    """Write some seconds of the field, ambiX, which go on seamlessly when they are looped."""
    n = period_frames(fs_hz)
    random = np.random.default_rng(1)
    spectrum = np.zeros(n // 2 + 1, np.complex128)
    harmonics = np.arange(1, int(HIGHEST_HZ * n / fs_hz) + 1)
    spectrum[harmonics] = np.exp(2j * np.pi * random.uniform(size=len(harmonics)))
    period = np.fft.irfft(spectrum, n)
    period *= PEAK / np.abs(period).max()
    field = encode_plane_wave(period, order, 0.0, 0.0).astype(np.float32)
    with WavWriter(path, fs_hz, field.shape[1]) as writer:
        for _ in range(round(_SECONDS / PERIOD_S)):
            writer.write(field)


def level_difference_db(ears: NDArray[np.floating], fs_hz: int) -> NDArray[np.float64]:
    """Return how much louder the left ear is at each frame of (n, 2), over one period around it, in dB.

    Where nothing is heard, as in a missed block, it stays as it was.
    """
    n = period_frames(fs_hz)
    sums = np.cumsum(np.concatenate([np.zeros((1, 2)), ears.astype(np.float64) ** 2]), axis=0)
    power = np.maximum((sums[n:] - sums[:-n]) / n, 0.0)
    heard = np.sqrt(power).min(axis=1) > 1e-5 * PEAK
    level = 10.0 * np.log10(np.where(heard, power[:, 0], 1.0) / np.where(heard, power[:, 1], 1.0))
    last = np.maximum.accumulate(np.where(heard, np.arange(len(level)), 0))
    # the window of frame k reaches from n / 2 before it to n / 2 behind it
    return np.asarray(np.pad(level[last], (n // 2, n - 1 - n // 2), mode="edge"))
