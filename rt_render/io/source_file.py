"""What all sources that stream one sound file have in common."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rt_render.io.audio_file import AudioFileReader
from rt_render.io.shown import shown
from rt_render.io.source_stream import FrameStream


class FileSource:
    """A `Source` that streams the first channels of an open file and makes a field of them, frame by frame.

    `to_field` takes (k, n_channels) float32 and returns (k, n_sh), whatever k the same for the same frame; `notes`
    grow by what is said here. The reader belongs to the source from now on. `loop`: start again without a gap,
    endless. Reader thread.
    """

    def __init__(
        self,
        reader: AudioFileReader,
        fs_hz: int,
        *,
        order: int,
        n_channels: int,
        to_field: Callable[[NDArray[np.float32]], NDArray[np.floating]],
        notes: list[str],
        loop: bool,
    ) -> None:
        self.fs_hz = fs_hz
        self.order = order
        self.title = reader.title or shown(reader.path.stem)
        self.notes = notes
        if reader.fs_hz != fs_hz:
            notes.append(f"resampled {reader.fs_hz / 1000:g} → {fs_hz / 1000:g} kHz")
        self._reader = reader
        self._to_field = to_field
        self._stream = FrameStream(reader, n_channels, fs_hz, loop=loop)
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

        A file that vanishes or is cut while it plays fades out there; a note says so.
        """
        frames = self._stream.read(n_frames)
        if self._reader.failure and not self._failure_told:
            self._failure_told = True
            self.notes.append(f"{self._reader.path} {self._reader.failure}; copy it again and play it anew")
        return np.ascontiguousarray(self._to_field(frames), np.float32)

    def seek(self, frame: int) -> None:
        """Make the next `read` start at this frame; see `FrameStream` for how exactly."""
        self._stream.seek(frame)

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._reader.close()
