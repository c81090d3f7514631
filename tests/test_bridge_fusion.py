"""Fusion against the truth of a virtual sensor and against the libraries themselves; derived rates."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imu_tools import Held, RestThenMove, Spin, motions
from vqf import VQF

from firmware_bridge import quaternion
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Motion
from firmware_bridge.stages.fusion import FUSIONS, Fusion, make_fusion, typical_interval_s
from firmware_bridge.stages.rates import DerivedRates
from firmware_bridge.virtual.imu import TYPICAL_IMU, ImuFaults, VirtualImu
from firmware_bridge.virtual.simulated_head import SimulatedHead

RATE_HZ = 100.0
REST_S = 6.0


@pytest.fixture(scope="module")
def worn():
    """40 s of a consumer sensor: on the desk first, then worn."""
    return VirtualImu(RestThenMove(REST_S), faults=TYPICAL_IMU, rate_hz=RATE_HZ, seed=2).measure(
        np.arange(0.0, 40.0, 1.0 / RATE_HZ)
    )


def run(fusion, samples, keep=None, times_s=None):
    """Return indices and quaternions of what a fusion said to the samples that are kept."""
    times = samples.times_s if times_s is None else times_s
    said = [
        (index, fused.quat_wxyz)
        for index, (motion, time_s) in enumerate(zip(motions(samples), times.tolist(), strict=True))
        if (keep is None or keep[index]) and (fused := fusion.update(motion, time_s)) is not None
    ]
    return np.array([index for index, _ in said]), np.array([quat for _, quat in said])


def errors(samples, indices, quats):
    """Return heading error (signed) and inclination error in degrees."""
    turn = quaternion.multiply(quats, quaternion.conjugate(samples.quats_world_from_head[indices]))
    heading = np.unwrap(2.0 * np.arctan2(turn[:, 3], turn[:, 0]), period=2.0 * np.pi)
    return np.degrees(heading), np.degrees(2.0 * np.arccos(np.minimum(np.hypot(turn[:, 0], turn[:, 3]), 1.0)))


@pytest.mark.parametrize("kind", ["vqf", "vqf9d"])
def test_even_samples_give_what_the_library_gives(worn, kind):
    indices, quats = run(make_fusion(kind, RATE_HZ), worn)
    batch = VQF(1.0 / RATE_HZ).updateBatch(
        np.ascontiguousarray(worn.gyro_rad_s), np.ascontiguousarray(worn.accel_m_s2), np.ascontiguousarray(worn.mag_ut)
    )
    expected = batch["quat6D"]
    if kind == "vqf9d":
        expected = quaternion.multiply(quaternion.from_yaw_pitch_roll_deg(-90.0, 0.0, 0.0), batch["quat9D"])
    assert len(indices) == len(worn.times_s)
    assert np.abs(np.sum(quats * expected, axis=1)).min() > 1.0 - 1e-9


def drift_deg_per_min(samples, indices, heading_deg):
    return 60.0 * np.polyfit(samples.times_s[indices], heading_deg, 1)[0]


@pytest.mark.parametrize(
    ("kind", "inclination_deg", "drift"), [("vqf", 0.3, 1.0), ("vqf9d", 0.3, 1.0), ("imufusion", 3.0, 30.0)]
)
def test_fusion_follows_the_head(worn, kind, inclination_deg, drift):
    indices, quats = run(make_fusion(kind, RATE_HZ), worn)
    heading, inclination = errors(worn, indices, quats)
    assert np.sqrt(np.mean(inclination[300:] ** 2)) < inclination_deg
    assert abs(drift_deg_per_min(worn, indices[600:], heading[600:])) < drift


def test_nine_axes_without_a_magnetometer_are_six(worn):
    quats = []
    for kind in ("vqf", "vqf9d"):
        fusion = make_fusion(kind, RATE_HZ)
        told = [replace(motion, mag_ut=None) for motion in motions(worn)]
        fused = [fusion.update(motion, time_s) for motion, time_s in zip(told, worn.times_s.tolist(), strict=True)]
        quats.append([one.quat_wxyz for one in fused])
    assert quats[0] == quats[1]


def test_nine_axes_know_where_north_is():
    ahead = VirtualImu(Held(yaw_deg=70.0, pitch_deg=20.0)).measure(np.arange(0.0, 5.0, 0.01))
    heading, inclination = errors(ahead, *run(make_fusion("vqf9d", RATE_HZ), ahead))
    assert abs(heading[-1]) < 0.01 and inclination[-1] < 0.01


def test_six_axes_keep_the_inclination_whatever_the_mounting():
    for held in (Held(roll_deg=180.0), Held(pitch_deg=-90.0), Held(roll_deg=90.0, yaw_deg=40.0)):
        still = VirtualImu(held).measure(np.arange(0.0, 1.0, 0.01))
        for kind in ("vqf", "imufusion"):
            _, inclination = errors(still, *run(make_fusion(kind, RATE_HZ), still))
            assert inclination.max() < 0.1


@pytest.mark.parametrize("kind", FUSIONS)
def test_rest_finds_the_bias_and_takes_it_off(kind):
    bias = np.radians([0.4, -0.3, 0.5])
    still = VirtualImu(Held(pitch_deg=10.0), faults=ImuFaults(gyro_bias_rad_s=tuple(bias))).measure(
        np.arange(0.0, 30.0, 0.01)
    )
    fusion = make_fusion(kind, RATE_HZ)
    first, *_, last = [fusion.update(m, t) for m, t in zip(motions(still), still.times_s.tolist(), strict=True)]
    assert not first.at_rest and last.at_rest
    np.testing.assert_allclose(first.gyro_rad_s, bias, atol=2e-4)
    np.testing.assert_allclose(last.gyro_rad_s, 0.0, atol=np.radians(0.02))


def test_a_moving_head_is_not_at_rest(worn):
    for kind in FUSIONS:
        fusion = make_fusion(kind, RATE_HZ)
        said = [fusion.update(m, t) for m, t in zip(motions(worn), worn.times_s.tolist(), strict=True)]
        assert not any(fused.at_rest for fused in said[int((REST_S + 3.0) * RATE_HZ) :])


@pytest.mark.parametrize("kind", FUSIONS)
def test_an_unknown_rate_is_learnt_from_what_is_heard_first(worn, kind):
    told = run(make_fusion(kind, RATE_HZ), worn)
    indices, quats = run(make_fusion(kind), worn)
    assert worn.times_s[indices[0]] == pytest.approx(0.3, abs=0.011)
    assert np.abs(np.sum(quats * told[1][indices], axis=1)).min() > 1.0 - 1e-9


def test_learning_begins_anew_after_a_silence(worn):
    fusion = make_fusion("vqf")
    times = worn.times_s + np.where(np.arange(len(worn.times_s)) < 10, -60.0, 0.0)
    indices, _ = run(fusion, worn, times_s=times)
    assert worn.times_s[indices[0]] == pytest.approx(0.4, abs=0.011)


@pytest.mark.parametrize("kind", FUSIONS)
@pytest.mark.parametrize("told_hz", [40.0, 250.0])
def test_a_wrong_rate_is_corrected_without_a_jump(worn, kind, told_hz):
    indices, quats = run(make_fusion(kind, told_hz), worn)
    heading, inclination = errors(worn, indices, quats)
    # A compass needs a few samples.
    assert np.abs(np.diff(heading[10:])).max() < 0.5 and np.abs(np.diff(inclination)).max() < 0.5
    plain, _ = errors(worn, *run(make_fusion(kind, RATE_HZ), worn))
    assert np.abs((heading - heading[10]) - (plain - plain[10]))[10:].max() < 2.0


def test_lost_samples_and_uneven_times_do_no_harm(worn):
    random = np.random.default_rng(6)
    keep = random.random(len(worn.times_s)) > 0.1
    times = worn.times_s + random.uniform(-0.3, 0.3, len(worn.times_s)) / RATE_HZ
    uneven = VirtualImu(RestThenMove(REST_S), faults=TYPICAL_IMU, rate_hz=RATE_HZ, seed=2).measure(times)
    indices, quats = run(make_fusion("vqf", RATE_HZ), uneven, keep)
    heading, inclination = errors(uneven, indices, quats)
    assert np.sqrt(np.mean(inclination**2)) < 0.3
    assert abs(drift_deg_per_min(uneven, indices[600:], heading[600:])) < 1.0


class Spy:
    """Writes down what a filter is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float]] = []
        self.steps: list[tuple[float, float]] = []

    def start(self, period_s):
        self.told.append(("start", period_s))

    def change_period(self, period_s):
        self.told.append(("change", period_s))

    def after_gap(self):
        self.told.append(("gap", 0.0))

    def step(self, gyro_rad_s, accel_m_s2, mag_ut, step_s):
        self.steps.append((gyro_rad_s[0], step_s))

    def quat_wxyz(self):
        return (1.0, 0.0, 0.0, 0.0)

    def bias_rad_s(self):
        return (0.0, 0.0, 0.0)

    def at_rest(self):
        return False


