"""Loudness by ITU-R BS.1770-4: the adapter for pyloudnorm.

Its filters by De Man meet the norm's tables within 0.001 dB at 48 kHz; its own "K-weighting" is 0.04 dB off at 1 kHz.
"""

from math import log10

import numpy as np
import pyloudnorm
from numpy.typing import NDArray

_PIECE_S, _GATING_BLOCK_S = 10.0, 0.4
_ABSOLUTE_GATE_LUFS, _RELATIVE_GATE_LU = -70.0, -10.0


class LoudnessMeter:
    """The integrated loudness of two channels, fed piece by piece in bounded memory.

    Gating blocks do not reach across pieces of 10 s, nor across what `cut` separates: of an hour that leaves out 3 %
    of the overlapping blocks, and none of the sound. One thread.
    """

    def __init__(self, fs_hz: int) -> None:
        self._meter = pyloudnorm.Meter(fs_hz, filter_class="DeMan")
        self._piece_frames = round(_PIECE_S * fs_hz)
        self._least_frames = round(_GATING_BLOCK_S * fs_hz)
        self._waiting: list[NDArray[np.float64]] = []
        self._n_waiting = 0
        self._blocks_lufs: list[float] = []

    def add(self, frames: NDArray[np.floating]) -> None:
        """Take the next (n, 2) frames, which are copied."""
        self._waiting.append(np.array(frames, np.float64))
        self._n_waiting += len(frames)
        if self._n_waiting >= self._piece_frames:
            self.cut()

    def cut(self) -> None:
        """Let what comes not belong to what came: measure that."""
        if not self._n_waiting:
            return
        piece = np.concatenate(self._waiting)
        self._waiting, self._n_waiting = [], 0
        if len(piece) < self._least_frames:
            if self._blocks_lufs:
                return  # less than a gating block at the end, which the norm leaves out
            piece = np.concatenate([piece, np.zeros((self._least_frames + 1 - len(piece), 2))])
        self._meter.integrated_loudness(piece)
        self._blocks_lufs += [float(block) for block in self._meter.blockwise_loudness]

    def lufs(self) -> float | None:
        """Return the integrated loudness of all that was added; None where all of it is below -70 LUFS."""
        self.cut()
        blocks_lufs = np.array(self._blocks_lufs)
        blocks_lufs = blocks_lufs[blocks_lufs >= _ABSOLUTE_GATE_LUFS]
        if not len(blocks_lufs):
            return None
        gate_lufs = _mean_lufs(blocks_lufs) + _RELATIVE_GATE_LU
        return _mean_lufs(blocks_lufs[blocks_lufs > gate_lufs])


def _mean_lufs(blocks_lufs: NDArray[np.float64]) -> float:
    return 10 * log10(float(np.mean(10 ** (blocks_lufs / 10))))
