"""Everything that went wrong in a session, each with its time and likely cause: made from the engine's events."""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rt_render.app.causes import (
    NOT_FINITE,
    UNKNOWN,
    Cause,
    Evidence,
    cause_of_clock_jump,
    cause_of_lateness,
    cause_of_stale_pose,
    cause_of_underrun,
)
from rt_render.app.words import clock, plural
from rt_render.engine.snapshot import Snapshot
from rt_render.kernels.state import (
    EVENT_CLOCK_JUMP,
    EVENT_HOST_UNDERFLOW,
    EVENT_INPUT_LOST,
    EVENT_LATE_BLOCK,
    EVENT_LONG_BLOCK,
    EVENT_MISSED_SLOTS,
    EVENT_NON_FINITE,
    EVENT_STALE_BEGIN,
    EVENT_STALE_END,
    EVENT_UNDERRUN_BEGIN,
    EVENT_UNDERRUN_END,
)

LATE, LONG, HOST, UNDERRUN, STALE, NOT_A_NUMBER, JUMP, INPUT = KINDS = (
    "late_block",
    "long_block",
    "host_underflow",
    "underrun",
    "stale_pose",
    "non_finite",
    "clock_jump",
    "input_lost",
)
RECENT_S = 600.0
"""What is longer ago is history: it is still counted and told, but no reason to look now."""
KEPT = 1000
"""The newest so many are kept whole; all are counted."""
_BEGINS = {
    EVENT_LATE_BLOCK: LATE,
    EVENT_LONG_BLOCK: LONG,
    EVENT_HOST_UNDERFLOW: HOST,
    EVENT_UNDERRUN_BEGIN: UNDERRUN,
    EVENT_STALE_BEGIN: STALE,
    EVENT_NON_FINITE: NOT_A_NUMBER,
    EVENT_CLOCK_JUMP: JUMP,
    EVENT_INPUT_LOST: INPUT,
}
_ENDS = {EVENT_UNDERRUN_END: UNDERRUN, EVENT_STALE_END: STALE}


@dataclass(frozen=True, slots=True)
class Glitch:
    """One thing that went wrong: `time_s` into the session, `at` by the wall clock (ISO 8601), `block` its number.

    `kind` is one of `KINDS`. `seconds`: how late the block was, how long it took, how old the pose was, by how much
    the clock moved. `missed_slots`: blocks of silence that it cost. `duration_s`: how long it lasted, None where
    that has no meaning or is not over. `cause` and `likely` are what probably was behind it, as a name and in words.
    """

    kind: str
    time_s: float
    at: str
    block: int
    seconds: float = 0.0
    took_s: float = 0.0
    missed_slots: int = 0
    duration_s: float | None = None
    cause: str = UNKNOWN.name
    likely: str = UNKNOWN.text

    @property
    def text(self) -> str:
        """What happened, without its time and cause."""
        lasted = "" if self.duration_s is None else f" for {self.duration_s:.2f} s"
        if self.kind == LATE:
            silence = f", {plural(self.missed_slots, 'block')} of silence" if self.missed_slots else ""
            return f"late block, by {1e3 * self.seconds:.1f} ms{silence}"
        if self.kind == LONG:
            return f"long block, {1e3 * self.took_s:.1f} ms"
        if self.kind == STALE:
            return f"no new pose{lasted}"
        if self.kind == JUMP:
            return f"the card's time line moved by {1e3 * self.seconds:+.1f} ms"
        words = {
            HOST: "the sound card ran dry",
            UNDERRUN: "the source ran dry",
            NOT_A_NUMBER: "samples not finite",
            INPUT: "the sound card lost some of its input",
        }
        return words[self.kind] + lasted

    def in_words(self) -> str:
        """Return one line: when, what, and why."""
        return f"{clock(self.time_s)} {self.text}; likely: {self.likely}"


@dataclass(frozen=True, slots=True)
class Glitches:
    """What went wrong so far: how many of each of `KINDS`, of each cause, the newest ones whole, and the last.

    `missed_slots`: blocks of silence. `lost`: events that found no room, of which nothing but their count is known.
    `start_s`: the monotonic time from which theirs count.
    """

    counts: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    causes: Mapping[str, int] = field(default_factory=dict)
    missed_slots: int = 0
    lost: int = 0
    listed: tuple[Glitch, ...] = ()
    start_s: float = 0.0

    @property
    def last(self) -> Glitch | None:
        """The newest, None as long as all is well."""
        return self.listed[-1] if self.listed else None

    def age_s(self, glitch: Glitch | None, now_s: float) -> float | None:
        """Return for how long one of them is over at a monotonic time: 0 where it lasts; None for none."""
        if glitch is None:
            return None
        if glitch.duration_s is None and glitch.kind in _ENDS.values():
            return 0.0
        lasted_s = 0.0 if glitch.duration_s is None else glitch.duration_s - glitch.seconds
        return max(0.0, now_s - self.start_s - glitch.time_s - lasted_s)

    def newest(self, *kinds: str) -> Glitch | None:
        """Return the newest of some kinds, None where there is none."""
        return next((glitch for glitch in reversed(self.listed) if glitch.kind in kinds), None)

    def unaccounted(self, engine: Snapshot) -> int:
        """Return how many late blocks the engine counted beyond those that stand here with their time.

        For a session that has ended: while it plays, the engine is a moment ahead.
        """
        return engine.late_blocks - self.counts[LATE] - self.counts[HOST]

    def as_json(self) -> dict[str, Any]:
        """Return all as plain numbers, words and lists."""
        listed = [asdict(glitch) | {"text": glitch.text} for glitch in self.listed]
        return {
            "counts": dict(self.counts),
            "causes": dict(self.causes),
            "missed_slots": self.missed_slots,
            "events_lost": self.lost,
            "listed": listed,
        }


