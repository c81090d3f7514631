"""Prediction to the moment of hearing: identities, a slow twin, and what it must not be taken in by."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from firmware_bridge.virtual.simulated_head import SimulatedHead
from rt_render.kernels import predict
from rt_render.kernels.predict import CONSTANT, LEARNT

CAP_S = 0.06


def pose_record(time_s, quat, gyro_rad_s, has_gyro=1.0):
    return np.array([time_s, *quat, *gyro_rad_s, has_gyro, 0.0, 1.0, 0.0])


def new_memory():
    return np.zeros(predict.N_PREDICTION)


def predicted(pose, memory, ahead_s, mode=LEARNT):
    out = np.empty(4)
    predict.predict_rt(pose, memory, mode, ahead_s, out)
    return out


def angle_deg(a, b):
    a, b = (Rotation.from_quat(q, scalar_first=True) for q in (a, b))
    return np.degrees((a.inv() * b).magnitude())


def poses_of(motion, times_s, noise_rad=0.0, seed=1):
    heads = motion.pose_at(times_s)
    noise = Rotation.from_rotvec(noise_rad * np.random.default_rng(seed).standard_normal((len(times_s), 3)))
    quats = (Rotation.from_quat(heads.quat_world_from_head, scalar_first=True) * noise).as_quat(scalar_first=True)
    gyro = heads.gyro_rad_s + noise_rad * np.random.default_rng(seed + 1).standard_normal((len(times_s), 3))
    return [pose_record(*row) for row in zip(times_s, quats, gyro, strict=True)]


def fed(poses, delay_s=0.03):
    memory = new_memory()
    for pose in poses:
        predict.remember_rt(pose, memory, pose[0] + delay_s, CAP_S)
    return memory


class SlowTwin:
    """The same arithmetic from its definition, in lists and matrices, with scipy's rotations."""

    def __init__(self):
        self.rows, self.shares = [], np.zeros(2)
        self.normal, self.right = np.zeros((2, 2)), np.zeros(2)
        self.interval_s = 0.0

    def older(self, time_s, age_s):
        old = [row for row in self.rows if time_s - row["t"] >= age_s]
        return old[-1] if old else (self.rows[0] if self.rows else None)

    def remember(self, t, q, g, age_s):
        q = Rotation.from_quat(q, scalar_first=True)
        if self.rows:
            dt = t - self.rows[-1]["t"]
            self.interval_s += (0.1 if self.interval_s else 1.0) * (dt - self.interval_s)
            then = self.older(t, min(age_s, CAP_S) + 0.5 * self.interval_s)
            span = t - then["t"]
            short = (then["q"].inv() * q).as_rotvec() - span * then["g"]
            foretold = 0.5 * span**2 * np.stack([then["change"], then["bend"]], axis=1)
            keep = 1.0 / (1.0 + dt / predict.LEARNING_S)
            self.normal = keep * self.normal + dt * foretold.T @ foretold
            self.right = keep * self.right + dt * foretold.T @ short
            ridge = self.normal + np.eye(2) * predict.NOISE_RAD**2 * predict.LEARNING_S
            shares = np.linalg.solve(ridge, self.right)
            if (shares < 0.0).any():
                shares = np.array([max(0.0, self.right[0] / ridge[0, 0]), 0.0])
            self.shares = np.minimum(shares, [predict.MOST_CHANGE, predict.MOST_BEND])
        before = self.older(t, predict.SPAN_S)
        change = bend = np.zeros(3)
        if before is not None:
            change = (g - before["g"]) / (t - before["t"])
            bend = change - before["change"]
        self.rows = [*self.rows, {"t": t, "q": q, "g": g, "change": change, "bend": bend}][-predict.N_ROWS :]

    def predicted(self, ahead_s):
        row = self.rows[-1]
        x = min(1.0, np.linalg.norm(row["g"]) / predict.STILL_RAD_S)
        acceleration = self.shares[0] * row["change"] + self.shares[1] * row["bend"]
        turn = ahead_s * (3 * x**2 - 2 * x**3) * row["g"] + 0.5 * ahead_s**2 * acceleration
        return (row["q"] * Rotation.from_rotvec(turn)).as_quat(scalar_first=True)


