"""Writes small SOFA files, whole or spoilt, for the tests."""

from pathlib import Path

import h5py
import numpy as np

from rt_render.hrtf.hrir_set import HrirSet


def write_sofa(path: Path, head: HrirSet, *, leave_out=(), attributes=None, **changed) -> Path:
    """Write a SimpleFreeFieldHRIR file; `changed` replaces datasets by name with _ for the dot."""
    spherical = np.stack(
        [
            np.rad2deg(head.azimuth_rad) % 360,
            np.rad2deg(head.elevation_rad),
            np.full(head.n_dirs, head.distance_m or 1.4),
        ],
        axis=1,
    )
    datasets = {
        "Data.IR": head.hrirs,
        "Data.SamplingRate": np.array([head.fs_hz]),
        "Data.Delay": np.zeros((1, 2)),
        "SourcePosition": spherical,
        "ReceiverPosition": np.array([[[0.0], [0.09], [0.0]], [[0.0], [-0.09], [0.0]]]),
        "ListenerPosition": np.zeros((1, 3)),
        "ListenerView": np.array([[1.0, 0, 0]]),
        "ListenerUp": np.array([[0, 0, 1.0]]),
    }
    datasets |= {name.replace("_", "."): value for name, value in changed.items()}
    kinds = {"SourcePosition": ("spherical", "degree, degree, metre")}
    with h5py.File(path, "w") as file:
        said = {"Conventions": "SOFA", "SOFAConventions": "SimpleFreeFieldHRIR", "DataType": "FIR", "Title": "test"}
        for name, value in (said | (attributes or {})).items():
            file.attrs[name] = np.bytes_(value)
        for name, value in datasets.items():
            if name in leave_out:
                continue
            file[name] = value
            if name.endswith(("Position", "View")):
                kind, units = kinds.get(name, ("cartesian", "metre"))
                file[name].attrs["Type"] = np.bytes_((attributes or {}).get(name + ":Type", kind))
                file[name].attrs["Units"] = np.bytes_((attributes or {}).get(name + ":Units", units))
    return path
