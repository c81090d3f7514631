import numpy as np
import pytest

from firmware_bridge.csv_poses import read_pose_csv
from firmware_bridge.errors import BridgeError
from firmware_bridge.quaternion import from_yaw_pitch_roll_deg


def written(tmp_path, text):
    path = tmp_path / "head.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_poses_are_read_normalised_and_sign_continuous(tmp_path):
    text = "\ufeff# a head\ntime_s, w, x, y, z\n0,1,0,0,0\n\n0.5,-0.9,0,0,-0.4\n1,0,0,0,1\n"
    track = read_pose_csv(written(tmp_path, text))
    assert track.times_s.tolist() == [0.0, 0.5, 1.0]
    np.testing.assert_allclose(np.linalg.norm(track.quats_world_from_head, axis=-1), 1.0, rtol=1e-15)
    assert np.all(np.sum(track.quats_world_from_head[1:] * track.quats_world_from_head[:-1], -1) > 0)


def test_poses_between_lines_lie_on_the_arc_and_the_ends_are_held(tmp_path):
    half = np.radians(40.0 / 2)
    text = f"time_s,w,x,y,z\n1,1,0,0,0\n2,{np.cos(half)},0,0,{np.sin(half)}\n"
    track = read_pose_csv(written(tmp_path, text))
    for time_s, yaw_deg in [(0.0, 0.0), (1.25, 10.0), (1.5, 20.0), (2.0, 40.0), (9.0, 40.0)]:
        np.testing.assert_allclose(track.pose_at(time_s), from_yaw_pitch_roll_deg(yaw_deg, 0, 0), atol=1e-9)
    assert track.pose_at(np.zeros((2, 3))).shape == (2, 3, 4)


def test_one_pose_is_a_still_head(tmp_path):
    track = read_pose_csv(written(tmp_path, "time_s,w,x,y,z\n0,0,1,0,0\n"))
    np.testing.assert_array_equal(track.pose_at([0.0, 5.0]), [[0, 1, 0, 0], [0, 1, 0, 0]])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "holds no poses"),
        ("t,w,x,y,z\n", r"line 1: the header must be time_s,w,x,y,z"),
        ("time_s,w,x,y,z\n", "holds no poses"),
        ("time_s,w,x,y,z\n0,1,0,0\n", r"line 2: 4 values, expected the five"),
        ("time_s,w,x,y,z\n0,1,0,zero,0\n", r"line 2: y is 'zero', which is not a number"),
        ("time_s,w,x,y,z\n0,1,0,nan,0\n", r"line 2: y is nan, it must be finite"),
        ("time_s,w,x,y,z\n0,1,0,0,0\n0,1,0,0,0\n", r"line 3: time 0 s does not rise"),
        ("time_s,w,x,y,z\n0,0,0,0,0\n", r"line 2: the quaternion has length 0"),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path, body, message):
    path = written(tmp_path, body)
    with pytest.raises(BridgeError, match=message) as caught:
        read_pose_csv(path)
    assert str(path) in str(caught.value)


def test_a_missing_or_binary_file_is_a_sentence(tmp_path):
    with pytest.raises(BridgeError, match="No such file"):
        read_pose_csv(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(BridgeError, match="not a text file"):
        read_pose_csv(tmp_path / "binary.csv")
