"""What an upmix makes of a stereo signal, in figures."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rt_render.ambisonics.harmonics import real_sh_sn3d
from rt_render.app.decoding import make_decoder
from rt_render.app.panorama.signals import pink
from rt_render.app.settings import Head
from rt_render.engine.upmix import Upmix

Array = NDArray[np.floating]
_FFT_FRAMES = 8192
_LOWEST_HZ, _HIGHEST_HZ = 63.0, 16000.0


def field_of(upmix: Upmix, stereo: Array) -> tuple[Array, NDArray[np.float32]]:
    """Return stereo frames (n, 2) and the field (n, n_sh) that belongs to them, behind the pre-roll if it can be."""
    upmix.reset()
    late = upmix.latency_frames
    field = upmix.process(np.concatenate([stereo, np.zeros((late, 2), np.float32)]))[late:]
    settled = min(upmix.preroll_frames, len(stereo) // 4)
    return stereo[settled:], field[settled:]


def downmix(field: Array) -> Array:
    """Fold a field of order 1 or more down to stereo (n, 2): figures of eight at 45 degrees left and right (Blumlein).

    Such a pair hears a plane wave from anywhere on the horizon with the same power, left and right together.
    """
    _, y, _, x = field[:, :4].T
    return np.asarray(np.stack([x + y, x - y], axis=1) / np.sqrt(2))


def third_octaves(signal: Array, fs_hz: int) -> tuple[Array, Array]:
    """Return the middles of the third octaves from 63 Hz to 16 kHz, and in each the power of all channels."""
    f_hz = np.fft.rfftfreq(_FFT_FRAMES, 1.0 / fs_hz)
    window = np.hanning(_FFT_FRAMES)[:, None]
    power = np.zeros(len(f_hz))
    padded = np.concatenate([signal, np.zeros((_FFT_FRAMES, signal.shape[1]))])
    for start in range(0, len(signal), _FFT_FRAMES // 2):
        power += (np.abs(np.fft.rfft(window * padded[start : start + _FFT_FRAMES], axis=0)) ** 2).sum(axis=1)
    middles = 1000.0 * 2.0 ** (np.arange(-12, 13) / 3)
    middles = middles[(middles > 0.95 * _LOWEST_HZ) & (middles < 1.05 * _HIGHEST_HZ)]
    powers = [power[(f_hz >= m * 2 ** (-1 / 6)) & (f_hz < m * 2 ** (1 / 6))].sum() for m in middles]
    return middles, np.array(powers)


def downmix_deviation_db(upmix: Upmix, stereo: Array, fold: Callable[[Array], Array] = downmix) -> tuple[Array, Array]:
    """Return third octaves in Hz, and by how much each is louder behind the panorama and the fold than before.

    NaN where there is hardly anything: 40 dB below the loudest third octave.
    """
    before, field = field_of(upmix, stereo)
    middles, wanted = third_octaves(before, upmix.fs_hz)
    _, found = third_octaves(fold(field), upmix.fs_hz)
    there = wanted > 1e-4 * wanted.max()
    return middles, 10 * np.log10(np.where(there, found, np.nan) / np.where(there, wanted, 1.0))


def largest_db(deviation_db: Array) -> float:
    """Return the largest of deviations up or down; 0 where there is none."""
    return float(np.nanmax(np.abs(deviation_db), initial=0.0))


def unevenness_db(upmix: Upmix, stereo: Array, fold: Callable[[Array], Array]) -> float:
    """Return the largest change of a third octave behind a fold, the mean of all left out."""
    deviation_db = downmix_deviation_db(upmix, stereo, fold)[1]
    return largest_db(deviation_db - np.nanmean(deviation_db))


def power_change_db(upmix: Upmix, stereo: Array) -> float:
    """Return the field's power, as the mean over all directions, over that of left and right together."""
    before, field = field_of(upmix, stereo)
    power = np.sum((field.astype(float) * _n3d(upmix.order)) ** 2) / field.shape[1]
    return float(10 * np.log10(power / np.sum(before**2, dtype=float)))


def opening_deg(upmix: Upmix, stereo: Array) -> float:
    """Return the azimuth from which the field's sound flows in the mean, by its active intensity."""
    _, field = field_of(upmix, stereo)
    w, y, _, x = field[:, :4].T
    return float(np.rad2deg(np.arctan2(np.mean(w * y), np.mean(w * x))))


def part_from_deg(upmix: Upmix, left: Array, right: Array) -> float:
    """Return the azimuth from which a sound (n,) hard left is heard while another one plays hard right."""
    part = _part(upmix, np.stack([left, 0.0 * left], axis=1), np.stack([0.0 * right, right], axis=1))
    w, y, _, x = part[:, :4].T
    return float(np.rad2deg(np.arctan2(np.mean(w * y), np.mean(w * x))))


