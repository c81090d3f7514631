"""The built-in scene: a small garden of instruments around the listener, with wind and water.

In front a plucked string, low in front its bass, a shaker at the left, wood at the right, a warm pad that
circles once in 24 s, glass that climbs over the head, bells above and behind, drops anywhere, and wind and
water from everywhere. 72 beats a minute, D major; every bar is drawn from its own seed.
"""

from collections.abc import Callable
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from rt_render.scene import sounds
from rt_render.scene.parts import Bed, Direction, Note, Scene, Voice

_BEAT_S = 60.0 / 72.0
_BAR_S = 4 * _BEAT_S
_CHORDS = ((62, 66, 69, 76), (59, 66, 69, 74), (55, 62, 66, 71), (57, 64, 69, 73))
"""D add9, B minor 7, G major 7, A add9 (MIDI keys), two bars each."""
_BARS_PER_CHORD = 2
_PAD_FADE_S = 2.4
_WIND_LOOP_S = 11.0
_ICOSAHEDRON_RING_DEG = 26.565


def garden(fs_hz: int) -> Scene:
    """Return the scene with its sounds made for a rate."""
    voices = [_strings(fs_hz), _bass(fs_hz), _shaker(fs_hz), _wood(fs_hz)]
    voices += [_pad(fs_hz), _glass(fs_hz), _bells(fs_hz), _drops(fs_hz)]
    return Scene("garden", voices, [_wind(fs_hz)])


def _strings(fs_hz: int) -> Voice:
    def score(bar: int) -> list[Note]:
        rng = _rng(1, bar)
        chord = _chord(bar)
        keys = [chord[0], chord[2], chord[3], chord[1] + 12, chord[2], chord[3], chord[1], chord[2] + 12]
        return [
            Note(
                _eighth(k) + rng.uniform(0, 0.008),
                table[key],
                (0.31 if k % 4 == 0 else 0.22) * rng.uniform(0.8, 1),
            )
            for k, key in enumerate(keys)
            if k == 0 or rng.uniform() < 0.75
        ]

    keys = sorted({key + up for chord in _CHORDS for key in chord for up in (0, 12)})
    table = {key: k for k, key in enumerate(keys)}
    return Voice([sounds.pluck(fs_hz, _hz(key)) for key in keys], score, _BAR_S, _still(0.0, 0.0))


def _bass(fs_hz: int) -> Voice:
    def score(bar: int) -> list[Note]:
        chord = bar // _BARS_PER_CHORD % len(_CHORDS)
        return [Note(0.0, chord, 0.28), Note(_eighth(5), chord, 0.18)]

    return Voice([sounds.pluck(fs_hz, _hz(chord[0] - 24)) for chord in _CHORDS], score, _BAR_S, _still(12.0, -20.0))


def _shaker(fs_hz: int) -> Voice:
    def score(bar: int) -> list[Note]:
        rng = _rng(2, bar)
        return [Note(_eighth(k), int(rng.integers(3)), 0.125 if k % 4 == 2 else 0.062) for k in range(8)]

    return Voice([sounds.shaker(fs_hz, seed) for seed in (21, 22, 23)], score, _BAR_S, _still(80.0, 0.0))


def _wood(fs_hz: int) -> Voice:
    def score(bar: int) -> list[Note]:
        beats = ((3, 0), (6, 1)) if bar % 2 else ((3, 0), (5, 0), (6, 1))
        return [Note(_eighth(k), sound, 0.2) for k, sound in beats]

    return Voice([sounds.wood(fs_hz, f_hz) for f_hz in (587.3, 440.0)], score, _BAR_S, _still(-70.0, -5.0))