@pytest.mark.parametrize("rate_hz", [25, 100, 1000])
def test_natural_motion_is_predicted_as_by_the_slow_twin(rate_hz):
    random = np.random.default_rng(4)
    times_s = np.cumsum(random.uniform(0.8, 1.2, 400)) / rate_hz
    twin, memory = SlowTwin(), new_memory()
    shares = []
    for pose in poses_of(SimulatedHead(9), times_s, noise_rad=1e-4):
        delay_s = random.uniform(0.02, 0.09)
        predict.remember_rt(pose, memory, pose[0] + delay_s, CAP_S)
        twin.remember(pose[0], pose[1:5], pose[5:8], delay_s)
        shares.append(twin.shares)
        assert angle_deg(predicted(pose, memory, 0.05), twin.predicted(0.05)) < 1e-6
    assert np.std(shares, axis=0).min() > 0.001, "the shares must have moved"


@settings(max_examples=50, deadline=None)
@given(
    axis=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1),
    speed_deg_s=st.floats(3, 1500),
    ahead_s=st.floats(0, 0.15),
    mode=st.sampled_from([CONSTANT, LEARNT]),
)
def test_a_constant_turn_is_predicted_exactly(axis, speed_deg_s, ahead_s, mode):
    rate = np.radians(speed_deg_s) * np.array(axis) / np.linalg.norm(axis)
    times_s = np.arange(40) * 0.01
    quats = Rotation.from_rotvec(times_s[:, None] * rate).as_quat(scalar_first=True)
    poses = [pose_record(t, q, rate) for t, q in zip(times_s, quats, strict=True)]
    memory = fed(poses)
    true = Rotation.from_rotvec((times_s[-1] + ahead_s) * rate).as_quat(scalar_first=True)
    assert angle_deg(predicted(poses[-1], memory, ahead_s, mode), true) < 1e-5


@pytest.mark.parametrize("ahead_s", [0.0, -0.01, np.nan])
def test_nothing_ahead_leaves_the_pose_bit_for_bit(ahead_s):
    poses = poses_of(SimulatedHead(2), np.arange(200) * 0.01)
    assert (predicted(poses[-1], fed(poses), ahead_s) == poses[-1][1:5]).all()


@pytest.mark.parametrize("gyro", [(np.nan, 0, 0), (np.inf, 0, 0), (0, 80.0, 0)])
def test_rates_that_cannot_be_true_are_not_followed_and_leave_no_trace(gyro):
    poses = poses_of(SimulatedHead(2), np.arange(200) * 0.01)
    memory = fed(poses)
    bad = pose_record(2.0, poses[-1][1:5], gyro)
    predict.remember_rt(bad, memory, 2.03, CAP_S)
    assert (predicted(bad, memory, 0.05) == bad[1:5]).all()
    assert np.isfinite(memory).all()


def test_a_time_that_is_no_number_is_forgotten_with_the_next_poses():
    poses = poses_of(SimulatedHead(2), np.arange(100) * 0.01)
    bad = poses[50].copy()
    bad[0] = np.nan
    memory = fed([*poses[:50], bad, *poses[50:]])
    assert predict.ahead_rt(poses[-1], memory, poses[-1][0] + 0.03, CAP_S) == pytest.approx(0.03)
    assert np.isfinite(predicted(poses[-1], memory, 0.03)).all()


def test_a_pose_without_a_rate_is_taken_as_it_is():
    pose = pose_record(1.0, (0.6, 0.8, 0.0, 0.0), (1.0, 2.0, 3.0), has_gyro=0.0)
    assert (predicted(pose, fed([pose]), 0.05) == pose[1:5]).all()


@pytest.mark.parametrize("rate_hz", [50, 200])
def test_noise_at_rest_teaches_no_acceleration_and_hardly_moves_the_head(rate_hz):
    class Rest:
        def pose_at(self, times_s):
            return SimulatedHead(0).pose_at(np.zeros_like(times_s))

    poses = poses_of(Rest(), np.arange(3 * rate_hz) / rate_hz, noise_rad=np.radians(0.1))
    for pose in poses:
        pose[5:8] -= Rest().pose_at(np.zeros(1)).gyro_rad_s[0]
    memory = fed(poses)
    assert memory[predict.SHARES : predict.SHARES + 2].max() < 0.1
    assert angle_deg(predicted(poses[-1], memory, 0.06), poses[-1][1:5]) < 0.02


def test_smooth_motion_teaches_that_acceleration_lasts():
    memory = fed(poses_of(SimulatedHead(1), np.arange(500) * 0.01))
    assert memory[predict.SHARES] > 0.5
    assert memory[predict.SHARES + 1] > 0.3


