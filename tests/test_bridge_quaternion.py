import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from firmware_bridge import quaternion as quat

P0 = [0.962318, 0.019437, 0.095352, 0.253917]


def random_quats(seed, n=30):
    return quat.normalise(np.random.default_rng(seed).normal(size=(n, 4)))


def scipy_rotation(q):
    return Rotation.from_quat(q, scalar_first=True)


def test_the_pose_p0_is_thirty_left_ten_down_five_right_ear_down():
    np.testing.assert_allclose(quat.from_yaw_pitch_roll_deg(30.0, -10.0, 5.0), P0, rtol=0, atol=5e-7)
    np.testing.assert_allclose(quat.to_yaw_pitch_roll_deg(P0), [30.0, -10.0, 5.0], rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("angles", "head_vector", "world_vector"),
    [
        ((90, 0, 0), (1, 0, 0), (0, 1, 0)),
        ((0, 90, 0), (1, 0, 0), (0, 0, 1)),
        ((0, 0, 90), (0, -1, 0), (0, 0, -1)),
    ],
    ids=["yaw turns the nose left", "pitch lifts the nose", "roll drops the right ear"],
)
def test_signs_are_those_people_read(angles, head_vector, world_vector):
    rotation = quat.rotation_matrix(quat.from_yaw_pitch_roll_deg(*angles))
    np.testing.assert_allclose(rotation @ head_vector, world_vector, rtol=0, atol=1e-15)


def test_products_and_matrices_agree_with_scipy():
    a, b = random_quats(1), random_quats(2)
    expected = (scipy_rotation(a) * scipy_rotation(b)).as_matrix()
    np.testing.assert_allclose(quat.rotation_matrix(quat.multiply(a, b)), expected, rtol=0, atol=1e-14)


def test_angles_and_back_is_the_same_turn():
    q = random_quats(3)
    again = quat.from_yaw_pitch_roll_deg(*quat.to_yaw_pitch_roll_deg(q).T)
    np.testing.assert_allclose(abs(np.sum(q * again, axis=-1)), 1.0, rtol=1e-12)


def test_angles_agree_with_scipys_euler_angles():
    q = random_quats(4)
    yaw, pitch, roll = scipy_rotation(q).as_euler("ZYX", degrees=True).T
    np.testing.assert_allclose(quat.to_yaw_pitch_roll_deg(q), np.stack([yaw, -pitch, roll], -1), atol=1e-9)


def test_rotation_vectors_agree_with_scipy_both_ways():
    q = random_quats(5)
    vectors = scipy_rotation(q).as_rotvec()
    np.testing.assert_allclose(quat.to_rotation_vector(q), vectors, rtol=0, atol=1e-12)
    np.testing.assert_allclose(abs(np.sum(quat.from_rotation_vector(vectors) * q, -1)), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(quat.from_rotation_vector([0.0, 0.0, 0.0]), quat.IDENTITY)
    np.testing.assert_array_equal(quat.to_rotation_vector(quat.IDENTITY), [0.0, 0.0, 0.0])


def test_slerp_goes_the_short_way_at_constant_speed():
    a, b = random_quats(6), random_quats(7)
    whole = np.linalg.norm(quat.to_rotation_vector(quat.multiply(quat.conjugate(a), b)), axis=-1)
    for fraction in (0.0, 0.25, 0.5, 1.0):
        part = quat.multiply(quat.conjugate(a), quat.slerp(a, b, fraction))
        np.testing.assert_allclose(np.linalg.norm(quat.to_rotation_vector(part), axis=-1), fraction * whole, atol=1e-7)


def test_slerp_between_equal_poses_stays_there():
    np.testing.assert_allclose(quat.slerp(P0, quat.normalise(P0), 0.3), quat.normalise(P0), atol=1e-9)


def test_a_path_is_made_continuous_without_changing_its_poses():
    path = quat.from_yaw_pitch_roll_deg(np.linspace(0, 720, 100), 10.0, 0.0)
    flipped = path * np.random.default_rng(9).choice([-1.0, 1.0], size=(100, 1))
    smooth = quat.continuous(flipped)
    assert np.all(np.sum(smooth[1:] * smooth[:-1], axis=-1) > 0)
    np.testing.assert_array_equal(abs(smooth), abs(path))
