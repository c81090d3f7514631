"""Why something went wrong, as far as a program can know: rules from evidence to a likely cause."""

from dataclasses import dataclass
from typing import NamedTuple

from firmware_bridge.status import BridgeStatus
from rt_render.io.system_counters import Counters

_SLEPT_S = 0.05
_STOOD_STILL_S = 0.25
_STOLEN_SHARE, _BUSY_SHARE, _SLOW_CLOCK = 0.05, 0.95, 0.6
_SLOW_READ_S = 0.1
_LOW_BATTERY = 0.05
_PART = 0.5
"""What explains so much of a delay counts as its cause."""


class Cause(NamedTuple):
    """A likely cause: its name, for counting, and what is known of it, for people."""

    name: str
    text: str


UNKNOWN = Cause("unknown", "nothing that this program can see")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What changed between a moment before something went wrong and one after it; None where it is not known.

    As `Counters`, and: `stood_still_s`, the longest time in which this program's own watch did not run;
    `usual_block_s`, what a block takes in the median; `stolen` and `busy`, shares of all processors' time; `speed`,
    the processors' clock as a share of their highest; `realtime`: whether the audio thread has real-time priority;
    `read_s`: the longest read of the source.
    """

    asleep_s: float = 0.0
    waited_s: float = 0.0
    interruptions: int = 0
    page_reads: int = 0
    stolen_s: float = 0.0
    stolen: float = 0.0
    busy: float = 0.0
    stood_still_s: float = 0.0
    usual_block_s: float = 0.0
    read_s: float = 0.0
    speed: float | None = None
    realtime: bool | None = None
    tracker: BridgeStatus | None = None


def difference(before: Counters, after: Counters) -> dict[str, float]:
    """Return what changed between two moments, as fields of `Evidence`; what is not told is 0."""
    in_all = _less(before.processors_s, after.processors_s)
    idle = _less(before.idle_s, after.idle_s)
    return {
        "asleep_s": _less(before.asleep_s, after.asleep_s),
        "waited_s": _less(before.waited_s, after.waited_s),
        "interruptions": int(_less(before.interruptions, after.interruptions)),
        "page_reads": int(_less(before.page_reads, after.page_reads)),
        "stolen_s": _less(before.stolen_s, after.stolen_s),
        "stolen": _less(before.stolen_s, after.stolen_s) / in_all if in_all else 0.0,
        "busy": 1.0 - idle / in_all if in_all else 0.0,
    }


def _less(before: float | None, after: float | None) -> float:
    return 0.0 if before is None or after is None else max(0.0, after - before)


def cause_of_lateness(late_s: float, took_s: float, budget_s: float, e: Evidence) -> Cause:
    """Say why a block was late by `late_s` (0: only its host says so) and took `took_s` of its `budget_s` (0: in time).

    What explains most of the delay comes first.
    """
    delay_s = max(late_s, took_s, budget_s)
    if e.asleep_s > _SLEPT_S:
        return Cause("suspend", f"the computer slept for {e.asleep_s:.1f} s")
    if e.page_reads:
        return Cause("page-reads", f"memory had to be read from disk ({e.page_reads} times): allow it to be locked")
    if e.waited_s >= _PART * delay_s:
        advice = ", for it has no real-time priority" if e.realtime is False else ""
        return Cause(
            "waited", f"the audio thread waited {1e3 * e.waited_s:.1f} ms while others had the processor{advice}"
        )
    if e.stolen > _STOLEN_SHARE or e.stolen_s >= _PART * delay_s:
        return Cause(
            "stolen", f"the host of this virtual machine took {1e3 * e.stolen_s:.0f} ms of the processor's time"
        )
    if e.stood_still_s > _STOOD_STILL_S and e.stood_still_s >= _PART * delay_s:
        return Cause("stood-still", f"the whole program stood still for {e.stood_still_s:.1f} s: stopped, or starved")
    if e.speed is not None and e.speed < _SLOW_CLOCK:
        return Cause("slow-clock", f"the processor runs at {100 * e.speed:.0f} % of its clock, to save power")
    if e.interruptions and (e.busy > _BUSY_SHARE or took_s):
        return Cause("interrupted", f"other programs interrupted the audio thread {e.interruptions} times")
    if took_s and e.usual_block_s >= _PART * budget_s:
        return Cause("work", f"the block's own work took {1e3 * took_s:.1f} ms: try a lower order or larger blocks")
    if e.busy > _BUSY_SHARE:
        return Cause("busy", "the processor was busy with other programs all the time")
    return UNKNOWN


def cause_of_underrun(e: Evidence) -> Cause:
    """Say why the source did not keep up."""
    if e.asleep_s > _SLEPT_S:
        return Cause("suspend", f"the computer slept for {e.asleep_s:.1f} s")
    if e.read_s > _SLOW_READ_S:
        return Cause("slow-source", f"one read of the source took {e.read_s:.1f} s: its disk or network is slow")
    if e.stood_still_s > _STOOD_STILL_S:
        return Cause("stood-still", f"this program's reader could not run for {e.stood_still_s:.1f} s")
    if e.busy > _BUSY_SHARE:
        return Cause("busy", "the processor was busy all the time, and the reader came too late")
    return UNKNOWN


def cause_of_stale_pose(e: Evidence) -> Cause:
    """Say why no pose came."""
    tracker = e.tracker
    if e.asleep_s > _SLEPT_S:
        return Cause("suspend", f"the computer slept for {e.asleep_s:.1f} s")
    if tracker is None:
        return UNKNOWN
    health = tracker.health
    if health is not None and health.battery is not None and health.battery < _LOW_BATTERY:
        return Cause("battery", f"the tracker's battery is at {100 * health.battery:.0f} %")
    if not tracker.connected:
        return Cause("tracker-gone", f"{tracker.source} does not answer: cable, radio, or switched off")
    return Cause("tracker-gap", f"{tracker.sender or tracker.source} sent nothing: a gap of its radio or its program")


def cause_of_clock_jump(e: Evidence) -> Cause:
    """Say why the card's time line moved."""
    if e.asleep_s > _SLEPT_S:
        return Cause("suspend", f"the computer slept for {e.asleep_s:.1f} s")
    return Cause("card-clock", "the card or its driver set its clock anew")


NOT_FINITE = Cause("source", "the source holds numbers that are not finite")
