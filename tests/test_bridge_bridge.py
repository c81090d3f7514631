import socket
import threading
import time
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from pythonosc.udp_client import SimpleUDPClient
from udp_tools import free_port

from firmware_bridge import quaternion
from firmware_bridge.advice import Advice
from firmware_bridge.bridge import Bridge
from firmware_bridge.bridge_words import BridgeWords, StateWord
from firmware_bridge.device_store import DeviceStore
from firmware_bridge.errors import BridgeError
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.memory import Memory
from firmware_bridge.messages import Motion
from firmware_bridge.notices import OVER_S, Notices
from firmware_bridge.opening import open_bridge, open_thread
from firmware_bridge.pose import PoseSample
from firmware_bridge.pose_pipeline import PosePipeline
from firmware_bridge.settings import make_settings
from firmware_bridge.source import Heard, SourceHealth, look_in_words
from firmware_bridge.stages.health import HealthMeter
from firmware_bridge.stages.recentre import EASE_S, Recentre
from firmware_bridge.virtual.simulated_head import SimulatedHead


def looking(yaw, pitch=0.0, roll=0.0, time_s=0.0):
    w, x, y, z = quaternion.from_yaw_pitch_roll_deg(yaw, pitch, roll).tolist()
    return PoseSample(time_s, (w, x, y, z))


def ignore(text):
    """Stand in for a person who does not listen."""


def bridge_of(source, mailbox, on_message=ignore, **settings):
    memory = Memory(DeviceStore(), on_message)
    return Bridge(source, PosePipeline(make_settings(**settings), memory, on_message), mailbox, on_message=on_message)


def opened(spec, mailbox, on_message=ignore, **settings):
    return open_thread(make_settings(tracker=spec, **settings), mailbox, on_message=on_message)


def until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()


def test_recentring_takes_the_heading_and_leaves_gravity():
    recentre = Recentre()
    recentre.request(looking(70, -10, 5), 0.0)
    after = recentre.apply(looking(70, -10, 5), EASE_S)
    assert after.yaw_pitch_roll_deg() == pytest.approx((0.0, -10.0, 5.0), abs=1e-6)
    turned = recentre.apply(looking(100, 20, 0), 1.0)
    assert turned.yaw_pitch_roll_deg() == pytest.approx((30.0, 20.0, 0.0), abs=1e-6)


def test_a_whole_recentre_makes_the_pose_the_origin():
    recentre = Recentre(yaw_only=False)
    recentre.request(looking(70, -10, 5), 0.0)
    after = recentre.apply(looking(70, -10, 5), EASE_S)
    assert after.yaw_pitch_roll_deg() == pytest.approx((0.0, 0.0, 0.0), abs=1e-6)


def test_recentring_eases_even_when_asked_again_on_the_way():
    recentre, last = Recentre(), 0.0
    yaws = []
    for k in range(800):
        if k == 100:
            recentre.request(looking(60), k * 0.001)
        if k == 150:
            recentre.request(looking(-40), k * 0.001)
        yaws.append(recentre.apply(looking(60), k * 0.001).yaw_pitch_roll_deg()[0])
    steps = np.abs(np.diff(yaws))
    assert yaws[0] == pytest.approx(60.0) and yaws[-1] == pytest.approx(100.0)
    assert last == 0.0 and steps.max() < 1.5 * 100.0 / (EASE_S / 0.001) + 0.1


def test_a_pose_is_said_as_people_say_it():
    assert look_in_words(looking(30, -10, 5)) == ("you look 30° to the left, 10° down, your head leans 5° to the right")
    assert look_in_words(looking(-90, 20, -7)) == ("you look 90° to the right, 20° up, your head leans 7° to the left")
    assert look_in_words(looking(0, 12)) == "you look 12° up"
    assert look_in_words(looking(0)) == "you look straight ahead"


