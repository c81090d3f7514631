"""Plane waves into an ambisonic field."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rt_render.ambisonics.harmonics import real_sh_sn3d


def encode_plane_wave(
    signal: ArrayLike, order: int, azimuth_rad: ArrayLike, elevation_rad: ArrayLike
) -> NDArray[np.float64]:
    """Return the field of a plane wave that comes from a direction, still or moving.

    Parameters: `signal` (n_frames,); `azimuth_rad` (counter-clockwise from the front) and `elevation_rad`
    (up), scalars or one per frame (n_frames,). Returns (n_frames, n_sh) float64, ACN, SN3D: W is the signal.
    Raises ValueError for an order outside 0..10. Any thread.
    """
    signal = np.asarray(signal, np.float64)
    return signal[:, None] * real_sh_sn3d(order, azimuth_rad, elevation_rad)
