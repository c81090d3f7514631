import numpy as np
import pytest
from calibrating_person import Person, trial, tuple_of

from firmware_bridge import plain_quaternion, quaternion
from firmware_bridge.stages.calibration import ASKS, Calibration
from firmware_bridge.stages.nods import find_nods, left_of
from firmware_bridge.virtual.nodding_head import NoddingHead


def calibrated(**kinds):
    person = Person(**{"seed": 5, "rate_hz": 50.0} | kinds)
    found = person.calibrate()
    assert found is not None, person.heard
    return person, found


def test_clean_nods_give_gravity_and_heading_within_a_degree_for_any_mounting():
    errors = np.array([trial(seed, nods=3, off_axis=0.0, rate_hz=50.0)[:2] for seed in range(12)])
    assert errors.max() < 1.0


def test_eight_nods_that_stray_by_a_tenth_give_the_heading_within_three_degrees():
    errors_deg = []
    for seed in range(400):
        random = np.random.default_rng(seed)
        sensor_from_head = quaternion.normalise(random.normal(size=4))
        left, up = quaternion.rotation_matrix(sensor_from_head)[:, 1:].T
        size = np.sin(np.linspace(0.0, np.pi, 25)) ** 2
        paths = []
        for nod_deg in random.uniform(15.0, 40.0, 8):
            roll, yaw = 0.1 * random.normal(size=2) * 0.5**0.5
            paths.append(np.radians(nod_deg) * size[:, None] * [roll, 1.0, yaw])
        head = quaternion.from_rotation_vector(np.concatenate(paths))
        noise = quaternion.from_rotation_vector(random.normal(0.0, np.radians(0.15), (len(head), 3)))
        path = quaternion.multiply(quaternion.multiply(head, quaternion.conjugate(sensor_from_head)), noise)
        found = left_of(find_nods(path, up)[0], up)
        assert found.n_nods == 8 and 0.5 < found.spread_deg < 12.0
        errors_deg.append(np.degrees(np.arccos(min(1.0, found.axis @ left))))
    assert np.percentile(errors_deg, 95) < 3.0


def test_whole_sessions_with_straying_nods_do_as_well():
    errors = np.array([trial(seed, off_axis_sides=0.5**0.5, rate_hz=50.0) for seed in range(10)])
    assert errors[:, 0].max() < 1.0 and np.sqrt(np.mean(errors[:, 1] ** 2)) < 2.0
    assert 2.0 < np.median(errors[:, 2]) < 6.0


def test_what_the_nods_stray_is_told_truly_and_a_repeat_brings_more_nods_into_the_mean():
    person, calibration = Person(2, rate_hz=50.0), Calibration()
    first = person.calibrate(calibration=calibration)
    assert first.repeat_offered and first.spread_deg > 3.0 and "nod once more" in first.words
    calibration.repeat()
    assert calibration.phase == "still" and calibration.result is None
    person.heard.append("once more")
    second = person.calibrate(calibration=calibration)
    assert second.n_nods == 16 and second.uncertainty_deg < first.uncertainty_deg
    assert person.heard.count(ASKS["turn"]) == 1


def test_clean_nods_need_no_repeat():
    _, found = calibrated(off_axis=0.0)
    assert not found.repeat_offered and found.spread_deg < 1.0 and found.n_nods == 8 and not found.mirrored


@pytest.mark.parametrize(
    "kinds",
    [
        {"nods": 3},
        {"nod_deg": (10.5, 12.0)},
        {"nod_deg": (45.0, 50.0), "nod_s": (1.2, 2.0)},
        {"nod_s": (0.5, 0.6), "pause_s": (0.0, 0.05)},
        {"first_up_deg": 12.0},
        {"unreturned_deg": 4.0, "nods": 4},
        {"rate_hz": 25.0, "gyro": "none"},
        {"rate_hz": 200.0},
        {"gyro": "none"},
        {"noise_deg": 0.5},
        {"drift_deg_per_min": 60.0},
    ],
    ids=str,
)
def test_people_and_trackers_of_all_kinds_are_understood(kinds):
    person, found = calibrated(**{"off_axis": 0.02} | kinds)
    up_deg, heading_deg = person.errors_deg(found)
    assert up_deg < 1.0 and heading_deg < 3.0 and not found.mirrored and found.mounting.gyro


