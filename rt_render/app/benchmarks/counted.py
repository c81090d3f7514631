"""Counted frames at the field tap: each is the one before and one more, or there is a break."""

import numpy as np
from numpy.typing import NDArray

COUNT_TO = 1 << 20
COUNT_STEP = 2.0**-30
"""As `io.jack_loop` counts."""
_SILENCE = np.iinfo(np.int64).max


class Counted:
    """Takes what came of a count from 1 to `COUNT_TO`, over and over, chunk by chunk; 0 is silence.

    `n_frames` since the first count; `jumps`: places, and by how much the count jumps ahead there; `silences`: places
    and lengths, the last of which may still last; `drift_frames`: by how much the count is ahead in all.
    """

    def __init__(self) -> None:
        self.n_frames = 0
        self.jumps: list[tuple[int, int]] = []
        self.silences: list[tuple[int, int]] = []
        self.drift_frames = 0
        self._expected = 0
        self._silent = False

    def take(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples (n,)."""
        counts = np.rint(samples.astype(np.float64) / COUNT_STEP).astype(np.int64)
        if not self._expected:
            counts = counts[np.argmax(counts > 0) :] if (counts > 0).any() else counts[:0]
            if not len(counts):
                return
            self._expected = int(counts[0])
        silent = counts == 0
        # by how much the count is ahead of that of undisturbed frames, at each frame
        due = (self._expected - 1 + np.arange(len(counts))) % COUNT_TO + 1
        ahead = (counts - due + COUNT_TO // 2) % COUNT_TO - COUNT_TO // 2
        heard = np.where(silent, _SILENCE, ahead)
        known = 0
        for i in np.flatnonzero(np.diff(heard, prepend=_SILENCE if self._silent else 0)):
            at = self.n_frames + int(i)
            if self._silent:
                self._measure_silence(at)
            elif silent[i]:
                self.silences.append((at, 0))
            if not silent[i] and ahead[i] != known:
                self.jumps.append((at, int(ahead[i]) - known))
                known = int(ahead[i])
            self._silent = bool(silent[i])
        self.n_frames += len(counts)
        if self._silent:
            self._measure_silence(self.n_frames)
        self.drift_frames += known
        self._expected = (self._expected - 1 + len(counts) + known) % COUNT_TO + 1

    def _measure_silence(self, end: int) -> None:
        begin, _ = self.silences[-1]
        self.silences[-1] = begin, end - begin
