"""Ambisonic files as a source: order from the channel count, convention as told, rate as the engine's."""

from collections.abc import Callable
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from rt_render.ambisonics.normalisation import MAX_FUMA_ORDER, sn3d_from_fuma, sn3d_from_n3d
from rt_render.conventions import MAX_ORDER, n_sh
from rt_render.errors import ConfigurationError
from rt_render.io.audio_file import AudioFileReader
from rt_render.io.source_file import FileSource

FIELD_CONVENTIONS = ("ambix", "n3d", "fuma")
"""ambix: ACN order, SN3D norm; n3d: ACN order, N3D norm; fuma: W X Y Z R S ..., up to order 3."""

_TO_SN3D: dict[str, Callable[[NDArray[np.float32]], NDArray[np.floating]]] = {
    "ambix": lambda field: field,
    "n3d": sn3d_from_n3d,
    "fuma": sn3d_from_fuma,
}


class AmbixFileSource(FileSource):
    """A `Source` that streams an open ambisonic file from disk.

    `fs_hz`: the engine's rate, the file is resampled to it; `max_order`: channels above it are left out
    (a file of lower order keeps its own); `convention`: one of FIELD_CONVENTIONS, never guessed;
    `loop`: start again without a gap, endless. Reader thread. Raises ConfigurationError for a wrong option.
    """

    def __init__(
        self,
        reader: AudioFileReader,
        fs_hz: int,
        *,
        max_order: int = MAX_ORDER,
        convention: str = "ambix",
        loop: bool = False,
    ) -> None:
        if convention not in FIELD_CONVENTIONS:
            raise ConfigurationError(
                f"convention {convention!r}: allowed are {', '.join(FIELD_CONVENTIONS)}; "
                "the program that wrote the file tells which one it is"
            )
        if not 0 <= max_order <= MAX_ORDER:
            raise ConfigurationError(f"order {max_order}: allowed are 0 to {MAX_ORDER}")
        file_order = isqrt(reader.n_channels) - 1
        order = min(file_order, max_order, MAX_FUMA_ORDER if convention == "fuma" else MAX_ORDER)
        super().__init__(
            reader,
            fs_hz,
            order=order,
            n_channels=n_sh(order),
            to_field=_TO_SN3D[convention],
            notes=_notes(reader.n_channels, file_order, order, convention),
            loop=loop,
        )


def _notes(n_channels: int, file_order: int, order: int, convention: str) -> list[str]:
    """Say in sentences what the file is taken for, and what is left out."""
    channels = f"{n_channels} channel{'s' if n_channels > 1 else ''}"
    notes = [f"{channels} → order {file_order}, {convention} convention"]
    if file_order == 0:
        notes[0] += " (no directions)"
    surplus = n_channels - n_sh(file_order)
    if surplus:
        left_out = "the last one is" if surplus == 1 else f"the last {surplus} are"
        notes.append(f"{channels} fit no full order (1, 4, 9, 16, ...): {left_out} not used")
    if order < file_order:
        notes.append(f"played at order {order}: channels above {n_sh(order)} are left out")
    return notes
