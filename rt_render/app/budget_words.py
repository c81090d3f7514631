"""The latency budget in words: a line for the live view, a table for reports, and what to do about a slow device."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rt_render.app.budget import Budget, Spread
    from rt_render.app.session_status import SessionStatus

NOTICED_MS = 60.0
"""From about here on listeners notice that the sound lags behind the head (Brungart et al. 2006, Lindau 2009)."""
SMALL_BLOCK_FRAMES = 128
EXPLAINED = {
    "sensor and transport": "until the next measurement, and from there to the renderer",
    "wait for the block": "until the next block is rendered",
    "block": "half of the block in which the field turns",
    "easing": "until the field is half-way to what was not foreseen, where prediction is at work",
    "device": "from the block's begin to the converter",
    "filters": "until the head's filters answer",
    "extra": "from the converter to the ears, as set",
}

_NOTICED = f"and listeners notice {NOTICED_MS:.0f} ms in all"
_SMALLER = f"ask for smaller blocks (--block {SMALL_BLOCK_FRAMES})"
_SHORT = {"sensor and transport": "tracker", "wait for the block": "wait"}
"""Names in a single line."""


def budget_line(budget: "Budget | None") -> str:
    """Return the budget in one line."""
    if budget is None:
        return "no pose was heard yet"
    shares = [(_SHORT.get(name, name), spread.p50_ms) for name, spread in budget.parts.items()]
    parts = " + ".join(f"{name} {p50_ms:.1f}" for name, p50_ms in shares if p50_ms >= 0.05)
    turns = ""
    if budget.left is not None and budget.ahead is not None:
        turns = f"; predicted {budget.ahead.p50_ms:.1f}, turns {_late(budget.left)}"
    return f"{budget.total.p50_ms:.1f} ms, 95 % below {budget.total.p95_ms:.1f}{turns}: {parts}"


def motion_line(status: "SessionStatus") -> str:
    """Return the budget in one line, or why there is none."""
    if not status.tracking:
        return "tracking is off: the sound turns with the head"
    if not status.follows_head:
        return "the sound of this version turns with the head"
    return budget_line(status.budget)


def budget_rows(budget: "Budget") -> list[tuple[str, str, str, str, str]]:
    """Return the budget as rows of a table: what, p50, p95, worst in ms, and what it is."""
    rows = [(name, *_cells(spread), EXPLAINED[name]) for name, spread in budget.parts.items()]
    rows.append(("together", *_cells(budget.total), "from a movement to its sound, for what nobody could foresee"))
    if budget.ahead is not None and budget.left is not None:
        rows.append(("predicted away", *_cells(budget.ahead), "how far ahead of its pose the head is rendered"))
        rows.append(("left of a steady turn", *_cells(budget.left), "what prediction did not make up for"))
    return rows


def budget_markdown(budget: "Budget | None", advice: str | None) -> str:
    """Return the section of a report, with what to do about a slow device as `device_advice` says it; "" of None."""
    if budget is None:
        return ""
    rows = "".join(f"| {' | '.join(row)} |\n" for row in budget_rows(budget))
    return (
        "## From a movement to its sound\n\n"
        f"Of {budget.n_poses} poses that were heard, in ms.\n\n"
        f"| | median | 95 % below | worst | |\n| --- | ---: | ---: | ---: | --- |\n{rows}\n"
        + (f"**Too slow:** {advice}.\n\n" if advice else "")
    )


def device_advice(budget: "Budget | None", block_size: int, host_api: str) -> str | None:
    """Return, where a movement is heard later than listeners notice, what takes so long and what to do about it.

    None where nothing but the tracker could be faster.
    """
    if budget is None:
        return None
    device_ms, extra_ms = budget.parts["device"].p50_ms, budget.parts["extra"].p50_ms
    if device_ms + extra_ms <= NOTICED_MS:
        if budget.total.p50_ms <= NOTICED_MS or block_size <= SMALL_BLOCK_FRAMES:
            return None
        return f"a movement is heard after {budget.total.p50_ms:.0f} ms, {_NOTICED}: {_SMALLER}"
    remedies = []
    if extra_ms > 0.0:
        remedies.append("use headphones with a cable")
    if device_ms > 0.5 * NOTICED_MS and block_size > SMALL_BLOCK_FRAMES:
        remedies.append(_SMALLER)
    if device_ms > 0.5 * NOTICED_MS and "JACK" not in host_api:
        remedies.append("choose a device of JACK or PipeWire (Linux) or of WASAPI or ASIO (Windows)")
    if not extra_ms:
        remedies.append("use headphones with a cable, not wireless ones")
    return f"{_slow_parts(device_ms, extra_ms)}, {_NOTICED}: {', or '.join(remedies)}"


def _slow_parts(device_ms: float, extra_ms: float) -> str:
    if not extra_ms:
        return f"the sound device alone takes {device_ms:.0f} ms"
    device, way = f"the sound device {{}}{device_ms:.0f} ms", f"the way to the ears {{}}{extra_ms:.0f} ms"
    first, second = (way, device) if extra_ms > device_ms else (device, way)
    return f"{first.format('takes ')} and {second.format('')}"


def _cells(spread: "Spread") -> tuple[str, str, str]:
    return f"{spread.p50_ms:z.2f}", f"{spread.p95_ms:z.2f}", f"{spread.worst_ms:z.2f}"


def _late(left: "Spread") -> str:
    late_ms = round(left.p50_ms, 1)
    return f"{late_ms:.1f} ms late" if late_ms > 0.0 else "in time"
