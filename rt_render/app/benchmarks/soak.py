"""A long run as people have it: a wearable, the bridge, the renderer and the log, and nothing may go unnoticed."""

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rt_render.app.benchmarks.soak_log import LogSums, read_log
from rt_render.app.benchmarks.soak_watch import SoakWatch
from rt_render.app.outcome import session_json
from rt_render.app.session import Session, run_session
from rt_render.app.session_status import SessionStatus
from rt_render.app.settings_file import load_settings
from rt_render.errors import ConfigurationError, DeviceError

FS_HZ, BLOCK_SIZE, RATE_HZ = 48000, 128, 200.0
AT_MOST = {
    "non_finite": 0,
    "unaccounted": 0,
    "events_lost": 0,
    "trace_lost": 0,
    "capture_lost": 0,
    "unseen_frames": 0,
    "log_wrong": 0,
    "memory_growth_mb": 2.0,
}
AT_LEAST = {"poses_heard_share": 0.9}
MIN_MINUTES, MAX_MINUTES = 0.1, 1440.0
_CAPTURE_S = 10.0
_OPEN_TIMEOUT_S = 20.0


def run(on_progress: Callable[[str], None], minutes: float = 60.0, order: int = 5) -> dict[str, object]:
    """Play the scene at an order for some minutes and judge it; raises ConfigurationError and DeviceError."""
    if not MIN_MINUTES <= minutes <= MAX_MINUTES:
        raise ConfigurationError(
            f"minutes = {minutes} cannot be used: allowed is a number, {MIN_MINUTES} to {MAX_MINUTES:g}."
        )
    on_progress(f"soak: order {order}, {minutes:.3g} minutes, a wearable at {RATE_HZ:g} Hz, with a log")
    load_before = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    with tempfile.TemporaryDirectory() as folder, _wearable(Path(folder)) as tracker:
        log = Path(folder) / "soak.rtlog"
        choices = {"device": "virtual", "fs_hz": FS_HZ, "block_size": BLOCK_SIZE, "order": order, "tracker": tracker}
        said: list[str] = []
        session = Session(load_settings(None, choices | {"log": log}), on_message=said.append)
        session.engine.prepare_capture(_CAPTURE_S)
        watch = SoakWatch(60.0 * minutes, on_progress)
        status = run_session(session, watch)
        watch.drain(session)
        on_progress("soak: the log is read to its end")
        logged = read_log(log)
    figures = _figures(watch, status, logged, 60.0 * minutes)
    missed = missed_of(figures)
    asked = {"minutes": minutes, "order": order, "required": {"at_most": AT_MOST, "at_least": AT_LEAST}}
    told = {"load_before": load_before, "said": said}
    return {"soak": {**asked, "ok": not missed, "missed": missed, **figures, **told}}


def missed_of(figures: Mapping[str, Any]) -> list[str]:
    """Return which figures are not as required; what could not be measured (None) is not."""
    above = [name for name, limit in AT_MOST.items() if figures[name] is None or figures[name] > limit]
    below = [name for name, limit in AT_LEAST.items() if figures[name] is None or figures[name] < limit]
    return above + below


def _figures(watch: SoakWatch, status: SessionStatus, logged: LogSums, seconds: float) -> dict[str, Any]:
    memory, engine = watch.memory(), status.engine
    health = status.tracker.health if status.tracker else None
    wrong = logged.wrong(engine)
    return session_json(status) | {
        "seconds_heard": round(watch.frames / FS_HZ, 2),
        "unseen_frames": abs(BLOCK_SIZE * (engine.blocks + engine.missed_slots) - watch.frames),
        "non_finite": watch.non_finite + engine.non_finite,
        "non_finite_in_the_source": engine.non_finite,
        "unaccounted": abs(status.glitches.unaccounted(engine)),
        "memory_mb": memory,
        "memory_growth_mb": round(memory["end"] - memory["half"], 2) if memory else None,
        "poses": engine.poses,
        "poses_heard_share": round(logged.poses_heard / (RATE_HZ * seconds), 4),
        "torn_reads": engine.torn_reads,
        "capture_lost": engine.capture_lost,
        "trace_lost": engine.trace_lost,
        "events_lost": engine.events_lost,
        "log": logged.as_json() | {"wrong": wrong},
        "log_wrong": len(wrong),
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
