import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import quaternion
from firmware_bridge.errors import BridgeError
from firmware_bridge.plain_quaternion import IDENTITY, angle_rad
from firmware_bridge.stages.fail_safe import FailSafe

STEP_S = 0.01


def looking(yaw, pitch=0.0, roll=0.0):
    return tuple(quaternion.from_yaw_pitch_roll_deg(yaw, pitch, roll).tolist())


def apart_deg(a, b):
    return np.degrees(angle_rad(a, b))


class Show:
    """Runs a fail-safe in steps of 10 ms, with data where `heard` says so, and keeps what was shown."""

    def __init__(self, fail_safe, head=lambda time_s: looking(60, -20, 10)):
        self.fail_safe, self.head, self.now_s = fail_safe, head, 0.0
        self.poses, self.states, self.news = [], [], []

    def run(self, seconds, heard=True):
        for _ in range(round(seconds / STEP_S)):
            self.now_s += STEP_S
            if heard:
                self.poses.append(self.fail_safe.live(self.head(self.now_s), self.now_s, self.now_s))
            elif (shown := self.fail_safe.quiet(self.now_s)) is not None:
                self.poses.append(shown)
            self.states.append(self.fail_safe.state)
            self.news += self.fail_safe.news()
        return self

    def largest_step_deg(self):
        return max(apart_deg(a, b) for a, b in zip(self.poses, self.poses[1:], strict=False))


def test_it_holds_then_eases_to_the_front_and_says_so():
    show = Show(FailSafe(hold_s=1.0, ease_s=2.0)).run(3.0)
    assert show.fail_safe.state == "live" and show.poses[-1] == looking(60, -20, 10) and not show.news
    show.run(0.9, heard=False)
    assert show.fail_safe.state == "held" and show.poses[-1] == looking(60, -20, 10)
    show.run(1.1, heard=False)
    assert show.fail_safe.state == "easing"
    halfway = apart_deg(show.poses[-1], IDENTITY) / apart_deg(looking(60, -20, 10), IDENTITY)
    assert halfway == pytest.approx(0.5, abs=0.03)
    show.run(1.1, heard=False)
    assert show.fail_safe.state == "front" and show.poses[-1] == IDENTITY
    assert list(dict.fromkeys(show.states)) == ["live", "held", "easing", "front"]
    assert show.news == ["no pose for 1 s: the sound turns to the front over 2 s, until the tracker is back"]
    n_shown = len(show.poses)
    assert len(show.run(5.0, heard=False).poses) == n_shown


def test_it_comes_back_without_a_jump_and_follows_exactly_afterwards():
    show = Show(FailSafe(return_s=0.5)).run(3.0).run(10.0, heard=False).run(0.4)
    assert 0.0 < apart_deg(show.poses[-1], looking(60, -20, 10)) < 20.0
    show.run(0.2)
    assert show.poses[-1] == looking(60, -20, 10)
    assert show.news[1:] == ["the tracker is back: the sound follows your head again"]
    assert show.largest_step_deg() < 1.6 * 70.0 * STEP_S / 0.5


def test_movements_are_followed_while_it_returns():
    show = Show(FailSafe(return_s=1.0), head=lambda time_s: looking(40.0)).run(3.0).run(10.0, heard=False)
    show.head = lambda time_s: looking(40.0 + 100.0 * (time_s - 13.0))
    show.run(0.1)
    yaw = quaternion.to_yaw_pitch_roll_deg(show.poses[-1])[0]
    assert 9.0 < yaw < 11.0


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.02, 4.0), st.booleans()), min_size=1, max_size=10),
    st.floats(0.0, 2.0),
    st.floats(0.3, 2.0),
    st.floats(0.3, 2.0),
)
def test_what_is_shown_never_jumps_whenever_data_stop_and_return(phases, hold_s, ease_s, return_s):
    show = Show(FailSafe(hold_s, ease_s, return_s)).run(3.0)
    for seconds, heard in phases:
        show.run(seconds, heard)
    show.run(3.0)
    # Smoothstep peaks at 1.5 of its mean speed, here over at most half a turn; both eases may overlap once.
    assert show.largest_step_deg() <= 1.5 * 72.0 * STEP_S * (1.0 / min(ease_s, return_s) + 1.0 / return_s) + 0.01
    assert show.poses[-1] == looking(60, -20, 10)


def test_a_late_timer_makes_no_jump():
    show = Show(FailSafe()).run(3.0)
    assert apart_deg(show.fail_safe.quiet(show.now_s + 2.5), show.poses[-1]) < 1e-6
    assert show.fail_safe.state == "easing"


def test_data_that_return_before_the_ease_began_but_after_the_hold_make_no_jump():
    show = Show(FailSafe()).run(3.0)
    shown = show.fail_safe.live(looking(-60), 20.0, 20.0)
    assert apart_deg(shown, show.poses[-1]) < 1e-6


