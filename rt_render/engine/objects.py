"""The control side of objects: where each shall be, how loud and how wide; published whole to the block function."""

import threading

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import eval_legendre

from rt_render.conventions import MAX_ORDER
from rt_render.engine.plan import Plan
from rt_render.engine.prepared_state import PreparedState
from rt_render.kernels.state import TARGETS


def spread_weights(spread_rad: ArrayLike) -> NDArray[np.float64]:
    """Return by how much each degree is weighted for a source as wide as a cap of this angle, (..., 8) float64.

    `spread_rad`: from edge to edge, 0 (a point) to 2 pi (from everywhere: W alone). The level of W stays as it is,
    so bass stays as loud, and only what has a direction gets less.
    """
    edge = np.cos(0.5 * np.asarray(spread_rad, np.float64))[..., None]
    n = np.arange(1, MAX_ORDER + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        cap = (eval_legendre(n - 1, edge) - eval_legendre(n + 1, edge)) / ((2 * n + 1) * (1 - edge))
    weights = np.where(1 - edge > 1e-7, cap, 1.0)
    return np.concatenate([np.ones((*weights.shape[:-1], 1)), weights], axis=-1)


class Objects:
    """What an engine's objects shall do from their next knot on, 64 frames at most after `publish`.

    They begin in front at 1 m, as points, at full level. Setters take an index from 0 and only prepare: nothing is
    heard of them before `publish`, which lets all of them hold at once. Directions are vectors (3,), x front, y left,
    z up, of any length; distances metres. Control side, any thread.
    """

    def __init__(self, plan: Plan, state: PreparedState) -> None:
        self.n_objects = plan.n_objects
        self._fs_hz = plan.fs_hz
        self._state = state
        self._lock = threading.RLock()
        self._next = np.zeros(1, TARGETS)[0]
        self._next["x"] = self._next["distance"] = self._next["gain"] = 1.0
        self._next["weights"] = 1.0
        self._paths: dict[int, NDArray[np.float64]] = {}
        self._in_use: NDArray[np.void] | None = None
        self._retired: list[tuple[int, object]] = []
        self.publish()

    def place(self, index: int, direction: ArrayLike, distance_m: float) -> None:
        """Put an object somewhere, and let it leave its path if it follows one."""
        vector = np.asarray(direction, np.float64)
        with self._lock:
            for name, number in zip(("x", "y", "z"), vector / np.linalg.norm(vector), strict=True):
                self._next[name][index] = number
            self._next["distance"][index] = distance_m
            self._next["tracks"][index] = 0

    def set_gain(self, index: int, gain: float) -> None:
        """Set an object's own gain, linear, 0 to 16."""
        with self._lock:
            self._next["gain"][index] = gain

    def set_spread(self, index: int, spread_rad: float) -> None:
        """Let an object be as wide as this angle, 0 to 2 pi."""
        with self._lock:
            self._next["weights"][:, index] = spread_weights(spread_rad)

    def set_path(
        self, index: int, times_s: ArrayLike, directions: ArrayLike, distances_m: ArrayLike, *, repeats: bool = False
    ) -> None:
        """Let an object be at directions (n, 3) and distances (n,) at rising times (n,) of the source, and follow them.

        Between them it goes along the great circle; before the first and behind the last it holds, or with `repeats`
        begins again at the last one's time. Once for each object, before anything sounds.
        """
        times, vectors = np.asarray(times_s, np.float64), np.asarray(directions, np.float64)
        rows = np.zeros((len(times) + 1, 5))
        rows[0, :2] = len(times), times[-1] if repeats else 0.0
        rows[1:, 0], rows[1:, 4] = times, distances_m
        rows[1:, 1:4] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        with self._lock:
            self._paths[index] = rows
            self._next["tracks"][index] = rows.ctypes.data

    def follow_path(self, index: int) -> bool:
        """Let an object go on along its path; False where it has none."""
        with self._lock:
            if index in self._paths:
                self._next["tracks"][index] = self._paths[index].ctypes.data
            return index in self._paths

    def where(self, index: int) -> tuple[NDArray[np.float64], float]:
        """Return direction (3,) and distance of an object: as prepared, or on its path at the next block's frame."""
        with self._lock:
            if self._next["tracks"][index]:
                # what the block function works on may be half written: one word, the frame, is whole
                return _on_path(self._paths[index], self._state.load("frame") / self._fs_hz)
            place = np.array([self._next[name][index] for name in ("x", "y", "z", "distance")], np.float64)
        return place[:3], float(place[3])

    @property
    def changes(self) -> int:
        """How often something was published that was not what held before."""
        return int(self._next["number"])

    def publish(self) -> None:
        """Let all that was prepared hold from the next knot on; nothing happens where that holds already."""
        with self._lock:
            if self._in_use is not None and self._in_use.tobytes() == self._next.tobytes():
                return
            self._next["number"] += 1
            targets = np.zeros(1, TARGETS)
            targets[0] = self._next
            self._state.publish("objects", targets.ctypes.data)
            # a block that is under way may still read what was there before
            self._retired.append((self._state.load("begun"), self._in_use))
            self._in_use = targets
            self.free()

    def free(self) -> None:
        """Free what was out of sight before the last finished block began."""
        with self._lock:
            finished = self._state.load("blocks")
            self._retired = [(begun, targets) for begun, targets in self._retired if begun > finished]


def _on_path(rows: NDArray[np.float64], time_s: float) -> tuple[NDArray[np.float64], float]:
    """Return direction (3,) and distance at a time on a path of `set_path`; the kernel goes the same way."""
    period_s, times_s = rows[0, 1], rows[1:, 0]
    if period_s > 0.0:
        time_s %= period_s
    before = max(0, int(np.searchsorted(times_s, time_s, side="right")) - 1)
    a, b = rows[1 + before], rows[min(2 + before, len(times_s))]
    share = float(np.clip((time_s - a[0]) / (b[0] - a[0]), 0.0, 1.0)) if b[0] > a[0] else 0.0
    shares = np.array([1.0 - share, share])
    distance_m = float(shares @ [a[4], b[4]])
    angle = np.arccos(np.clip(a[1:4] @ b[1:4], -1.0, 1.0))
    if angle > 1e-4:
        shares = np.sin(shares * angle) / np.sin(angle)
    return shares[0] * a[1:4] + shares[1] * b[1:4], distance_m
