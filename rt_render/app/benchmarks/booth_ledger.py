"""What a booth on a stage told in the course of a long run, summed up as it comes, so that a week takes no memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SETTLED_S = 3.0
"""Of a visit, until which sound may still rise."""
SILENT_LIN = 1e-7
_EVERY = 40
"""Of so many beats one tells the memory: every ten seconds."""
LONG_LIFE = 12
"""Readings of memory, two minutes of them, from which on a life's growth is judged."""


@dataclass(slots=True)
class Ledger:
    """Takes the lines of a booth's program, life after life. `lives`: how often it has begun.

    `underruns`, `missed`: of all lives; `silent_beats`: beats within a visit at which nothing sounded.
    """

    lives: int = 0
    beats: int = 0
    silent_beats: int = 0
    underruns: int = 0
    missed: int = 0
    blocks: int = 0
    growth_mb: float = 0.0
    longest_life_readings: int = 0
    _memory: list[float] = field(default_factory=list)
    _last: Mapping[str, Any] = field(default_factory=dict)

    def take(self, line: Mapping[str, Any]) -> None:
        """Take a line. The keeper's thread."""
        if line["kind"] == "opens":
            self.close_life()
            self.lives += 1
        elif line["kind"] == "beat":
            self.beats += 1
            self._last = line
            visit = line["visit"]
            if visit and visit["since_s"] > SETTLED_S and line["level"] < SILENT_LIN:
                self.silent_beats += 1
            if self.beats % _EVERY == 0 and line["memory_mb"] is not None:
                self._memory.append(line["memory_mb"])

    def close_life(self) -> None:
        """Sum up the program that has ended."""
        self.underruns += self._last.get("underruns", 0)
        self.missed += self._last.get("missed", 0)
        self.blocks += self._last.get("blocks", 0)
        if len(self._memory) >= LONG_LIFE:
            n, half = max(1, len(self._memory) // 10), len(self._memory) // 2
            growth_mb = float(np.median(self._memory[-n:]) - np.median(self._memory[half : half + n]))
            self.growth_mb = max(self.growth_mb, growth_mb)
        self.longest_life_readings = max(self.longest_life_readings, len(self._memory))
        self._memory, self._last = [], {}


def wrong_with_visits(events: list[dict[str, Any]], pick_ups: int) -> list[str]:
    """Return in words what is wrong with a log's visits; empty where all is right.

    Numbers rise by one; each visit has its end before the next begins, unless the program began anew meanwhile; and
    there are as many as people came, but for those whom a new beginning divided.
    """
    found, last, is_open, anew = [], 0, False, 0
    for event in events:
        kind = event.get("event")
        if kind == "begins_anew":
            is_open, anew = False, anew + 1
        elif kind == "visit_begins":
            if event["number"] != last + 1:
                found.append(f"visit {event['number']} follows visit {last}")
            if is_open:
                found.append(f"visit {last} has no end")
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