def spied(times, rate_hz=RATE_HZ):
    """Return what the filter hears of rates that equal the time."""
    spy = Spy()
    fusion = Fusion(spy, rate_hz)
    for time_s in times:
        fusion.update(Motion(gyro_rad_s=(float(time_s), 0.0, 0.0), accel_m_s2=(0.0, 0.0, 9.8)), float(time_s))
    return spy


def test_steps_are_near_the_period_add_up_to_the_time_and_lie_on_the_line_between_samples():
    random = np.random.default_rng(8)
    times = np.cumsum(random.choice([0.007, 0.01, 0.012, 0.02, 0.05, 0.2], 500))
    steps = np.array(spied(times).steps)
    assert steps[:, 1].min() > 0.66 / RATE_HZ and steps[:, 1].max() < 1.5 / RATE_HZ
    np.testing.assert_allclose(times[0] + np.cumsum(steps[1:, 1]), steps[1:, 0], rtol=1e-9)


def test_many_losses_are_not_taken_for_another_rate_but_another_rate_is():
    even = np.arange(2000) / RATE_HZ
    assert spied(even[np.random.default_rng(7).random(2000) > 0.5]).told == [("start", 0.01)]
    other = spied(np.arange(200) / 130.0).told
    assert other == [("start", 0.01), ("change", pytest.approx(1.0 / 130.0))]