def test_notices_of_one_kind_are_counted_and_not_repeated():
    heard, now = [], [0.0]
    notices = Notices(heard.append, clock=lambda: now[0])
    for _ in range(1000):
        notices.repeat("noise", "noise on the line")
    now[0] = 6.0
    notices.repeat("noise", "noise on the line")
    assert heard == ["noise on the line", "noise on the line (999 more since the last such message)"]


def told_at(notices, heard, now, seconds, text=lambda now_s: "port 9000 is in use", step_s=1.0):
    """Return when sentences were passed on of something that is so each second."""
    times = []
    for _ in range(round(seconds / step_s)):
        before = len(heard)
        notices.repeat("bind", text(now[0]))
        times += [now[0]] * (len(heard) - before)
        now[0] += step_s
    return times


def test_what_stays_so_is_told_less_and_less_often_and_what_is_over_begins_anew():
    heard, now = [], [0.0]
    notices = Notices(heard.append, clock=lambda: now[0])
    assert told_at(notices, heard, now, 1500.0) == [0.0, 5.0, 15.0, 35.0, 75.0, 155.0, 315.0, 615.0, 915.0, 1215.0]
    now[0] += 10.0
    assert told_at(notices, heard, now, 3.0) == [], "still the same"
    now[0] += OVER_S
    begun_s = now[0]
    assert told_at(notices, heard, now, 10.0) == [begun_s, begun_s + 5.0]


def test_a_new_reason_is_told_as_soon_as_a_first_one_and_another_figure_is_none():
    heard, now = [], [0.0]
    notices = Notices(heard.append, clock=lambda: now[0])
    assert len(told_at(notices, heard, now, 100.0, lambda now_s: f"{now_s:.1f} damaged frames")) == 5
    assert told_at(notices, heard, now, 1.0, lambda now_s: "it is not there") == [100.0]


def test_a_simulated_head_reaches_the_mailbox_with_its_own_poses():
    mailbox = PoseMailbox.private()
    with opened("simulated:5", mailbox) as bridge:
        until(lambda: bridge.status().published > 40)
        pose, status = mailbox.read(), bridge.status()
        assert status.connected and status.age_s < 5.0 and status.source == "simulated head"
    assert pose.gyro_rad_s is not None
    expected = SimulatedHead(5).pose_at(pose.time_s - bridge._source._start_s)
    np.testing.assert_allclose(pose.quat_world_from_head, expected.quat_world_from_head, atol=1e-9)
    assert not any(thread.name == "head-tracker" for thread in threading.enumerate())


def test_a_pose_file_is_played_from_its_start(tmp_path):
    path = tmp_path / "head.csv"
    path.write_text("time_s,w,x,y,z\n0,0,0,0,1\n")
    mailbox = PoseMailbox.private()
    with opened(f"csv:{path}", mailbox) as bridge:
        until(lambda: mailbox.read() is not None)
        assert "head.csv" in bridge.status().source
    assert mailbox.read().yaw_pitch_roll_deg()[0] == pytest.approx(180.0)


def test_osc_reaches_the_mailbox_and_is_recentred_on_request():
    port = free_port()
    heard, mailbox = [], PoseMailbox.private()
    with (
        closing(SimpleUDPClient("127.0.0.1", port)) as client,
        opened("osc", mailbox, heard.append, osc_port=port) as bridge,
    ):
        until(lambda: heard)
        client.send_message("/ypr", [30.0, 10.0, 5.0])
        until(lambda: mailbox.read() is not None)
        assert mailbox.read().yaw_pitch_roll_deg() == pytest.approx((30.0, -10.0, 5.0), abs=1e-4)
        bridge.recentre()
        until(lambda: abs(mailbox.read().yaw_pitch_roll_deg()[0]) < 1e-3)
        until(lambda: bridge.status().sender.startswith("127.0.0.1:"))


class Given:
    """A source that gives what a test puts in: poses told by nobody in particular, at their own times."""

    name = "given"
    dialect = None
    device_id = ""
    exact_times = True
    closed = 0

    def __init__(self, *poses):
        self.waiting = list(poses)

    def poll(self, timeout_s):
        time.sleep(min(timeout_s, 0.002))
        poses, self.waiting = self.waiting, []
        return [Heard(Motion(pose.quat_world_from_head), pose.time_s) for pose in poses]

    def health(self):
        return SourceHealth(True, "somebody", 0)

    def say(self, data):
        return False

    def close(self):
        self.closed += 1


