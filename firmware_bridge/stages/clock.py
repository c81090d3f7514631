"""The device's clock on the host's: when was this measured?

The offset host - device is bounded from above by every arrival (a frame cannot arrive before it was
measured) and from below by every ping (the device cannot hear a question before it was asked). The line
under the arrivals gives offset and skew; where pings are answered, the offset is put half way between the
two bounds, so it is wrong by half their distance at most, however the transport batches.
"""

from collections import deque
from dataclasses import dataclass
from math import isfinite

from firmware_bridge.messages import Pong
from firmware_bridge.stages.lower_line import LowerLine

BUCKET_S, N_BUCKETS, SETTLE_S = 1.0, 30, 2.0
MAX_STEP_S = 10.0
"""A device clock that is so far ahead of its line went back, seen around its wrap."""
MAX_BACK_S = 0.25
"""Datagrams may overtake each other; a clock that goes back by more began anew."""
MAX_OFF_S, FAR_S = 0.25, 1.5
"""Arrivals so far below the line, or that far above it for so long, need another line: the way became another."""
PERIOD_AVERAGE, SPARE_S = 0.05, 1.0
"""How fast the period between counted frames is followed, and how much later than counted frames may come."""
MAX_PINGS, WANDER = 20, 50e-6
"""A bound from an old ping is weaker by what a quartz may be off where batches hide the skew."""
UNKNOWN_GAP_S = 0.6e-3
"""Where nothing is asked: the shortest way over USB, read and woken up, takes 0 to 0.6 ms; the middle is taken."""


@dataclass(frozen=True, slots=True)
class ClockSummary:
    """How times are known: `kind` in words, the device's `skew_ppm` (+ runs fast), `uncertainty_s` or None."""

    kind: str
    skew_ppm: float | None
    uncertainty_s: float | None

    def in_words(self) -> str:
        """Return one line for people: "device clock, skew +34.8 ppm, within 0.3 ms"."""
        words = self.kind
        if self.skew_ppm is not None:
            words += f", skew {self.skew_ppm:+.1f} ppm"
        if self.uncertainty_s is not None:
            words += f", within {1e3 * self.uncertainty_s:.1f} ms"
        return words


