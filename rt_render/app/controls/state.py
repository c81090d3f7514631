"""How a session stands, as plain words, numbers and lists: what the page, the remote and the terminal all show."""

import time
from dataclasses import asdict
from math import isfinite
from typing import TYPE_CHECKING, Any

from firmware_bridge.status import BridgeStatus
from rt_render.app.budget import Budget, Spread
from rt_render.app.budget_words import motion_line
from rt_render.app.glitches import HOST, LATE, UNDERRUN, Glitches

if TYPE_CHECKING:
    from rt_render.app.session import Session
    from rt_render.app.session_status import SessionStatus

N_GLITCHES = 5


def state_of(session: "Session", status: "SessionStatus") -> dict[str, Any]:
    """Return a session's status JSON-able: titles, position, tracker, card, budget or why none, block, glitches.

    None stands for what is not known; `disturbed_s` is for how long blocks came in time and the source did not run
    dry. Times in seconds unless the name says otherwise, levels in dB full scale.
    """
    engine, playlist, glitches, now_s = status.engine, status.playlist, status.glitches, time.monotonic()
    return {
        "playing_title": playlist.title if playlist else session.source.title,
        "next_title": playlist.next_title if playlist else None,
        "items": list(session.playlist.titles) if session.playlist else [],
        "position_s": round(status.position_s, 2),
        "length_s": None if status.length_s is None else round(status.length_s, 2),
        "played_s": round(status.played_s, 2),
        "lap": status.lap,
        "ended": engine.ended,
        "head": session.decoder.head,
        "order": {"rendered": engine.order, "highest": session.engine.plan.order},
        "tracker": _tracker(status.tracker),
        "card": {
            "text": status.card.text,
            "name": status.card.name,
            "latency_ms": 1e3 * (status.card.latency_s + status.card.adapter_latency_s),
        },
        "tracking": status.tracking,
        "budget": None if status.budget is None else _budget(status.budget),
        "no_budget": None if status.budget else motion_line(status),
        "block": {
            "blocks": engine.blocks,
            "late": engine.late_blocks,
            "missed": engine.missed_slots,
            "underruns": engine.underruns,
            "disturbed_s": glitches.age_s(glitches.newest(LATE, HOST, UNDERRUN), now_s),
            "p50_us": 1e6 * engine.block_p50_s,
            "p999_us": 1e6 * engine.block_p999_s,
            "budget_us": 1e6 * engine.budget_s,
        },
        "limiting": engine.limiter_lin < 0.999,
        "glitches": _glitches(glitches, now_s),
    }


def _tracker(tracker: BridgeStatus | None) -> dict[str, Any]:
    if tracker is None:
        return {"state": "none", "text": "poses from a file", "rate_hz": 0.0, "battery": None, "health": None}
    health = None if tracker.health is None else _plain(asdict(tracker.health))
    return {
        "state": tracker.state,
        "text": tracker.text,
        "rate_hz": tracker.rate_hz,
        "age_s": tracker.age_s,
        "battery": health["battery"] if health else None,
        "health": health,
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out what JSON has no word for."""
    return {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in values.items()}


def _budget(budget: Budget) -> dict[str, Any]:
    parts = {name: _spread(spread) for name, spread in budget.parts.items()}
    return {"parts": parts, "total": _spread(budget.total)}


def _spread(spread: Spread) -> dict[str, float]:
    return {"p50": spread.p50_ms, "p95": spread.p95_ms, "worst": spread.worst_ms}


def _glitches(glitches: Glitches, now_s: float) -> list[dict[str, Any]]:
    return [
        {
            "time": one.at,
            "time_s": one.time_s,
            "age_s": glitches.age_s(one, now_s),
            "kind": one.kind,
            "text": one.text,
            "cause": one.likely,
        }
        for one in glitches.listed[-N_GLITCHES:]
    ]
