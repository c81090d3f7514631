"""From the other ways of writing an ambisonic field: N3D, and FuMa up to order 3.

Inside there is only ACN order and SN3D norm; these functions stand at the border. All take a field with
channels on one axis (last by default), keep its dtype if it is floating (else float64), return a new array
and raise ValueError when the channel count fits no order. Any thread.
"""

from math import isqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rt_render.conventions import n_sh

MAX_FUMA_ORDER = 3

_FUMA_FROM_ACN = np.array([0, 3, 1, 2, 6, 7, 5, 8, 4, 12, 13, 11, 14, 10, 15, 9])
"""ACN of each FuMa channel W X Y Z R S T U V K L M N O P Q."""

_FUMA_GAINS = np.sqrt([1 / 2, 1, 1, 1, 1, 4 / 3, 4 / 3, 4 / 3, 4 / 3, 1, 45 / 32, 45 / 32, 9 / 5, 9 / 5, 8 / 5, 8 / 5])
"""FuMa over SN3D in FuMa order: every channel peaks at 1 over the sphere, but W at -3 dB.

Malham 2003, "Higher order Ambisonic systems": the Furse-Malham weights.
"""


def order_from_channels(n_channels: int) -> int:
    """Return the order of a full-sphere field with that many channels; ValueError when there is none."""
    order = isqrt(max(n_channels, 1)) - 1
    if n_sh(order) != n_channels:
        raise ValueError(f"{n_channels} channels: a full-sphere field has 1, 4, 9, 16, ... (order + 1)^2")
    return order


def sn3d_from_n3d(field: ArrayLike, channel_axis: int = -1) -> NDArray[np.floating]:
    """Return the field in SN3D: degree n loses sqrt(2n + 1)."""
    field = _floating(field)
    return _scaled(field, 1.0 / _n3d_gains(field.shape[channel_axis]), channel_axis)


def sn3d_from_fuma(field: ArrayLike, channel_axis: int = -1) -> NDArray[np.floating]:
    """Return a FuMa field (W X Y Z R S T U V K ... Q, W at -3 dB) in ACN order and SN3D norm."""
    field = _floating(field)
    n_channels = _fuma_channels(field.shape[channel_axis])
    levelled = _scaled(field, 1.0 / _FUMA_GAINS[:n_channels], channel_axis)
    return np.take(levelled, np.argsort(_FUMA_FROM_ACN[:n_channels]), axis=channel_axis)


def _floating(field: ArrayLike) -> NDArray[np.floating]:
    field = np.asarray(field)
    return field if np.issubdtype(field.dtype, np.floating) else field.astype(np.float64)


def _n3d_gains(n_channels: int) -> NDArray[np.float64]:
    degrees = np.arange(order_from_channels(n_channels) + 1)
    return np.repeat(np.sqrt(2.0 * degrees + 1.0), 2 * degrees + 1)


def _fuma_channels(n_channels: int) -> int:
    if order_from_channels(n_channels) > MAX_FUMA_ORDER:
        raise ValueError(f"{n_channels} channels: FuMa is defined up to order {MAX_FUMA_ORDER}, 16 channels")
    return n_channels


def _scaled(field: NDArray[np.floating], gains: NDArray[np.float64], channel_axis: int) -> NDArray[np.floating]:
    shape = [1] * field.ndim
    shape[channel_axis] = -1
    return field * gains.astype(field.dtype).reshape(shape)
