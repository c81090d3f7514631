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
from rt_render.app.words import plural
from rt_render.errors import ConfigurationError
from rt_render.io.system_counters import memory_bytes

MIN_MINUTES, MAX_DAYS = 0.25, 31.0
BEGIN_S = 12.0
"""What a new beginning may take once it is known to be needed."""
AT_MOST = {
    "not_recovered": 0,
    "underruns": 0,
    "silent_beats": 0,
    "log_wrong": 0,
    "unasked_beginnings": 0,
    "longest_down_s": BEGIN_S,
    "memory_growth_mb": 3.0,
}
_CALM_S, _ENDING_EVERY_S = 8.0, 240.0
"""A fault now and then; one that ends the program much less often, so that a life is long enough to grow."""
_STAY_S, _EMPTY_S = (6.0, 20.0), (REST_AFTER_S + 5.0, REST_AFTER_S + 10.0)
_TELL_S = 60.0


class _Run:
    """One soak on its stage."""

    def __init__(self, stage: Stage, seconds: float, on_progress: Callable[[str], None], seed: int) -> None:
        self.stage, self.end_s, self.on_progress = stage, time.monotonic() + seconds, on_progress
        self.chance = random.Random(seed)  # noqa: S311 - nothing is secret here
        self.seconds = seconds
        self.recovery_s: dict[str, list[float]] = {}
        self.failed: list[str] = []
        self.pick_ups = self.endings = 0
        self.next_ending_s = time.monotonic() + min(_ENDING_EVERY_S, seconds / 3)
        self.next_tell_s = time.monotonic() + min(_TELL_S, seconds / 5)
        self.memory_mb: list[float] = []

    def run(self) -> None:
        """Let visitors come and go, and faults happen, until the time is over."""
        stage = self.stage
        stage.wait(lambda: bool(stage.beat().get("resting")), 30.0)
        while time.monotonic() < self.end_s:
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
        until_s = time.monotonic() + seconds
        time.sleep(self.chance.uniform(0.2, 0.5) * seconds)
        if self.chance.random() < seconds / (seconds + _CALM_S):
            self.befall(self.choose())
        time.sleep(max(0.0, until_s - time.monotonic()))

    def choose(self) -> Fault:
        """Return a fault; one that ends the program when it is time for that."""
        ends = time.monotonic() > self.next_ending_s
        if ends:
            self.next_ending_s = time.monotonic() + _ENDING_EVERY_S * self.chance.uniform(0.7, 1.5)
        return self.chance.choice([fault for fault in FAULTS if fault.ends_program == ends])

    def befall(self, fault: Fault) -> None:
        """Let a fault happen and be undone."""
        self.endings += fault.ends_program
        try:
            took_s = fault.make(self.stage)
        except NotRecoveredError as error:
            self.failed.append(f"{fault.name}: {error}")
        else:
            self.recovery_s.setdefault(fault.name, []).append(took_s)

    def tell(self) -> None:
        """Tell how it goes, now and then."""
        memory = memory_bytes()
        self.memory_mb += [] if memory is None else [memory / 2**20]
        if time.monotonic() < self.next_tell_s:
            return
        self.next_tell_s = time.monotonic() + min(_TELL_S, self.seconds / 5)
        gone_s = self.seconds - max(0.0, self.end_s - time.monotonic())
        n_faults = sum(len(times) for times in self.recovery_s.values())
        self.on_progress(
            f"booth-soak: {gone_s / 60:.1f} of {self.seconds / 60:.1f} minutes, {plural(self.pick_ups, 'visit')}, "
            f"{plural(n_faults, 'fault')}, {len(self.failed)} not recovered"
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
            soak = _Run(stage, 60.0 * minutes, on_progress, seed)
            soak.run()
        ledger.close_life()
        events = stage.events()
    figures = _figures(soak, ledger, events)
    missed = [name for name, limit in AT_MOST.items() if figures[name] > limit]
    return {"booth_soak": {"minutes": minutes, "ok": not missed, "missed": missed, "required": AT_MOST, **figures}}


def _figures(soak: _Run, ledger: Ledger, events: list[dict[str, Any]]) -> dict[str, Any]:
    wrong = wrong_with_visits(events, soak.pick_ups)
    down_s = [event["down_s"] for event in events if event["event"] == "plays" and event["down_s"] is not None]
    media = sum(len(times) for name, times in soak.recovery_s.items() if name.startswith("media"))
    n, half = max(1, len(soak.memory_mb) // 10), len(soak.memory_mb) // 2
    keeper_mb = median(soak.memory_mb[-n:]) - median(soak.memory_mb[half : half + n]) if soak.memory_mb else 0.0
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
        "silent_beats": max(0, ledger.silent_beats - media),
        "memory_growth_mb": round(ledger.growth_mb, 2),
        "keeper_growth_mb": round(keeper_mb, 2),
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
    for name, limit in AT_MOST.items():
        mark = "ok" if r[name] <= limit else "MISSED"
        lines.append(f"  {name.replace('_', ' '):<20} {r[name]:g} (required {limit:g}) {mark}")
    for name, times in r["faults"].items():
        lines.append(
            f"  {name:<24} {times['n']:4d} times, well after {times['median_s']:.2f} s ({times['longest_s']:.2f} s)"
        )
    lines += [f"  {text}" for text in (*r["failed"], *r["wrong"])]
    lines.append(f"  {r['missed_blocks']} of {r['blocks']} blocks missed on this machine")
    return "\n".join(lines)
