"""A long run as people have it: a wearable, the bridge, the renderer and the log, and nothing may go unnoticed."""

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from rt_render.app.outcome import session_json
from rt_render.app.session import Session, SessionStatus, run_session
from rt_render.app.settings_file import load_settings
from rt_render.errors import ConfigurationError, DeviceError
from rt_render.io.system_counters import children, memory_bytes

FS_HZ, BLOCK_SIZE, RATE_HZ = 48000, 128, 200.0
REQUIRED = {"non_finite": 0, "unaccounted": 0, "memory_growth_mb": 2.0}
MIN_MINUTES, MAX_MINUTES = 0.1, 1440.0
_CAPTURE_S = 10.0
_LOOK_S, _TELL_S = 1.0, 60.0
_OPEN_TIMEOUT_S = 20.0
_MIB = 2.0**20


class SoakWatch:
    """Looks after a session for so many seconds: is every sample that comes out finite, does memory grow?"""

    def __init__(self, seconds: float, on_progress: Callable[[str], None]) -> None:
        self.non_finite, self.frames = 0, 0
        self.memory_mb: list[float] = []
        self._seconds, self._on_progress = seconds, on_progress
        self._start_s = self._next_look_s = self._next_tell_s = 0.0

    def __call__(self, session: Session) -> bool:
        """Look; False when the time is over."""
        self.drain(session)
        now_s = time.monotonic()
        if not self._start_s:
            self._start_s = self._next_look_s = now_s
            self._next_tell_s = now_s + _TELL_S
        if now_s >= self._next_look_s:
            self._next_look_s = now_s + _LOOK_S
            used = [memory_bytes(), *(memory_bytes(child) for child in children())]
            self.memory_mb += [] if used[0] is None else [sum(n for n in used if n is not None) / _MIB]
        if now_s >= self._next_tell_s:
            self._next_tell_s += _TELL_S
            status = session.status()
            self._on_progress(
                f"soak: {(now_s - self._start_s) / 60:.0f} of {self._seconds / 60:g} minutes, "
                f"{status.engine.late_blocks} late blocks"
            )
        return now_s < self._start_s + self._seconds

    def drain(self, session: Session) -> None:
        """Take what came out of the card and look at every sample."""
        heard = session.engine.read_capture()
        self.frames += len(heard)
        self.non_finite += int(np.count_nonzero(~np.isfinite(heard)))

    def memory(self) -> dict[str, float]:
        """Return the memory in use at the beginning, half-way and at the end, each a median of a tenth of the run.

        In MiB, of this process and those that it has started: bridge and wearable.
        """
        if not self.memory_mb:
            return {}
        n = max(1, len(self.memory_mb) // 10)
        half = len(self.memory_mb) // 2
        parts = {"begin": self.memory_mb[:n], "half": self.memory_mb[half : half + n], "end": self.memory_mb[-n:]}
        return {name: round(float(np.median(values)), 2) for name, values in parts.items()}


def run(on_progress: Callable[[str], None], minutes: float = 60.0, order: int = 5) -> dict[str, object]:
    """Play the scene at an order for some minutes, as `REQUIRED` says; raises ConfigurationError and DeviceError."""
    if not MIN_MINUTES <= minutes <= MAX_MINUTES:
        raise ConfigurationError(
            f"minutes = {minutes} cannot be used: allowed is a number, {MIN_MINUTES} to {MAX_MINUTES:g}."
        )
    on_progress(f"soak: order {order}, {minutes:g} minutes, a wearable at {RATE_HZ:g} Hz, with a log")
    load_before = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    with tempfile.TemporaryDirectory() as folder, _wearable(Path(folder)) as tracker:
        choices = {"device": "virtual", "fs_hz": FS_HZ, "block_size": BLOCK_SIZE, "order": order, "tracker": tracker}
        settings = load_settings(None, choices | {"log": Path(folder) / "soak.rtlog"})
        said: list[str] = []
        session = Session(settings, on_message=said.append)
        session.engine.prepare_capture(_CAPTURE_S)
        watch = SoakWatch(60.0 * minutes, on_progress)
        status = run_session(session, watch)
        watch.drain(session)
        log_mb = sum(path.stat().st_size for path in Path(folder).glob("soak.rtlog*")) / _MIB
    figures = _figures(watch, status)
    ok = all((figures[name] or 0.0) <= limit for name, limit in REQUIRED.items())
    told = {"log_mb": round(log_mb, 2), "load_before": load_before, "said": said[:20]}
    return {"soak": {"minutes": minutes, "order": order, "required": REQUIRED, "ok": ok, **figures, **told}}


def _figures(watch: SoakWatch, status: SessionStatus) -> dict[str, Any]:
    memory = watch.memory()
    health = status.tracker.health if status.tracker else None
    return session_json(status) | {
        "seconds_heard": round(watch.frames / FS_HZ, 2),
        "non_finite": watch.non_finite + status.engine.non_finite,
        "unaccounted": status.glitches.unaccounted(status.engine),
        "memory_mb": memory,
        "memory_growth_mb": round(memory["end"] - memory["half"], 2) if memory else None,
        "poses": status.engine.poses,
        "torn_reads": status.engine.torn_reads,
        "capture_lost": status.engine.capture_lost,
        "trace_lost": status.engine.trace_lost,
        "tracker_health": None if health is None else asdict(health),
    }


@contextmanager
def _wearable(folder: Path) -> Iterator[str]:
    """A wearable on a wandering head, in a process of its own; how a bridge names it."""
    if importlib.util.find_spec("pty") is None or importlib.util.find_spec("termios") is None:
        raise DeviceError("this system has no pseudo-terminals: run the soak on Linux or macOS.")
    link = folder / "wearable"
    command = [sys.executable, "-m", "firmware_bridge", "simulate", "--dialect", "hbf1", "--link", str(link)]
    with subprocess.Popen(  # noqa: S603 - our own program
        [*command, "--rate", f"{RATE_HZ:g}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            give_up_s = time.monotonic() + _OPEN_TIMEOUT_S
            while not link.exists():
                if process.poll() is not None or time.monotonic() > give_up_s:
                    raise DeviceError("the simulated wearable did not start: see `firmware-bridge simulate --help`.")
                time.sleep(0.05)
            yield f"hbf1:{link}"
        finally:
            process.terminate()
