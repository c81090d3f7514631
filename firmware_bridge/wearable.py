"""One device as it is heard: from its messages to where the head points, in the device's own world."""

from firmware_bridge.dialect import Check, Dialect, Transport
from firmware_bridge.messages import Motion
from firmware_bridge.pose import PoseSample
from firmware_bridge.sample_times import SampleTimes
from firmware_bridge.stages.fusion import Fusion, make_fusion
from firmware_bridge.stages.mounting import Mounting
from firmware_bridge.stages.rates import DerivedRates
from firmware_bridge.stages.trust import TrustGate

SAMPLES_WITHOUT_MAG = 100
"""After so many it is certain that a device sends none."""


class Wearable:
    """Trust, time, fusion, mounting and turning rate of one device. Reads no clock. Thread: one.

    Parameters: `dialect` None for sources that vouch for themselves (a file, a simulated head); `exact`: their
    times are the moments themselves; `fusion` one of FUSIONS for devices without a quaternion; `mounting`.
    `worlds` rises whenever the device's idea of ahead may be a new one, and `why_new` says why. A heading that
    is not absolute begins anywhere: its first pose is ahead, but for programs and files, which mean what they say.
    """

    def __init__(
        self, dialect: Dialect | None, mounting: Mounting | None = None, *, exact: bool = False, fusion: str = "vqf"
    ) -> None:
        # OSC comes from programs, one message now and then: its source knows whom to believe.
        is_device = dialect is not None and dialect.transport is not Transport.OSC
        self.gate = TrustGate(dialect.check if dialect is not None and is_device else Check.CRC16)
        self.times = SampleTimes(dialect, exact)
        self.mounting = mounting or Mounting()
        self.heading_is_absolute = dialect is not None and dialect.heading_is_absolute
        self.first_is_ahead = is_device and not self.heading_is_absolute
        self.worlds = 0
        self.why_new = ""
        self.at_rest: bool | None = None
        self._fusion_kind = fusion
        self._fusion: Fusion | None = None
        self._n_without_mag = 0
        self._rates = DerivedRates()
        self._reference: int | None = None
        self._restarts = 0
        self._was_away = False
        self._seq = 0

    def hear(self, motion: Motion, arrival_s: float) -> PoseSample | None:
        """Return the head's pose at its moment, or None for what is not believed or not yet enough."""
        if not self.gate.admit(motion, arrival_s):
            return None
        time_s = self.times.host_time_s(motion, arrival_s)
        quat, gyro, self.at_rest = motion.quat_wxyz, motion.gyro_rad_s, motion.at_rest
        if quat is None:
            if self._fusion is None:
                self._fusion = make_fusion(self._fusion_kind)
            self._n_without_mag = 0 if motion.mag_ut is not None else self._n_without_mag + 1
            fused = self._fusion.update(motion, time_s)
            if fused is None:
                return None
            quat, gyro, self.at_rest = fused.quat_wxyz, fused.gyro_rad_s, fused.at_rest
        self._notice_new_world(motion)
        quat, gyro = self.mounting.apply(quat, gyro)
        if gyro is None:
            gyro = self._rates.update(quat, time_s)
        self._seq += 1
        return PoseSample(time_s, quat, gyro, self._seq)

    @property
    def makes_world(self) -> bool:
        """Whether the world is that of a fusion here, which begins with this object."""
        return self._fusion is not None

    @property
    def lacks_mag(self) -> bool:
        """Whether the fusion wants a magnetometer and this device sends none."""
        return self._fusion_kind == "vqf9d" and self._n_without_mag >= SAMPLES_WITHOUT_MAG

    def went_away(self) -> None:
        """Note that the connection was lost: what comes next must prove itself again."""
        if not self._was_away:
            self._was_away = True
            self.gate.reset()

    def _notice_new_world(self, motion: Motion) -> None:
        if self.worlds == 0:
            why = "it has just begun"
        elif motion.reference != self._reference:
            why = "it has set a new zero itself"
        elif not self.first_is_ahead or self._fusion is not None:
            why = ""
        elif self.times.restarts != self._restarts:
            why = "it was switched on anew"
        else:
            # Without a clock nothing tells a cable that was pulled from a device that began anew.
            why = "it was gone" if self._was_away and not self.times.has_clock else ""
        self._reference, self._restarts, self._was_away = motion.reference, self.times.restarts, False
        if why:
            self.worlds += 1
            self.why_new = why
            self._rates = DerivedRates()
