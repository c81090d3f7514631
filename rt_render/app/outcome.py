"""How a session went, for programs: one object of plain numbers, words and lists."""

from dataclasses import asdict
from typing import Any

from rt_render.app.budget_words import device_advice
from rt_render.app.session_status import SessionStatus
from rt_render.engine.snapshot import Snapshot


def session_json(status: SessionStatus) -> dict[str, Any]:
    """Return a session's last status; times in the units that the names say, `glitches` each with time and cause."""
    engine, budget, card = status.engine, status.budget, status.card
    advice = device_advice(budget, card.block_size, card.host_api)
    return {
        "played_s": round(status.played_s, 3),
        "card": card.text,
        "live_input": None if card.live is None else asdict(card.live),
        "tracker": None if status.tracker is None else status.tracker.text,
        "playlist": None if status.playlist is None else asdict(status.playlist),
        "order": engine.order,
        "blocks": engine.blocks,
        "late_blocks": engine.late_blocks,
        "missed_slots": engine.missed_slots,
        "host_underflows": engine.host_underflows,
        "underruns": engine.underruns,
        "stale_blocks": engine.stale_blocks,
        "clock_jumps": engine.clock_jumps,
        "non_finite": engine.non_finite,
        "limited_blocks": engine.limited_blocks,
        "highest_peak": engine.highest_peak,
        "block_time": _block_time(engine),
        "motion_to_sound": None if budget is None else asdict(budget) | {"advice": advice},
        "glitches": status.glitches.as_json() | {"unaccounted": status.glitches.unaccounted(engine)},
    }


def _block_time(engine: Snapshot) -> dict[str, Any]:
    return {
        "budget_us": round(1e6 * engine.budget_s, 1),
        "p50_us": round(1e6 * engine.block_p50_s, 1),
        "p999_us": round(1e6 * engine.block_p999_s, 1),
        "longest_us": round(1e6 * engine.longest_block_s, 1),
        "histogram": [{"up_to_us": round(1e6 * up_to_s, 2), "blocks": n} for up_to_s, n in engine.block_times if n],
    }
