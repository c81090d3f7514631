"""The flow between a source and the mailbox, with virtual devices and times made up here."""

import threading
from dataclasses import replace
from math import cos, radians, sin

import numpy as np
import pytest

from firmware_bridge import quaternion
from firmware_bridge.device_store import DeviceStore, Remembered, device_key
from firmware_bridge.dialect import Axes, Check
from firmware_bridge.dialects import hbf1
from firmware_bridge.dialects.hbf1_device import Hbf1Device
from firmware_bridge.dialects.hbf1_frame import ACCEL, GYRO
from firmware_bridge.memory import Memory
from firmware_bridge.messages import Motion, Pong, Told
from firmware_bridge.pose_pipeline import EASE_POLL_S, POLL_S, PosePipeline
from firmware_bridge.settings import make_settings
from firmware_bridge.source import Heard, SourceHealth
from firmware_bridge.stages.mounting import Mounting
from firmware_bridge.virtual.device import DeviceState

PERIOD_S, START_S = 0.005, 1000.0
DIALECT = replace(hbf1.DIALECT, axes=Axes.HEAD)
"""HBF-1 on a head as its firmware's page mounts it: nothing to calibrate."""
ON_THE_HEAD = replace(hbf1.DIALECT, axes=Axes.HEAD)
"""Whose axes need no calibration."""


class Device:
    """A wearable on a cable as a source: a virtual device, its decoder, and 1 ms between measurement and arrival."""

    exact_times = False
    name = "test device"

    def __init__(self, dialect=ON_THE_HEAD, device=None, device_id="1"):
        self.dialect, self.device_id = dialect, device_id
        self._device, self._decoder = device or Hbf1Device(), hbf1.DIALECT.make_decoder()
        self.n = 0

    @property
    def now_s(self):
        return START_S + self.n * PERIOD_S

    def health(self):
        return SourceHealth(True, "the device", self._decoder.counts.dropped, self._decoder.counts)

    def frame(self, yaw=0.0, pitch=0.0, roll=0.0, **more):
        """Return what is heard of the next measurement."""
        quat = tuple(quaternion.from_yaw_pitch_roll_deg(yaw, pitch, roll).tolist())
        data = self._device.encode(DeviceState(self.n * PERIOD_S, self.n, quat, **more))
        self.n += 1
        return [Heard(message, self.now_s + 0.001) for message in self._decoder.feed(data)]

    def answer(self, data):
        return [Heard(m, self.now_s + 0.001) for m in self._decoder.feed(self._device.answer(data, self.n * PERIOD_S))]


@pytest.fixture
def said():
    return []


@pytest.fixture
def store(tmp_path):
    return DeviceStore(tmp_path)


@pytest.fixture
def new_pipeline(said, store):
    def make(**settings):
        return PosePipeline(make_settings(**settings), Memory(store, said.append), said.append)

    return make


def angles(pose):
    return pose.yaw_pitch_roll_deg()


def test_a_device_whose_heading_begins_anywhere_looks_ahead_first(new_pipeline):
    pipeline, device = new_pipeline(), Device()
    (first,) = pipeline.hear(device.frame(130.0, -10.0, 5.0), device)
    assert angles(first) == pytest.approx((0.0, -10.0, 5.0), abs=0.02)
    (turned,) = pipeline.hear(device.frame(150.0, 0.0, 0.0), device)
    assert angles(turned) == pytest.approx((20.0, 0.0, 0.0), abs=0.02)
    assert (first.seq, turned.seq) == (1, 2) and turned.gyro_rad_s is not None


def test_times_are_those_of_measurement(new_pipeline):
    pipeline, device = new_pipeline(), Device()
    times_s = [pose.time_s for _ in range(400) for pose in pipeline.hear(device.frame(), device)]
    np.testing.assert_allclose(np.diff(times_s)[-100:], PERIOD_S, atol=1e-5)
    status = pipeline.status(device, device.now_s)
    assert status.health.clock.startswith("device clock") and status.rate_hz == pytest.approx(200.0, rel=0.01)
    assert (status.state, status.dialect, status.published, status.dropped) == ("live", "hbf1", 400, 0)
    assert status.text.startswith("the device: 200 poses/s")


def test_raw_values_are_fused_here_and_their_first_pose_is_ahead(new_pipeline):
    pipeline, device = new_pipeline(), Device(device=Hbf1Device(fields=GYRO | ACCEL))
    poses = []
    for k in range(600):
        rate = 0.0 if k < 200 else radians(45.0)
        poses += pipeline.hear(device.frame(gyro_rad_s=(0.0, 0.0, rate)), device)
    assert angles(poses[0])[0] == pytest.approx(0.0, abs=0.01)
    assert angles(poses[-1])[0] == pytest.approx(90.0, abs=1.5)
    assert poses[-1].gyro_rad_s[2] == pytest.approx(radians(45.0), abs=0.02)