def test_a_long_gap_is_told_and_not_filled():
    spy = spied([0.0, 0.01, 0.02, 5.0, 5.01])
    assert spy.told == [("start", 0.01), ("gap", 0.0)]
    assert [rate for rate, _ in spy.steps] == [0.0, 0.01, 0.02, 5.0, 5.01]


def test_a_short_gap_is_bridged_with_the_turn_in_it():
    spin = VirtualImu(Spin(2.0), lever_arm_m=(0.0, 0.0, 0.1)).measure(np.arange(0.0, 6.0, 0.01))
    keep = (spin.times_s < 3.0) | (spin.times_s > 3.4)
    for kind in ("vqf", "imufusion"):
        heading, inclination = errors(spin, *run(make_fusion(kind, RATE_HZ), spin, keep))
        assert np.ptp(heading) < 0.1 and inclination.max() < 0.1


@pytest.mark.parametrize("kind", ["vqf", "imufusion"])
def test_after_a_long_gap_the_heading_stays_and_the_vertical_is_found(kind):
    before = VirtualImu(Held(yaw_deg=0.0)).measure(np.arange(0.0, 3.0, 0.01))
    turning = VirtualImu(Spin(1.0)).measure(np.arange(0.0, 1.0, 0.01))
    after = VirtualImu(Held(pitch_deg=40.0, roll_deg=10.0)).measure(np.arange(0.0, 3.0, 0.01))
    fusion = make_fusion(kind, RATE_HZ)
    run(fusion, before)
    _, turned = run(fusion, turning, times_s=turning.times_s + 3.0)
    _, quats = run(fusion, after, times_s=after.times_s + 14.0)
    pitch_roll_deg = quaternion.to_yaw_pitch_roll_deg(quats)[:, 1:]
    settled = 0 if kind == "vqf" else 150
    np.testing.assert_allclose(pitch_roll_deg[settled:], np.tile([40.0, 10.0], (len(quats) - settled, 1)), atol=0.1)
    # What happened in the gap nobody knows, so no heading is made up.
    shown = quaternion.multiply(quats[0], quaternion.conjugate(turned[-1]))
    assert abs(np.degrees(2.0 * np.arctan2(shown[3], shown[0]))) < 0.1


def test_the_bias_survives_a_long_gap():
    still = VirtualImu(Held(), faults=ImuFaults(gyro_bias_rad_s=(0.0, 0.0, 0.01))).measure(np.arange(0.0, 30.0, 0.01))
    for kind in FUSIONS:
        fusion = make_fusion(kind, RATE_HZ)
        run(fusion, still)
        fused = fusion.update(motions(still)[0], 100.0)
        np.testing.assert_allclose(fused.gyro_rad_s, 0.0, atol=5e-4)


def test_motions_without_both_sensors_say_nothing_and_old_times_change_nothing(worn):
    fusion = make_fusion("vqf", RATE_HZ)
    assert fusion.update(Motion(gyro_rad_s=(0.0, 0.0, 0.0)), 1.0) is None
    assert fusion.update(Motion(accel_m_s2=(0.0, 0.0, 9.8)), 1.0) is None
    _, quats = run(fusion, worn)
    late = fusion.update(Motion(gyro_rad_s=(9.0, 9.0, 9.0), accel_m_s2=(9.0, 0.0, 0.0)), 5.0)
    np.testing.assert_array_equal(late.quat_wxyz, quats[-1])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(0.0, 2.0), min_size=2, max_size=60),
    st.sampled_from(FUSIONS),
    st.sampled_from([0.0, 20.0, 1000.0]),
)
def test_whatever_the_times_the_quaternion_is_a_turn(intervals_s, kind, rate_hz):
    samples = VirtualImu(SimulatedHead(1)).measure(np.cumsum([0.001, *np.maximum(intervals_s, 1e-6)]))
    _, quats = run(make_fusion(kind, rate_hz), samples, times_s=np.cumsum([0.0, *intervals_s]))
    if len(quats):
        np.testing.assert_allclose(np.linalg.norm(quats, axis=1), 1.0, atol=1e-9)


