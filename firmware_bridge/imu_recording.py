"""Recordings of inertial sensors with their true orientation: BROAD's HDF5, and a table of our own.

Ours is a CSV file with the columns below, or an NPZ file with the fields of `ImuRecording` as arrays.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from firmware_bridge.errors import BridgeError
from firmware_bridge.quaternion import Array

AXES_OF = {"gyro": "rad_s", "accel": "m_s2", "mag": "ut"}
COLUMNS = {name: tuple(f"{name}_{axis}_{unit}" for axis in "xyz") for name, unit in AXES_OF.items()}
COLUMNS["quat"] = ("w", "x", "y", "z")
NEEDED = ("time_s", *COLUMNS["gyro"], *COLUMNS["accel"], *COLUMNS["quat"])
SUFFIXES = (".hdf5", ".h5", ".csv", ".npz")
NORM_TOLERANCE = 0.05


@dataclass(frozen=True, slots=True)
class ImuRecording:
    """What a sensor measured and how it truly lay; n samples, float64.

    `times_s` (n,) rising, by the sensor's own clock; `gyro_rad_s`, `accel_m_s2` (specific force) and `mag_ut`
    (or None) (n, 3) in sensor axes; `quats_world_from_imu` (n, 4), z up, rows of NaN where unknown; `moving` (n,)
    bool, where errors count.
    """

    name: str
    times_s: Array
    gyro_rad_s: Array
    accel_m_s2: Array
    mag_ut: Array | None
    quats_world_from_imu: Array
    moving: np.ndarray[Any, np.dtype[np.bool_]]


def read_imu_recording(path: Path) -> ImuRecording:
    """Return a recording from `.hdf5` (BROAD), `.csv` or `.npz`; raises BridgeError that names the fault."""
    readers = {".csv": _read_csv, ".npz": _read_npz, ".hdf5": _read_broad, ".h5": _read_broad}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise BridgeError(f"{path}: recordings are {', '.join(SUFFIXES)} files; name one of these.")
    if not path.exists():
        raise BridgeError(f"{path}: No such file or directory; name a readable one.")
    try:
        parts = reader(path)
    except OSError as error:
        raise BridgeError(f"{path}: {error.strerror or 'not a whole file of its kind'}; name a readable one.") from None
    except KeyError as error:
        raise BridgeError(f"{path}: {error.args[0]} is missing, so it is no recording with truth.") from None
    except (ValueError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise BridgeError(f"{path} cannot be read as a recording ({str(error).rstrip('.')}): record it anew.") from None
    return _checked(path, parts)


def _read_broad(path: Path) -> Mapping[str, Any]:
    with h5py.File(path, "r") as file:
        for name in ("imu_gyr", "imu_acc", "opt_quat"):
            if not isinstance(file.get(name), h5py.Dataset):
                raise KeyError(name)
        rate_hz = float(file.attrs["sampling_rate"])
        n = len(file["imu_gyr"])
        return {
            "times_s": np.arange(n) / rate_hz,
            "gyro_rad_s": file["imu_gyr"][:],
            "accel_m_s2": file["imu_acc"][:],
            "mag_ut": file["imu_mag"][:] if "imu_mag" in file else None,
            "quats_world_from_imu": file["opt_quat"][:],
            "moving": file["movement"][:] if "movement" in file else None,
        }


def _read_npz(path: Path) -> Mapping[str, Any]:
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        found = dict(file)
    for name in ("times_s", "gyro_rad_s", "accel_m_s2", "quats_world_from_imu"):
        if name not in found:
            raise KeyError(name)
    return found


def _read_csv(path: Path) -> Mapping[str, Any]:
    with path.open(encoding="utf-8-sig") as file:
        names = [cell.strip() for cell in file.readline().split(",")]
        for name in NEEDED:
            if name not in names:
                raise KeyError(f"the column {name}")
        rows = [line for line in file if line.strip()]
    if not rows:
        raise ValueError("it holds no samples")
    table = np.loadtxt(rows, delimiter=",", ndmin=2)
    if table.shape[1] != len(names):
        raise ValueError(f"{len(names)} columns are named, {table.shape[1]} are there")

    def columns(*wanted: str) -> Array:
        return np.asarray(table[:, [names.index(name) for name in wanted]])

    return {
        "times_s": columns("time_s")[:, 0],
        "gyro_rad_s": columns(*COLUMNS["gyro"]),
        "accel_m_s2": columns(*COLUMNS["accel"]),
        "mag_ut": columns(*COLUMNS["mag"]) if set(COLUMNS["mag"]) <= set(names) else None,
        "quats_world_from_imu": columns(*COLUMNS["quat"]),
        "moving": columns("moving")[:, 0] if "moving" in names else None,
    }


def _checked(path: Path, parts: Mapping[str, Any]) -> ImuRecording:
    times = np.asarray(parts["times_s"], np.float64)
    n, mag, moving = len(times), parts.get("mag_ut"), parts.get("moving")
    arrays = {name: np.asarray(parts[name], np.float64) for name in ("gyro_rad_s", "accel_m_s2")}
    if mag is not None:
        arrays["mag_ut"] = np.asarray(mag, np.float64)
    quats = np.asarray(parts["quats_world_from_imu"], np.float64)
    is_moving = np.ones(n, bool) if moving is None else np.asarray(moving).astype(bool)
    for name, array in {**arrays, "quats_world_from_imu": quats, "moving": is_moving}.items():
        shape = (n,) if name == "moving" else (n, 4 if array is quats else 3)
        if array.shape != shape:
            raise BridgeError(f"{path}: {name} has the shape {array.shape} and not {shape}: record it anew.")
    if n < 2 or not np.all(np.diff(times) > 0.0):
        raise BridgeError(f"{path}: the times do not rise from sample to sample: record it anew.")
    for name, array in arrays.items():
        if not np.all(np.isfinite(array)):
            raise BridgeError(f"{path}: {name} holds numbers that are not finite: cut those samples out.")
    lengths = np.linalg.norm(quats, axis=1)
    if np.any(np.abs(lengths - 1.0) > NORM_TOLERANCE):
        raise BridgeError(f"{path}: the true quaternions are not of length 1: write NaN where the truth is unknown.")
    return ImuRecording(
        path.stem,
        times,
        arrays["gyro_rad_s"],
        arrays["accel_m_s2"],
        arrays.get("mag_ut"),
        quats / lengths[:, None],
        is_moving,
    )
