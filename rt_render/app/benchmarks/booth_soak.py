"""A long run of a booth: visitors come and go, faults befall it, and all of it is in its log."""

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from rt_render.app.benchmarks.booth_faults import FAULTS, Fault, NotRecoveredError
from rt_render.app.benchmarks.booth_ledger import Ledger, wrong_with_visits
from rt_render.app.benchmarks.booth_stage import HUNG_AFTER_S, REST_AFTER_S, Stage
from rt_render.app.benchmarks.memory_trend import LONG_STRETCH_S, MemoryTrend
from rt_render.app.words import plural
from rt_render.errors import ConfigurationError
from rt_render.io.system_counters import memory_bytes

MIN_MINUTES, MAX_DAYS = 0.25, 31.0
BEGIN_S = 12.0
"""What a new beginning may take once it is known to be needed."""
AT_MOST = {
    "not_recovered": 0,
    "underruns": 0,
    "calm_missed_share": 1e-3,
    "silent_beats": 0,
    "log_wrong": 0,
    "unasked_beginnings": 0,
    "longest_down_s": BEGIN_S,
    "growth_mb_per_hour": 4.0,
    "keeper_growth_mb_per_hour": 4.0,
}
"""`calm_missed_share`: of the blocks outside recoveries. Growth: of the program's longest lives, and of the keeper."""
MAX_GROWTH_MB = 20.0
"""Of a run as a whole: in a long one an hour may bring less."""
_CALM_S, _ENDING_EVERY_S = 8.0, 240.0
"""A fault now and then; one that ends the program much less often."""
_SURE_FAULTS = 3
"""So many come whatever chance says, and however short the run; the first of them ends the program."""
_LONG_LIFE = (0.35, 0.75)
"""Shares of the run between which none ends the program, so that one life is long enough to grow."""
_STAY_S, _EMPTY_S = (6.0, 20.0), (REST_AFTER_S + 5.0, REST_AFTER_S + 10.0)
_LEISURELY_S, _MOST_HASTE = 300.0, 0.2
"""In a shorter run visitors hurry in proportion, to this share of their time at most: else it would have but one."""
_TELL_S = 60.0


class _Run:
    """One soak on its stage."""

    def __init__(
        self, stage: Stage, ledger: Ledger, seconds: float, on_progress: Callable[[str], None], seed: int
    ) -> None:
        self.stage, self.ledger, self.on_progress = stage, ledger, on_progress
        self.next_ending_s = begin_s = time.monotonic()
        self.end_s = begin_s + seconds
        self.long_life_s = tuple(begin_s + share * seconds for share in _LONG_LIFE)
        self.chance = random.Random(seed)  # noqa: S311 - nothing is secret here
        self.seconds = seconds
        self.haste = max(_MOST_HASTE, min(1.0, seconds / _LEISURELY_S))
        self.recovery_s: dict[str, list[float]] = {}
        self.failed: list[str] = []
        self.pick_ups = self.n_faults = self.endings = 0
        self.next_tell_s = time.monotonic() + min(_TELL_S, seconds / 5)
        self.memory = MemoryTrend()

    def run(self) -> None:
        """Let visitors come and go, and faults happen, until the time is over."""
        stage = self.stage
        stage.wait(lambda: bool(stage.beat().get("resting")), 30.0)
        while time.monotonic() < self.end_s or self.n_faults < _SURE_FAULTS:
            self.pick_ups += 1
            stage.wearable.pick_up()
            self.expect(lambda: stage.beat().get("visit") is not None, "a visit")
            self.stay(self.chance.uniform(*_STAY_S))
            stage.wearable.hang_up()
            self.expect(lambda: bool(stage.beat().get("resting")), "rest", 30.0)
            self.stay(self.chance.uniform(*_EMPTY_S) - REST_AFTER_S - 4.0)
            self.tell()

    def expect(self, what: Callable[[], bool], words: str, seconds: float = 15.0) -> None:
        """Wait for something that must come."""
        if not self.stage.wait(what, seconds):
            self.failed.append(f"{words} did not come within {seconds:g} s")

    def stay(self, seconds: float) -> None:
        """Let time pass, with a fault in it or not."""
        seconds *= self.haste
        until_s = time.monotonic() + seconds
        time.sleep(self.chance.uniform(0.2, 0.5) * seconds)
        if self.chance.random() < seconds / (seconds + _CALM_S) or self.n_faults < _SURE_FAULTS:
            self.befall(self.choose())
        time.sleep(max(0.0, until_s - time.monotonic()))

    def choose(self) -> Fault:
        """Return a fault; one that ends the program when it is time for that."""
        now_s = time.monotonic()
        ends = now_s >= self.next_ending_s and not self.long_life_s[0] < now_s < self.long_life_s[1]
        if ends:
            self.next_ending_s = now_s + _ENDING_EVERY_S * self.chance.uniform(0.7, 1.5)
        sounds = self.stage.beat().get("visit") is not None
        return self.chance.choice(
            [fault for fault in FAULTS if fault.ends_program == ends and (sounds or not fault.needs_sound)]
        )

    def befall(self, fault: Fault) -> None:
        """Let a fault happen and be undone."""
        self.n_faults += 1
        self.endings += fault.ends_program
        self.ledger.recovery_begins()
        try:
            took_s = fault.make(self.stage)
        except NotRecoveredError as error:
            self.failed.append(f"{fault.name}: {error}")
        else:
            self.recovery_s.setdefault(fault.name, []).append(took_s)
        finally:
            self.ledger.recovery_ends(time.monotonic())

    def tell(self) -> None:
        """Tell how it goes, now and then."""
        memory = memory_bytes()
        if memory is not None:
            self.memory.take(time.monotonic(), memory / 2**20)
        if time.monotonic() < self.next_tell_s:
            return
        self.next_tell_s = time.monotonic() + min(_TELL_S, self.seconds / 5)
        gone_s = self.seconds - max(0.0, self.end_s - time.monotonic())
        self.on_progress(
            f"booth-soak: {gone_s / 60:.1f} of {self.seconds / 60:.1f} minutes, {plural(self.pick_ups, 'visit')}, "
            f"{plural(self.n_faults, 'fault')}, {len(self.failed)} not recovered"
        )