def test_rates_are_derived_where_the_device_has_none(new_pipeline):
    pipeline, device = new_pipeline(), Device(device=Hbf1Device(fields=1))
    poses = [pose for k in range(50) for pose in pipeline.hear(device.frame(yaw=0.3 * k), device)]
    assert poses[0].gyro_rad_s is None
    assert poses[-1].gyro_rad_s == pytest.approx((0.0, 0.0, radians(60.0)), abs=0.05)


def test_a_mounting_is_found_again_and_can_be_left_out(new_pipeline, store, said):
    mounted = (cos(radians(45.0)), 0.0, 0.0, sin(radians(45.0)))
    dialect = replace(hbf1.DIALECT, axes=Axes.SENSOR, heading_is_absolute=True)
    store.save(device_key("hbf1", "1"), Remembered(Mounting(mounted)))
    device = Device(dialect)
    (pose,) = new_pipeline().hear(device.frame(10.0), device)
    assert angles(pose)[0] == pytest.approx(100.0, abs=0.02) and said == []
    (pose,) = new_pipeline(mounting=False, invert=["yaw"]).hear(device.frame(10.0), device)
    assert angles(pose)[0] == pytest.approx(-10.0, abs=0.02) and said == []
    (pose,) = new_pipeline(tracker="hbf1:COM3").hear(device.frame(10.0), Device(dialect, device_id="2"))
    assert angles(pose)[0] == pytest.approx(10.0, abs=0.02)
    assert len(said) == 1 and said[0].endswith("run `firmware-bridge calibrate hbf1:COM3`")


def test_recentring_is_eased_and_remembered_where_the_heading_is_absolute(new_pipeline, store, said):
    dialect = replace(ON_THE_HEAD, heading_is_absolute=True)
    pipeline, device = new_pipeline(), Device(dialect)
    pipeline.recentre(START_S)
    assert said == ["nothing to recentre: no pose has come yet"] and pipeline.wait_s == POLL_S
    pipeline.hear(device.frame(40.0), device)
    pipeline.hear([Heard(Told("recentre"), device.now_s)], device)
    yaws = [angles(pose)[0] for _ in range(60) for pose in pipeline.hear(device.frame(40.0), device)]
    assert yaws[0] > 35.0 and yaws[-1] == pytest.approx(0.0, abs=0.02) and max(np.abs(np.diff(yaws))) < 2.0
    for thread in threading.enumerate():
        if thread.name == "remember":
            thread.join()
    again = Device(dialect)
    (pose,) = new_pipeline().hear(again.frame(50.0), again)
    assert angles(pose)[0] == pytest.approx(10.0, abs=0.02)


def test_the_devices_button_recentres_once_per_press(new_pipeline, said):
    pipeline, device = new_pipeline(), Device()
    pipeline.hear(device.frame(0.0), device)
    for _ in range(60):
        poses = pipeline.hear(device.frame(30.0, button=True), device)
    assert angles(poses[0])[0] == pytest.approx(0.0, abs=0.02)
    assert said == ["recentred: where you look now is straight ahead"]


def test_an_ease_goes_on_though_no_pose_comes(new_pipeline):
    pipeline, device = new_pipeline(), Device()
    pipeline.hear(device.frame(0.0), device)
    pipeline.hear(device.frame(30.0), device)
    pipeline.recentre(device.now_s)
    assert pipeline.wait_s == EASE_POLL_S
    shown = [pipeline.tick(device.now_s + k * 0.01, True) for k in range(30)]
    yaws = [angles(pose)[0] for pose in shown if pose is not None]
    assert yaws[-1] == pytest.approx(0.0, abs=0.02) and all(np.diff(yaws) <= 1e-9)
    assert {pose.seq for pose in shown if pose is not None} == {2} and pipeline.wait_s == POLL_S


def test_a_new_zero_of_the_device_is_ahead_at_once(new_pipeline, said):
    pipeline, device = new_pipeline(), Device()
    for _ in range(20):
        pipeline.hear(device.frame(30.0), device)
    device.answer(b"ZERO\n")
    pipeline.hear(device.frame(50.0), device)
    (pose,) = pipeline.hear(device.frame(55.0), device)
    assert angles(pose)[0] == pytest.approx(5.0, abs=0.02)
    assert len(said) == 1 and "set a new zero itself" in said[0]