def test_the_reference_is_where_the_person_looked():
    person, found = calibrated(off_axis=0.0, drift_deg_per_min=0.0)
    ahead, _ = found.mounting.apply(
        tuple_of(quaternion.multiply(person.world, quaternion.conjugate(person.mount))), None
    )
    left_deg = quaternion.to_yaw_pitch_roll_deg(quaternion.multiply(quaternion.conjugate(found.reference), ahead))[0]
    assert abs(left_deg) < 1.5


def test_a_head_that_was_up_as_much_as_down_is_asked_again():
    person = Person(1, nods=4, up_share=1.0, rate_hz=50.0)
    assert person.calibrate(30.0) is None
    assert any("up as much as down" in text for text in person.heard)


def test_nods_that_agree_in_nothing_are_asked_again():
    person = Person(16, nods=4, off_axis=1.0, rate_hz=50.0)
    person.calibrate(20.0)
    assert any("differ" in text for text in person.heard)


def test_one_turn_the_wrong_way_is_asked_again_and_not_believed():
    calibration, person = Calibration(), Person(5, rate_hz=50.0, off_axis=0.0, turns_to=-40.0)
    turn = person.turn

    def wrong_then_right(of):
        turn(of)
        person.turns_to = 40.0

    person.turn = wrong_then_right
    found = person.calibrate(calibration=calibration)
    assert any("seemed to go to the right" in text for text in person.heard)
    assert found is not None and not found.mirrored and person.errors_deg(found)[1] < 1.0


MOVES = ((40, 0, 0), (0, -20, 0), (0, 0, 15), (30, 10, -10))


def heads_told(person, found):
    """Return the angles a found mounting gives for heads that look about, and those it should give."""
    told = []
    for angles in ((0, 0, 0), *MOVES):
        sensor = quaternion.multiply(quaternion.from_yaw_pitch_roll_deg(*angles), quaternion.conjugate(person.mount))
        told.append(quaternion.to_yaw_pitch_roll_deg(found.mounting.apply(tuple_of(person.told(sensor)), None)[0]))
    told = np.array(told)
    told[:, 0] = (told[:, 0] - told[0, 0] + 180.0) % 360.0 - 180.0
    return told[1:]


@pytest.mark.parametrize("mirrored", [("yaw",), ("pitch",), ("yaw", "roll"), ("left-handed",), ("roll",)], ids=str)
def test_trackers_with_wrong_signs_are_found_out_and_put_right(mirrored):
    mount = None if mirrored == ("left-handed",) else np.array([1.0, 0.0, 0.0, 0.0])
    calibration = Calibration(check_lean=True)
    person = Person(5, rate_hz=50.0, off_axis=0.0, mirrored=mirrored, mount=mount)
    person.mount = person.mount if mount is None else mount
    found = person.calibrate(calibration=calibration)
    assert found is not None and found.mirrored and "mirrored" in found.words, person.heard
    np.testing.assert_allclose(heads_told(person, found), MOVES, atol=2.0)


def test_a_mirrored_tracker_is_asked_for_a_lean_without_being_told():
    person, found = calibrated(mirrored=("left-handed",), off_axis=0.0)
    assert found.mounting.invert == {"yaw", "roll"} and ASKS["lean"] in person.heard


def test_a_gyro_along_other_axes_is_found_out():
    _, found = calibrated(gyro="other axes")
    assert not found.mounting.gyro and "gyro" in found.words
    assert found.mounting.apply((1.0, 0.0, 0.0, 0.0), (1.0, 0.0, 0.0))[1] is None


def test_it_asks_waits_and_hints_and_starts_again_after_a_silence():
    calibration, heard = Calibration(), []
    for k in range(1300):
        heard += calibration.feed((1.0, 0.0, 0.0, 0.0), None, 0.02 * k)
    assert heard[:2] == [ASKS["still"], ASKS["nods"]] and calibration.phase == "nods"
    assert sum("still waiting for nods" in text for text in heard) == 2
    assert "once more" in calibration.feed((1.0, 0.0, 0.0, 0.0), None, 100.0)[0] and calibration.phase == "still"


