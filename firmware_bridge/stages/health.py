"""How a tracker does, in figures for programs and in sentences for people."""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from firmware_bridge.decoder import Counts
from firmware_bridge.messages import Motion, Quat
from firmware_bridge.stages.clock import ClockSummary
from firmware_bridge.stages.rest_drift import RestDrift

WINDOW_S, MAX_IN_WINDOW = 3.0, 512
"""Of a fast stream fewer poses tell as much, and a snapshot must not hold up the next pose."""
SHARES_OVER_S = 5.0
SILENT_S = 0.5
GAP_S, GAP_PERIODS = 0.1, 5.0
"""An interval longer than both is a gap."""
LOW_RATE, HIGH_SHARE, HIGH_LATENCY_MS, HIGH_NORM_ERROR = 0.7, 0.01, 50.0, 0.02
HIGH_DRIFT_DEG_PER_MIN, LOW_BATTERY = 5.0, 0.15
MIN_FRAMES_FOR_SHARE = 50
_NEARER = "bring tracker and computer nearer together, or lower the tracker's rate."
_WIRE = {
    "rate": "look for a full USB hub, a slow baud rate, or a rate that was set lower.",
    "damaged": "try a shorter cable, another port or a lower baud rate.",
    "lost": "look for a full USB hub or a baud rate that is too low, or lower the tracker's rate.",
    "late": "plug it into another USB port, without a hub.",
}
_NET = {
    "rate": "look for a weak Wi-Fi link, or a rate that was set lower.",
    "damaged": "see that the dialect is the right one and that no other program sends to this port.",
    "lost": "bring what sends nearer to the Wi-Fi router, use a cable, or lower its rate.",
    "late": "use a cable, or a quieter radio channel.",
}
_RADIO = {
    "rate": "look for a weak radio link, or a rate that was set lower.",
    "damaged": _NEARER,
    "lost": _NEARER,
    "late": "bring tracker and computer nearer together, or choose a quieter radio channel.",
}
_REMEDIES = {"udp": _NET, "osc": _NET, "ble": _RADIO}


@dataclass(frozen=True, slots=True)
class Health:
    """One moment of a tracker; `dataclasses.asdict` gives JSON. None: not known (yet).

    `state` is "waiting", "live", "held", "easing" or "front". `rate_hz` of the last 3 s or 512 poses, `expected_hz`
    what is usual for the dialect. `jitter_ms`: 95 % of the intervals are that near to the mean. `gaps` and
    `longest_gap_s` since the start. `age_s` of the newest measurement now, `latency_ms` the median age at arrival.
    `damaged`, `lost` and `implausible` count frames, `dropped` all of them; the shares are those of the last 5 s.
    `norm_error` is the largest of as many poses as the rate. `drift_deg_per_min` (+ left) at the last rest.
    `battery` 0..1. `clock` is in words; `transport` is how the dialect usually
    travels, "" where nothing says it.
    """

    state: str
    rate_hz: float
    expected_hz: float | None
    jitter_ms: float | None
    gaps: int
    longest_gap_s: float
    age_s: float | None
    latency_ms: float | None
    dropped: int
    damaged: int
    lost: int
    implausible: int
    damaged_share: float
    lost_share: float
    norm_error: float | None
    drift_deg_per_min: float | None
    battery: float | None
    clock: str
    skew_ppm: float | None
    clock_uncertainty_ms: float | None
    transport: str = ""

    def in_words(self) -> str:
        """Return one line: "live, 100 Hz, 4 ms old, jitter 1.2 ms, drift 0.8 °/min, battery 73 %"."""
        words = [self.state, f"{self.rate_hz:.0f} Hz"]
        if self.age_s is not None:
            words.append(
                f"{1e3 * self.age_s:.0f} ms old" if self.age_s < SILENT_S else f"silent for {self.age_s:.1f} s"
            )
        if self.jitter_ms is not None:
            words.append(f"jitter {self.jitter_ms:.1f} ms")
        if self.dropped:
            words.append(f"{self.dropped} dropped")
        if self.drift_deg_per_min is not None:
            words.append(f"drift {abs(self.drift_deg_per_min):.1f} °/min")
        if self.battery is not None:
            words.append(f"battery {100.0 * self.battery:.0f} %")
        return ", ".join(words)

    def advice(self) -> list[str]:
        """Return a sentence for each thing that is out of order, with what to do; empty where all is well."""
        said, remedy = [], _REMEDIES.get(self.transport, _WIRE)
        if self.expected_hz and self.state == "live" and 0.0 < self.rate_hz < LOW_RATE * self.expected_hz:
            said.append(
                f"poses come at {self.rate_hz:.0f} Hz, where {self.expected_hz:.0f} Hz are usual for this tracker: "
                + remedy["rate"]
            )
        if self.damaged_share > HIGH_SHARE:
            said.append(f"{100.0 * self.damaged_share:.0f} % of the frames arrive damaged: {remedy['damaged']}")
        if self.lost_share > HIGH_SHARE:
            said.append(f"{100.0 * self.lost_share:.0f} % of the frames never arrive: {remedy['lost']}")
        if self.latency_ms is not None and self.latency_ms > HIGH_LATENCY_MS:
            said.append(f"poses are {self.latency_ms:.0f} ms old when they arrive: {remedy['late']}")
        if self.norm_error is not None and self.norm_error > HIGH_NORM_ERROR:
            said.append(
                f"the tracker's quaternions are off their length by {100.0 * self.norm_error:.0f} %: "
                "check that the dialect is the right one."
            )
        if self.drift_deg_per_min is not None and abs(self.drift_deg_per_min) > HIGH_DRIFT_DEG_PER_MIN:
            said.append(
                f"the heading drifts by {abs(self.drift_deg_per_min):.0f} °/min at rest: lay the tracker down for "
                "ten seconds, so that it learns its gyroscope's bias."
            )
        if self.battery is not None and self.battery < LOW_BATTERY:
            said.append(f"the tracker's battery is at {100.0 * self.battery:.0f} %: charge it.")
        return said


