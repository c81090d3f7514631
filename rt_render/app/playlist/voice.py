"""An item as it sounds in a playlist: its source with a gain, filled up to the playlist's channels, of known length."""

import numpy as np
from numpy.typing import NDArray

from rt_render.io.source import Source


class Voice:
    """Reads a source from its beginning, (k, n_channels) float32 times a gain. Reader thread.

    `n_frames`: where it ends, None for never. A source that ends before that is `failed`, and over. The source belongs
    to the voice from now on.
    """

    def __init__(self, source: Source, n_frames: int | None, gain_lin: float, n_channels: int, about: str) -> None:
        self.source, self.n_frames, self.about = source, n_frames, about
        self.failed = False
        self._gain, self._n_channels = np.float32(gain_lin), n_channels
        self._position = 0
        self._n_notes = len(source.notes)

    @property
    def left(self) -> int | None:
        """Frames up to the end; None for endless."""
        return None if self.n_frames is None else max(0, self.n_frames - self._position)

    def read(self, n_frames: int) -> NDArray[np.float32]:
        """Return the next (k, n_channels) frames; k < n_frames only at the end."""
        wanted = n_frames if self.left is None else min(n_frames, self.left)
        try:
            frames = self.source.read(wanted)
        # Whatever a file does to a library, the list goes on.
        except Exception as error:
            self.source.notes.append(f"{self.source.title} stopped: {error}")
            frames = np.empty((0, self._n_channels), np.float32)
        self._position += len(frames)
        if len(frames) < wanted:
            self.failed = True
            self.n_frames = self._position
        n_used = min(frames.shape[1], self._n_channels)
        out = np.zeros((len(frames), self._n_channels), np.float32)
        np.multiply(frames[:, :n_used], self._gain, out=out[:, :n_used])
        return out

    def new_notes(self) -> list[str]:
        """Return what the source has noted since it was opened, each once."""
        notes = self.source.notes[self._n_notes :]
        self._n_notes += len(notes)
        return notes

    def seek(self, frame: int) -> None:
        """Make the next `read` start at this frame of the item, clipped to it."""
        self._position = max(0, frame) if self.n_frames is None else min(max(0, frame), self.n_frames)
        self.source.seek(self._position)

    def close(self) -> None:
        """Close the source; may be called twice."""
        self.source.close()
