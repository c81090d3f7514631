"""Loudspeaker layouts: where each channel of a stereo or surround programme stands, and its way into the field.

Speakers have the names of the bits of WAVE's channel mask: F front, B back, S side, W wide (front wide), T top;
L, R, C; LFE. Directions are those of ITU-R BS.775 and BS.2051 (systems A, B, D, I, J); 9.1.6 adds wides at 60° and
tops at the sides, as film mixes have them, and quad is the square.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rt_render.ambisonics.harmonics import real_sh_sn3d
from rt_render.conventions import n_sh


@dataclass(frozen=True, slots=True)
class Speaker:
    """One loudspeaker: azimuth counter-clockwise from the front, elevation up, in degrees; gain in dB.

    `name`: "" for one that has none; `lfe`: a low-frequency effects channel, which has no direction.
    """

    name: str
    azimuth_deg: float = 0.0
    elevation_deg: float = 0.0
    gain_db: float = 0.0
    lfe: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """Loudspeakers in the order of a programme's channels."""

    name: str
    speakers: tuple[Speaker, ...]

    def encoding_matrix(self, order: int, lfe_db: float = 0.0) -> NDArray[np.float64]:
        """Return (n_speakers, n_sh) float64: `frames @ matrix` is the field, ACN, SN3D. Any thread.

        A speaker is a plane wave from its direction. An LFE channel goes into W alone, which comes from everywhere
        alike and gives the pressure at the head's place that a speaker gives; `lfe_db` is its gain.
        """
        matrix = np.zeros((len(self.speakers), n_sh(order)))
        for row, speaker in zip(matrix, self.speakers, strict=True):
            if speaker.lfe:
                row[0] = 10 ** ((speaker.gain_db + lfe_db) / 20)
            else:
                direction_rad = np.deg2rad([speaker.azimuth_deg, speaker.elevation_deg])
                row[:] = 10 ** (speaker.gain_db / 20) * real_sh_sn3d(order, *direction_rad)
        return matrix

    def in_words(self) -> str:
        """Return which channel goes where, such as "1 FL 30°, 2 FR -30°, 3 LFE everywhere"."""
        placed = enumerate(self.speakers, start=1)
        return ", ".join(" ".join(filter(None, (f"{n}", speaker.name, _place(speaker)))) for n, speaker in placed)


def layout_of(names: Sequence[str]) -> Layout | None:
    """Return the layout of speakers named as the bits of WAVE's mask, in the order given; None for unknown names.

    What stands in a named layout stands as there, LFE or not, and lone back speakers of one are its surrounds;
    other sets stand each at its speaker's usual place.
    """
    if len(set(names)) != len(names) or not set(names) <= _PLACES.keys():
        return None
    wanted = _surrounds_named_alike(names)
    for layout in LAYOUTS.values():
        placed = {speaker.name: speaker for speaker in layout.speakers}
        if set(wanted) - {"LFE"} == placed.keys() - {"LFE"}:
            found = [placed.get(name, _speaker("LFE")) for name in wanted]
            named = layout.name if len(found) == len(placed) else f"{layout.name} but for its LFE"
            if len(found) > len(placed):
                named = f"{layout.name} and LFE"
            return Layout(named, tuple(replace(s, name=name) for s, name in zip(found, names, strict=True)))
    return Layout(f"{len(names)} speaker{'s' if len(names) > 1 else ''}", tuple(map(_speaker, names)))


def _surrounds_named_alike(names: Sequence[str]) -> list[str]:
    sides = {"BL": "SL", "BR": "SR"} if "SL" not in names else {}
    return [sides.get(name, name) for name in names]


def _place(speaker: Speaker) -> str:
    if speaker.lfe:
        return "everywhere"
    above = f" {speaker.elevation_deg:+g}° up" if speaker.elevation_deg else ""
    return f"{speaker.azimuth_deg:g}°{above}"


_TOP_DEG = 30.0
_PLACES = {
    **{"FL": (30.0, 0.0), "FR": (-30.0, 0.0), "FC": (0.0, 0.0), "LFE": (0.0, 0.0)},
    **{"BL": (135.0, 0.0), "BR": (-135.0, 0.0), "FLC": (15.0, 0.0), "FRC": (-15.0, 0.0), "BC": (180.0, 0.0)},
    **{"SL": (90.0, 0.0), "SR": (-90.0, 0.0), "WL": (60.0, 0.0), "WR": (-60.0, 0.0), "TC": (0.0, 90.0)},
    **{"TFL": (45.0, _TOP_DEG), "TFC": (0.0, _TOP_DEG), "TFR": (-45.0, _TOP_DEG)},
    **{"TSL": (90.0, _TOP_DEG), "TSR": (-90.0, _TOP_DEG)},
    **{"TBL": (135.0, _TOP_DEG), "TBC": (180.0, _TOP_DEG), "TBR": (-135.0, _TOP_DEG)},
}
"""Where a speaker usually stands, by name: azimuth and elevation in degrees."""


def _speaker(name: str) -> Speaker:
    return Speaker(name, *_PLACES[name], lfe=name == "LFE")


def _named(name: str, speakers: str, azimuths_deg: dict[str, float] | None = None) -> tuple[str, Layout]:
    moved = azimuths_deg or {}
    placed = [_speaker(each) for each in speakers.split()]
    turned = (replace(speaker, azimuth_deg=moved.get(speaker.name, speaker.azimuth_deg)) for speaker in placed)
    return name, Layout(name, tuple(turned))


_SURROUND = {"SL": 110.0, "SR": -110.0}
LAYOUTS = dict(
    [
        _named("mono", "FC"),
        _named("stereo", "FL FR"),
        _named("quad", "FL FR SL SR", {"FL": 45.0, "FR": -45.0, "SL": 135.0, "SR": -135.0}),
        _named("5.1", "FL FR FC LFE SL SR", _SURROUND),
        _named("7.1", "FL FR FC LFE SL SR BL BR"),
        _named(
            "5.1.4",
            "FL FR FC LFE SL SR TFL TFR TBL TBR",
            _SURROUND | {"TFL": 30.0, "TFR": -30.0, "TBL": 110.0, "TBR": -110.0},
        ),
        _named("7.1.4", "FL FR FC LFE SL SR BL BR TFL TFR TBL TBR"),
        _named("9.1.6", "FL FR FC LFE SL SR BL BR WL WR TFL TFR TSL TSR TBL TBR"),
    ]
)
"""The layouts that have a name, their channels in the order of BS.2051, which studios export: sides before backs."""
