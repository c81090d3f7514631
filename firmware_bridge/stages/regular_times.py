"""Times for devices without a clock: the count of measurements, times their period, plays the clock.

The device measures at a steady rate, the transport lumps and delays. Count and period give a clock of
unknown skew, and the line under the arrivals (see `lower_line`) finds it. A sender without a steady rate is
recognised by its lumps: of a steady stream the last frame of each lump has hardly waited.
"""

from collections import deque

from firmware_bridge.stages.clock import ClockSummary
from firmware_bridge.stages.lower_line import LowerLine
from firmware_bridge.stages.lumps import lump_ends

BUCKET_S, N_BUCKETS, SETTLE_S = 0.25, 16, 0.3
N_FIRST, MIN_LUMPS, FIRST_S, N_FIRST_MAX = 8, 4, 0.3, 512
"""So many frames in so many lumps over so long give the first idea of the period."""
SILENCE_S, SILENCE_PERIODS = 0.25, 20.0
"""After a gap longer than both the count says nothing about the time."""
N_LUMPS, OFF_PERIODS = 8, 0.6
"""So many lumps in a row that far from the line: frames were lost that nobody counted, or the rate is another."""
N_SINGLES, SINGLE_PERIODS = 3, 0.3
"""Fewer will do where frames wait so little that they come one by one."""
MAX_WAIT_S = 0.1
"""No time is put further before the arrival, whatever the count says."""
MAX_SHIFTS, SOON = 2, 24
"""If frames seem lost more often than that, so few lumps apart, it is the rate."""
SAME_PERIOD = 0.1
LATE_S, LATE_PERIODS = 4e-3, 1.5
"""A lump whose last frame waited longer than both together is late."""
IRREGULAR, REGULAR_AGAIN, LATENESS_AVERAGE, LATENESS_OF_MENDING = 0.5, 0.2, 0.04, 0.1
"""Shares of late lumps at which a sender is no longer, and again, taken for a steady one."""


class RegularTimes:
    """Gives each frame of a steady sender its time. Thread: one.

    `seq_wrap` is where the device's own count begins anew, None where frames are counted here (then lost ones
    cost up to a few periods of error for a moment). Times never go back and are never later than the arrival.
    `period_s` is None until known.
    """

    def __init__(self, seq_wrap: int | None) -> None:
        self._seq_wrap = seq_wrap
        self._mapped_s = float("-inf")
        self._lateness = 0.0
        self._irregular = False
        self._n, self._arrival_s = 0, float("inf")
        self._seq: int | None = None
        self._begin()

    @property
    def period_s(self) -> float | None:
        """Return the time between measurements as estimated, None where none is known."""
        return None if self._period_s is None else self._period_s * (1.0 + self._line.slope)

    def host_time_s(self, seq: int | None, arrival_s: float) -> float:
        """Return when a frame was measured, as well as a count can tell; arrivals never decrease."""
        gap_s = arrival_s - self._arrival_s
        step, period_s = self._step(seq), self.period_s or 0.0
        # A count that is further ahead than time allows was begun anew.
        if gap_s > max(SILENCE_S, SILENCE_PERIODS * period_s) or step * period_s > 2.0 * gap_s + SILENCE_S:
            self._begin(self.period_s)
            step = 1
        self._n += step
        self._seq, self._arrival_s = seq, arrival_s
        if self._period_s is None:
            self._learn_period(arrival_s)
            mapped_s = arrival_s
        else:
            mapped_s = self._by_line(arrival_s, self._period_s)
        if self._irregular:
            mapped_s = arrival_s
        self._mapped_s = max(self._mapped_s, arrival_s - MAX_WAIT_S, min(arrival_s, mapped_s))
        return self._mapped_s

    def summary(self) -> ClockSummary:
        """Return how times are known at present."""
        if self._irregular:
            return ClockSummary("no device clock and no steady rate, times are arrivals", None, None)
        if self._period_s is None:
            return ClockSummary("no device clock, times are arrivals so far", None, None)
        return ClockSummary("no device clock, arrivals regularised", None, None)

    def _begin(self, period_s: float | None = None) -> None:
        self._n, self._arrival_s, self._seq = 0, float("inf"), None
        self._first: deque[tuple[int, float]] = deque(maxlen=N_FIRST_MAX)
        self._start_line(period_s)

    def _start_line(self, period_s: float | None) -> None:
        self._period_s = period_s
        self._line = LowerLine(BUCKET_S, N_BUCKETS, SETTLE_S)
        self._newest: tuple[int, float] | None = None
        self._ends: deque[tuple[int, float, float]] = deque(maxlen=N_LUMPS)
        self._n_shifts = self._n_since_shift = 0

    def _step(self, seq: int | None) -> int:
        return 1 if seq is None or self._seq is None or not self._seq_wrap else (seq - self._seq) % self._seq_wrap

    def _learn_period(self, arrival_s: float) -> None:
        self._first.append((self._n, arrival_s))
        ends = [self._first[i] for i in lump_ends([moment_s for _, moment_s in self._first])]
        if len(ends) < MIN_LUMPS or ends[-1][0] - ends[0][0] < N_FIRST - 1 or ends[-1][1] - ends[0][1] < FIRST_S:
            return
        self._start_line((ends[-1][1] - ends[0][1]) / (ends[-1][0] - ends[0][0]))

    def _by_line(self, arrival_s: float, period_s: float) -> float:
        newest = self._newest
        if newest is not None and self._line.n_buckets >= 2 and arrival_s - newest[1] > 0.5 * period_s:
            self._judge(*newest, period_s)
        period_s = self._period_s or period_s
        x = self._n * period_s
        self._newest = (self._n, arrival_s)
        self._line.add(x, arrival_s - x)
        return x + self._line.follow(x)

    def _judge(self, n: int, arrival_s: float, period_s: float) -> None:
        """Look at how long the last frame of a lump has waited, by the line, and mend the count or the line."""
        x = n * period_s
        wait_s = arrival_s - x - self._line.value(x)
        self._lateness += LATENESS_AVERAGE * ((wait_s > LATE_S + LATE_PERIODS * period_s) - self._lateness)
        self._irregular = self._lateness > (REGULAR_AGAIN if self._irregular else IRREGULAR)
        self._ends.append((n, arrival_s, wait_s))
        self._n_since_shift += 1
        needed = N_SINGLES if self._line.mean_wait_s < SINGLE_PERIODS * period_s else N_LUMPS
        if len(self._ends) < needed:
            return
        waits_s = [end[2] for end in self._ends][-needed:]
        least_s, most_s = min(waits_s), max(waits_s)
        if -OFF_PERIODS * period_s < most_s and least_s < OFF_PERIODS * period_s:
            return
        self._lateness = min(1.0, self._lateness + LATENESS_OF_MENDING)
        self._n_shifts = self._n_shifts + 1 if self._n_since_shift <= SOON else 1
        if least_s > 0.0 and self._seq is None and self._n_shifts <= MAX_SHIFTS:
            # As many frames as all waited for were lost on the way.
            self._n += round(least_s / period_s)
            self._n_since_shift = 0
            self._ends.clear()
        else:
            self._change_rate(period_s * (1.0 + self._line.slope), self._ends[-needed])

    def _change_rate(self, period_s: float, since: tuple[int, float, float]) -> None:
        (n, start_s, _), (m, end_s, _) = since, self._ends[-1]
        new_s = (end_s - start_s) / (m - n) if m > n else period_s
        self._start_line(period_s if abs(new_s / period_s - 1.0) < SAME_PERIOD else new_s)
