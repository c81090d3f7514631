"""Stereo signals of which is known what is in them."""

from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

Stereo = NDArray[np.float32]
CENTRE_RAD = np.pi / 4
_LEVEL = 0.1


def pink(fs_hz: int, seconds: float, seed: int) -> NDArray[np.float64]:
    """Return pink noise (n,) of one rms level, from 30 Hz on."""
    n = round(fs_hz * seconds)
    f_hz = np.fft.rfftfreq(n, 1.0 / fs_hz)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(n)) / np.sqrt(np.maximum(f_hz, 30.0))
    noise = np.fft.irfft(spectrum, n)
    return np.asarray(noise * _LEVEL / np.sqrt(np.mean(noise**2)))


@overload
def mix(fs_hz: int, seconds: float, par_db: float, pan_rad: float) -> Stereo: ...
@overload
def mix(
    fs_hz: int, seconds: float, par_db: float, pan_rad: float, *, parts: Literal[True]
) -> tuple[Stereo, NDArray[np.float64], NDArray[np.float64]]: ...
def mix(
    fs_hz: int, seconds: float, par_db: float, pan_rad: float, *, parts: bool = False
) -> Stereo | tuple[Stereo, NDArray[np.float64], NDArray[np.float64]]:
    """Return a source panned to `pan_rad` (0 left, pi/2 right) in ambience of equal power left and right.

    `par_db`: the source's power over that of both ambiences. With `parts` also the source (n,) and ambience (n, 2).
    """
    ambience = np.stack([pink(fs_hz, seconds, seed) for seed in (11, 12)], axis=1) * 10 ** (-par_db / 20) / np.sqrt(2)
    source = pink(fs_hz, seconds, 10)
    stereo = (source[:, None] * [np.cos(pan_rad), np.sin(pan_rad)] + ambience).astype(np.float32)
    return (stereo, source, ambience) if parts else stereo


def music(fs_hz: int, seconds: float) -> Stereo:
    """Return notes like those of a band: bass and a voice in the centre, two panned, and a diffuse decay around."""
    n = round(fs_hz * seconds)
    t = np.arange(n) / fs_hz
    rng = np.random.default_rng(5)
    dry = np.zeros((n, 2))
    for base_hz, pan, notes_a_second in ((55.0, 0.5, 2.0), (220.0, 0.5, 3.0), (330.0, 0.2, 4.0), (440.0, 0.85, 5.0)):
        gains = np.array([np.cos(pan * np.pi / 2), np.sin(pan * np.pi / 2)])
        for onset_s in np.arange(0.0, seconds, 1.0 / notes_a_second):
            at = np.maximum(t - onset_s, 0.0)
            pitch_hz = base_hz * 2.0 ** (rng.integers(0, 12) / 12)
            envelope = np.exp(-4.0 * at) * (1.0 - np.exp(-200.0 * at))
            note = sum(np.sin(2 * np.pi * k * pitch_hz * at) / k for k in range(1, 12))
            breath = 0.3 * rng.standard_normal(n)
            dry += 0.05 * (envelope * (note + breath))[:, None] * gains
    return in_a_room(dry, fs_hz, rng, 0.4)


def in_a_room(dry: NDArray[np.float64], fs_hz: int, seed: int | np.random.Generator, level: float) -> Stereo:
    """Return stereo (n, 2) with a diffuse decay of its sum around, `level` times as large."""
    n, rng = len(dry), np.random.default_rng(seed)
    decay = np.exp(-np.arange(fs_hz) / (0.12 * fs_hz))
    room = np.stack([decay * rng.standard_normal(fs_hz) for _ in range(2)], axis=1)
    spectra = np.fft.rfft(dry.sum(axis=1), n + fs_hz)[:, None] * np.fft.rfft(room, n + fs_hz, axis=0)
    wet = np.fft.irfft(spectra, n + fs_hz, axis=0)[:n]
    return np.asarray(dry + level * wet * np.sqrt(np.mean(dry**2) / np.mean(wet**2)), np.float32)


def plucks(fs_hz: int, seconds: float, seed: int) -> NDArray[np.float64]:
    """Return plucked strings (n, 2), six a second, each of its own pitch and place."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(fs_hz * seconds)) / fs_hz
    out = np.zeros((len(t), 2))
    for onset_s in rng.uniform(0.0, seconds, round(6 * seconds)):
        at = np.maximum(t - onset_s, 0.0)
        pitch_hz, pan = 55.0 * 2.0 ** (rng.integers(0, 36) / 12), rng.uniform(0.05, 0.45) * np.pi
        tones = sum(np.sin(2 * np.pi * pitch_hz * k * at) / k * np.exp(-(2 + k) * at) for k in range(1, 10))
        out += 0.05 * np.asarray(tones)[:, None] * [np.cos(pan), np.sin(pan)]
    return out


def with_times_between(fs_hz: int, seconds: float) -> dict[str, Stereo]:
    """Return signals (n, 2) by name that no model of one panned source holds for: times and phases between channels."""
    one, other = pink(fs_hz, seconds, 1), pink(fs_hz, seconds, 2)
    f_hz = np.fft.rfftfreq(2 * len(one), 1.0 / fs_hz)

    def turned(signal: NDArray[np.float64], response: NDArray[np.complex128] | complex) -> NDArray[np.float64]:
        return np.fft.irfft(np.fft.rfft(signal, 2 * len(signal)) * response)[: len(signal)]

    def late(signal: NDArray[np.float64], delay_s: float) -> NDArray[np.float64]:
        return turned(signal, np.exp(-2j * np.pi * f_hz * delay_s))

    doubled = late(one, 12e-3)
    pairs = {
        "two apart, 0.8 m": (one + 0.7 * late(other, 1.6e-3), 0.8 * late(one, 1.6e-3) + other),
        "0.3 ms later right": (one, late(one, 0.3e-3)),
        "12 ms later right": (one, late(one, 12e-3)),
        "widened by a doubling": (one + 0.7 * doubled, one - 0.7 * doubled),
        "half as loud and out of phase": (one, -0.5 * one),
        "right a quarter turn later": (one, turned(one, -1j)),
    }
    return {name: np.stack(pair, axis=1).astype(np.float32) for name, pair in pairs.items()}


def made_signals(fs_hz: int, seconds: float) -> dict[str, Stereo]:
    """Return signals (n, 2) by name."""
    one, other = pink(fs_hz, seconds, 1), pink(fs_hz, seconds, 2)
    pairs = {
        "mono": (one, one),
        "left alone": (one, 0.0 * one),
        "unrelated left and right": (one, other),
        "out of phase": (one, -one),
    }
    return {
        **{name: np.stack(pair, axis=1).astype(np.float32) for name, pair in pairs.items()},
        "source and ambience": mix(fs_hz, seconds, 6.0, CENTRE_RAD),
        "music": music(fs_hz, seconds),
        "plucks in a room": in_a_room(plucks(fs_hz, seconds, 1), fs_hz, 1, 1.0),
    }