def voice_under_pads(upmix: Upmix, voice_over_pads_db: float, seconds: float = 4.0) -> tuple[float, float]:
    """Return what of noise in the centre is no plane wave from the front, in dB, and its azimuth in degrees.

    Two unrelated noises, hard left and right, are so many dB softer in all. The rest is of the noise's own part alone.
    """
    voice, left, right = (pink(upmix.fs_hz, seconds, seed) for seed in (1, 2, 3))
    pads = np.stack([left, right], axis=1) * 10 ** (-voice_over_pads_db / 20) / np.sqrt(2)
    part = _part(upmix, np.stack([voice, voice], axis=1) / np.sqrt(2), pads)
    w, y, _, x = part[:, :4].T
    return _rest_db(part, upmix.order), float(np.rad2deg(np.arctan2(np.mean(w * y), np.mean(w * x))))


def ringing_ahead_db(upmix: Upmix, bursts: int = 8) -> tuple[float, float]:
    """Return what a fold has 5 to 2 and 10 to 5 ms before 5 ms of unrelated noise left and right, of all its energy."""
    ms, late = upmix.fs_hz // 1000, upmix.latency_frames
    begin, rng, energy = 300 * ms, np.random.default_rng(0), np.zeros(400 * ms)
    for _ in range(bursts):
        stereo = np.zeros((400 * ms + late, 2), np.float32)
        stereo[begin : begin + 5 * ms] = 0.1 * rng.standard_normal((5 * ms, 2))
        upmix.reset()
        energy += np.sum(downmix(upmix.process(stereo)[late:]) ** 2, axis=1)
    spans = ((begin - 5 * ms, begin - 2 * ms), (begin - 10 * ms, begin - 5 * ms))
    near, far = (float(10 * np.log10(np.sum(energy[i:j]) / np.sum(energy))) for i, j in spans)
    return near, far


def _part(upmix: Upmix, sound: Array, others: Array) -> Array:
    """Return the field of what turns its sign with a sound, beside others that do not."""
    both, other = (field_of(upmix, (sign * sound + others).astype(np.float32))[1] for sign in (1.0, -1.0))
    return np.asarray(both - other) / 2


def rest_db(upmix: Upmix, stereo: Array) -> float:
    """Return what of a field is no plane wave from the front, in all channels (N3D), over the whole."""
    return _rest_db(field_of(upmix, stereo)[1], upmix.order)


def _rest_db(field: Array, order: int) -> float:
    n3d = _n3d(order)
    rest = (field - field[:, :1] * real_sh_sn3d(order, 0.0, 0.0)) * n3d
    return float(10 * np.log10(np.sum(rest**2) / np.sum((field * n3d) ** 2) + 1e-30))


def _n3d(order: int) -> Array:
    return np.concatenate([np.full(2 * n + 1, np.sqrt(2 * n + 1)) for n in range(order + 1)])


def sides(field: Array) -> Array:
    """Return what cardioids to the left and to the right hear of a field: (n, 2)."""
    return np.stack([field[:, 0] + field[:, 1], field[:, 0] - field[:, 1]], axis=1) / 2


def omni(field: Array) -> Array:
    """Return W alone: (n, 1)."""
    return field[:, :1]


def correlation(stereo: Array) -> float:
    """Return the correlation of two channels (n, 2), 0 where one is silent."""
    left, right = stereo.T.astype(float)
    powers = np.sqrt(np.mean(left**2) * np.mean(right**2))
    return float(np.mean(left * right) / powers) if powers else 0.0


def level_between_ears_db(upmix: Upmix, stereo: Array) -> float:
    """Return the level of the left ear over the right one, through the measured head that comes with the project."""
    _, field = field_of(upmix, stereo)
    decoder = make_decoder(Head(), upmix.order, upmix.fs_hz)
    n = len(field) + decoder.n_taps
    spectra = np.fft.rfft(field, n, axis=0)
    ears = [np.fft.irfft((spectra * np.fft.rfft(ear, n).T).sum(axis=1), n) for ear in decoder.filters]
    return float(10 * np.log10(np.sum(ears[0] ** 2) / np.sum(ears[1] ** 2)))


def speed(upmix: Upmix, seconds: float = 4.0, repeats: int = 3) -> float:
    """Return how many times faster than it plays a signal is turned, on the processor's own clock: the best run."""
    stereo = (0.1 * np.random.default_rng(3).standard_normal((round(seconds * upmix.fs_hz), 2))).astype(np.float32)
    upmix.process(stereo[:8192])
    times_s = []
    for _ in range(repeats):
        begin_s = time.thread_time()
        upmix.process(stereo)
        times_s.append(time.thread_time() - begin_s)
    return seconds / min(times_s)