def test_the_usual_interval_is_found_between_losses_and_in_lumps():
    assert typical_interval_s([0.01] * 50 + [0.03] * 10) == 0.01
    assert typical_interval_s(([0.0] * 3 + [0.04]) * 10) == pytest.approx(0.01)


def test_an_unknown_fusion_is_refused_in_words():
    with pytest.raises(BridgeError, match="allowed are vqf, vqf9d, imufusion"):
        make_fusion("kalman")


def test_a_library_that_is_absent_is_named_with_the_way_to_get_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "firmware_bridge.stages.fusion_imufusion", raising=False)
    monkeypatch.setitem(sys.modules, "imufusion", None)
    with pytest.raises(BridgeError, match=r"pip install 'rt-render\[imufusion\]'"):
        make_fusion("imufusion")


def spinning(rate_rad_s, times):
    return [tuple(quat) for quat in quaternion.from_rotation_vector(np.outer(times, rate_rad_s)).tolist()]


def test_rates_are_those_of_a_steady_turn_whatever_the_sign_of_the_quaternion():
    rate = np.array([1.0, -2.0, 3.0])
    times = np.arange(0.0, 2.0, 0.005)
    rates = DerivedRates()
    said = [
        rates.update(quat if index % 3 else tuple(-part for part in quat), time_s)
        for index, (quat, time_s) in enumerate(zip(spinning(rate, times), times.tolist(), strict=True))
    ]
    assert said[0] is None
    np.testing.assert_allclose(said[1:], np.tile(rate, (len(said) - 1, 1)), rtol=1e-9)


def test_rates_are_in_body_axes():
    times = np.arange(0.0, 3.0, 0.005)
    head = SimulatedHead(2).pose_at(times)
    rates = DerivedRates()
    said = [rates.update(tuple(q), t) for q, t in zip(head.quat_world_from_head.tolist(), times.tolist(), strict=True)]
    # The mean over the smoothing time is as late as half of it.
    middle = SimulatedHead(2).pose_at(times[4:] - 0.0075).gyro_rad_s
    assert np.abs(middle).max() > 4.0
    np.testing.assert_allclose(np.array(said[4:]), middle, atol=0.2)


def test_repeated_quaternions_do_not_ripple():
    rate = np.array([0.0, 0.0, 2.0])
    times = np.arange(0.0, 1.0, 0.01)
    rates = DerivedRates()
    said = []
    for quat, time_s in zip(spinning(rate, times), times.tolist(), strict=True):
        said += [rates.update(quat, time_s), rates.update(quat, time_s + 0.005)]
    np.testing.assert_allclose(said[2:], np.tile(rate, (len(said) - 2, 1)), rtol=1e-9)


def test_a_head_that_stops_has_no_rate():
    rates = DerivedRates()
    *_, last = spinning(np.array([0.0, 0.0, 2.0]), np.arange(0.0, 0.5, 0.01))
    for quat, time_s in zip(
        spinning(np.array([0.0, 0.0, 2.0]), np.arange(0.0, 0.5, 0.01)), np.arange(0.0, 0.5, 0.01), strict=True
    ):
        rates.update(quat, float(time_s))
    said = [rates.update(last, 0.5 + 0.01 * step) for step in range(12)]
    assert said[-1] == (0.0, 0.0, 0.0)


def test_light_jitter_of_the_times_leaves_the_rate_near():
    rate = np.array([0.0, 3.0, 0.0])
    times = np.arange(0.0, 2.0, 0.005)
    jittered = times + np.random.default_rng(0).uniform(0.0, 5e-4, len(times))
    rates = DerivedRates()
    said = np.array([rates.update(q, t) for q, t in zip(spinning(rate, times)[0:], jittered.tolist(), strict=True)][4:])
    np.testing.assert_allclose(said[:, 1], 3.0, rtol=0.05)


def test_a_jump_or_a_gap_begins_the_rates_anew():
    quats = spinning(np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.01, 0.02, 1.2, 1.21]))
    rates = DerivedRates()
    said = [rates.update(quat, 0.01 * step) for step, quat in enumerate(quats)]
    assert said[0] is None and said[2] is not None and said[3] is None
    np.testing.assert_allclose(said[4], [0.0, 0.0, 1.0])
    assert rates.update(quats[4], 9.0) is None
    assert rates.update(quats[4], 8.0) is None