def yaw_in(mailbox):
    return mailbox.read().yaw_pitch_roll_deg()[0]


def test_a_head_that_was_told_once_is_recentred_where_it_looked():
    first_s = time.monotonic()
    heard, mailbox, source = [], PoseMailbox.private(), Given(looking(30, -10, 5, time_s=first_s))
    with bridge_of(source, mailbox, heard.append) as bridge:
        until(lambda: mailbox.read() is not None)
        assert mailbox.read().yaw_pitch_roll_deg() == pytest.approx((30.0, -10.0, 5.0), abs=1e-9)
        bridge.recentre()
        until(lambda: abs(yaw_in(mailbox)) < 1e-9)
        assert heard == ["recentred: where you look now is straight ahead"]
        eased = mailbox.read()
        assert eased.yaw_pitch_roll_deg()[1:] == pytest.approx((-10.0, 5.0), abs=1e-9)
        # It is the same measurement, however often it was given on.
        until(lambda: bridge.status().published == 1)
        assert eased.time_s == first_s and eased.seq == 1
        until(lambda: not bridge._pipeline._recentre.easing)
        assert mailbox.published_count() > 4
        next_s = time.monotonic()
        source.waiting = [looking(90, time_s=next_s)]
        until(lambda: mailbox.read().time_s == next_s)
        assert yaw_in(mailbox) == pytest.approx(60.0)


def test_what_comes_after_the_request_is_not_the_reference():
    mailbox, source = PoseMailbox.private(), Given(looking(30, time_s=1.0))
    bridge = bridge_of(source, mailbox)
    bridge._turn()
    bridge.recentre()
    source.waiting = [looking(80, time_s=2.0)]
    with bridge:
        until(lambda: abs(yaw_in(mailbox) - 50.0) < 1e-6)


def test_recentring_before_any_pose_is_answered():
    heard = []
    with bridge_of(Given(), PoseMailbox.private(), heard.append) as bridge:
        bridge.recentre()
        until(lambda: heard)
    assert heard == ["nothing to recentre: no pose has come yet"]


def test_a_mailbox_with_another_writer_stops_the_bridge_with_a_sentence(tmp_path):
    heard = []
    with PoseMailbox.create(tmp_path / "box") as first:
        first.publish(looking(0))
        with opened("simulated", PoseMailbox.create(tmp_path / "box"), heard.append) as bridge:
            until(lambda: heard)
            until(lambda: not bridge.is_running)
            assert bridge.failed and not bridge.status().connected
    assert "already publishes" in heard[0]


def test_a_bridge_of_nobody_waits_for_nothing():
    bridge = opened("none", PoseMailbox.private())
    assert bridge.status().text == "no head tracker" and not bridge.status().connected
    bridge.stop()
    bridge.stop()


def test_stopping_closes_the_source_once():
    source, mailbox = Given(looking(1.0, time_s=1.0)), PoseMailbox.private()
    bridge = bridge_of(source, mailbox)
    assert bridge.status().text == "given: waiting for the first pose"
    bridge.start()
    until(lambda: mailbox.read() is not None)
    bridge.stop()
    bridge.stop()
    assert source.closed == 1


def test_a_source_without_a_device_needs_no_process_of_its_own():
    for spec in ("none", "simulated:2"):
        bridge = open_bridge(make_settings(tracker=spec), on_message=ignore)
        assert isinstance(bridge, Bridge) and bridge.is_running
        bridge.stop()