def run(
    on_progress: Callable[[str], None], minutes: float = 60.0, days: float | None = None, seed: int = 1
) -> dict[str, object]:
    """Let a booth run for some minutes, or days, and judge it. Raises ConfigurationError and DeviceError."""
    minutes = minutes if days is None else 1440.0 * days
    if not MIN_MINUTES <= minutes <= 1440.0 * MAX_DAYS:
        raise ConfigurationError(
            f"minutes = {minutes} cannot be used: allowed is a number, {MIN_MINUTES} to {1440 * MAX_DAYS:g}, or days, "
            f"up to {MAX_DAYS:g}."
        )
    on_progress(f"booth-soak: {minutes:.3g} minutes, visitors come and go, {len(FAULTS)} kinds of faults")
    ledger = Ledger()
    with tempfile.TemporaryDirectory() as folder:
        with Stage(Path(folder), on_line=ledger.take) as stage:
            soak = _Run(stage, ledger, 60.0 * minutes, on_progress, seed)
            soak.run()
        ledger.close_life()
        events = stage.events()
    figures = _figures(soak, ledger, events)
    required = _required(minutes)
    missed = [name for name, limit in required.items() if figures[name] is None or figures[name] > limit]
    return {"booth_soak": {"minutes": minutes, "ok": not missed, "missed": missed, "required": required, **figures}}


def _required(minutes: float) -> dict[str, float]:
    """Return what is required of a run of some length: growth only of one in which it can be seen."""
    if 60.0 * minutes * (_LONG_LIFE[1] - _LONG_LIFE[0]) < LONG_STRETCH_S + 60.0:
        return {name: limit for name, limit in AT_MOST.items() if "growth" not in name}
    per_hour = 60.0 * MAX_GROWTH_MB / minutes
    return {name: min(limit, per_hour) if "growth" in name else limit for name, limit in AT_MOST.items()}


def _figures(soak: _Run, ledger: Ledger, events: list[dict[str, Any]]) -> dict[str, Any]:
    wrong = wrong_with_visits(events, soak.pick_ups)
    wrong += [text for fault in FAULTS if fault.name in soak.recovery_s for text in fault.missing_in(events)]
    down_s = [event["down_s"] for event in events if event["event"] == "plays" and event["down_s"] is not None]
    return {
        "pick_ups": soak.pick_ups,
        "visits": sum(event["event"] == "visit_begins" for event in events),
        "faults": {name: _times(times) for name, times in sorted(soak.recovery_s.items())},
        "not_recovered": len(soak.failed),
        "failed": soak.failed,
        "beginnings": ledger.lives,
        "unasked_beginnings": abs(ledger.lives - 1 - soak.endings),
        "longest_down_s": max(down_s, default=0.0),
        "hung_after_s": HUNG_AFTER_S,
        "blocks": ledger.blocks,
        "missed_blocks": ledger.missed,
        "underruns": ledger.underruns,
        "calm_blocks": ledger.calm_blocks,
        "calm_missed_share": ledger.calm_missed / max(1, ledger.calm_blocks),
        "silent_beats": ledger.silent_beats,
        "longest_life_s": round(ledger.longest_life_s, 1),
        "growth_mb_per_hour": ledger.growth_mb_per_hour,
        "keeper_growth_mb_per_hour": soak.memory.growth_mb_per_hour(),
        "log_lines": len(events),
        "log_wrong": len(wrong),
        "wrong": wrong,
    }


def _times(times_s: list[float]) -> dict[str, float]:
    return {"n": len(times_s), "median_s": round(median(times_s), 2), "longest_s": round(max(times_s), 2)}


def booth_soak_in_words(r: dict[str, Any]) -> str:
    """Return what `run` found, beside what is required."""
    lines = [
        f"Booth: {r['minutes']:.3g} minutes, {plural(r['pick_ups'], 'visitor')}, {plural(r['visits'], 'visit')} in the "
        f"log, {r['beginnings'] - 1} new beginnings"
    ]
    for name in AT_MOST:
        value = "not seen" if r[name] is None else f"{r[name]:.3g}"
        limit = r["required"].get(name)
        verdict = "not judged in so short a run" if limit is None else f"required {limit:.3g}"
        mark = "" if limit is None else "MISSED" if name in r["missed"] else "ok"
        lines.append(f"  {name.replace('_', ' '):<26} {value} ({verdict}) {mark}".rstrip())
    for name, times in r["faults"].items():
        lines.append(
            f"  {name:<24} {times['n']:4d} times, well after {times['median_s']:.2f} s ({times['longest_s']:.2f} s)"
        )
    lines += [f"  {text}" for text in (*r["failed"], *r["wrong"])]
    lines.append(f"  {r['missed_blocks']} of {r['blocks']} blocks missed on this machine, recoveries included")
    return "\n".join(lines)
