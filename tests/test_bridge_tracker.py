import socket
import threading
import time
from contextlib import closing

import numpy as np
import pytest
from pythonosc.udp_client import SimpleUDPClient

from firmware_bridge import quaternion
from firmware_bridge.errors import BridgeError
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.notices import Notices
from firmware_bridge.pose import PoseSample
from firmware_bridge.source import SourceHealth, look_in_words
from firmware_bridge.stages.recentre import EASE_S, Recentre
from firmware_bridge.tracker import Tracker, open_tracker
from firmware_bridge.virtual.simulated_head import SimulatedHead


def looking(yaw, pitch=0.0, roll=0.0, time_s=0.0):
    w, x, y, z = quaternion.from_yaw_pitch_roll_deg(yaw, pitch, roll).tolist()
    return PoseSample(time_s, (w, x, y, z))


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


def test_a_simulated_head_reaches_the_mailbox_with_its_own_poses():
    mailbox = PoseMailbox.private()
    with open_tracker("simulated:5", mailbox) as tracker:
        until(lambda: tracker.status().published > 40)
        pose, status = mailbox.read(), tracker.status()
        assert status.connected and status.age_s < 5.0 and "poses/s" in status.text
    assert pose.gyro_rad_s is not None
    expected = SimulatedHead(5).pose_at(pose.seq / 200.0)
    np.testing.assert_allclose(pose.quat_world_from_head, expected.quat_world_from_head, atol=1e-12)
    assert not any(thread.name == "head-tracker" for thread in threading.enumerate())
    count = mailbox.published_count()
    time.sleep(0.05)
    assert mailbox.published_count() == count


def test_a_pose_file_is_played_from_its_start(tmp_path):
    path = tmp_path / "head.csv"
    path.write_text("time_s,w,x,y,z\n0,0,0,0,1\n")
    mailbox = PoseMailbox.private()
    with open_tracker(f"csv:{path}", mailbox) as tracker:
        until(lambda: mailbox.read() is not None)
        assert "head.csv" in tracker.status().source
    assert mailbox.read().yaw_pitch_roll_deg()[0] == pytest.approx(180.0)


def test_osc_reaches_the_mailbox_and_is_recentred_on_request():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    heard, mailbox = [], PoseMailbox.private()
    with (
        closing(SimpleUDPClient("127.0.0.1", port)) as client,
        open_tracker("osc", mailbox, osc_port=port, on_message=heard.append) as tracker,
    ):
        until(lambda: heard)
        client.send_message("/ypr", [30.0, 10.0, 5.0])
        until(lambda: mailbox.read() is not None)
        assert mailbox.read().yaw_pitch_roll_deg() == pytest.approx((30.0, -10.0, 5.0), abs=1e-4)
        tracker.recentre()
        until(lambda: abs(mailbox.read().yaw_pitch_roll_deg()[0]) < 1e-3)
        assert tracker.status().sender.startswith("127.0.0.1:")


class Given:
    """A source that gives what a test puts in."""

    name = "given"

    def __init__(self, *poses):
        self.waiting = list(poses)

    def poll(self, timeout_s):
        time.sleep(min(timeout_s, 0.002))
        poses, self.waiting = self.waiting, []
        return poses

    def health(self):
        return SourceHealth(True, "", 0)

    def close(self):
        pass


def test_a_head_that_was_told_once_is_recentred_where_it_looked():
    heard, mailbox, source = [], PoseMailbox.private(), Given(looking(30, -10, 5, time_s=1.0))
    with Tracker(source, mailbox, on_message=heard.append) as tracker:
        until(lambda: mailbox.read() is not None)
        assert mailbox.read().yaw_pitch_roll_deg() == pytest.approx((30.0, -10.0, 5.0), abs=1e-9)
        tracker.recentre()
        until(lambda: abs(mailbox.read().yaw_pitch_roll_deg()[0]) < 1e-9)
        assert heard == ["recentred: where you look now is straight ahead"]
        eased = mailbox.read()
        assert eased.yaw_pitch_roll_deg()[1:] == pytest.approx((-10.0, 5.0), abs=1e-9)
        # It is the same measurement, however often it was given on.
        assert eased.time_s == 1.0 and tracker.status().published == 1
        until(lambda: not tracker._recentre.easing)
        count = mailbox.published_count()
        assert count > 4
        time.sleep(0.05)
        assert mailbox.published_count() == count
        source.waiting = [looking(90, time_s=2.0)]
        until(lambda: mailbox.read().time_s == 2.0)
        assert mailbox.read().yaw_pitch_roll_deg()[0] == pytest.approx(60.0)


def test_what_comes_after_the_request_is_not_the_reference():
    tracker = Tracker(Given(), PoseMailbox.private(), on_message=lambda text: None)
    tracker._publish(looking(30))
    tracker._mailbox.request_recentre()
    tracker._source.waiting = [looking(80)]
    with tracker:
        until(lambda: abs(tracker._mailbox.read().yaw_pitch_roll_deg()[0] - 50.0) < 1e-6)


def test_recentring_before_any_pose_is_answered():
    heard = []
    with Tracker(Given(), PoseMailbox.private(), on_message=heard.append) as tracker:
        tracker.recentre()
        until(lambda: heard)
    assert heard == ["nothing to recentre: no pose has come yet"]


def test_a_mailbox_with_another_writer_stops_the_tracker_with_a_sentence(tmp_path):
    heard = []
    with PoseMailbox.create(tmp_path / "box") as first, PoseMailbox.create(tmp_path / "box") as second:
        first.publish(looking(0))
        with open_tracker("simulated", second, on_message=heard.append):
            until(lambda: heard)
    assert "already publishes" in heard[0]


def test_a_tracker_of_nobody_waits_for_nothing():
    tracker = open_tracker("none", PoseMailbox.private())
    assert tracker.status().text == "no head tracker" and not tracker.status().connected
    tracker.stop()
    tracker.stop()


class Counting:
    """A source that counts its closings, for the life of a tracker."""

    name = "counting"
    closed = 0

    def poll(self, timeout_s):
        time.sleep(0.001)
        return [looking(10.0, time_s=time.monotonic())]

    def health(self):
        return SourceHealth(True, "", 0)

    def close(self):
        self.closed += 1


def test_stopping_closes_the_source_once():
    source = Counting()
    tracker = Tracker(source, PoseMailbox.private(), on_message=lambda text: None)
    assert tracker.status().text == "counting: waiting for the first pose"
    tracker.start()
    until(lambda: tracker.status().published > 3)
    tracker.stop()
    tracker.stop()
    assert source.closed == 1


@pytest.mark.parametrize(
    "spec", ["", "foo", "osc:9000", "serial", "csv:", "simulated:x", "simulated:-1", "none:1", "serial:"]
)
def test_a_tracker_that_cannot_be_is_answered_with_what_can(spec):
    with pytest.raises(BridgeError, match=r"allowed are osc|whole number"):
        open_tracker(spec, PoseMailbox.private())
