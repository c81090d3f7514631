"""The conventions everything else relies on: axes, channel order, levels, limits.

Axes: x front, y left, z up, right-handed. Azimuth counter-clockwise from the front, elevation up from the
horizontal. Ambisonics: ACN order, SN3D norm. Quaternions: scalar first, unit, Hamilton;
`quat_world_from_head` maps head vectors into the world, and the field is turned by its inverse.
Ears: left 0, right 1. Audio: float32, full scale 1.0. Time: host monotonic seconds.
"""

MAX_ORDER_EXACT = 10
"""Highest ambisonic order of the exact (float64) mathematics."""
MAX_ORDER = 7
"""Highest ambisonic order the real-time engine renders (64 channels)."""
BLOCK_SIZES = (32, 64, 128, 256, 512, 1024, 2048)
"""Block sizes the engine runs at, in frames; other host sizes go through the block adapter."""
RATES_HZ = (44100, 48000, 88200, 96000)
"""Sample rates the renderer runs at."""
LEFT, RIGHT = 0, 1


def n_sh(order: int) -> int:
    """Return the number of ambisonic channels of an order."""
    return (order + 1) ** 2


def acn(degree: int, index: int) -> int:
    """Return the channel number (ACN) of degree n and index m, -n <= m <= n."""
    return degree * degree + degree + index
