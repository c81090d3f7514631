"""Watches a session for what goes wrong: brings the engine's events and the system's evidence together."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import Any

from numpy.typing import NDArray

from firmware_bridge.status import BridgeStatus
from rt_render.app.causes import Evidence, difference
from rt_render.app.glitches import Glitches, GlitchLog
from rt_render.app.trace_feed import LOOK_S
from rt_render.engine.engine import Engine
from rt_render.io.system_counters import Counters, is_realtime, processor_speed, read_counters
from rt_render.kernels.state import EVENT_NO_HOST_TIME

HISTORY_S = 4.0
"""How long the system's counters are kept."""


class GlitchWatch:
    """Takes the looks and events of a `TraceFeed`, on its thread; `told` may be read from any.

    `longest_read_s` says how long the longest read of the source since a monotonic time took, `tracker` how the
    tracker does; both are asked only when something went wrong. Looking costs some 0.1 ms, twenty times a second.
    """

    def __init__(
        self,
        engine: Engine,
        longest_read_s: Callable[[float], float],
        tracker: Callable[[], BridgeStatus | None],
        on_message: Callable[[str], None],
    ) -> None:
        self._engine, self._longest_read_s, self._tracker = engine, longest_read_s, tracker
        self._on_message = on_message
        self._looks: deque[Counters] = deque(maxlen=round(HISTORY_S / LOOK_S))
        self.begin()

    def begin(self) -> None:
        """Count time from now on. Before anything is taken."""
        self._log = GlitchLog(time.monotonic(), self._engine.plan.block_size / self._engine.plan.fs_hz)
        self._looks.append(read_counters(0))

    @property
    def told(self) -> Glitches:
        """What went wrong so far."""
        return self._log.told

    def look(self) -> None:
        """Look at the system, also while no block comes, so that there is a before when something happens."""
        self._looks.append(read_counters(self._engine.thread_id))

    def take_events(self, events: NDArray[Any]) -> None:
        """Note what went wrong, with its likely cause."""
        now = read_counters(self._engine.thread_id)
        self._log.take(
            events, lambda since_s: self._evidence(since_s, now), time.time() - now.time_s, self._engine.events_lost
        )
        for event in events[events["kind"] == EVENT_NO_HOST_TIME]:
            self._on_message(
                "the sound card's host does not tell when a block is heard: "
                f"it is taken to be {1e3 * float(event['amount']):.0f} ms after it was asked for"
            )

    def _evidence(self, since_s: float, now: Counters) -> Evidence:
        looks = [*self._looks, now]
        first = max((i for i, look in enumerate(looks) if look.time_s <= since_s), default=0)
        seen = looks[first:]
        gap_s = max((b.time_s - a.time_s for a, b in pairwise(seen)), default=0.0)
        evidence = Evidence(
            **difference(seen[0], now),  # type: ignore[arg-type]
            stood_still_s=max(0.0, gap_s - LOOK_S),
            usual_block_s=self._engine.block_time_percentile_s(50.0),
            read_s=self._longest_read_s(since_s),
            speed=processor_speed(),
            realtime=is_realtime(self._engine.thread_id),
            tracker=self._tracker(),
        )
        usual_s = _usual_wait(looks[: first + 1]) * (now.time_s - seen[0].time_s)
        return replace(evidence, waited_s=max(0.0, evidence.waited_s - usual_s))


def _usual_wait(looks: list[Counters]) -> float:
    """Return the share of its time for which a thread waits anyway: hundreds of times a second it wakes and waits."""
    shares = [
        (after.waited_s - before.waited_s) / (after.time_s - before.time_s)
        for before, after in pairwise(looks)
        if before.thread_id == after.thread_id and before.waited_s is not None and after.waited_s is not None
    ]
    return median(shares) if shares else 0.0
