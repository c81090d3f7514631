"""Real spherical harmonics in ACN order and SN3D norm (AmbiX)."""

from math import factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import assoc_legendre_p_all

from rt_render.conventions import MAX_ORDER_EXACT, acn, n_sh


def real_sh_sn3d(order: int, azimuth_rad: ArrayLike, elevation_rad: ArrayLike) -> NDArray[np.float64]:
    """Evaluate all real spherical harmonics up to an order at given directions.

    Parameters: `azimuth_rad`, `elevation_rad` broadcast together to any shape (...); radians, azimuth
    counter-clockwise from the front (x), elevation up. Returns (..., (order + 1)^2) float64 in ACN order,
    SN3D norm: W is 1 everywhere, the first-order channels are the direction cosines y, z, x.
    Raises ValueError for an order outside 0..10. Any thread.

    Nachbar, Zotter, Deleflie, Sontacchi 2011, "AmbiX", eq. 3-4; no Condon-Shortley phase.
    """
    if not 0 <= order <= MAX_ORDER_EXACT:
        raise ValueError(f"ambisonic order {order}: allowed are 0 to {MAX_ORDER_EXACT}")
    azimuth, elevation = np.broadcast_arrays(np.asarray(azimuth_rad, np.float64), np.asarray(elevation_rad, np.float64))
    legendre = assoc_legendre_p_all(order, order, np.sin(elevation))[0]
    out = np.empty((*azimuth.shape, n_sh(order)))
    for n in range(order + 1):
        for m in range(n + 1):
            norm = np.sqrt((2.0 if m else 1.0) * factorial(n - m) / factorial(n + m))
            # SciPy's function carries the Condon-Shortley phase (-1)^m; AmbiX has none.
            radial = (-1.0) ** m * norm * legendre[n, m]
            out[..., acn(n, m)] = radial * np.cos(m * azimuth)
            if m:
                out[..., acn(n, -m)] = radial * np.sin(m * azimuth)
    return out


def cartesian_to_spherical(xyz: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return azimuth and elevation in radians of vectors (..., 3) of any length but zero."""
    x, y, z = np.moveaxis(np.asarray(xyz, np.float64), -1, 0)
    return np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))


def spherical_to_cartesian(azimuth_rad: ArrayLike, elevation_rad: ArrayLike) -> NDArray[np.float64]:
    """Return unit vectors (..., 3), x front, y left, z up, of directions in radians."""
    azimuth, elevation = np.broadcast_arrays(np.asarray(azimuth_rad, np.float64), np.asarray(elevation_rad, np.float64))
    return np.stack(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)], axis=-1
    )