def test_a_bridge_that_runs_elsewhere_is_followed_with_its_health(tmp_path):
    heard, path = [], tmp_path / "box"
    PoseMailbox.create(path).close()
    attached = open_bridge(make_settings(tracker=f"bridge:{path}"), on_message=heard.append)
    assert attached.status().text.startswith("the bridge is not there") and "firmware-bridge run" in heard[0]
    for seed in (1, 2):  # the other bridge is started twice
        with opened(f"simulated:{seed}", PoseMailbox.create(path)):
            until(lambda: attached.status().connected and attached.status().rate_hz > 20.0)
            assert attached.mailbox.read() is not None and "poses/s" in attached.status().text
            before = attached.mailbox.read().seq
            until(lambda before=before: attached.mailbox.read().seq != before)
        until(lambda: not attached.status().connected)
        assert "it has ended" in attached.status().text
    attached.stop()


def test_words_that_are_strange_are_those_of_a_bridge_that_ended(tmp_path):
    PoseMailbox.create(tmp_path / "box").close()
    attached = open_bridge(make_settings(tracker=f"bridge:{tmp_path / 'box'}"), on_message=ignore)
    words = BridgeWords(StateWord.LIVE, 1, 100_000, 0, -1, 0, 0, -1, -1, time.monotonic_ns())
    attached.mailbox.tell(words)
    assert attached.mailbox.told() == words and attached.status().connected
    for strange in (replace(words, state=99), replace(words, heartbeat_ns=words.heartbeat_ns + 10**12)):
        attached.mailbox.tell(strange)
        assert not attached.status().connected and "it has ended" in attached.status().text
    attached.stop()


def test_what_cannot_be_recorded_is_told_early(tmp_path):
    for spec in ("csv:poses.csv", "none", "simulated"):
        with pytest.raises(BridgeError, match="cannot be recorded: name its port"):
            open_bridge(make_settings(tracker=spec, record_raw=tmp_path / "a.rtraw"), on_message=ignore)


class Radio:
    """Stands for other renderers."""

    def __init__(self):
        self.sent, self.closed, self.flushed = [], 0, None

    def send(self, quat, now_s):
        self.sent.append(quat)

    def flush(self, now_s):
        self.flushed = now_s

    def close(self):
        self.closed += 1


def test_others_get_the_same_poses():
    radio, mailbox = Radio(), PoseMailbox.private()
    memory = Memory(DeviceStore(), ignore)
    pipeline = PosePipeline(make_settings(), memory, ignore)
    poses = [looking(k, time_s=k) for k in range(1, 6)]
    with Bridge(Given(*poses), pipeline, mailbox, on_message=ignore, outputs=radio):
        until(lambda: len(radio.sent) >= 5 and radio.flushed)
    assert radio.sent[:5] == [pytest.approx(pose.quat_world_from_head) for pose in poses] and radio.closed == 1


def test_advice_is_given_once_a_minute_whatever_its_figures():
    heard, meter = [], HealthMeter()
    advice = Advice(heard.append)
    for k in range(400):
        meter.note_arrival(0.2 * k + 0.1, 0.2 * k + 0.0001 * k, Motion((1.0, 0.0, 0.0, 0.0)))
        advice.tell(meter.snapshot(0.2 * k + 0.1), 0.2 * k)
    assert len(heard) == 2 and all("ms old when they arrive" in text for text in heard)


def test_a_fault_of_ours_is_told_and_ends_the_bridge_alone():
    class Faulty(Given):
        def poll(self, timeout_s):
            return [Heard(None, 1.0)]

    heard = []
    with bridge_of(Faulty(), PoseMailbox.private(), heard.append) as bridge:
        until(lambda: not bridge.is_running)
        assert not bridge.failed and not bridge.status().connected
    assert len(heard) == 1 and heard[0].startswith("the head tracker stopped by a fault of this program")


def test_an_output_that_is_named_hears_the_head_over_osc():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as renderer:
        renderer.bind(("127.0.0.1", 0))
        renderer.settimeout(5.0)
        place = f"sparta@127.0.0.1:{renderer.getsockname()[1]}"
        with opened("simulated:1", PoseMailbox.private(), outputs=[place]):
            assert renderer.recv(1024).startswith(b"/ypr")