def test_a_recentred_tracker_teaches_nothing():
    poses = poses_of(SimulatedHead(1), np.arange(600) * 0.01)
    turned = []
    for pose in poses:
        quat = Rotation.from_euler("z", 40, degrees=True) * Rotation.from_quat(pose[1:5], scalar_first=True)
        turned.append(np.concatenate([pose[:1], quat.as_quat(scalar_first=True), pose[5:]]))
    plain, recentred = fed(poses), fed([*poses[:500], *turned[500:]])
    sums = slice(predict.SUMS, predict.SUMS + 5)
    # what the poses around the jump would have taught is missed
    np.testing.assert_allclose(recentred[sums], plain[sums], rtol=0.3)


def test_a_pose_that_is_given_on_again_changes_nothing():
    poses = poses_of(SimulatedHead(1), np.arange(100) * 0.01)
    memory = fed(poses)
    before = memory.copy()
    predict.remember_rt(poses[-1], memory, poses[-1][0] + 0.5, CAP_S)
    assert (memory == before).all()


@pytest.mark.parametrize(("delay_s", "reach_s"), [(0.02, 0.02), (0.06, 0.06), (0.15, 0.06)])
def test_the_way_to_the_ears_is_made_up_to_the_cap_and_time_runs_on_between_poses(delay_s, reach_s):
    pose = poses_of(SimulatedHead(1), np.arange(100) * 0.04)[-1]
    memory = fed(poses_of(SimulatedHead(1), np.arange(100) * 0.04), delay_s)
    for since_s in (0.0, 0.013, 0.04):
        ahead_s = predict.ahead_rt(pose, memory, pose[0] + delay_s + since_s, CAP_S)
        assert ahead_s == pytest.approx(reach_s + since_s, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(
    interval_s=st.floats(0.001, 0.04),
    delay_s=st.floats(0.0, 0.3),
    jitter_s=st.floats(0.0, 0.03),
    cap_s=st.floats(0.001, 0.2),
    seed=st.integers(0, 1000),
)
def test_nothing_is_looked_for_further_ahead_than_the_cap_and_one_interval(interval_s, delay_s, jitter_s, cap_s, seed):
    random, memory = np.random.default_rng(seed), new_memory()
    times_s = np.delete(np.arange(80) * interval_s, random.integers(1, 80, 8))
    for pose in poses_of(SimulatedHead(1), times_s):
        heard_s = pose[0] + delay_s + random.uniform(0.0, jitter_s)
        predict.remember_rt(pose, memory, heard_s, cap_s)
        ahead_s = [predict.ahead_rt(pose, memory, heard_s + s, cap_s) for s in np.linspace(0.0, 0.2, 40)]
        assert max(ahead_s) <= cap_s + memory[predict.INTERVAL]
    assert memory[predict.INTERVAL] <= np.diff(times_s).max() + 1e-9, "a mean of what lay between poses"


def test_prediction_fades_out_without_a_step_when_poses_stay_away():
    poses = poses_of(SimulatedHead(1), np.arange(100) * 0.01)
    memory = fed(poses)
    since_s = np.arange(0.0, 0.3, 0.001)
    ahead_s = np.array([predict.ahead_rt(poses[-1], memory, poses[-1][0] + 0.03 + s, CAP_S) for s in since_s])
    assert np.abs(np.diff(ahead_s)).max() < 0.002
    assert (np.diff(ahead_s)[:19] > 0).all(), "two intervals long it runs on"
    assert (ahead_s[since_s > 0.125] == 0.0).all()


@settings(max_examples=30, deadline=None)
@given(keep=st.floats(0, 1), seed=st.integers(0, 1000))
def test_the_path_keeps_just_the_said_share_of_its_error(keep, seed):
    random = np.random.default_rng(seed)
    before = Rotation.random(rng=random)
    q, error = Rotation.random(rng=random), Rotation.from_rotvec(random.normal(size=3) * 0.3)
    memory, out = new_memory(), q.as_quat(scalar_first=True)
    memory[predict.LAST : predict.LAST + 4] = (before * error).as_quat(scalar_first=True)
    predict.absorb_rt(memory, keep, before.as_quat(scalar_first=True), out)
    expected = q * Rotation.from_rotvec(keep * error.as_rotvec())
    assert angle_deg(out, expected.as_quat(scalar_first=True)) < 1e-5
    assert (memory[predict.LAST : predict.LAST + 4] == out).all()
