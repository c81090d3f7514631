"""Ambisonic files as a source: order from the channel count, convention as told, rate as the engine's."""

from collections.abc import Callable
from math import isqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rt_render.ambisonics.normalisation import MAX_FUMA_ORDER, sn3d_from_fuma, sn3d_from_n3d
from rt_render.conventions import MAX_ORDER, n_sh
from rt_render.errors import ConfigurationError
from rt_render.io.audio_file import AudioFileReader
from rt_render.io.source_stream import FrameStream

FIELD_CONVENTIONS = ("ambix", "n3d", "fuma")
"""ambix: ACN order, SN3D norm; n3d: ACN order, N3D norm; fuma: W X Y Z R S ..., up to order 3."""

_TO_SN3D: dict[str, Callable[[NDArray[np.float32]], NDArray[np.floating]]] = {
    "ambix": lambda field: field,
    "n3d": sn3d_from_n3d,
    "fuma": sn3d_from_fuma,
}


class AmbixFileSource:
    """A `Source` that streams an ambisonic file from disk.

    `fs_hz`: the engine's rate, the file is resampled to it; `max_order`: channels above it are left out
    (a file of lower order keeps its own); `convention`: one of FIELD_CONVENTIONS, never guessed;
    `loop`: start again without a gap, endless. Reader thread.
    Raises InputFileError for a file that cannot be played and ConfigurationError for a wrong option.
    """

    def __init__(
        self,
        path: str | Path,
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
        self.fs_hz = fs_hz
        self.title = Path(path).stem
        self._reader = AudioFileReader(path)
        file_order = isqrt(self._reader.n_channels) - 1
        highest = min(max_order, MAX_FUMA_ORDER) if convention == "fuma" else max_order
        self.order = min(file_order, highest)
        self.notes = _notes(self._reader, file_order, self.order, convention, fs_hz)
        self._to_sn3d = _TO_SN3D[convention]
        self._stream = FrameStream(self._reader, n_sh(self.order), fs_hz, loop=loop)
        self._failure_told = False

    @property
    def n_frames(self) -> int | None:
        """Length in frames at `fs_hz`; None when looped."""
        return self._stream.n_frames

    @property
    def lap_frames(self) -> int | None:
        """Length of one lap in frames at `fs_hz`, to a frame; None when not looped."""
        return self._stream.lap_frames

    def read(self, n_frames: int) -> NDArray[np.float32]:
        """Return the next (k, n_sh) frames, float32, C-contiguous, ACN/SN3D; k < n_frames only at the end.

        A file that vanishes or is cut while it plays ends there; a note says so.
        """
        frames = self._stream.read(n_frames)
        if self._reader.failure and not self._failure_told:
            self._failure_told = True
            self.notes.append(f"{self._reader.path} {self._reader.failure}; copy it again and play it anew")
        return np.ascontiguousarray(self._to_sn3d(frames), np.float32)

    def seek(self, frame: int) -> None:
        """Make the next `read` start at this frame; see `FrameStream` for how exactly."""
        self._stream.seek(frame)

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._reader.close()


def _notes(reader: AudioFileReader, file_order: int, order: int, convention: str, fs_hz: int) -> list[str]:
    """Say in sentences what the file is taken for, and what is changed or left out."""
    channels = f"{reader.n_channels} channel{'s' if reader.n_channels > 1 else ''}"
    notes = [f"{channels} → order {file_order}, {convention} convention"]
    if file_order == 0:
        notes[0] += " (no directions)"
    surplus = reader.n_channels - n_sh(file_order)
    if surplus:
        left_out = "the last one is" if surplus == 1 else f"the last {surplus} are"
        notes.append(f"{channels} fit no full order (1, 4, 9, 16, ...): {left_out} not used")
    if order < file_order:
        notes.append(f"played at order {order}: channels above {n_sh(order)} are left out")
    if reader.fs_hz != fs_hz:
        notes.append(f"resampled {reader.fs_hz / 1000:g} → {fs_hz / 1000:g} kHz")
    return notes
