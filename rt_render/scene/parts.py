"""What a scene is made of: voices that play notes from somewhere, and beds of noise all around."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import floor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Direction = tuple[float, float]
"""Azimuth (counter-clockwise from the front) and elevation (up), degrees."""


class Note(NamedTuple):
    """One sound of a voice: seconds after its bar began, which sound, how loud (linear)."""

    start_s: float
    sound: int
    gain: float


@dataclass(frozen=True)
class Voice:
    """A point source: one-shot `sounds` (n,) float32, played as `score(bar)` says, heard from `path(time_s)`.

    Everything is a function of the bar number or of absolute time, so that any moment can be rendered
    without the ones before it.
    """

    sounds: Sequence[NDArray[np.float32]]
    score: Callable[[int], Sequence[Note]]
    bar_s: float
    path: Callable[[float], Direction]
    _bars: dict[int, Sequence[Note]] = field(default_factory=dict, init=False, repr=False)

    def add_to(self, out: NDArray[np.float32], first_frame: int, fs_hz: int) -> None:
        """Add the frames from `first_frame` on to `out` (n_frames,), in place."""
        end_frame = first_frame + len(out)
        bar_frames = self.bar_s * fs_hz
        longest = max(len(sound) for sound in self.sounds)
        # One bar more on each side: a note's start may lie a little outside its own bar.
        first_bar = max(floor((first_frame - longest) / bar_frames) - 1, 0)
        last_bar = floor(end_frame / bar_frames) + 1
        for old in [bar for bar in self._bars if not first_bar <= bar <= last_bar]:
            del self._bars[old]
        for bar in range(first_bar, last_bar + 1):
            if bar not in self._bars:
                self._bars[bar] = self.score(bar)
            for note in self._bars[bar]:
                start = round(bar * bar_frames + note.start_s * fs_hz)
                sound = self.sounds[note.sound]
                begin, end = max(start, first_frame), min(start + len(sound), end_frame)
                if begin < end:
                    out[begin - first_frame : end - first_frame] += note.gain * sound[begin - start : end - start]


@dataclass(frozen=True)
class Bed:
    """Ambience: one looped noise (n,) float32, heard at another place of the loop from each direction.

    `swell(time_s)` gives the gain of every direction (n_directions,), linear.
    """

    loop: NDArray[np.float32]
    directions: Sequence[Direction]
    swell: Callable[[float], NDArray[np.float64]]

    def write_to(self, out: NDArray[np.float32], first_frame: int) -> None:
        """Overwrite `out` (n_directions, n_frames) with the frames from `first_frame` on, without swell."""
        period = len(self.loop)
        for k, row in enumerate(out):
            start = (first_frame + k * period // len(out)) % period
            head = self.loop[start : start + len(row)]
            row[: len(head)] = head
            row[len(head) :] = self.loop[: len(row) - len(head)]


@dataclass(frozen=True)
class Scene:
    """Voices and beds that sound together, and the name to show."""

    title: str
    voices: Sequence[Voice] = ()
    beds: Sequence[Bed] = ()
