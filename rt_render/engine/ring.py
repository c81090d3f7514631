"""The sample ring between the source's reader thread and the audio thread: one writer, one reader."""

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.mailbox_kernels import load_word, store_word
from rt_render.kernels.state import field_offset


class SampleRing:
    """The writer's side of the ring; the audio thread reads it block by block."""

    def __init__(self, state_address: int, frames: NDArray[np.float32], block_size: int) -> None:
        self._written = state_address + field_offset("ring_written")
        self._read = state_address + field_offset("ring_read")
        self._end = state_address + field_offset("ring_end")
        self._frames = frames
        self._block_size = block_size

    @property
    def capacity_frames(self) -> int:
        """Frames the ring holds."""
        return len(self._frames)

    @property
    def n_channels(self) -> int:
        """Channels a frame has: those of the engine's order."""
        return int(self._frames.shape[1])

    @property
    def total_written(self) -> int:
        """Frames written since the last flush."""
        return int(load_word(self._written))

    @property
    def total_read(self) -> int:
        """Frames the audio thread has taken since the last flush."""
        return int(load_word(self._read))

    @property
    def fill_frames(self) -> int:
        """Frames waiting to be played."""
        return max(0, self.total_written - self.total_read)

    def free_frames(self) -> int:
        """Return how many frames may be written now (one block stays free for the padding at the end)."""
        return self.capacity_frames - self._block_size - self.fill_frames

    def newest(self, n_frames: int) -> NDArray[np.float32]:
        """Return a copy of the frames (n, n_channels) that were written last, fewer where that is all. Any thread."""
        written = self.total_written
        n_frames = min(n_frames, written, self.capacity_frames)
        return self._frames[np.arange(written - n_frames, written) % self.capacity_frames]

    def write(self, frames: NDArray[np.float32]) -> None:
        """Append frames (k, n_channels) float32, k at most `free_frames()`. Reader thread only."""
        if len(frames) > self.free_frames():
            raise ValueError(f"{len(frames)} frames do not fit: {self.free_frames()} are free")
        self._append(frames)

    def set_end(self) -> None:
        """Mark the end of the stream behind all frames written; what follows is silence. Reader thread only."""
        end = self.total_written
        self._append(np.zeros((-end % self._block_size, self.n_channels), np.float32))
        store_word(self._end, end)

    def flush(self) -> None:
        """Empty the ring and forget the end. Only while the engine is silent and no writer runs."""
        for word, value in ((self._end, -1), (self._read, 0), (self._written, 0)):
            store_word(word, value)

    def _append(self, frames: NDArray[np.float32]) -> None:
        written = self.total_written
        start = written % self.capacity_frames
        first = min(len(frames), self.capacity_frames - start)
        self._frames[start : start + first] = frames[:first]
        self._frames[: len(frames) - first] = frames[first:]
        store_word(self._written, written + len(frames))