@pytest.mark.parametrize("gap_s", [0.3, 0.9])
def test_data_that_return_before_the_hold_ended_make_no_jump(gap_s):
    show = Show(FailSafe(hold_s=1.0)).run(3.0).run(gap_s, heard=False)
    show.head = lambda time_s: looking(-60)
    show.run(0.1)
    assert show.largest_step_deg() < 1.6 * 140.0 * STEP_S / 0.5
    assert show.run(0.5).poses[-1] == looking(-60) and not show.news


def test_another_world_is_eased_into_once():
    show = Show(FailSafe(return_s=0.5)).run(1.0)
    show.fail_safe.ease_from_shown(show.now_s)
    show.head = lambda time_s: looking(0)
    show.run(0.6)
    assert show.largest_step_deg() < 1.6 * 70.0 * STEP_S / 0.5 and show.poses[-1] == looking(0)
    show.head = lambda time_s: looking(90)
    assert show.run(STEP_S).poses[-1] == looking(90)
    unused = FailSafe()
    unused.ease_from_shown(0.0)
    assert unused.live(looking(90), 1.0, 1.0) == looking(90)


def test_what_another_one_showed_is_held_eased_from_and_missed():
    show = Show(FailSafe(hold_s=1.0, ease_s=1.0))
    show.fail_safe.ease_from_shown(0.0, looking(60, -20, 10))
    show.head = lambda time_s: looking(0)
    assert apart_deg(show.run(STEP_S).poses[0], looking(60, -20, 10)) < 1.0
    show = Show(FailSafe(hold_s=1.0, ease_s=1.0))
    show.fail_safe.ease_from_shown(0.0, looking(50))
    show.run(2.1, heard=False)
    assert apart_deg(show.poses[0], looking(50)) < 1.0 and show.poses[-1] == IDENTITY
    assert show.largest_step_deg() < 1.0 and show.fail_safe.state == "front"


def test_a_reference_that_moves_does_not_end_the_silence():
    show = Show(FailSafe(hold_s=1.0, ease_s=1.0)).run(3.0)
    for _ in range(4):
        show.run(0.6, heard=False)
        show.fail_safe.reference_moved(looking(20))
    assert show.fail_safe.state == "front" and looking(20) in show.poses


def test_a_sender_that_sends_on_change_is_held_for_good_and_followed_at_once():
    fail_safe = FailSafe()
    for time_s in np.arange(0.0, 1.0, 0.02):
        fail_safe.live(looking(50.0 * time_s), time_s, time_s)
    held = [fail_safe.quiet(now_s) for now_s in np.arange(1.0, 60.0, 0.05)]
    assert fail_safe.state == "held" and {pose for pose in held if pose} == {looking(49.0)}
    assert fail_safe.live(looking(90.0), 60.0, 60.0) == looking(90.0)
    assert fail_safe.quiet(200.0) and fail_safe.quiet(300.0) is None
    assert len(fail_safe.news()) == 2, "that nobody can tell, and that it is back; from then on it is known"


DOUBT = (
    "no pose for 5 s: the sound stays where it was until one comes; trackers that send only movements do so, and for "
    "any other look at its power and its cable"
)
BACK = "the tracker is back: the sound follows your head again"


def test_a_tracker_that_is_lost_soon_after_it_came_is_told_once_and_the_sound_stays():
    show = Show(FailSafe()).run(1.5).run(4.9, heard=False)
    assert show.news == []
    show.run(60.0, heard=False)
    assert show.news == [DOUBT] and show.fail_safe.state == "held" and show.poses[-1] == looking(60, -20, 10)
    show.run(0.5)
    assert show.news == [DOUBT, BACK]
    for _ in range(5):
        show.run(30.0, heard=False).run(0.5)
    assert show.news == [DOUBT, BACK], "one that sends only movements says no more"
    show.run(2.5).run(10.0, heard=False).run(1.0).run(10.0, heard=False)
    assert show.news[2:4] == ["no pose for 1 s: the sound turns to the front over 2 s, until the tracker is back", BACK]
    assert show.news[4:] == [DOUBT], "it was steady: now it is worth a word again"


def test_a_steady_tracker_that_may_be_held_for_long_is_in_no_doubt():
    show = Show(FailSafe(hold_s=20.0)).run(3.0).run(19.0, heard=False)
    assert show.news == [] and show.run(2.0, heard=False).fail_safe.state == "easing"


def test_poses_too_seldom_to_be_a_stream_are_held_for_good():
    fail_safe = FailSafe()
    for time_s in np.arange(0.0, 10.0, 0.2):
        fail_safe.live(looking(50.0), time_s, time_s)
    fail_safe.quiet(100.0)
    fail_safe.quiet(200.0)
    assert fail_safe.state == "held" and not fail_safe.news()


def test_before_the_first_pose_there_is_nothing_to_show():
    fail_safe = FailSafe()
    assert fail_safe.quiet(0.0) is None and fail_safe.quiet(100.0) is None and fail_safe.state == "waiting"


@pytest.mark.parametrize(
    "times", [(-1, 2, 0.5), (4000, 2, 0.5), (1, 0, 0.5), (1, 61, 0.5), (1, 2, 0), (1, 2, float("nan"))]
)
def test_times_out_of_range_are_refused(times):
    with pytest.raises(BridgeError, match="allowed are"):
        FailSafe(*times)
