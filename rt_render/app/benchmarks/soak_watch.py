"""Looks after a session that runs for long: every sample that comes out, and the memory that it takes."""

import time
from collections.abc import Callable

import numpy as np

from rt_render.app.session import Session
from rt_render.app.words import plural
from rt_render.io.system_counters import children, memory_bytes

_LOOK_S, _TELL_S, _TELLS = 1.0, 60.0, 10
"""Memory is read, and progress told, so often; of a short run at least so many times."""
_MIB = 2.0**20


class SoakWatch:
    """Looks after a session for so many seconds: is every sample that comes out finite, does memory grow?"""

    def __init__(self, seconds: float, on_progress: Callable[[str], None]) -> None:
        self.non_finite, self.frames = 0, 0
        self.memory_mb: list[float] = []
        self._seconds, self._on_progress = seconds, on_progress
        self._tell_s = min(_TELL_S, seconds / _TELLS)
        self._start_s = self._next_look_s = self._next_tell_s = 0.0

    def __call__(self, session: Session) -> bool:
        """Look; False when the time is over."""
        self.drain(session)
        now_s = time.monotonic()
        if not self._start_s:
            self._start_s = self._next_look_s = now_s
            self._next_tell_s = now_s + self._tell_s
        if now_s >= self._next_look_s:
            self._next_look_s = now_s + _LOOK_S
            used = [memory_bytes(), *(memory_bytes(child) for child in children())]
            self.memory_mb += [] if used[0] is None else [sum(n for n in used if n is not None) / _MIB]
        if now_s >= self._next_tell_s:
            self._next_tell_s += self._tell_s
            self._tell(session, now_s - self._start_s)
        return now_s < self._start_s + self._seconds

    def _tell(self, session: Session, gone_s: float) -> None:
        engine = session.status().engine
        memory = f", {self.memory_mb[-1]:.1f} MiB" if self.memory_mb else ""
        self._on_progress(
            f"soak: {gone_s / 60:.1f} of {self._seconds / 60:.1f} minutes, {plural(engine.late_blocks, 'late block')}, "
            f"{plural(engine.underruns, 'underrun')}, {plural(self.non_finite, 'sample')} not finite{memory}"
        )

    def drain(self, session: Session) -> None:
        """Take what came out of the card and look at every sample."""
        heard = session.engine.read_capture()
        self.frames += len(heard)
        self.non_finite += int(np.count_nonzero(~np.isfinite(heard)))

    def memory(self) -> dict[str, float]:
        """Return the memory in use at the beginning, half-way and at the end, each a median of a tenth of the run.

        In MiB, of this process and those that it has started: bridge and wearable. Empty where it is not known.
        """
        if not self.memory_mb:
            return {}
        n = max(1, len(self.memory_mb) // 10)
        half = len(self.memory_mb) // 2
        parts = {"begin": self.memory_mb[:n], "half": self.memory_mb[half : half + n], "end": self.memory_mb[-n:]}
        return {name: round(float(np.median(values)), 2) for name, values in parts.items()}
