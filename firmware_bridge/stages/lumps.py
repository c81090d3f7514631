"""Deliveries: transports hand over several frames at once, and only the last of them has hardly waited."""

from collections.abc import Sequence


def lump_ends(arrivals_s: Sequence[float]) -> list[int]:
    """Return the indices of frames after which the next came later than half the mean interval.

    Of a stream that comes frame by frame that is every frame but the newest, of which it is not known yet.
    """
    if len(arrivals_s) < 2:
        return []
    half_s = 0.5 * (arrivals_s[-1] - arrivals_s[0]) / (len(arrivals_s) - 1)
    return [i for i in range(len(arrivals_s) - 1) if arrivals_s[i + 1] - arrivals_s[i] > half_s]
