"""The first seconds of a source, ended softly: so that endless scenes can be rendered and demonstrated."""

import numpy as np
from numpy.typing import NDArray

from rt_render.io.source import Source

FADE_S = 0.02


class Excerpt:
    """A `Source` that ends another one at a frame, faded out over its last 20 ms. Reader thread."""

    def __init__(self, source: Source, seconds: float) -> None:
        self.inner = source
        self._position = 0
        self._end = round(seconds * source.fs_hz)
        if source.n_frames is not None:
            self._end = min(self._end, source.n_frames)
        self._fade_frames = min(round(FADE_S * source.fs_hz), self._end)

    @property
    def fs_hz(self) -> int:
        """Rate of the frames."""
        return self.inner.fs_hz

    @property
    def order(self) -> int:
        """Ambisonic order."""
        return self.inner.order

    @property
    def n_frames(self) -> int | None:
        """Length in frames at `fs_hz`; that of a playlist may turn out to be shorter."""
        return self._end if self.inner.n_frames is None else min(self._end, self.inner.n_frames)

    @property
    def title(self) -> str:
        """The source's own title."""
        return self.inner.title

    @property
    def notes(self) -> list[str]:
        """The source's own notes."""
        return self.inner.notes

    def read(self, n_frames: int) -> NDArray[np.float32]:
        """Return the next (k, n_sh) frames, k < n_frames only at the end."""
        frames = self.inner.read(max(0, min(n_frames, self._end - self._position)))
        left = self._end - self._position - np.arange(len(frames))
        self._position += len(frames)
        if len(frames) and left[-1] <= self._fade_frames:
            frames = frames * np.minimum(1.0, left / self._fade_frames).astype(np.float32)[:, None]
        return frames

    def seek(self, frame: int) -> None:
        """Make the next `read` start at this frame, clipped to the excerpt."""
        self._position = min(max(frame, 0), self._end)
        self.inner.seek(self._position)

    def close(self) -> None:
        """Close the source."""
        self.inner.close()