class GlitchLog:
    """Makes glitches of events; `budget_s` is what a block may take. `take` on one thread, `told` on any."""

    def __init__(self, start_s: float, budget_s: float) -> None:
        """Begin a session at a monotonic time."""
        self._start_s, self._budget_s = start_s, budget_s
        self._glitches: deque[Glitch] = deque(maxlen=KEPT)
        self._counts: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
        self._causes: Counter[str] = Counter()
        self._missed_slots = 0
        self.told = Glitches(start_s=start_s)

    def take(
        self,
        events: NDArray[np.void],
        evidence_since: Callable[[float], Evidence],
        wall_less_monotonic_s: float,
        lost: int = 0,
    ) -> None:
        """Take events as the engine tells them, and how many were lost so far.

        `evidence_since` says what changed since a monotonic time.
        """
        for event in events:
            kind, time_s = int(event["kind"]), float(event["time_s"])
            if kind in _BEGINS:
                self._begin(_BEGINS[kind], time_s, event, evidence_since, wall_less_monotonic_s)
            elif kind in _ENDS:
                self._end(_ENDS[kind], time_s, evidence_since)
            elif kind == EVENT_MISSED_SLOTS:
                self._missed_slots += int(event["amount"])
                last = self._newest(LATE)
                if last is not None and last.block == int(event["block"]):
                    self._glitches[-1] = replace(last, missed_slots=int(event["amount"]))
        self.told = Glitches(
            dict(self._counts), dict(self._causes), self._missed_slots, lost, tuple(self._glitches), self._start_s
        )

    def _newest(self, kind: str) -> Glitch | None:
        return self._glitches[-1] if self._glitches and self._glitches[-1].kind == kind else None

    def _begin(
        self,
        kind: str,
        time_s: float,
        event: np.void,
        evidence_since: Callable[[float], Evidence],
        wall_less_monotonic_s: float,
    ) -> None:
        amount, block = float(event["amount"]), int(event["block"])
        took_s = amount if kind == LONG else 0.0
        long = self._newest(LONG)
        if kind == LATE and long is not None and long.block == block:
            took_s = long.took_s  # one and the same: told as what was heard
            self._forget_newest()
        seconds = amount if kind in (LATE, STALE, JUMP) else 0.0
        since_s = time_s - (max(amount, took_s) if kind in (LATE, LONG, STALE) else 0.0) - self._budget_s
        cause = self._cause(kind, seconds, took_s, evidence_since(since_s))
        self._counts[kind] += 1
        self._causes[cause.name] += 1
        at = datetime.fromtimestamp(time_s + wall_less_monotonic_s, UTC).astimezone()
        self._glitches.append(
            Glitch(
                kind,
                time_s - self._start_s,
                at.isoformat(timespec="milliseconds"),
                block,
                seconds,
                took_s,
                cause=cause.name,
                likely=cause.text,
            )
        )

    def _forget_newest(self) -> None:
        newest = self._glitches.pop()
        self._counts[newest.kind] -= 1
        self._uncount(newest.cause)

    def _uncount(self, cause: str) -> None:
        self._causes[cause] -= 1
        if not self._causes[cause]:
            del self._causes[cause]

    def _end(self, kind: str, time_s: float, evidence_since: Callable[[float], Evidence]) -> None:
        """Note how long it lasted; what was not known when it began may be known now."""
        for i in range(len(self._glitches) - 1, -1, -1):
            glitch = self._glitches[i]
            if glitch.kind != kind:
                continue
            began_s = self._start_s + glitch.time_s
            glitch = replace(glitch, duration_s=glitch.seconds + time_s - began_s)
            if glitch.cause == UNKNOWN.name:
                cause = self._cause(kind, glitch.seconds, 0.0, evidence_since(began_s - glitch.seconds))
                self._uncount(glitch.cause)
                self._causes[cause.name] += 1
                glitch = replace(glitch, cause=cause.name, likely=cause.text)
            self._glitches[i] = glitch
            return

    def _cause(self, kind: str, seconds: float, took_s: float, evidence: Evidence) -> Cause:
        if kind in (LATE, LONG, HOST, INPUT):
            return cause_of_lateness(seconds, took_s, self._budget_s, evidence)
        if kind == UNDERRUN:
            return cause_of_underrun(evidence)
        if kind == STALE:
            return cause_of_stale_pose(evidence)
        return cause_of_clock_jump(evidence) if kind == JUMP else NOT_FINITE
