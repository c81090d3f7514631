"""Measurements as the 16-bit whole numbers of a sensor, for the virtual devices."""

from collections.abc import Sequence


def to_counts(values: Sequence[float], per_unit: float) -> list[int]:
    """Return values times `per_unit`, rounded, and clamped to ±32767 as sensors do."""
    return [max(-32767, min(32767, round(value * per_unit))) for value in values]
