"""When was it measured? The best that a device allows: its clock, its counting, or the arrival alone."""

from firmware_bridge.dialect import Dialect
from firmware_bridge.messages import Motion, Pong
from firmware_bridge.stages.clock import ClockSummary, DeviceClock
from firmware_bridge.stages.regular_times import RegularTimes

EXACT = ClockSummary("exact", None, None)


class SampleTimes:
    """Host monotonic times of a device's measurements; one object per connection and kind. Thread: one.

    `exact`: the times of arrival are the moments themselves. `dialect` None: a source without a device.
    """

    def __init__(self, dialect: Dialect | None, exact: bool) -> None:
        self._exact = exact
        self._newest_s = float("-inf")
        self._clock = DeviceClock(dialect.clock_wrap_s, dialect.seq_wrap) if dialect and dialect.clock_wrap_s else None
        self._regular = RegularTimes(dialect.seq_wrap if dialect else None)

    def host_time_s(self, motion: Motion, arrival_s: float) -> float:
        """Return when a motion was measured, never later than it arrived nor earlier than the one before."""
        if self._exact:
            return arrival_s
        # A device may tell its time now and then only.
        self._newest_s = max(self._newest_s, self._time_s(motion, arrival_s))
        return self._newest_s

    def _time_s(self, motion: Motion, arrival_s: float) -> float:
        if self._clock is not None and motion.device_time_s is not None:
            return self._clock.host_time_s(motion.device_time_s, arrival_s, motion.seq)
        return self._regular.host_time_s(motion.seq, arrival_s)

    def answer(self, pong: Pong, asked_s: float, answered_s: float) -> None:
        """Take the round trip of a ping as a bound of the device's clock."""
        if self._clock is not None:
            self._clock.answer(pong, asked_s, answered_s)

    @property
    def has_clock(self) -> bool:
        """Whether the device tells times of its own."""
        return self._clock is not None

    @property
    def restarts(self) -> int:
        """How often the device's clock or count began anew: the device was switched off and on."""
        return self._clock.restarts if self._clock is not None else 0

    def summary(self) -> ClockSummary:
        """Return in words how well the times are known."""
        if self._exact:
            return EXACT
        return self._clock.summary() if self._clock is not None else self._regular.summary()
