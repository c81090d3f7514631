"""What the operating system counts about a thread and the machine: the evidence for why sound came late.

Linux tells most of it under /proc; elsewhere a figure is None, and nothing is concluded from it.
"""

import os
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_PROC, _CPU = Path("/proc"), Path("/sys/devices/system/cpu")
_MACHINE, _TASKS = _PROC / "stat", _PROC / "self" / "task"
_KEPT_PATHS = 64
_TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_IDLE, _WAITING_FOR_DISK, _STOLEN, _KINDS = 3, 4, 7, 8
"""Places in the first line of /proc/stat."""
_MINOR, _MAJOR = 7, 9
"""Places in a thread's `stat`, counted behind its name."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Counted by one moment, `time_s` (monotonic); differences between two moments tell. None: not told here.

    `asleep_s`: the computer was suspended. Of the thread: `waited_s` ready to run while others ran, `interruptions`
    by others, `page_faults` and `page_reads` (from disk); `thread_id` says of which. Of all processors: `stolen_s` by
    a virtual machine's host, `idle_s`, `processors_s` in all.
    """

    time_s: float
    asleep_s: float | None = None
    waited_s: float | None = None
    interruptions: int | None = None
    page_faults: int | None = None
    page_reads: int | None = None
    stolen_s: float | None = None
    idle_s: float | None = None
    processors_s: float | None = None
    thread_id: int = 0


def read_counters(thread_id: int) -> Counters:
    """Read what is counted about the machine and a thread of this process (0: unknown). Never raises; some 0.1 ms."""
    waited = _numbers(_read(_of_thread(thread_id, "schedstat")))
    faults = _read(_of_thread(thread_id, "stat")).rpartition(")")[2].split()
    machine = _numbers(_read(_MACHINE).partition("\n")[0].removeprefix("cpu"))
    asleep = getattr(time, "CLOCK_BOOTTIME", None)
    told = len(machine) >= _KINDS
    return Counters(
        time_s=time.monotonic(),
        asleep_s=None if asleep is None else time.clock_gettime(asleep) - time.monotonic(),
        waited_s=1e-9 * waited[1] if len(waited) > 1 else None,
        interruptions=_interruptions(_read(_of_thread(thread_id, "status"))),
        page_faults=int(faults[_MINOR]) if len(faults) > _MAJOR else None,
        page_reads=int(faults[_MAJOR]) if len(faults) > _MAJOR else None,
        stolen_s=machine[_STOLEN] / _TICKS_PER_S if told else None,
        idle_s=(machine[_IDLE] + machine[_WAITING_FOR_DISK]) / _TICKS_PER_S if told else None,
        processors_s=sum(machine[:_KINDS]) / _TICKS_PER_S if told else None,
        thread_id=thread_id,
    )


def is_realtime(thread_id: int) -> bool | None:
    """Tell whether a thread has real-time priority; None where the system does not tell."""
    if not thread_id or not hasattr(os, "sched_getscheduler"):
        return None
    try:
        return os.sched_getscheduler(thread_id) in (os.SCHED_FIFO, os.SCHED_RR)
    except OSError:
        return None


def processor_speed() -> float | None:
    """Return the processors' present clock as a share of their highest; None where the system does not tell."""
    shares = []
    for folder in _CPU.glob("cpu[0-9]*/cpufreq"):
        now, most = _numbers(_read(folder / "scaling_cur_freq")), _numbers(_read(folder / "cpuinfo_max_freq"))
        if now and most and most[0]:
            shares.append(now[0] / most[0])
    return sum(shares) / len(shares) if shares else None


def memory_bytes(process: int | str = "self") -> int | None:
    """Return how much memory a process has in use; None where the system does not tell."""
    pages = _numbers(_read(_of_process(process, "statm")))
    return pages[1] * os.sysconf("SC_PAGE_SIZE") if len(pages) > 1 else None


def children() -> list[int]:
    """Return the numbers of the processes that this one has started; none where the system does not tell."""
    return [number for path in _TASKS.glob("*/children") for number in _numbers(_read(path))]


# Kept, as a path made anew puts its parts into the interpreter's table of names. Numbers are new names each time, and
# the table is not cleared of old ones: it was made anew, 2 MiB larger, after nine minutes of twenty looks a second.
@lru_cache(_KEPT_PATHS)
def _of_thread(thread_id: int, name: str) -> Path:
    return _TASKS / str(thread_id) / name


@lru_cache(_KEPT_PATHS)
def _of_process(process: int | str, name: str) -> Path:
    return _PROC / str(process) / name


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _numbers(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split()]
    except ValueError:
        return []


def _interruptions(status: str) -> int | None:
    found = _numbers(status.partition("nonvoluntary_ctxt_switches:")[2])
    return found[0] if found else None
