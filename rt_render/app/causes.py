"""Why something went wrong, as far as a program can know: rules from evidence to a likely cause."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from firmware_bridge.status import BridgeStatus
from rt_render.app.words import plural
from rt_render.io.system_counters import Counters

_SLEPT_S = 0.05
_STOOD_STILL_S = 0.25
_STOLEN_SHARE, _BUSY_SHARE, _SLOW_CLOCK = 0.05, 0.95, 0.6
_SLOW_READ_S = 0.1
_LOW_BATTERY = 0.05
_PART = 0.5
"""What explains so much of a delay counts as its cause."""
_PAGE_READ_S, _SLOW_PAGE_READ_S = 0.001, 0.01
"""What the read of a page from disk takes, which no system tells: usually, and with a slow disk."""


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
    """Return what changed between two moments, as fields of `Evidence`; what is not told is 0, as of another thread."""
    in_all = _less(before.processors_s, after.processors_s)
    idle = _less(before.idle_s, after.idle_s)
    same_thread = before.thread_id == after.thread_id
    return {
        "asleep_s": _less(before.asleep_s, after.asleep_s),
        "waited_s": _less(before.waited_s, after.waited_s) if same_thread else 0.0,
        "interruptions": int(_less(before.interruptions, after.interruptions)) if same_thread else 0,
        "page_reads": int(_less(before.page_reads, after.page_reads)) if same_thread else 0,
        "stolen_s": _less(before.stolen_s, after.stolen_s),
        "stolen": _less(before.stolen_s, after.stolen_s) / in_all if in_all else 0.0,
        "busy": 1.0 - idle / in_all if in_all else 0.0,
    }


def _less(before: float | None, after: float | None) -> float:
    return 0.0 if before is None or after is None else max(0.0, after - before)


def cause_of_lateness(late_s: float, took_s: float, budget_s: float, e: Evidence) -> Cause:
    """Say why a block was late by `late_s` (0: only its host says so) and took `took_s` of its `budget_s` (0: in time).

    All that may have been behind it is told: first what explains most of the delay, last what has no duration. The
    first gives the name.
    """
    delay_s = max(late_s, took_s, budget_s)
    hints = sorted(_hints(delay_s, took_s, budget_s, e), key=lambda hint: -min(hint[0], delay_s))
    if not hints:
        return UNKNOWN
    return Cause(hints[0][1].name, "; also ".join(cause.text for _, cause in hints))


def _hints(delay_s: float, took_s: float, budget_s: float, e: Evidence) -> Iterator[tuple[float, Cause]]:
    """Yield what may have caused a delay, and how long that took (0: nobody knows); the surer before the less sure."""
    part_s = _PART * delay_s
    if e.asleep_s > _SLEPT_S:
        yield e.asleep_s, _suspend(e)
    if e.waited_s >= part_s:
        advice = ", for it has no real-time priority" if e.realtime is False else ""
        waited = f"the audio thread waited {1e3 * e.waited_s:.1f} ms while others had the processor{advice}"
        yield e.waited_s, Cause("waited", waited)
    if e.stolen > _STOLEN_SHARE or e.stolen_s >= part_s:
        stolen = f"the host of this virtual machine took {1e3 * e.stolen_s:.0f} ms of the processor's time"
        yield e.stolen_s, Cause("stolen", stolen)
    if e.stood_still_s > _STOOD_STILL_S and e.stood_still_s >= part_s:
        stood = f"the whole program stood still for {e.stood_still_s:.1f} s: stopped, or starved"
        yield e.stood_still_s, Cause("stood-still", stood)
    if e.page_reads and e.page_reads * _SLOW_PAGE_READ_S >= part_s:
        read = f"memory had to be read from disk ({plural(e.page_reads, 'time')}): allow it to be locked"
        yield e.page_reads * _PAGE_READ_S, Cause("page-reads", read)
    if e.speed is not None and e.speed < _SLOW_CLOCK:
        yield 0.0, Cause("slow-clock", f"the processor runs at {100 * e.speed:.0f} % of its clock, to save power")
    if e.interruptions and (e.busy > _BUSY_SHARE or took_s):
        interrupted = f"other programs interrupted the audio thread {plural(e.interruptions, 'time')}"
        yield 0.0, Cause("interrupted", interrupted)
    elif took_s and e.usual_block_s >= _PART * budget_s:
        work = f"the block's own work took {1e3 * took_s:.1f} ms: try a lower order or larger blocks"
        yield 0.0, Cause("work", work)
    elif e.busy > _BUSY_SHARE:
        yield 0.0, Cause("busy", "the processor was busy with other programs all the time")


def _suspend(e: Evidence) -> Cause:
    return Cause("suspend", f"the computer slept for {e.asleep_s:.1f} s")


def cause_of_underrun(e: Evidence) -> Cause:
    """Say why the source did not keep up."""
    if e.asleep_s > _SLEPT_S:
        return _suspend(e)
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
        return _suspend(e)
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
        return _suspend(e)
    return Cause("card-clock", "the card or its driver set its clock anew")


NOT_FINITE = Cause("source", "the source holds numbers that are not finite")
