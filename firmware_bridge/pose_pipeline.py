"""From what a source heard to the poses that go out: everything between, and no clock read anywhere."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256

from firmware_bridge.bridge_words import Kept
from firmware_bridge.decoder import Counts
from firmware_bridge.device_store import Remembered, device_key
from firmware_bridge.dialect import Axes, Dialect, Transport
from firmware_bridge.memory import Memory
from firmware_bridge.messages import Motion, Pong, Quat
from firmware_bridge.pings import Pings
from firmware_bridge.plain_quaternion import IDENTITY, conjugate, multiply
from firmware_bridge.pose import PoseSample
from firmware_bridge.settings import BridgeSettings
from firmware_bridge.source import Heard, Source
from firmware_bridge.stages.fail_safe import FailSafe
from firmware_bridge.stages.gestures import DoubleNod, HoldStill
from firmware_bridge.stages.health import HealthMeter
from firmware_bridge.stages.mounting import Mounting, inverted
from firmware_bridge.stages.recentre import Recentre
from firmware_bridge.stages.slow_recentre import SlowRecentre
from firmware_bridge.status import BridgeStatus, with_age
from firmware_bridge.wearable import Wearable

POLL_S, EASE_POLL_S = 0.05, 0.005
"""How long a source may be waited for; less while something eases without new poses."""


class PosePipeline:
    """Poses of whatever is worn, recentred and safe, and their health.

    `memory` keeps what is known of single devices; `say` gets sentences. Times are host monotonic seconds,
    given by the caller. A pose that is given on again keeps its time and `seq`: it is the same measurement.
    Thread: one.
    """

    def __init__(self, settings: BridgeSettings, memory: Memory, say: Callable[[str], None]) -> None:
        self._settings, self._memory, self._say = settings, memory, say
        self._recentre = Recentre(yaw_only=settings.yaw_only)
        self._fail_safe = FailSafe(settings.hold_s, settings.ease_s)
        self._hold_still = HoldStill() if "hold" in settings.gestures else None
        self._double_nod = DoubleNod() if "double-nod" in settings.gestures else None
        self._slow_recentre = SlowRecentre(settings.auto_recentre_deg_per_s)
        self._meter = HealthMeter()
        self._wearable: Wearable | None = None
        self._device: tuple[Dialect | None, str] = (None, "")
        self._pings: Pings | None = None
        self._worlds = 0
        self._raw: PoseSample | None = None
        self._before: tuple[Kept | None, PoseSample] | None = None
        self._mark = 0
        self._button = False
        self._is_mounted_as_known = True
        self._mag_is_missed = False
        self._published = 0

    @property
    def wait_s(self) -> float:
        """How long the source may be waited for."""
        return EASE_POLL_S if self._recentre.easing or self._fail_safe.state == "easing" else POLL_S

    @property
    def newest_s(self) -> float | None:
        """When the newest measurement was made, None before the first."""
        return None if self._raw is None else self._raw.time_s

    def hear(self, heard: Sequence[Heard], source: Source) -> list[PoseSample]:
        """Return the poses that these messages give, oldest first."""
        poses: list[PoseSample] = []
        if not heard:
            return poses
        wearable = self._worn(source, heard[0].arrival_s)
        for one in heard:
            message, arrival_s = one.message, one.arrival_s
            if isinstance(message, Motion):
                pose = self._move(wearable, message, arrival_s)
                if pose is not None:
                    poses.append(pose)
            elif isinstance(message, Pong):
                asked_s = self._pings.asked_s(message) if self._pings is not None else None
                if asked_s is not None:
                    wearable.times.answer(message, asked_s, arrival_s)
            elif message.kind == "recentre":
                self.recentre(arrival_s)
        self._tell_news()
        return poses

    def tick(self, now_s: float, connected: bool) -> PoseSample | None:
        """Return the pose to give on though none came: what eases goes on, what is missed is made safe."""
        if not connected and self._wearable is not None:
            self._wearable.went_away()
        raw, out = self._raw, None
        if raw is None and self._before is not None:
            raw = self._before[1]
        if raw is not None:
            if self._recentre.easing:
                self._fail_safe.reference_moved(self._recentre.apply(raw, now_s).quat_world_from_head)
            quat = self._fail_safe.quiet(now_s)
            if quat is not None:
                # What is held no longer turns.
                gyro = raw.gyro_rad_s if self._fail_safe.state == "live" else None
                out = PoseSample(raw.time_s, quat, gyro, raw.seq)
        self._tell_news()
        return out

    def question(self, now_s: float) -> bytes | None:
        """Return what to ask the device at this very moment, if anything."""
        if self._pings is None or self._wearable is None or not self._wearable.gate.trusted:
            return None
        return self._pings.question(now_s)

    def recentre(self, now_s: float) -> None:
        """Take the last pose as ahead, eased, and remember it where it means the same next time."""
        raw, wearable = self._raw, self._wearable
        if raw is None or wearable is None:
            self._say("nothing to recentre: no pose has come yet")
            return
        self._recentre.request(raw, now_s)
        self._slow_recentre.reset()
        self._say("recentred: where you look now is straight ahead")
        dialect, device_id = self._device
        if dialect is not None and wearable.heading_is_absolute and self._is_mounted_as_known:
            self._memory.remember_reference(dialect, device_id, self._recentre.reference)

    def resume(self, kept: Kept | None, shown: PoseSample, now_s: float) -> None:
        """Go on from the pose that another bridge showed last, and with what was ahead if the device is the same.

        To be called before the first pose. What was shown is held, made safe, and left with ease.
        """
        self._before = (kept, shown)
        self._fail_safe.ease_from_shown(now_s, shown.quat_world_from_head)

    @property
    def kept(self) -> Kept:
        """What another bridge would need to go on from here; it counts no requests."""
        if self._before is not None and self._before[0] is not None:
            return self._before[0]
        return Kept(self._mark if self._raw is not None else 0, self._recentre.reference, 0)

    def close(self) -> None:
        """Wait until what is to be remembered is written down."""
        self._memory.close()

    def status(self, source: Source, now_s: float) -> BridgeStatus:
        """Return how source and stream do at this moment."""
        heard = source.health()
        dialect = source.dialect.name if source.dialect is not None else ""
        status = BridgeStatus("", source.name, heard.sender, dialect, heard.connected)
        if not heard.is_worn:
            return with_age(replace(status, state="none"), None, now_s)
        worn = self._wearable
        health = self._meter.snapshot(
            now_s,
            state=self._fail_safe.state,
            counts=heard.counts or Counts(self._published, damaged=heard.dropped),
            implausible=worn.gate.implausible if worn is not None else 0,
            clock=worn.times.summary() if worn is not None else None,
        )
        status = replace(
            status,
            state=health.state,
            rate_hz=health.rate_hz,
            dropped=health.dropped,
            published=self._published,
            health=health,
        )
        return with_age(status, self.newest_s, now_s)

    def _tell_news(self) -> None:
        for sentence in self._fail_safe.news():
            self._say(sentence)

    def _worn(self, source: Source, now_s: float) -> Wearable:
        """Return the wearable that is heard, a new one where it is another device."""
        device = (source.dialect, source.device_id)
        if self._wearable is None or device != self._device:
            self._device = device
            self._wearable = self._met(source, now_s)
        return self._wearable

    def _met(self, source: Source, now_s: float) -> Wearable:
        dialect, settings = source.dialect, self._settings
        known = self._memory.recall(dialect, source.device_id) if dialect is not None else Remembered()
        mounting = known.mounting if settings.mounting else Mounting()
        if mounting is None and dialect is not None and dialect.axes is Axes.SENSOR:
            self._say(
                f"{source.name} is not calibrated, so its own axes are taken for those of the head: "
                f"run `firmware-bridge calibrate {settings.tracker}`"
            )
        elif settings.mounting and known.mounting is not None and known.saved:
            spread = "" if known.spread_deg is None else f", ±{known.spread_deg:.1f}°"
            self._say(f"{source.name} was calibrated on {known.saved[:10]}{spread}")
        mounting = inverted(mounting or Mounting(), settings.invert)
        self._mark = 0 if dialect is None else _mark(device_key(dialect.name, source.device_id), mounting, settings)
        # Otherwise mounted, another pose is ahead.
        self._is_mounted_as_known = mounting == (known.mounting or Mounting())
        wearable = Wearable(dialect, mounting, exact=source.exact_times, fusion=settings.fusion)
        make_ping = dialect.make_ping if dialect is not None else None
        self._pings = Pings(make_ping) if make_ping is not None else None
        self._worlds, self._mag_is_missed = 0, False
        # Programs send as often as they like.
        has_rate = dialect is not None and dialect.transport is not Transport.OSC
        transport = dialect.transport if dialect is not None else ""
        self._meter = HealthMeter(dialect.rate_hz if dialect is not None and has_rate else None, transport)
        if self._hold_still is not None:
            self._hold_still.arm()
            self._say("hold still and look ahead for two seconds: that will be straight ahead")
        # A device that knows north is ahead where it was; of another one nothing holds that was said before.
        holds = wearable.heading_is_absolute and self._is_mounted_as_known
        self._begin_at((known.reference if holds else None) or IDENTITY, now_s)
        return wearable

    def _move(self, wearable: Wearable, motion: Motion, arrival_s: float) -> PoseSample | None:
        raw = wearable.hear(motion, arrival_s)
        if raw is None:
            return None
        if wearable.worlds != self._worlds:
            self._enter_new_world(wearable, raw, arrival_s)
        if wearable.lacks_mag and not self._mag_is_missed:
            self._mag_is_missed = True
            self._say("the tracker sends no magnetometer values: fusion vqf9d works as vqf here")
        self._raw = raw
        self._meter.note_arrival(arrival_s, raw.time_s, motion)
        self._meter.note_pose(raw.quat_world_from_head, raw.time_s)
        self._published += 1
        if (motion.button and not self._button) or self._gesture(raw):
            self.recentre(arrival_s)
        self._button = motion.button
        return self._finish(raw, arrival_s)

    def _gesture(self, raw: PoseSample) -> bool:
        quat, time_s = raw.quat_world_from_head, raw.time_s
        held_still = self._hold_still is not None and self._hold_still.feed(quat, time_s)
        return (self._double_nod is not None and self._double_nod.feed(quat, time_s)) or held_still

    def _enter_new_world(self, wearable: Wearable, raw: PoseSample, now_s: float) -> None:
        """Take the first pose of another world as ahead, or go on with what was ahead for another bridge."""
        kept, shown = self._before or (None, raw)
        self._before = None
        if self._worlds == 0 and kept is not None and kept.device == self._mark != 0:
            # The device's own world is the one it was; one that is made here begins anew, where it was left.
            is_new = wearable.makes_world
            left = multiply(raw.quat_world_from_head, conjugate(shown.quat_world_from_head))
            self._begin_at(left if is_new else kept.reference, now_s)
        elif self._worlds or wearable.first_is_ahead:
            self._begin_at(raw.quat_world_from_head, now_s)
        if self._worlds:
            self._say(f"the head tracker has a new idea of ahead ({wearable.why_new}): where you look now is ahead")
        self._worlds = wearable.worlds

    def _begin_at(self, reference: Quat, now_s: float) -> None:
        """Take a reference that has nothing to do with the last: what is shown is all that leads over to it."""
        self._recentre.restore(reference)
        self._fail_safe.ease_from_shown(now_s)
        self._slow_recentre.reset()
        if self._double_nod is not None:
            self._double_nod = DoubleNod()
        self._button = False

    def _finish(self, raw: PoseSample, now_s: float) -> PoseSample:
        pose = self._recentre.apply(raw, now_s)
        step_rad = self._slow_recentre.step_rad(pose.quat_world_from_head, raw.time_s)
        if step_rad:
            self._recentre.turn(step_rad)
        quat = self._fail_safe.live(pose.quat_world_from_head, raw.time_s, now_s)
        return pose if quat is pose.quat_world_from_head else PoseSample(raw.time_s, quat, pose.gyro_rad_s, raw.seq)


def _mark(key: str, mounting: Mounting, settings: BridgeSettings) -> int:
    """Return a number that tells devices apart, and the ways in which they are understood."""
    told = (key, mounting.quat_sensor_from_head, sorted(mounting.invert), settings.fusion, settings.yaw_only)
    return int.from_bytes(sha256(repr(told).encode()).digest()[:8], "little", signed=True)
