"""Raw gyro and accelerometer become an orientation, at whatever times the samples come.

Filters are made for even samples; devices drop some and clocks wander. So the time between two samples is cut
into even steps near the sample period, the values in between lie on straight lines, and each step tells the
filter its true length. After a long gap nobody knows how the head turned meanwhile: the heading stays what it
was, and the accelerometer finds the vertical again at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median
from typing import Protocol

from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Motion, Quat, Vec3

FUSIONS = ("vqf", "vqf9d", "imufusion")
LEARN_S, LEARN_SAMPLES = 0.3, 8
"""So much is heard of a device of unknown rate before the filter begins."""
WATCHED_SAMPLES, RATE_TOLERANCE, ALIKE = 64, 0.1, 0.75
"""A period that is off by more than the tolerance, over so many samples of which so many agree, is learnt anew."""
MAX_GAP_S = 0.5
"""Up to here the turn in between is interpolated."""


@dataclass(frozen=True, slots=True)
class Fused:
    """What a filter knows after a sample: `quat_wxyz` unit, world (z up) from body; `gyro_rad_s` in body axes
    without its bias; `at_rest` where the filter sees no motion."""

    quat_wxyz: Quat
    gyro_rad_s: Vec3
    at_rest: bool


class Filter(Protocol):
    """One fusion library. Thread: one."""

    def start(self, period_s: float) -> None:
        """Begin, once; steps of about `period_s` follow."""

    def change_period(self, period_s: float) -> None:
        """Go on with steps of about `period_s`, with all that is known."""

    def after_gap(self) -> None:
        """Keep bias and heading, and take the vertical from what comes next: nobody knows what was missed."""

    def step(self, gyro_rad_s: Vec3, accel_m_s2: Vec3, mag_ut: Vec3 | None, step_s: float) -> None:
        """Go on by one step of `step_s` with the values at its end."""

    def quat_wxyz(self) -> Quat:
        """Return the unit quaternion, world (z up) from body."""

    def bias_rad_s(self) -> Vec3:
        """Return the estimate of the gyro's bias."""

    def at_rest(self) -> bool:
        """Return whether the filter sees no motion."""


@dataclass(frozen=True, slots=True)
class _Sample:
    gyro_rad_s: Vec3
    accel_m_s2: Vec3
    mag_ut: Vec3 | None
    time_s: float


class Fusion:
    """Feeds a filter with even steps; begins at `rate_hz`, or at what it hears where that is 0. Thread: one."""

    def __init__(self, filter_: Filter, rate_hz: float = 0.0) -> None:
        self._filter = filter_
        self._period_s = 0.0
        self._last: _Sample | None = None
        self._heard: list[_Sample] = []
        self._intervals_s: list[float] = []
        if rate_hz > 0.0:
            self._start(1.0 / rate_hz)

    def update(self, motion: Motion, time_s: float) -> Fused | None:
        """Return what is known after a sample measured at `time_s` (host monotonic, rising).

        None while the rate is still being learnt, or where `motion` lacks gyro or accelerometer. A sample that
        is not later than the one before changes nothing.
        """
        if motion.gyro_rad_s is None or motion.accel_m_s2 is None:
            return None
        sample = _Sample(motion.gyro_rad_s, motion.accel_m_s2, motion.mag_ut, time_s)
        if self._period_s == 0.0:
            self._learn(sample)
            return self._fused() if self._period_s else None
        self._advance(sample)
        return self._fused()

    def _learn(self, sample: _Sample) -> None:
        if self._heard and sample.time_s - self._heard[-1].time_s > MAX_GAP_S:
            self._heard.clear()
        self._heard.append(sample)
        heard = self._heard
        span_s = sample.time_s - heard[0].time_s
        if len(heard) < LEARN_SAMPLES or span_s < LEARN_S:
            return
        self._start(typical_interval_s([b.time_s - a.time_s for a, b in pairwise(heard)]))
        for each in heard:
            self._advance(each)
        self._heard = []

    def _start(self, period_s: float) -> None:
        self._period_s = period_s
        self._filter.start(period_s)

    def _advance(self, sample: _Sample) -> None:
        last = self._last
        if last is None:
            self._last = sample
            self._filter.step(sample.gyro_rad_s, sample.accel_m_s2, sample.mag_ut, self._period_s)
            return
        interval_s = sample.time_s - last.time_s
        if interval_s <= 0.0:
            return
        self._last = sample
        if interval_s > MAX_GAP_S:
            self._intervals_s.clear()
            self._filter.after_gap()
            self._filter.step(sample.gyro_rad_s, sample.accel_m_s2, sample.mag_ut, self._period_s)
            return
        n_steps = max(1, round(interval_s / self._period_s))
        step_s = interval_s / n_steps
        for k in range(1, n_steps):
            part = k / n_steps
            gyro = _between(last.gyro_rad_s, sample.gyro_rad_s, part)
            self._filter.step(gyro, _between(last.accel_m_s2, sample.accel_m_s2, part), None, step_s)
        self._filter.step(sample.gyro_rad_s, sample.accel_m_s2, sample.mag_ut, step_s)
        self._watch_rate(interval_s)

    def _watch_rate(self, interval_s: float) -> None:
        self._intervals_s.append(interval_s)
        if len(self._intervals_s) < WATCHED_SAMPLES:
            return
        period_s = median(self._intervals_s)
        # Losses give intervals of several lengths, a new rate gives one.
        n_alike = sum(abs(each / period_s - 1.0) < RATE_TOLERANCE for each in self._intervals_s)
        self._intervals_s.clear()
        if n_alike >= ALIKE * WATCHED_SAMPLES and abs(period_s / self._period_s - 1.0) > RATE_TOLERANCE:
            self._period_s = period_s
            self._filter.change_period(period_s)

    def _fused(self) -> Fused:
        (bx, by, bz), last = self._filter.bias_rad_s(), self._last
        assert last is not None
        gx, gy, gz = last.gyro_rad_s
        return Fused(self._filter.quat_wxyz(), (gx - bx, gy - by, gz - bz), self._filter.at_rest())


def make_fusion(kind: str, rate_hz: float = 0.0) -> Fusion:
    """Return a fusion of one of FUSIONS; `rate_hz` 0 lets it learn the rate. Raises BridgeError."""
    if kind == "imufusion":
        return Fusion(_imufusion_filter(), rate_hz)
    if kind in FUSIONS:
        from firmware_bridge.stages.fusion_vqf import VqfFilter

        return Fusion(VqfFilter(use_mag=kind == "vqf9d"), rate_hz)
    raise BridgeError(f"unknown fusion {kind!r}: allowed are {', '.join(FUSIONS)}.")


def _imufusion_filter() -> Filter:
    try:
        from firmware_bridge.stages.fusion_imufusion import ImufusionFilter
    except ImportError:
        raise BridgeError(
            "fusion 'imufusion' needs a library that is not installed: "
            "run `pip install 'rt-render[imufusion]'`, or use the fusion 'vqf'."
        ) from None
    return ImufusionFilter()


def typical_interval_s(intervals_s: Sequence[float]) -> float:
    """Return the period behind intervals of which some are too long for losses or uneven by lumps."""
    middle, mean = median(intervals_s), fmean(intervals_s)
    return middle if middle > 0.5 * mean else mean


def _between(a: Vec3, b: Vec3, part: float) -> Vec3:
    return (a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1]), a[2] + part * (b[2] - a[2]))
