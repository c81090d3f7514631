"""Values of a session of any length, in memory that does not grow."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_VALUES = 50_000
_MOVED_AT_ONCE = 1024


class Thinned:
    """Keeps all values up to a number, then every second one of all so far, and so on; and the worst. Thread: one.

    What is kept is spread evenly over time, so that percentiles hold. `n_added` counts all.
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any, max_values: int = MAX_VALUES) -> None:
        """Prepare for values of a shape and type."""
        self.n_added = 0
        self._kept = np.zeros((max_values, *shape), dtype)
        self._n_kept, self._stride = 0, 1
        self._worst, self._worst_rank = self._kept[:0], -np.inf

    def add(self, values: NDArray[Any], ranks: NDArray[np.float64]) -> None:
        """Add values (n, ...); the one of the highest rank (n,) so far is kept in any case."""
        if len(ranks) and ranks.max() > self._worst_rank:
            worst = int(ranks.argmax())
            self._worst, self._worst_rank = values[worst : worst + 1].copy(), float(ranks[worst])
        while len(values):
            skip = -self.n_added % self._stride
            room = (len(self._kept) - self._n_kept) * self._stride
            now = values[: skip + room]
            chosen = now[skip :: self._stride]
            self._kept[self._n_kept : self._n_kept + len(chosen)] = chosen
            self._n_kept += len(chosen)
            self.n_added += len(now)
            values = values[len(now) :]
            if self._n_kept == len(self._kept):
                self._halve()

    def _halve(self) -> None:
        """Keep every second one, a few at a time: a copy of half of all would stay with the process as its memory."""
        self._n_kept = -(-len(self._kept) // 2)
        for begin in range(0, self._n_kept, _MOVED_AT_ONCE):
            end = min(begin + _MOVED_AT_ONCE, self._n_kept)
            self._kept[begin:end] = self._kept[2 * begin : 2 * end : 2].copy()
        self._stride *= 2

    def values(self) -> NDArray[Any]:
        """Return what is kept, in order, and the worst behind it where some was left out."""
        kept = self._kept[: self._n_kept].copy()
        return kept if self._stride == 1 else np.concatenate([kept, self._worst])