def test_a_device_that_was_switched_on_anew_looks_ahead(new_pipeline, said):
    pipeline, device = new_pipeline(), Device()
    for _ in range(200):
        pipeline.hear(device.frame(30.0), device)
    pipeline.tick(device.now_s, False)
    for _ in range(200):
        device.frame()
    device.answer(b"REBOOT\n")
    pipeline.hear(device.frame(-80.0), device)
    (pose,) = pipeline.hear(device.frame(-70.0), device)
    assert "switched on anew" in said[-1]
    # The heading goes from where it was to where it is without a jump: only the fail-safe stands between.
    assert angles(pipeline._recentre.apply(pipeline._raw, device.now_s))[0] == pytest.approx(10.0, abs=0.02)
    assert pose.seq == 202


def test_a_device_without_a_clock_that_was_gone_looks_ahead(new_pipeline, said):
    dialect = replace(ON_THE_HEAD, clock_wrap_s=None)
    pipeline, device = new_pipeline(), Device(dialect)
    for yaw in (30.0, 40.0):
        (pose,) = pipeline.hear(device.frame(yaw), device)
    assert angles(pose)[0] == pytest.approx(10.0, abs=0.02)
    pipeline.tick(device.now_s, False)
    yaws = [angles(pose)[0] for _ in range(200) for pose in pipeline.hear(device.frame(70.0), device)]
    assert yaws[-1] == pytest.approx(0.0, abs=0.02) and np.abs(np.diff([10.0, *yaws])).max() < 0.5
    assert "it was gone" in said[0]


def test_what_is_not_yet_trusted_gives_no_pose_and_is_not_called_implausible(new_pipeline):
    dialect = replace(ON_THE_HEAD, check=Check.SUM8)
    pipeline, device = new_pipeline(), Device(dialect)
    counts = [len(pipeline.hear(device.frame(), device)) for _ in range(6)]
    assert counts[0] == 0 and counts[-1] == 1
    assert pipeline.status(device, device.now_s).health.implausible == 0


def test_silence_is_made_safe_and_the_return_does_not_jump(new_pipeline, said):
    pipeline, device = new_pipeline(hold_s=1.0, ease_s=1.0), Device()
    pipeline.hear(device.frame(0.0), device)
    for _ in range(600):
        pipeline.hear(device.frame(40.0), device)
    shown = [40.0]
    for _ in range(600):
        device.frame()
        pose = pipeline.tick(device.now_s, False)
        if pose is not None:
            shown.append(angles(pose)[0])
            assert pose.gyro_rad_s is None
    assert shown[-1] == pytest.approx(0.0, abs=0.01) and pipeline.status(device, device.now_s).state == "front"
    for _ in range(200):
        shown += [angles(pose)[0] for pose in pipeline.hear(device.frame(40.0), device)]
    assert shown[-1] == pytest.approx(40.0, abs=0.05) and np.abs(np.diff(shown)).max() < 1.5
    # A steady stream leaves no quiet moment in which the return could be told.
    assert "turns to the front" in said[0] and said[-1].startswith("the tracker is back")


def test_the_device_is_asked_for_its_time_every_second(new_pipeline):
    pipeline, device = new_pipeline(), Device()
    assert pipeline.question(START_S) is None
    n_asked = 0
    for _ in range(1000):
        pipeline.hear(device.frame(), device)
        question = pipeline.question(device.now_s)
        if question is not None:
            n_asked += 1
            pipeline.hear(device.answer(question), device)
    assert n_asked == 5
    assert pipeline.status(device, device.now_s).health.clock_uncertainty_ms < 2.0
    # An answer to nothing changes nothing.
    pipeline.hear([Heard(Pong(99, 0.0, 0.0), device.now_s)], device)


def test_the_gyro_is_not_given_on_with_a_pose_that_is_held(new_pipeline):
    pipeline, device = new_pipeline(), Device()
    for _ in range(10):
        pipeline.hear(device.frame(gyro_rad_s=(0.0, 0.0, 1.0)), device)
    held = pipeline.tick(device.now_s + 0.5, True)
    assert held.gyro_rad_s is None and pipeline.tick(device.now_s + 0.55, True) is None


def test_holding_still_recentres_once_after_a_device_was_met(new_pipeline, said):
    pipeline, device = new_pipeline(gestures=["hold"]), Device()
    pipeline.hear(device.frame(0.0), device)
    assert said == ["hold still and look ahead for two seconds: that will be straight ahead"]
    for _ in range(1000):
        (pose,) = pipeline.hear(device.frame(35.0), device)
    assert angles(pose)[0] == pytest.approx(0.0, abs=0.02) and len(said) == 2


def test_a_double_nod_recentres(new_pipeline, said):
    pipeline, device = new_pipeline(gestures=["double-nod"]), Device()
    pipeline.hear(device.frame(0.0), device)
    for k in range(600):
        nod = -20.0 * sin(radians(2.0 * (k - 200))) ** 2 if 200 <= k < 380 else 0.0
        (pose,) = pipeline.hear(device.frame(35.0, nod), device)
    assert angles(pose)[0] == pytest.approx(0.0, abs=0.02)
    assert said == ["recentred: where you look now is straight ahead"]


