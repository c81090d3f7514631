"""Plain stereo of a field, as filters: what headphones play where nobody knows of ears and heads."""

import numpy as np
from numpy.typing import NDArray

from rt_render.conventions import n_sh

_W, _Y = 0, 1


def stereo_filters(order: int, onset_frames: int) -> NDArray[np.float64]:
    """Return two cardioids to the left and to the right as filters (2, n_sh, onset_frames + 1), ACN/SN3D.

    They sum up to the field's mono, and all directions count alike. They answer when a decoder of this onset does, and
    have as many channels as one of this order, so that nothing but the sound changes.
    """
    filters = np.zeros((2, n_sh(order), onset_frames + 1))
    filters[:, _W, -1] = 0.5
    if order:
        filters[0, _Y, -1], filters[1, _Y, -1] = 0.5, -0.5
    return filters
