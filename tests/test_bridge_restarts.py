"""What begins a new world and what does not: late links, stalled hosts, refused motions, devices switched on anew."""

import time
from math import cos, radians, sin

import pytest

from firmware_bridge.bridge import Bridge
from firmware_bridge.device_store import DeviceStore
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.memory import Memory
from firmware_bridge.messages import Motion, Told
from firmware_bridge.pose_pipeline import PosePipeline
from firmware_bridge.sample_times import SampleTimes
from firmware_bridge.settings import make_settings
from firmware_bridge.source import Heard, SourceHealth

START_S, PERIOD_S = 100.0, 0.005


class Source:
    """A named source whose messages a test makes up."""

    name, device_id, exact_times = "a tracker", "1", False

    def __init__(self, dialect="hbf1"):
        self.dialect = DIALECTS[dialect]
        self.say_next = lambda: []

    def poll(self, timeout_s):
        time.sleep(min(timeout_s, 0.002))
        return self.say_next()

    def health(self):
        return SourceHealth(True, "it", 0)

    def say(self, data):
        return True

    def close(self):
        pass


def looking(yaw_deg, **more):
    half = radians(yaw_deg) / 2.0
    return Motion((cos(half), 0.0, 0.0, sin(half)), **more)


@pytest.fixture
def said():
    return []


@pytest.fixture
def new_pipeline(tmp_path, said):
    def make(**settings):
        settings = make_settings(tracker="none", **settings)
        return PosePipeline(settings, Memory(DeviceStore(tmp_path), said.append), said.append)

    return make


class Played:
    """A pipeline fed with the frames of a device that counts and has a clock; returns the yaw that is shown."""

    def __init__(self, pipeline):
        self._pipeline, self._source, self._arrival_s = pipeline, Source(), 0.0

    def __call__(self, frames, yaw_deg, late_s=0.002, boot=0):
        shown = None
        for k in frames:
            self._arrival_s = max(self._arrival_s, START_S + k * PERIOD_S + late_s)
            own = k - boot
            motion = looking(yaw_deg, seq=own & 0xFFFF, device_time_s=own * PERIOD_S, reference=0)
            for pose in self._pipeline.hear([Heard(motion, self._arrival_s)], self._source):
                shown = pose.yaw_pitch_roll_deg()[0]
        return shown


def test_times_do_not_go_back_where_a_device_tells_its_time_now_and_then():
    times, last_s = SampleTimes(DIALECTS["microstrain"], exact=False), 0.0
    for k in range(3000):
        device_s, arrival_s = (None if k > 1500 and (k // 30) % 2 else 0.01 * k), 0.04 * (k // 4 + 1) + 0.001
        time_s = times.host_time_s(Motion((1.0, 0.0, 0.0, 0.0), device_time_s=device_s), arrival_s)
        assert last_s <= time_s <= arrival_s
        last_s = time_s


def test_a_late_link_does_not_turn_the_head_back_to_the_front(new_pipeline, said):
    play = Played(new_pipeline())
    assert play(range(2000), 0.0) == pytest.approx(0.0)
    assert play(range(2000, 2400), 40.0) == pytest.approx(40.0)
    assert play(range(2400, 2900), 40.0, late_s=0.3) == pytest.approx(40.0)
    assert play(range(2900, 3400), -20.0) == pytest.approx(-20.0)
    assert not any("new idea of ahead" in text for text in said)


def test_a_host_that_stalled_for_long_does_not_either(new_pipeline, said):
    play = Played(new_pipeline())
    play(range(2000), 0.0)
    play(range(2000, 2400), 40.0)
    for k in range(2400, 5400):
        play([k], 40.0, late_s=(5400 - k) * PERIOD_S)
    assert play(range(5400, 6000), 40.0) == pytest.approx(40.0)
    assert not any("new idea of ahead" in text for text in said)


def test_a_device_that_was_switched_on_anew_is_ahead_where_it_looks(new_pipeline, said):
    play = Played(new_pipeline())
    play(range(1000), 0.0)
    play(range(1000, 1400), 40.0)
    assert play(range(2000, 2001), -75.0, boot=1990) is not None
    assert "switched on anew" in said[-1]


def until(condition, seconds=8.0):
    end_s = time.monotonic() + seconds
    while not condition() and time.monotonic() < end_s:
        time.sleep(0.01)
    assert condition()


@pytest.mark.parametrize(
    "useless", [Motion((2.0, 0.0, 0.0, 0.0)), Told("info", {"says": "hello"})], ids=["refused", "told"]
)
def test_messages_without_a_pose_do_not_keep_the_fail_safe_from_its_work(new_pipeline, said, useless):
    source = Source()
    source.exact_times = True
    now_s = time.monotonic()
    waiting = [[Heard(looking(40.0), now_s - 0.01 * k) for k in range(300, -1, -1)]]
    source.say_next = lambda: waiting.pop() if waiting else [Heard(useless, time.monotonic())]
    pipeline = new_pipeline(hold_s=0.3, ease_s=0.2)
    with Bridge(source, pipeline, PoseMailbox.private(), on_message=said.append) as bridge:
        until(lambda: bridge.status().state == "front")
        assert bridge.status().published == 301 and any("turns to the front" in text for text in said)
        bridge.recentre()
        until(lambda: said[-1].startswith("recentred"))