def test_a_head_that_moves_is_not_still():
    calibration = Calibration()
    for k in range(1000):
        calibration.feed(tuple_of(quaternion.from_yaw_pitch_roll_deg(0.05 * k, 0, 0)), None, 0.02 * k)
    assert calibration.phase == "still"


def test_one_clean_nod_tells_left_though_the_head_turned_meanwhile():
    sensor_from_head = quaternion.from_yaw_pitch_roll_deg(111, 22, 33)
    # A nod that also turns a little about the vertical of the head: gravity alone would be led astray.
    share = 30.0 * np.sin(np.linspace(0.0, np.pi, 100)) ** 2
    vectors = np.radians(share)[:, None] * np.array([0.0, 1.0, 0.2])
    path = quaternion.multiply(quaternion.from_rotation_vector(vectors), quaternion.conjugate(sensor_from_head))
    rotation = quaternion.rotation_matrix(sensor_from_head)
    nods, sure = find_nods(path, rotation[:, 2])
    assert len(nods) == 1 and sure == pytest.approx(1.0)
    level = nods[0].axis - (nods[0].axis @ rotation[:, 2]) * rotation[:, 2]
    assert level @ rotation[:, 1] / np.linalg.norm(level) == pytest.approx(1.0, abs=1e-9)
    assert left_of(nods, rotation[:, 2]) is None
    assert left_of(nods * 3, rotation[:, 2]).axis == pytest.approx(rotation[:, 1], abs=1e-6)


def test_one_nod_far_off_the_others_is_left_out():
    up = np.array([0.0, 0.0, 1.0])
    axes = [(0.0, 1.0, 0.0)] * 4 + [(1.0, 0.3, 0.0)]
    vectors = [
        np.radians(25.0) * np.sin(np.linspace(0, np.pi, 60))[:, None] ** 2 * quaternion.normalise(a) for a in axes
    ]
    nods, _ = find_nods(quaternion.from_rotation_vector(np.concatenate(vectors)), up)
    left = left_of(nods, up)
    assert left.axis == pytest.approx((0.0, 1.0, 0.0), abs=0.02) and left.n_nods == 4


def test_a_sensor_along_the_heads_axes_is_found_so():
    _, found = calibrated(off_axis=0.0, mount=np.array([1.0, 0.0, 0.0, 0.0]))
    assert plain_quaternion.angle_rad(found.mounting.quat_sensor_from_head, plain_quaternion.IDENTITY) < 0.01
    assert found.words.startswith("calibrated from 8 nods that differ by ±0.")


@pytest.mark.parametrize("begins_s", [0.0, 5.0, 12.5])
def test_the_head_of_simulate_that_nods_calibrates_whenever_it_is_joined(begins_s):
    head, calibration, mount = NoddingHead(), Calibration(), quaternion.from_yaw_pitch_roll_deg(40, 20, 100)
    times_s = np.arange(0.0, 40.0, 0.02)
    states = head.pose_at(begins_s + times_s)
    for time_s, quat in zip(times_s.tolist(), quaternion.multiply(states.quat_world_from_head, mount), strict=True):
        calibration.feed(tuple(quat.tolist()), None, time_s)
    assert calibration.result is not None and calibration.result.n_nods == 5
    found = quaternion.multiply(mount, calibration.result.mounting.quat_sensor_from_head)
    assert np.degrees(np.linalg.norm(quaternion.to_rotation_vector(found))) < 1.0
    step_s = 1e-5
    turned = quaternion.multiply(
        quaternion.conjugate(head.pose_at(times_s).quat_world_from_head),
        head.pose_at(times_s + step_s).quat_world_from_head,
    )
    np.testing.assert_allclose(
        quaternion.to_rotation_vector(turned) / step_s, head.pose_at(times_s + 0.5 * step_s).gyro_rad_s, atol=1e-4
    )