class DeviceClock:
    """Maps one device's clock, which begins anew every `wrap_s`, to host monotonic time. Thread: one.

    Mapped times never go back and are never later than the arrival. `restarts` counts how often the device
    began anew: its clock went back, or its count of frames did (`seq_wrap`: where that begins anew, None where
    there is none). A line that no longer fits, as of a link that became late, begins anew without a restart.
    """

    def __init__(self, wrap_s: float, seq_wrap: int | None = None) -> None:
        self._wrap_s, self._seq_wrap = wrap_s, seq_wrap
        self.restarts = 0
        self._seq: int | None = None
        self._period_s = 0.0
        self._mapped_s = float("-inf")
        self._raw_s: float | None = None
        self._x = self._arrival_s = 0.0
        self._begin()

    def host_time_s(self, device_time_s: float, arrival_s: float, seq: int | None = None) -> float:
        """Return when a frame was measured; arrivals never decrease."""
        x = self._unwrapped(device_time_s, arrival_s)
        if self._raw_s is not None:
            began_anew = self._count_began_anew(seq, x - self._x, arrival_s - self._arrival_s)
            if self._has_restarted(x, arrival_s, began_anew):
                self.restarts += 1
                self._begin()
            elif self._is_far_off(x, arrival_s):
                self._begin()
        self._seq = seq
        if self._raw_s is None or arrival_s - self._arrival_s > N_BUCKETS * BUCKET_S:
            self._begin()
            self._raw_s, x = device_time_s, 0.0
        if x >= self._x:
            self._raw_s, self._x = device_time_s, x
        self._arrival_s = arrival_s
        n_before = self._line.n_buckets
        if self._far_since_s is None:
            # What a host that stalled for long finds waiting says nothing about the way.
            self._line.add(x, arrival_s - x)
        if self._line.n_buckets != n_before:
            self._bound()
        mapped_s = x + self._line.follow(x, 0.5 * self._gap_s)
        self._mapped_s = max(self._mapped_s, min(arrival_s, mapped_s))
        return self._mapped_s

    def answer(self, pong: Pong, asked_s: float, answered_s: float) -> None:
        """Take an answered ping: sent at `asked_s`, its answer read at `answered_s`, host monotonic."""
        if self._raw_s is None:
            return
        received, sent = (self._x + self._nearest(t) for t in (pong.device_received_s, pong.device_sent_s))
        # An answer to a question from before a restart bounds nothing.
        if abs(received - self._x) > MAX_STEP_S or answered_s - asked_s < sent - received:
            return
        self._pings.append((received, asked_s - received))
        self._line.add(sent, answered_s - sent)
        self._bound()

    def summary(self) -> ClockSummary:
        """Return how times are known at present; without pings the mean wait stands for what is not known."""
        line = self._line
        skew_ppm = 0.0 - 1e6 * line.slope if line.n_buckets >= 2 else None
        uncertainty_s = 0.5 * self._gap_s + line.scatter_s + line.lag_s
        if self._pings:
            return ClockSummary("device clock, checked by ping", skew_ppm, uncertainty_s)
        return ClockSummary("device clock", skew_ppm, uncertainty_s + line.mean_wait_s if line.n_buckets else None)

    def _begin(self) -> None:
        self._line = LowerLine(BUCKET_S, N_BUCKETS, SETTLE_S)
        self._pings: deque[tuple[float, float]] = deque(maxlen=MAX_PINGS)
        self._gap_s = UNKNOWN_GAP_S
        self._raw_s = None
        self._x = self._arrival_s = 0.0
        self._far_since_s: float | None = None

    def _unwrapped(self, device_time_s: float, arrival_s: float) -> float:
        if self._raw_s is None:
            return 0.0
        step_s, passed_s = device_time_s - self._raw_s, arrival_s - self._arrival_s
        if isfinite(self._wrap_s):
            step_s += self._wrap_s * round((passed_s - step_s) / self._wrap_s)
        return self._x + step_s

    def _nearest(self, device_time_s: float) -> float:
        step_s = device_time_s - (self._raw_s or 0.0)
        return step_s - self._wrap_s * round(step_s / self._wrap_s) if isfinite(self._wrap_s) else step_s

    def _count_began_anew(self, seq: int | None, step_s: float, passed_s: float) -> bool | None:
        """Return whether the count of frames does not go on, None where it tells nothing."""
        if seq is None or self._seq is None or not self._seq_wrap:
            return None
        step = (seq - self._seq) % self._seq_wrap
        if step == 1 and 0.0 < step_s < SPARE_S:
            self._period_s += (PERIOD_AVERAGE if self._period_s else 1.0) * (step_s - self._period_s)
        if not self._period_s:
            return None
        largest = 2.0 * (passed_s + SPARE_S) / self._period_s
        return step > largest if largest < 0.5 * self._seq_wrap else None

    def _has_restarted(self, x: float, arrival_s: float, began_anew: bool | None) -> bool:
        step_s, above_s = x - self._x, arrival_s - x - self._line.value(x)
        if step_s < -MAX_BACK_S:
            return True
        if above_s < -MAX_STEP_S:
            return began_anew is not False
        # Where a frame is on the line, others were lost before it; and one that was overtaken goes back a little.
        return began_anew is True and abs(above_s) > MAX_OFF_S and step_s > 0.0

    def _is_far_off(self, x: float, arrival_s: float) -> bool:
        above_s = arrival_s - x - self._line.value(x)
        if above_s < -MAX_OFF_S:
            return True
        if above_s < MAX_OFF_S:
            self._far_since_s = None
        elif self._far_since_s is None:
            self._far_since_s = arrival_s
        return self._far_since_s is not None and arrival_s - self._far_since_s > FAR_S

    def _bound(self) -> None:
        if self._pings:
            line, now = self._line, self._x
            self._gap_s = max(0.0, min(line.value(x) - lower_s + WANDER * (now - x) for x, lower_s in self._pings))