class HealthMeter:
    """Watches one stream: `expected_hz` is what is usual for its dialect, None where nothing is. Thread: one.

    `transport` is how the dialect travels (`Transport`): what to do about losses differs.

    Memory is bounded; a frame costs a few microseconds, a snapshot the sorting of a window.
    """

    def __init__(self, expected_hz: float | None = None, transport: str = "") -> None:
        self._expected_hz, self._transport = expected_hz, transport
        self._window: deque[tuple[float, float, float]] = deque(maxlen=MAX_IN_WINDOW)
        self._mean_interval_s: float | None = None
        self._gaps = 0
        self._longest_gap_s = 0.0
        self._battery: float | None = None
        self._drift = RestDrift()
        self._counts: deque[tuple[float, int, int, int]] = deque(maxlen=256)

    def note_arrival(self, arrival_s: float, time_s: float, motion: Motion) -> None:
        """Take a motion that was believed: when it came, and when it was measured."""
        norm_error = abs(motion.norm - 1.0)
        if self._window:
            self._note_interval(arrival_s - self._window[-1][0])
        self._window.append((arrival_s, time_s, norm_error))
        while self._window[0][0] < arrival_s - WINDOW_S:
            self._window.popleft()
        if motion.battery is not None:
            self._battery = motion.battery

    def note_pose(self, quat_world_from_head: Quat, time_s: float) -> None:
        """Take the head's pose after mounting, before recentring: its heading at rest is watched."""
        self._drift.note(quat_world_from_head, time_s)

    def snapshot(
        self,
        now_s: float,
        *,
        state: str = "live",
        counts: Counts | None = None,
        implausible: int = 0,
        clock: ClockSummary | None = None,
    ) -> Health:
        """Return the health at `now_s`; `implausible` what the trust gate found so."""
        counts = counts or Counts()
        damaged_share, lost_share = self._shares(now_s, counts)
        recent = [entry for entry in self._window if entry[0] > now_s - WINDOW_S]
        rate_hz = self._rate_hz(recent, now_s)
        uncertainty_s = clock.uncertainty_s if clock is not None else None
        return Health(
            state=state,
            rate_hz=rate_hz,
            expected_hz=self._expected_hz,
            jitter_ms=_jitter_ms([entry[0] for entry in recent]),
            gaps=self._gaps,
            longest_gap_s=self._longest_gap_s,
            age_s=max(0.0, now_s - self._window[-1][1]) if self._window else None,
            latency_ms=1e3 * median(entry[0] - entry[1] for entry in recent) if recent else None,
            dropped=counts.dropped + implausible,
            damaged=counts.damaged,
            lost=counts.lost,
            implausible=counts.implausible + implausible,
            damaged_share=damaged_share,
            lost_share=lost_share,
            norm_error=max(entry[2] for entry in recent) if recent else None,
            drift_deg_per_min=self._drift.deg_per_min,
            battery=self._battery,
            clock=clock.in_words() if clock is not None else "",
            skew_ppm=clock.skew_ppm if clock is not None else None,
            clock_uncertainty_ms=None if uncertainty_s is None else 1e3 * uncertainty_s,
            transport=self._transport,
        )

    def _note_interval(self, interval_s: float) -> None:
        mean_s = self._mean_interval_s
        if mean_s is not None and interval_s > max(GAP_S, GAP_PERIODS * mean_s):
            self._gaps += 1
            self._longest_gap_s = max(self._longest_gap_s, interval_s)
        else:
            self._mean_interval_s = interval_s if mean_s is None else mean_s + 0.05 * (interval_s - mean_s)

    def _shares(self, now_s: float, counts: Counts) -> tuple[float, float]:
        while len(self._counts) > 1 and self._counts[1][0] <= now_s - SHARES_OVER_S:
            self._counts.popleft()
        self._counts.append((now_s, counts.frames, counts.damaged, counts.lost))
        _, frames, damaged, lost = (b - a for a, b in zip(self._counts[0], self._counts[-1], strict=True))
        sent = frames + damaged + lost
        return (damaged / sent, lost / sent) if sent >= MIN_FRAMES_FOR_SHARE else (0.0, 0.0)

    @staticmethod
    def _rate_hz(recent: list[tuple[float, float, float]], now_s: float) -> float:
        if len(recent) < 2 or recent[-1][0] <= recent[0][0]:
            return 0.0
        rate_hz = (len(recent) - 1) / (recent[-1][0] - recent[0][0])
        silent_s = now_s - recent[-1][0]
        return rate_hz * (1.0 - silent_s / WINDOW_S) if silent_s > SILENT_S else rate_hz


def _jitter_ms(arrivals_s: list[float]) -> float | None:
    if len(arrivals_s) < 3:
        return None
    mean_s = (arrivals_s[-1] - arrivals_s[0]) / (len(arrivals_s) - 1)
    off_s = sorted(abs(b - a - mean_s) for a, b in pairwise(arrivals_s))
    return 1e3 * off_s[int(0.95 * (len(off_s) - 1))]
