"""Numbers as people read them."""

from math import log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rt_render.app.session import SessionStatus

_SILENCE_LIN = 1e-6


def decibels(level_lin: float) -> str:
    """Return a linear level as dB full scale, or that there is silence."""
    return "silence" if level_lin < _SILENCE_LIN else f"{20 * log10(level_lin):.1f} dBFS"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, such as "1 block" or "3 blocks"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds, such as 1:02.5."""
    tenths = int(seconds * 10 + 0.5)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def summary(status: "SessionStatus") -> str:
    """Return one line about how a session went."""
    engine = status.engine
    missed = "no block missed" if not engine.late_blocks else f"{plural(engine.late_blocks, 'block')} missed"
    return (
        f"{clock(status.position_s)} played, {missed} of {engine.blocks}, "
        f"{plural(engine.underruns, 'underrun')}, longest block {1e3 * engine.longest_block_s:.2f} ms, "
        f"highest peak {decibels(engine.highest_peak)}"
    )
