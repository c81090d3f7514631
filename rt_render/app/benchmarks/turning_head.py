"""Head motion for benchmarks: a constant or reversing turn about a fixed or wandering axis."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation


def constant_turn(axis: ArrayLike, speed_deg_s: float, times_s: ArrayLike) -> NDArray[np.float64]:
    """Return quaternions (n, 4), scalar first, of a turn about one axis, starting at the front."""
    axis = np.asarray(axis, np.float64)
    angle = np.deg2rad(speed_deg_s) * np.asarray(times_s, np.float64)
    turn = Rotation.from_rotvec(angle[:, None] * axis / np.linalg.norm(axis))
    return np.asarray(turn.as_quat(scalar_first=True), np.float64)


def wandering_turn(speed_deg_s: float, step_s: float, n_steps: int, seed: int = 1) -> NDArray[np.float64]:
    """Return quaternions (n_steps, 4) of a turn whose oblique axis wanders, at one speed throughout."""
    rng = np.random.default_rng(seed)
    axes = np.cumsum(rng.standard_normal((n_steps, 3)) * 0.05, axis=0) + rng.standard_normal(3)
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    steps = Rotation.from_rotvec(axes * np.deg2rad(speed_deg_s) * step_s)
    out = np.empty((n_steps, 4))
    rotation = Rotation.identity()
    for i, step in enumerate(steps):
        out[i] = rotation.as_quat(scalar_first=True)
        rotation = rotation * step
    return out
