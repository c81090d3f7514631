"""What begins a new world and what does not: late links, stalled hosts, refused motions, devices switched on anew."""

import time
from dataclasses import replace
from math import cos, radians, sin

import pytest

from firmware_bridge.bridge import Bridge
from firmware_bridge.bridge_words import StateWord
from firmware_bridge.device_store import DeviceStore
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.memory import Memory
from firmware_bridge.messages import Motion, Told
from firmware_bridge.pose import PoseSample
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


class Turned(Source):
    """A device without a compass that looks to one side and sends at its rate."""

    def __init__(self, yaw_deg, **more):
        super().__init__()
        self._sent, self._yaw_deg, self._more = 0, yaw_deg, more

    def poll(self, timeout_s):
        time.sleep(PERIOD_S)
        self._sent += 1
        motion = looking(self._yaw_deg, seq=self._sent, device_time_s=self._sent * PERIOD_S, reference=0, **self._more)
        return [Heard(motion, time.monotonic())]


def yaw_in(mailbox):
    pose = mailbox.read()
    return None if pose is None else pose.yaw_pitch_roll_deg()[0]


def test_a_bridge_that_follows_another_keeps_what_is_ahead_and_does_not_jump(new_pipeline):
    mailbox, ignore = PoseMailbox.private(), lambda text: None
    with Bridge(Turned(30.0), new_pipeline(), mailbox, on_message=ignore):
        until(lambda: yaw_in(mailbox) == pytest.approx(0.0, abs=1e-6))  # the first is ahead
    with Bridge(Source(), new_pipeline(), mailbox, on_message=ignore):
        until(lambda: mailbox.told().state == StateWord.HELD)  # one that hears nothing passes it on
    with Bridge(Turned(70.0), new_pipeline(), mailbox, on_message=ignore):
        shown = set()
        until(lambda: shown.add(yaw_in(mailbox)) or max(shown) == pytest.approx(40.0, abs=1e-6))
    assert len([yaw for yaw in shown if 1.0 < yaw < 39.0]) > 5, "it eases"
    # Otherwise understood it is another device: where it looks is ahead.
    with Bridge(Turned(70.0), new_pipeline(invert=("roll",)), mailbox, on_message=ignore):
        until(lambda: yaw_in(mailbox) == pytest.approx(0.0, abs=1e-6))


def test_what_a_bridge_showed_long_ago_is_of_no_concern_and_is_not_shown_again(new_pipeline):
    mailbox, ignore = PoseMailbox.private(), lambda text: None
    with Bridge(Turned(30.0), new_pipeline(), mailbox, on_message=ignore):
        until(lambda: yaw_in(mailbox) is not None)
    words = mailbox.told()
    for silent_s, after in ((10.0, 40.0), (60.0, 0.0)):
        mailbox.publish(PoseSample(1.0, (0.0, 0.0, 0.0, 1.0)))
        mailbox.tell(replace(words, heartbeat_ns=time.monotonic_ns() - round(1e9 * silent_s)))
        bridge = Bridge(Turned(70.0), new_pipeline(), mailbox, on_message=ignore)
        bridge._take_over(time.monotonic())
        assert abs(yaw_in(mailbox)) == pytest.approx(0.0 if silent_s < 30.0 else 180.0), "the front, as it sounds"
        with bridge:
            until(lambda after=after: yaw_in(mailbox) == pytest.approx(after, abs=1e-6))


def test_a_bridge_that_follows_another_and_hears_nothing_turns_to_the_front(new_pipeline):
    mailbox, ignore = PoseMailbox.private(), lambda text: None
    with Bridge(Turned(30.0), new_pipeline(), mailbox, on_message=ignore):
        until(lambda: yaw_in(mailbox) is not None)
    mailbox.publish(PoseSample(1.0, (0.6, 0.0, 0.0, 0.8)))
    with Bridge(Source(), new_pipeline(hold_s=0.0, ease_s=0.1), mailbox, on_message=ignore) as bridge:
        until(lambda: yaw_in(mailbox) == pytest.approx(0.0, abs=1e-6))
        until(lambda: bridge.status().state == "front")


def test_a_request_made_before_the_bridge_came_is_answered_and_once(new_pipeline, said):
    mailbox = PoseMailbox.private()
    mailbox.request_recentre()
    for _ in range(2):
        with Bridge(Turned(30.0), new_pipeline(), mailbox, on_message=said.append):
            until(lambda: yaw_in(mailbox) is not None)
            time.sleep(0.05)
    assert len([text for text in said if text.startswith(("recentred", "nothing to recentre"))]) == 1


def test_a_bridge_says_that_it_ended_whatever_ended_it_and_closes_all(new_pipeline, said):
    mailbox, source, closed = PoseMailbox.private(), Turned(30.0), []

    class Outputs:
        send = flush = lambda *_: None

        def close(self):
            closed.append(self)

    def refuse():
        raise OSError("busy")

    source.close = refuse
    with Bridge(source, new_pipeline(), mailbox, on_message=said.append, outputs=Outputs()) as bridge:
        until(lambda: yaw_in(mailbox) is not None)
        source.poll = lambda timeout_s: 1 / 0
        until(lambda: not bridge.is_running)
    assert mailbox.told().state == StateWord.ENDED and closed and "please report" in said[-1]
