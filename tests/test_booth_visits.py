"""Visits: when somebody picks the headphones up, looks ahead, and hangs them up, told by the head's motion alone."""

import numpy as np
import pytest

from firmware_bridge.quaternion import from_yaw_pitch_roll_deg
from firmware_bridge.virtual.simulated_head import SimulatedHead
from rt_render.app.booth.movement import Movement
from rt_render.app.booth.visits import State, Step, Thresholds, Visits

LIMITS = Thresholds(still_deg=0.5, pick_up_deg=5.0, rest_after_s=25.0, lost_after_s=300.0)
STEP_S = 0.05


def turned(yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0):
    return tuple(float(v) for v in from_yaw_pitch_roll_deg(yaw_deg, pitch_deg, roll_deg))


class Course:
    """A booth's time, in which poses come or do not."""

    def __init__(self, limits=LIMITS):
        self.now_s, self.visits, self.told = 100.0, Visits(100.0, limits), []

    def go_on(self, seconds, pose=lambda t: turned()):
        for _ in range(round(seconds / STEP_S)):
            self.now_s += STEP_S
            quat = pose(self.now_s) if pose else None
            steps = self.visits.look(self.now_s, self.now_s if quat else None, quat or turned())
            self.told += [(round(self.now_s - 100.0, 2), step) for step in steps]
        return [step for _, step in self.told]

    def picked_up(self):
        """Lie still until it rests, then be lifted."""
        self.go_on(30.0)
        start_s = self.now_s
        self.go_on(1.0, lambda t: turned(40.0 * (t - start_s), 30.0 * (t - start_s)))


def worn(seed=3):
    head = SimulatedHead(seed)
    return lambda t: tuple(float(v) for v in head.pose_at(t).quat_world_from_head)


def test_headphones_that_lie_still_come_to_rest_once():
    course = Course()
    assert course.go_on(20.0) == []
    assert course.go_on(60.0) == [Step.RESTS] and course.visits.state is State.REST
    assert course.told[0][0] == pytest.approx(25.05, abs=0.1)


def test_picked_up_they_begin_a_visit_which_ends_when_they_have_lain_still():
    course = Course()
    course.picked_up()
    course.go_on(60.0, worn())
    assert [step for _, step in course.told] == [Step.RESTS, Step.BEGINS, Step.RECENTRE]
    left_s = course.now_s - 100.0
    course.go_on(60.0)
    assert [step for _, step in course.told[3:]] == [Step.LEFT, Step.RESTS]
    assert course.told[3][0] - left_s == pytest.approx(25.0, abs=1.2)


def test_a_worn_head_that_hardly_moves_is_no_rest():
    course = Course()
    course.picked_up()
    # a quiet listener: half a degree of sway, some breathing
    course.go_on(300.0, lambda t: turned(0.5 * np.sin(2.4 * t), 0.4 * np.sin(1.6 * t)))
    assert course.visits.state is State.VISIT


@pytest.mark.parametrize("drift_deg_per_min", [0.0, 5.0, 20.0])
def test_noise_and_drift_of_a_sensor_are_no_head(drift_deg_per_min):
    course, rng = Course(), np.random.default_rng(1)
    noise = rng.normal(0.0, 0.04, (4000, 3))
    course.go_on(120.0, lambda t: turned(*noise[round(20 * t) % 4000] + [drift_deg_per_min / 60.0 * t, 0.0, 0.0]))
    assert [step for _, step in course.told] == [Step.RESTS]


def test_a_knock_at_the_table_wakes_nobody():
    course = Course()
    course.go_on(30.0)
    course.go_on(20.0, lambda t: turned(1.5 * np.sin(12.0 * t)))
    assert course.visits.state is State.REST


def test_the_first_calm_look_ahead_is_the_front():
    course = Course()
    course.picked_up()
    begun_s = course.told[-1][0]
    course.go_on(4.0, lambda t: turned(20.0 * t, 0.0))  # looks round
    course.go_on(4.0, lambda t: turned(50.0, -45.0, 0.0))  # looks down at the cable
    assert Step.RECENTRE not in [step for _, step in course.told]
    course.go_on(4.0, lambda t: turned(50.0, 5.0, 3.0))
    at_s = next(at for at, step in course.told if step is Step.RECENTRE)
    assert 8.0 < at_s - begun_s < 11.0
    course.go_on(20.0, worn())
    assert [step for _, step in course.told].count(Step.RECENTRE) == 1


def test_who_never_holds_the_head_level_is_recentred_all_the_same():
    course = Course()
    course.picked_up()
    course.go_on(20.0, lambda t: turned(10.0 + 0.5 * np.sin(3 * t), -50.0))
    assert Step.RECENTRE in [step for _, step in course.told]


def test_a_tracker_that_falls_silent_ends_no_visit_and_one_that_stays_silent_lets_sound_play():
    course = Course()
    course.picked_up()
    course.go_on(30.0, worn())
    told = len(course.told)
    course.go_on(290.0, None)
    assert course.visits.state is State.VISIT and len(course.told) == told
    course.go_on(20.0, None)
    assert [step for _, step in course.told[told:]] == [Step.LOST, Step.WAITS]
    # back again, and turned meanwhile: that is no movement
    course.go_on(3.0, lambda t: turned(90.0))
    assert course.visits.state is State.WAITING
    course.go_on(5.0, worn())
    assert course.visits.state is State.VISIT


def test_a_tracker_lost_during_rest_wakes_the_sound_after_a_while():
    course = Course()
    course.go_on(30.0)
    course.go_on(310.0, None)
    assert [step for _, step in course.told] == [Step.RESTS, Step.WAITS]


def test_a_rest_from_the_beginning_ends_when_headphones_are_taken_or_no_tracker_comes():
    course = Course()
    course.visits = Visits(course.now_s, LIMITS, State.REST)
    assert course.go_on(60.0) == [] and course.visits.state is State.REST
    assert course.go_on(2.0, worn())[0] is Step.BEGINS
    silent = Course()
    silent.visits = Visits(silent.now_s, LIMITS, State.REST)
    assert silent.go_on(24.0, None) == [] and silent.go_on(3.0, None) == [Step.WAITS]


def test_a_gap_of_the_tracker_is_no_stillness():
    course = Course()
    course.picked_up()
    course.go_on(30.0, worn())
    course.go_on(60.0, None)
    course.go_on(24.0, lambda t: turned(0.0))
    assert course.visits.state is State.VISIT
    course.go_on(3.0, lambda t: turned(0.0))
    assert course.visits.state is State.REST


def test_movement_is_the_largest_turn_of_the_last_second():
    movement = Movement()
    for k in range(41):
        movement.take(0.05 * k, turned(0.05 * k * 8.0))
    assert movement.angle_deg() == pytest.approx(8.0, abs=0.01)
    movement.take(2.0, turned(170.0))  # not newer than the last
    assert movement.angle_deg() == pytest.approx(8.0, abs=0.01)
    movement.take(5.0, turned(90.0))  # after a gap
    assert movement.angle_deg() is None


def test_twenty_visitors_one_after_another_are_twenty_visits():
    course = Course()
    for seed in range(20):
        course.picked_up()
        course.go_on(40.0, worn(seed))
        course.go_on(30.0)
    steps = [step for _, step in course.told]
    assert steps.count(Step.BEGINS) == steps.count(Step.LEFT) == steps.count(Step.RECENTRE) == 20
