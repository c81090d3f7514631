"""One-shot sounds and noise loops, synthesised at any rate. All return mono float32, peak about 1."""

import numpy as np
from numpy.typing import NDArray

_HIGHEST_OF_BAND = 0.42
"""Partials above this part of the sample rate are left out, and noise ends there."""


def struck(
    fs_hz: int,
    partials_hz: NDArray[np.float64],
    gains: NDArray[np.float64],
    decays_s: NDArray[np.float64],
    attack_s: float = 0.002,
) -> NDArray[np.float32]:
    """Return decaying sines, all starting at zero phase: strings, bars and bells.

    `decays_s` are the times to fall by 60 dB; the sound lasts as long as the longest.
    """
    t_s = np.arange(int(decays_s.max() * fs_hz)) / fs_hz
    out = np.zeros(len(t_s))
    for f_hz, gain, decay_s in zip(partials_hz, gains, decays_s, strict=True):
        if f_hz < _HIGHEST_OF_BAND * fs_hz:
            ringing = _ringing(fs_hz, f_hz, decay_s)
            out[: len(ringing)] += gain * ringing
    return _finished(out * np.minimum(t_s / attack_s, 1.0), fs_hz)


def pluck(fs_hz: int, f_hz: float) -> NDArray[np.float32]:
    """Return a soft plucked string: harmonics that fall in level and length with their number."""
    k = np.arange(1, 13)
    shape = np.abs(np.sin(np.pi * k / 5.3)) / k**1.3
    return struck(fs_hz, f_hz * k * np.sqrt(1 + 2e-4 * k**2), shape, 2.2 * (220.0 / f_hz) ** 0.3 / k**0.7)


def bell(fs_hz: int, f_hz: float) -> NDArray[np.float32]:
    """Return a small bell: the partials of a minor-third church bell, each a slowly beating pair."""
    ratios = np.array([0.5, 1.0, 1.183, 1.506, 2.0, 2.514, 3.011, 4.166])
    gains = np.array([0.25, 1.0, 0.45, 0.3, 0.5, 0.25, 0.2, 0.12])
    decays_s = np.array([4.0, 3.5, 2.6, 2.0, 1.8, 1.2, 0.9, 0.6])
    pairs = np.concatenate([f_hz * ratios, f_hz * ratios * 1.0011])
    return struck(fs_hz, pairs, np.tile(gains, 2), np.tile(decays_s, 2), attack_s=0.001)


def wood(fs_hz: int, f_hz: float) -> NDArray[np.float32]:
    """Return a wooden bar: three partials of a free beam, short."""
    return struck(fs_hz, f_hz * np.array([1.0, 2.76, 5.4]), np.array([1.0, 0.5, 0.3]), np.array([0.25, 0.12, 0.06]))


def drop(fs_hz: int, f_hz: float) -> NDArray[np.float32]:
    """Return a water drop: a short tone whose pitch rises as the bubble closes (van den Doel 2005)."""
    t_s = np.arange(int(0.16 * fs_hz)) / fs_hz
    phase = 2 * np.pi * f_hz * (t_s + 4.0 * t_s**2)
    return _finished(np.sin(phase) * np.exp(-t_s / 0.03) * np.minimum(t_s / 0.002, 1.0), fs_hz)


def shaker(fs_hz: int, seed: int) -> NDArray[np.float32]:
    """Return one stroke of a shaker: bright noise that swells for 30 ms and falls for 100."""
    n = int(0.18 * fs_hz)
    t_s = np.arange(n) / fs_hz
    envelope = np.minimum(t_s / 0.03, 1.0) ** 2 * np.exp(-np.maximum(t_s - 0.03, 0.0) / 0.025)
    return _finished(noise_loop(fs_hz, n, seed, low_hz=3500.0, high_hz=11000.0, slope=0.0)[:n] * envelope, fs_hz)


def pad(fs_hz: int, chord_hz: list[float], length_s: float, fade_s: float, seed: int) -> NDArray[np.float32]:
    """Return a warm chord that fades in and out: each harmonic is a narrow band of noise, as of many strings.

    Nasca 2006, "PADsynth": a spectrum of widened harmonics with random phases, transformed back at once.
    """
    n = int(length_s * fs_hz)
    f_hz = np.fft.rfftfreq(n, 1 / fs_hz)
    magnitude = np.zeros(len(f_hz))
    for root_hz in chord_hz:
        for k in range(1, 11):
            centre_hz, width_hz = root_hz * k, 0.006 * root_hz * k
            lo, hi = np.searchsorted(f_hz, [centre_hz - 5 * width_hz, centre_hz + 5 * width_hz])
            magnitude[lo:hi] += np.exp(-(((f_hz[lo:hi] - centre_hz) / width_hz) ** 2)) / (k**1.7 * root_hz**0.5)
    magnitude[f_hz > _HIGHEST_OF_BAND * fs_hz] = 0.0
    out = _from_spectrum(magnitude, n, seed)
    ramp = np.sin(np.linspace(0, np.pi / 2, int(fade_s * fs_hz))) ** 2
    out[: len(ramp)] *= ramp
    out[-len(ramp) :] *= ramp[::-1]
    return np.asarray(out / np.abs(out).max(), np.float32)


def noise_loop(
    fs_hz: int, n_frames: int, seed: int, *, low_hz: float, high_hz: float, slope: float
) -> NDArray[np.float32]:
    """Return noise that repeats after `n_frames` without a seam, RMS 1.

    Its power falls as f^-slope between `low_hz` and `high_hz`, with soft edges: 1 is pink, 0 white.
    """
    f_hz = np.fft.rfftfreq(n_frames, 1 / fs_hz)
    f_hz[0] = f_hz[1]
    top_hz = min(high_hz, _HIGHEST_OF_BAND * fs_hz)
    edges = 1.0 / ((1 + (low_hz / f_hz) ** 4) * (1 + (f_hz / top_hz) ** 8))
    out = _from_spectrum(f_hz ** (-slope / 2) * edges, n_frames, seed)
    return np.asarray(out / np.sqrt(np.mean(out**2)), np.float32)


def _ringing(fs_hz: int, f_hz: float, decay_s: float) -> NDArray[np.float64]:
    """Return a decaying sine; powers of one complex number, as coarse steps times fine steps."""
    n, fine = int(decay_s * fs_hz), 256
    rate = complex(-np.log(1000.0) / decay_s, 2 * np.pi * f_hz) / fs_hz
    powers = np.outer(np.exp(rate * fine * np.arange(n // fine + 1)), np.exp(rate * np.arange(fine)))
    return powers.imag.ravel()[:n]


def _from_spectrum(magnitude: NDArray[np.float64], n_frames: int, seed: int) -> NDArray[np.float64]:
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(magnitude))
    spectrum = magnitude * np.exp(1j * phases)
    spectrum[0] = 0.0
    return np.fft.irfft(spectrum, n_frames)


def _finished(sound: NDArray[np.float64], fs_hz: int) -> NDArray[np.float32]:
    """Scale to peak 1 and fade the last 5 ms, so that no sound ends with a step."""
    n = min(int(0.005 * fs_hz), len(sound))
    sound[-n:] *= np.linspace(1, 0, n)
    return np.asarray(sound / np.abs(sound).max(), np.float32)