def _pad(fs_hz: int) -> Voice:
    def score(bar: int) -> list[Note]:
        begins = bar % _BARS_PER_CHORD == 0
        return [Note(0.0, bar // _BARS_PER_CHORD % len(_CHORDS), 0.2)] if begins else []

    def circle(time_s: float) -> Direction:
        return 15.0 * time_s + 120.0, 10.0 * sin(2 * pi * time_s / 17.0)

    length_s = _BARS_PER_CHORD * _BAR_S + _PAD_FADE_S
    chords = [[_hz(key - 12) for key in chord] for chord in _CHORDS]
    tones = [sounds.pad(fs_hz, chord, length_s, _PAD_FADE_S, seed=30 + k) for k, chord in enumerate(chords)]
    return Voice(tones, score, _BAR_S, circle)


def _glass(fs_hz: int) -> Voice:
    def score(bar: int) -> list[Note]:
        if bar % 4 != 1:
            return []
        rng = _rng(4, bar)
        return [Note(_eighth(k) / 2 + _eighth(2), int(rng.integers(4)), 0.14) for k in range(10)]

    def over_the_head(time_s: float) -> Direction:
        # From the left over the crown to the right and back: a great circle, tilted a little forward.
        angle = pi * (0.5 - 0.5 * cos(2 * pi * time_s / 20.0))
        return _direction(0.25, cos(angle), 0.1 + sin(angle))

    return Voice([sounds.bell(fs_hz, _hz(key)) for key in (86, 90, 93, 98)], score, _BAR_S, over_the_head)


def _bells(fs_hz: int) -> Voice:
    def score(bar: int) -> list[Note]:
        # Two and a half bars are left to fade before the place changes.
        return [Note(_eighth(4), bar // 3 % 2, 0.2)] if bar % 3 == 0 else []

    def above_or_behind(time_s: float) -> Direction:
        return (-155.0, 15.0) if int(time_s / _BAR_S) // 3 % 2 else (40.0, 70.0)

    tones = [sounds.bell(fs_hz, _hz(key)) for key in (81, 78)]
    return Voice(tones, score, _BAR_S, above_or_behind)


def _drops(fs_hz: int) -> Voice:
    slot_s = 0.7

    def score(slot: int) -> list[Note]:
        rng = _rng(6, slot)
        return [Note(0.2, int(rng.integers(4)), 0.14)] if rng.uniform() < 0.6 else []

    def anywhere(time_s: float) -> Direction:
        # A drop is over before its slot ends: the jump falls into silence.
        rng = _rng(7, int(time_s / slot_s))
        return float(rng.uniform(-180, 180)), float(rng.uniform(-40, 20))

    return Voice([sounds.drop(fs_hz, f_hz) for f_hz in (700.0, 900.0, 1150.0, 1400.0)], score, slot_s, anywhere)


def _wind(fs_hz: int) -> Bed:
    """Twelve decorrelated streams from the corners of an icosahedron; each swells in its own time."""
    ring = _ICOSAHEDRON_RING_DEG
    directions = [(0.0, 90.0), (0.0, -90.0)]
    directions += [(72.0 * k, ring) for k in range(5)] + [(72.0 * k + 36.0, -ring) for k in range(5)]
    periods_s = 13.0 + 2.3 * np.arange(12)

    def swell(time_s: float) -> NDArray[np.float64]:
        gains: NDArray[np.float64] = 1.0 + 0.6 * np.sin(2 * np.pi * time_s / periods_s + np.arange(12))
        return 0.01 * gains

    loop = sounds.noise_loop(fs_hz, int(_WIND_LOOP_S * fs_hz), seed=8, low_hz=120.0, high_hz=9000.0, slope=1.2)
    return Bed(loop, directions, swell)


def _rng(voice: int, bar: int) -> np.random.Generator:
    return np.random.default_rng((voice, bar))


def _chord(bar: int) -> tuple[int, ...]:
    return _CHORDS[bar // _BARS_PER_CHORD % len(_CHORDS)]


def _eighth(k: int) -> float:
    return k * _BEAT_S / 2


def _hz(midi_key: int) -> float:
    return float(440.0 * 2.0 ** ((midi_key - 69) / 12))


def _still(azimuth_deg: float, elevation_deg: float) -> Callable[[float], Direction]:
    return lambda time_s: (azimuth_deg, elevation_deg)


def _direction(x: float, y: float, z: float) -> Direction:
    azimuth, elevation = np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))
    return float(np.rad2deg(azimuth)), float(np.rad2deg(elevation))
