"""Numbers and lists as people read them."""

from collections.abc import Sequence


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, such as "1 frame" or "3 frames"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def hertz(rate_hz: float | None) -> str:
    """Return a rate, "" where none is known."""
    return "" if rate_hz is None else f"{rate_hz:.0f} Hz" if rate_hz >= 10 else f"{rate_hz:.1f} Hz"


def strip(values: Sequence[float], limit: float, width: int = 41) -> str:
    """Return values as marks on a line from -limit to limit, 0 in the middle; more at one place as numbers."""
    counts = [0] * width
    for value in values:
        share = (max(-limit, min(limit, value)) + limit) / (2.0 * limit)
        counts[round(share * (width - 1))] += 1
    empty = "·" * (width // 2) + "│" + "·" * (width // 2)
    return "".join(sign if n == 0 else "●" if n == 1 else str(min(n, 9)) for sign, n in zip(empty, counts, strict=True))
