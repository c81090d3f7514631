"""Levels at the ears as they may be shown: blind, what each ear gets would tell which version follows the head."""

from collections.abc import Sequence

from rt_render.engine.snapshot import Snapshot


def ear_levels(snapshot: Snapshot, blind: bool) -> tuple[list[float], list[float]]:
    """Return rms and peak, linear: of the left and the right ear, or `blind` one level that is the mean of both."""
    return _shown(snapshot.rms, blind), _shown(snapshot.peak, blind)


def _shown(levels_lin: Sequence[float], blind: bool) -> list[float]:
    if not blind:
        return list(levels_lin)
    return [float((sum(level * level for level in levels_lin) / len(levels_lin)) ** 0.5)]
