"""Recordings of our own making through the bridge's pipeline, and the error measures on errors put there."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from imu_tools import own_recording, write_imu_recording

from firmware_bridge import quaternion
from firmware_bridge.errors import BridgeError
from firmware_bridge.imu_evaluation import errors_deg, evaluate, means, save_plot
from firmware_bridge.imu_recording import read_imu_recording
from firmware_bridge.virtual.imu import TYPICAL_IMU
from firmware_bridge.virtual.simulated_head import SimulatedHead


@pytest.fixture(scope="module")
def own():
    """45 s at 150 Hz, of which the first 10 s on the desk."""
    return own_recording(45.0, 150.0, 10.0, TYPICAL_IMU)


@pytest.fixture(scope="module")
def evaluated(own):
    return evaluate(own)


def test_the_pipeline_follows_the_truth(evaluated, own):
    assert evaluated.n_compared == np.count_nonzero(own.moving)
    assert evaluated.inclination_rms_deg < 0.3
    assert abs(evaluated.heading_drift_deg_per_min) < 2.0
    assert "device clock" in evaluated.clock and "-35" in evaluated.clock


def test_losses_and_jitter_do_little_harm(evaluated, own):
    worse = evaluate(own, drop=0.02, jitter_s=0.005, seed=3)
    assert 0.95 * evaluated.n_compared < worse.n_compared < evaluated.n_compared
    assert worse.inclination_rms_deg < evaluated.inclination_rms_deg + 0.1
    assert abs(worse.heading_drift_deg_per_min - evaluated.heading_drift_deg_per_min) < 1.0


def test_equal_seeds_give_equal_figures(own):
    first, second, other = (evaluate(own, drop=0.05, jitter_s=0.005, seed=seed) for seed in (1, 1, 2))
    assert first.total_rms_deg == second.total_rms_deg != other.total_rms_deg


def test_without_a_device_clock_times_come_from_the_arrivals(own):
    regular = evaluate(own, device_clock=False, jitter_s=0.002)
    assert "no device clock" in regular.clock
    assert regular.inclination_rms_deg < 0.5


@pytest.mark.parametrize(("fusion", "inclination_deg"), [("vqf9d", 0.3), ("imufusion", 3.0)])
def test_the_other_fusions_can_be_compared(own, fusion, inclination_deg):
    assert evaluate(own, fusion=fusion).inclination_rms_deg < inclination_deg


def test_progress_rises_to_the_end(own):
    told: list[float] = []
    evaluate(own, on_progress=told.append)
    assert told == sorted(told) and told[0] == 0.0 and told[-1] == 1.0 and len(told) > 5


def test_a_gyro_that_is_off_in_scale_shows_as_drift(evaluated, own):
    turning = replace(own, gyro_rad_s=own.gyro_rad_s + np.where(own.moving, np.radians(0.1), 0.0)[:, None] * [0, 0, 1])
    assert evaluate(turning).heading_drift_deg_per_min - evaluated.heading_drift_deg_per_min > 3.0


def test_an_error_put_there_is_measured():
    times = np.arange(0.0, 60.0, 0.01)
    truth = SimulatedHead(2).pose_at(times).quat_world_from_head
    drift_deg = 200.0 + 3.0 * times / 60.0
    tilt = quaternion.from_rotation_vector(np.radians([1.2, 1.6, 0.0]))
    error = quaternion.multiply(quaternion.from_yaw_pitch_roll_deg(drift_deg, 0.0, 0.0), tilt)
    heading, inclination, total = errors_deg(quaternion.multiply(error, truth), truth, times)
    np.testing.assert_allclose(inclination, 2.0, atol=1e-6)
    np.testing.assert_allclose(heading, 3.0 * (times - 0.5) / 60.0, atol=1e-3)
    np.testing.assert_allclose(total, np.hypot(heading, inclination), rtol=2e-3)


def test_the_total_error_is_the_whole_turn_of_the_aligned_estimate():
    random = np.random.default_rng(3)
    times = np.arange(0.0, 3.0, 0.01)
    truth = SimulatedHead(2).pose_at(times).quat_world_from_head
    error = quaternion.from_rotation_vector(
        np.where(times < 1.01, 0.0, 0.5)[:, None] * random.normal(size=(len(times), 3))
    )
    _, _, total = errors_deg(quaternion.multiply(error, truth), truth, times)
    whole = np.degrees(np.linalg.norm(quaternion.to_rotation_vector(error), axis=-1))
    np.testing.assert_allclose(total, whole, atol=1e-5)


def test_means_leave_the_sign_of_drifts_out(evaluated):
    mean = means([replace(evaluated, heading_drift_deg_per_min=drift) for drift in (-2.0, 1.0)])
    assert (mean.n_recordings, mean.heading_drift_deg_per_min, mean.heading_drift_worst_deg_per_min) == (2, 1.5, 2.0)
    assert mean.inclination_rms_deg == evaluated.inclination_rms_deg == mean.inclination_rms_worst_deg


@pytest.mark.parametrize("suffix", [".csv", ".npz"])
@pytest.mark.parametrize("with_mag", [True, False])
def test_a_recording_is_read_as_it_was_written(own, tmp_path, suffix, with_mag):
    written = replace(
        own, quats_world_from_imu=own.quats_world_from_imu.copy(), mag_ut=own.mag_ut if with_mag else None
    )
    written.quats_world_from_imu[5] = np.nan
    write_imu_recording(written, tmp_path / f"own{suffix}")
    read = read_imu_recording(tmp_path / f"own{suffix}")
    assert read.name == "own" and (read.mag_ut is not None) == with_mag
    np.testing.assert_array_equal(read.moving, own.moving)
    for name in ("times_s", "gyro_rad_s", "accel_m_s2", "quats_world_from_imu", *(["mag_ut"] if with_mag else [])):
        np.testing.assert_allclose(getattr(read, name), getattr(written, name), rtol=1e-7, atol=1e-8)


def write_broad(path, own, leave_out=""):
    with h5py.File(path, "w") as file:
        file.attrs["sampling_rate"] = 150.0
        for name, array in {
            "imu_gyr": own.gyro_rad_s,
            "imu_acc": own.accel_m_s2,
            "imu_mag": own.mag_ut,
            "opt_quat": own.quats_world_from_imu,
            "movement": own.moving,
        }.items():
            if name != leave_out:
                file[name] = array


def test_broad_files_are_read_and_evaluated_alike(own, evaluated, tmp_path):
    write_broad(tmp_path / "trial.hdf5", own)
    from_file = evaluate(read_imu_recording(tmp_path / "trial.hdf5"))
    assert from_file.name == "trial"
    assert from_file.inclination_rms_deg == pytest.approx(evaluated.inclination_rms_deg, abs=1e-6)


def broken(tmp_path, own, kind):
    path = tmp_path / "broken.csv"
    header = "time_s,gyro_x_rad_s,gyro_y_rad_s,gyro_z_rad_s,accel_x_m_s2,accel_y_m_s2,accel_z_m_s2,w,x,y,z"
    rows = {
        "back": "0,0,0,0,0,0,9.8,1,0,0,0\n0,0,0,0,0,0,9.8,1,0,0,0",
        "long": "0,0,0,0,0,0,9.8,1,0,0,0\n1,0,0,0,0,0,9.8,2,0,0,0",
        "inf": "0,0,0,inf,0,0,9.8,1,0,0,0\n1,0,0,0,0,0,9.8,1,0,0,0",
        "word": "0,0,0,0,0,0,up,1,0,0,0",
        "empty": "",
    }
    if kind in rows:
        path.write_text(f"{header}\n{rows[kind]}\n")
    elif kind == "column":
        path.write_text("time_s,w,x,y,z\n0,1,0,0,0\n")
    elif kind == "cut":
        path = tmp_path / "broken.npz"
        write_imu_recording(own, path)
        path.write_bytes(path.read_bytes()[:2000])
    elif kind == "hdf5":
        path = tmp_path / "broken.hdf5"
        path.write_bytes(b"no such thing")
    elif kind == "truthless":
        path = tmp_path / "broken.hdf5"
        write_broad(path, own, leave_out="opt_quat")
    elif kind == "shape":
        path = tmp_path / "broken.npz"
        np.savez(
            path,
            times_s=own.times_s,
            gyro_rad_s=own.gyro_rad_s[1:],
            accel_m_s2=own.accel_m_s2,
            quats_world_from_imu=own.quats_world_from_imu,
        )
    elif kind == "suffix":
        path = tmp_path / "broken.wav"
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("back", "times do not rise"),
        ("long", "write NaN where the truth is unknown"),
        ("inf", "gyro_rad_s holds numbers that are not finite"),
        ("word", "cannot be read as a recording"),
        ("empty", "it holds no samples"),
        ("column", "the column gyro_x_rad_s is missing"),
        ("cut", "cannot be read as a recording"),
        ("hdf5", "name a readable one"),
        ("truthless", "opt_quat is missing"),
        ("shape", "gyro_rad_s has the shape"),
        ("suffix", "recordings are .hdf5, .h5, .csv, .npz"),
        ("absent", "No such file"),
    ],
)
def test_a_file_that_is_no_recording_is_told_in_words(own, tmp_path, kind, words):
    with pytest.raises(BridgeError, match=words) as told:
        read_imu_recording(broken(tmp_path, own, kind))
    assert str(told.value).endswith(".") and "broken" in str(told.value)


def test_what_cannot_be_evaluated_is_told_in_words(own):
    for arguments, words in [
        ({"drop": 1.0}, "0 to below 1"),
        ({"jitter_s": -1.0}, "0 and more"),
        ({"fusion": "none"}, "unknown fusion"),
    ]:
        with pytest.raises(BridgeError, match=words):
            evaluate(own, **arguments)
    with pytest.raises(BridgeError, match="no magnetometer"):
        evaluate(replace(own, mag_ut=None), fusion="vqf9d")
    with pytest.raises(BridgeError, match="record for longer"):
        evaluate(replace(own, moving=np.zeros_like(own.moving)))


def test_a_picture_is_drawn(evaluated, tmp_path):
    save_plot(evaluated, tmp_path / "errors.png")
    assert (tmp_path / "errors.png").read_bytes().startswith(b"\x89PNG")
    for name in ("absent/errors.png", "errors.strange"):
        with pytest.raises(BridgeError, match="no picture can be written"):
            save_plot(evaluated, tmp_path / name)
