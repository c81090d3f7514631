"""Ambisonic fields as other programs write them, each channel with its gain as published."""

import numpy as np

from rt_render.conventions import acn

FUMA = [(0, 0), (1, 1), (1, -1), (1, 0), (2, 0), (2, 1), (2, -1), (2, 2), (2, -2)]
FUMA += [(3, 0), (3, 1), (3, -1), (3, 2), (3, -2), (3, 3), (3, -3)]
"""Degree and index of W X Y Z R S T U V K L M N O P Q."""
MAX_N = {(0, 0): 1 / 2, (2, 1): 4 / 3, (2, 2): 4 / 3, (3, 1): 45 / 32, (3, 2): 9 / 5, (3, 3): 8 / 5}
"""Squares of FuMa's weights over SN3D, of those that are not 1 (Malham 2003), by degree and the index's magnitude."""


def fuma(field):
    """An ACN/SN3D field (..., n_sh), up to order 3, as FuMa."""
    channels = FUMA[: np.shape(field)[-1]]
    gains = [MAX_N.get((n, abs(m)), 1.0) ** 0.5 for n, m in channels]
    return np.asarray(field)[..., [acn(n, m) for n, m in channels]] * gains


def n3d(field):
    """An SN3D field (..., n_sh) in N3D."""
    degrees = np.floor(np.sqrt(np.arange(np.shape(field)[-1])))
    return np.asarray(field) * np.sqrt(2.0 * degrees + 1.0)