def test_the_slow_recentre_follows_where_a_person_usually_looks(new_pipeline):
    pipeline, device = new_pipeline(auto_recentre_deg_per_s=2.0), Device()
    pipeline.hear(device.frame(0.0), device)
    for _ in range(6000):
        (pose,) = pipeline.hear(device.frame(20.0), device)
    assert 0.0 < angles(pose)[0] < 17.0


def test_programs_and_files_mean_what_they_say(new_pipeline):
    class Program(Device):
        dialect = None

        def __init__(self):
            super().__init__(None)

    pipeline, program = new_pipeline(), Program()
    quat = tuple(quaternion.from_yaw_pitch_roll_deg(30.0, 10.0, 5.0).tolist())
    (pose,) = pipeline.hear([Heard(Motion(quat), START_S)], program)
    assert angles(pose) == pytest.approx((30.0, 10.0, 5.0))


def test_another_world_is_entered_without_a_jump_by_zero_and_by_power_cycle(new_pipeline):
    for off_s, command in ((0.0, b"ZERO\n"), (0.4, b"REBOOT\n")):
        pipeline, device = new_pipeline(auto_recentre_deg_per_s=1.0), Device()
        pipeline.hear(device.frame(0.0), device)
        shown = [angles(pose)[0] for _ in range(600) for pose in pipeline.hear(device.frame(40.0), device)][-1:]
        for _ in range(round(off_s / PERIOD_S)):
            device.frame()
            pose = pipeline.tick(device.now_s, False)
            shown += [angles(pose)[0]] if pose is not None else []
        device.answer(command)
        shown += [angles(pose)[0] for _ in range(200) for pose in pipeline.hear(device.frame(-70.0), device)]
        assert np.abs(np.diff(shown)).max() < 1.5 and shown[-1] == pytest.approx(0.0, abs=0.1), command


def test_recentring_in_silence_is_no_sign_of_life(new_pipeline):
    pipeline, device = new_pipeline(hold_s=1.0, ease_s=1.0), Device()
    for _ in range(600):
        pipeline.hear(device.frame(40.0, gyro_rad_s=(0.0, 0.0, 1.0)), device)
    for k in range(1000):
        if k % 160 == 60:
            pipeline.recentre(device.now_s)
        device.frame()
        pose = pipeline.tick(device.now_s, False)
        assert pose is None or pose.gyro_rad_s is None or k * PERIOD_S < 0.25
    assert pipeline.status(device, device.now_s).state == "front" and pipeline.wait_s == POLL_S


def test_a_reference_is_not_used_with_another_mounting(new_pipeline, store):
    dialect = replace(ON_THE_HEAD, heading_is_absolute=True)
    mounted, key = (cos(radians(45.0)), 0.0, 0.0, sin(radians(45.0))), device_key("hbf1", "1")
    store.save(key, Remembered(Mounting(mounted), mounted))
    for settings, yaw in (({}, 0.0), ({"mounting": False}, 0.0), ({"invert": ["yaw"]}, -90.0)):
        pipeline, device = new_pipeline(**settings), Device(dialect)
        (pose,) = pipeline.hear(device.frame(0.0), device)
        assert angles(pose)[0] == pytest.approx(yaw, abs=0.02)
        if settings:
            pipeline.hear(device.frame(20.0), device)
            pipeline.recentre(device.now_s)
        pipeline.close()
    assert store.load(key).reference == pytest.approx(mounted)


def test_of_many_recentrings_the_newest_is_remembered_by_one_writer(store):
    memory, dialect = Memory(store, pytest.fail), replace(ON_THE_HEAD, heading_is_absolute=True)
    for k in range(50):
        memory.remember_reference(dialect, "1", (cos(0.01 * k), 0.0, 0.0, sin(0.01 * k)))
        assert sum(thread.name == "remember" for thread in threading.enumerate()) <= 1
    memory.close()
    assert memory.recall(dialect, "1").reference == pytest.approx((cos(0.49), 0.0, 0.0, sin(0.49)))


def test_the_status_of_the_first_pose_tells_no_rate(new_pipeline):
    pipeline, device = new_pipeline(), Device()
    pipeline.hear(device.frame(), device)
    assert pipeline.status(device, device.now_s).text.startswith("the device: the first poses, ")


def test_a_stored_calibration_is_told_with_its_date_and_spread(new_pipeline, store, said):
    store.save(device_key("hbf1", "1"), Remembered(Mounting(), None, "cap", "2026-11-20T10:00:00+00:00", 1.25))
    device = Device()
    new_pipeline().hear(device.frame(), device)
    assert any(text.endswith("was calibrated on 2026-11-20, ±1.2°") for text in said)
