"""What a booth on a stage told in the course of a long run, summed up as it comes, so that a week takes no memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rt_render.app.benchmarks.memory_trend import MemoryTrend

SETTLED_S = 3.0
"""Of a visit, until which sound may still rise."""
SILENT_LIN = 1e-7
_STILL_S = 1.0
"""After a recovery, until which what is missed still belongs to it: beats come four times a second."""


@dataclass(slots=True)
class Ledger:
    """Takes the lines of a booth's program, life after life. `lives`: how often it has begun.

    `underruns`, `missed`, `blocks`: of all lives; `calm_missed`, `calm_blocks`: those of them outside recoveries;
    `silent_beats`: beats within a visit, outside recoveries, at which nothing sounded; `longest_life_s`: as far as
    memory was read; `growth_mb_per_hour`: of the life that grew most, None while none was long enough.
    """

    lives: int = 0
    silent_beats: int = 0
    underruns: int = 0
    missed: int = 0
    blocks: int = 0
    calm_missed: int = 0
    calm_blocks: int = 0
    longest_life_s: float = 0.0
    growth_mb_per_hour: float | None = None
    _memory: MemoryTrend = field(default_factory=MemoryTrend)
    _last: Mapping[str, Any] = field(default_factory=dict)
    _recovering: bool = False
    _calm_from_s: float = 0.0

    def recovery_begins(self) -> None:
        """Let what is missed and silent from now on belong to a recovery."""
        self._recovering = True

    def recovery_ends(self, at_s: float) -> None:
        """End that a moment after this time, monotonic."""
        self._calm_from_s, self._recovering = at_s + _STILL_S, False

    def take(self, at_s: float, line: Mapping[str, Any]) -> None:
        """Take a line that came at this time, monotonic. The keeper's thread."""
        if line["kind"] == "opens":
            self.close_life()
            self.lives += 1
        elif line["kind"] == "beat":
            if not self._recovering and at_s >= self._calm_from_s:
                self.calm_missed += line["missed"] - self._last.get("missed", 0)
                self.calm_blocks += line["blocks"] - self._last.get("blocks", 0)
                visit = line["visit"]
                self.silent_beats += bool(visit and visit["since_s"] > SETTLED_S and line["level"] < SILENT_LIN)
            self._last = line
            if line["memory_mb"] is not None:
                self._memory.take(at_s, line["memory_mb"])

    def close_life(self) -> None:
        """Sum up the program that has ended."""
        self.underruns += self._last.get("underruns", 0)
        self.missed += self._last.get("missed", 0)
        self.blocks += self._last.get("blocks", 0)
        self.longest_life_s = max(self.longest_life_s, self._memory.stretch_s)
        grown = [one for one in (self.growth_mb_per_hour, self._memory.growth_mb_per_hour()) if one is not None]
        self.growth_mb_per_hour = max(grown, default=None)
        self._memory, self._last = MemoryTrend(), {}


def wrong_with_visits(events: list[dict[str, Any]], pick_ups: int) -> list[str]:
    """Return in words what is wrong with a log's visits; empty where all is right.

    Numbers rise by one; each visit has its end before the next begins, and before the program begins anew; and there
    are as many as people came, but for those whom a new beginning divided.
    """
    found, last, is_open, anew = [], 0, False, 0
    for event in events:
        kind = event.get("event")
        if is_open and kind in ("begins_anew", "visit_begins", "ends"):
            found.append(f"visit {last} has no end")
            is_open = False
        if kind == "begins_anew":
            anew += 1
        elif kind == "visit_begins":
            if event["number"] != last + 1:
                found.append(f"visit {event['number']} follows visit {last}")
            last, is_open = event["number"], True
        elif kind == "visit_ends":
            if not is_open or event["number"] != last:
                found.append(f"an end of visit {event['number']} that had not begun")
            is_open = False
        elif kind == "lines_lost":
            found.append(f"{event['lines']} lines were lost")
    if not pick_ups - anew <= last <= pick_ups + anew:
        found.append(f"{last} visits, and the headphones were picked up {pick_ups} times")
    return found
