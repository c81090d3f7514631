"""Real-time manners: priority for the calling thread, locked memory; what was refused is said."""

import ctypes
import os
import sys
import threading
from dataclasses import dataclass

_PRIORITY = 70
"""Below JACK's own threads (usually 75 and up), above everything ordinary."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Whether something was granted, and a sentence for the person."""

    granted: bool
    text: str


def request_priority() -> Grant:
    """Ask for real-time scheduling of the calling thread (SCHED_FIFO, or the platform's equal)."""
    if sys.platform == "win32":  # untried
        return _request_mmcss()
    if not hasattr(os, "sched_setscheduler"):  # macOS: threads of Core Audio are real-time by themselves
        return Grant(False, "real-time priority: this platform gives it to the sound card's own thread only")
    try:
        os.sched_setscheduler(threading.get_native_id(), os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except OSError:
        return Grant(
            False,
            "real-time priority was refused: allow it with a line '@audio - rtprio 95' in "
            "/etc/security/limits.d/audio.conf, join the group audio and log in again",
        )
    return Grant(True, f"real-time priority: SCHED_FIFO {_PRIORITY}")


def _request_mmcss() -> Grant:
    task_index = ctypes.c_ulong(0)
    avrt = ctypes.WinDLL("avrt")  # type: ignore[attr-defined]
    granted = bool(avrt.AvSetMmThreadCharacteristicsW("Pro Audio", ctypes.byref(task_index)))
    return Grant(granted, "real-time priority: MMCSS 'Pro Audio' " + ("granted" if granted else "refused"))


def realtime_allowed() -> Grant:
    """Tell whether a thread may have real-time priority here, by trying it on one that ends at once."""
    result: list[Grant] = []
    trial = threading.Thread(target=lambda: result.append(request_priority()), name="rt-render priority trial")
    trial.start()
    trial.join()
    return result[0]


def lock_memory(address: int, n_bytes: int) -> Grant:
    """Ask that a buffer stays in memory (mlock), which also brings all its pages in."""
    if sys.platform == "win32":
        locked = bool(ctypes.windll.kernel32.VirtualLock(ctypes.c_void_p(address), ctypes.c_size_t(n_bytes)))  # type: ignore[attr-defined]
    else:
        libc = ctypes.CDLL(None, use_errno=True)
        locked = libc.mlock(ctypes.c_void_p(address), ctypes.c_size_t(n_bytes)) == 0
    size = f"{n_bytes / 2**20:.1f} MiB"
    if locked:
        return Grant(True, f"memory lock: {size} locked")
    return Grant(
        False,
        f"memory lock of {size} was refused: allow it with a line '@audio - memlock unlimited' in "
        "/etc/security/limits.d/audio.conf and log in again",
    )
