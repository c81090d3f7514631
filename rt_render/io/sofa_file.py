"""SOFA files (AES69) of the convention SimpleFreeFieldHRIR, read with h5py."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rt_render.ambisonics.harmonics import cartesian_to_spherical, spherical_to_cartesian
from rt_render.errors import ConfigurationError, InputFileError
from rt_render.hrtf.heads import HEAD_NAMES
from rt_render.hrtf.hrir_set import HrirSet
from rt_render.hrtf.verdict import Verdict, judge_head

_MOST_VALUES = 200_000_000
_NEXT_STEP = "choose a SimpleFreeFieldHRIR file with two ears."


def load_head(path: str | Path, fs_hz: float) -> tuple[HrirSet, Verdict]:
    """Return the head of a SOFA file, at its own rate, and the verdict on it for playing at `fs_hz`.

    Raises ConfigurationError for what looks like a head's name but is none, InputFileError for a file that
    cannot be read or whose verdict is a refusal. Not for the audio thread.
    """
    name, path = str(path), Path(path)
    if not path.exists() and path.suffix.lower() != ".sofa" and path.name == name:
        raise ConfigurationError(
            f"head {name!r}: allowed are {', '.join(HEAD_NAMES)} or the path of a SOFA file; choose one of these."
        )
    head = read_sofa(path)
    verdict = judge_head(head, fs_hz)
    if verdict.refused:
        raise InputFileError(f"{path}: {verdict.reason}; choose another file, or the head 'kemar'.")
    return head, verdict


def check_sofa(path: str | Path, fs_hz: float = 48000.0) -> Verdict:
    """Return the verdict on a SOFA file played at `fs_hz`; raises InputFileError if it cannot be read."""
    return judge_head(read_sofa(path), fs_hz)


def read_sofa(path: str | Path) -> HrirSet:
    """Return the head of a SimpleFreeFieldHRIR file, as measured: own rate, own level, not judged yet.

    Positions of any coordinate type are turned into the head's frame (listener position, view and up are
    followed); receivers are ordered left, right; delays (Data.Delay, frames) become part of the responses.
    Raises InputFileError with one sentence for a file that is no such thing. Not for the audio thread.
    """
    path = Path(path)
    if not path.is_file():
        raise InputFileError(f"{path}: {'not a file' if path.exists() else 'not found'}; check the name.")
    try:
        with h5py.File(path, "r") as file:
            return _head(file, path)
    except OSError as error:
        cut = "truncated" in str(error)
        what = "cut short: download it again" if cut else "not a SOFA (HDF5) file, or damaged; " + _NEXT_STEP
        raise InputFileError(f"{path}: {what.rstrip('.')}.") from None
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        raise InputFileError(f"{path}: damaged inside ({_one_line(error)}); download it again.") from None


def _head(file: h5py.File, path: Path) -> HrirSet:
    convention = _attribute(file, "SOFAConventions")
    if _attribute(file, "Conventions").upper() != "SOFA" or convention != "SimpleFreeFieldHRIR":
        found = f"SOFA convention {convention!r}" if convention else "no SOFA convention"
        raise InputFileError(f"{path}: {found}; {_NEXT_STEP}")
    if _attribute(file, "DataType") not in ("FIR", ""):
        raise InputFileError(f"{path}: data type {_attribute(file, 'DataType')!r} instead of FIR; {_NEXT_STEP}")
    responses = _dataset(file, "Data.IR", path)
    shape = responses.shape
    if len(shape) != 3 or shape[1] != 2 or 0 in shape:
        raise InputFileError(f"{path}: Data.IR of shape {shape} instead of (directions, 2 ears, taps); {_NEXT_STEP}")
    if np.prod(shape, dtype=float) > _MOST_VALUES:
        raise InputFileError(f"{path}: Data.IR of shape {shape} is larger than 200 million values; {_NEXT_STEP}")
    n_dirs = shape[0]
    rates = np.unique(np.asarray(_dataset(file, "Data.SamplingRate", path), np.float64))
    if len(rates) != 1 or not np.isfinite(rates[0]) or rates[0] <= 0:
        raise InputFileError(f"{path}: Data.SamplingRate {rates.tolist()} instead of one rate; {_NEXT_STEP}")
    fs_hz = float(rates[0])

    azimuth_rad, elevation_rad, distance_m = _directions(file, path, n_dirs)
    hrirs = _delayed(np.asarray(responses, np.float64), _delays(file, path, n_dirs))
    ears = _positions(file, "ReceiverPosition", path)
    if ears is not None and ears.shape[0] == 2 and ears[0, 1] < ears[1, 1]:
        hrirs = hrirs[:, ::-1]
    title = _attribute(file, "Title") or _attribute(file, "DatabaseName") or path.stem
    author, licence = _attribute(file, "AuthorContact"), _attribute(file, "License")
    return HrirSet(
        name=f"{path.name} ({_one_line(title)})",
        hrirs=np.ascontiguousarray(hrirs),
        azimuth_rad=azimuth_rad,
        elevation_rad=elevation_rad,
        fs_hz=fs_hz,
        distance_m=distance_m,
        terms="; ".join(_one_line(part) for part in (licence or "no licence in the file", author) if part),
    )


def _directions(
    file: h5py.File, path: Path, n_dirs: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float | None]:
    source = _positions(file, "SourcePosition", path)
    if source is None or len(source) not in (1, n_dirs):
        count = 0 if source is None else len(source)
        raise InputFileError(f"{path}: {count} source positions for {n_dirs} responses; {_NEXT_STEP}")
    listener = _positions(file, "ListenerPosition", path)
    view, up = _positions(file, "ListenerView", path), _positions(file, "ListenerUp", path)
    vectors = np.broadcast_to(source - (np.zeros((1, 3)) if listener is None else listener), (n_dirs, 3))
    if view is not None and up is not None:
        front = view / np.linalg.norm(view, axis=1, keepdims=True)
        left = np.cross(up, front)
        left /= np.linalg.norm(left, axis=1, keepdims=True)
        axes = (front, left, np.cross(front, left))
        vectors = np.stack([np.sum(vectors * axis, axis=1) for axis in axes], axis=1)
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.all(np.isfinite(vectors)) or np.any(lengths < 1e-9):
        raise InputFileError(f"{path}: a source position is not finite or lies inside the head; {_NEXT_STEP}")
    azimuth_rad, elevation_rad = cartesian_to_spherical(vectors)
    same_distance = np.ptp(lengths) < 0.02 * lengths.mean()
    return azimuth_rad, elevation_rad, float(lengths.mean()) if same_distance else None


def _positions(file: h5py.File, name: str, path: Path) -> NDArray[np.float64] | None:
    """Cartesian positions (n, 3) in metres, or None where the file has none."""
    if name not in file:
        return None
    dataset = _dataset(file, name, path)
    values = np.asarray(dataset, np.float64)
    if values.ndim == 3:
        values = values[:, :, 0]
    if values.ndim != 2 or values.shape[1] != 3:
        raise InputFileError(f"{path}: {name} of shape {values.shape} instead of (n, 3); {_NEXT_STEP}")
    kind = _attribute(dataset, "Type").lower() or ("spherical" if name == "SourcePosition" else "cartesian")
    if kind == "cartesian":
        return values
    if kind != "spherical":
        raise InputFileError(f"{path}: {name} of coordinate type {kind!r}; allowed are spherical and cartesian.")
    in_radians = _attribute(dataset, "Units").lower().startswith("rad")
    angles = values[:, :2] if in_radians else np.deg2rad(values[:, :2])
    return spherical_to_cartesian(angles[:, 0], angles[:, 1]) * values[:, 2:]


def _delays(file: h5py.File, path: Path, n_dirs: int) -> NDArray[np.float64]:
    if "Data.Delay" not in file:
        return np.zeros((n_dirs, 2))
    delays = np.asarray(_dataset(file, "Data.Delay", path), np.float64)
    if delays.ndim != 2 or delays.shape[0] not in (1, n_dirs) or delays.shape[1] != 2:
        raise InputFileError(
            f"{path}: Data.Delay of shape {delays.shape} does not fit {n_dirs} responses; {_NEXT_STEP}"
        )
    delays = np.broadcast_to(delays, (n_dirs, 2))
    if not np.all(np.isfinite(delays)) or np.ptp(delays) > 8192:
        raise InputFileError(f"{path}: Data.Delay holds values that are not finite or spread over 8192 frames.")
    # A delay common to everything says how far the loudspeaker was: nothing to hear in it.
    return np.asarray(delays - delays.min())


def _delayed(hrirs: NDArray[np.float64], delays: NDArray[np.float64]) -> NDArray[np.float64]:
    if not np.any(delays):
        return hrirs
    n_out = hrirs.shape[2] + int(np.ceil(delays.max()))
    whole = bool(np.all(delays == np.rint(delays)))
    # A fraction of a frame rings a little: room for it, so that nothing wraps round.
    n_fft = 1 << (n_out + (0 if whole else 64) - 1).bit_length()
    turn = np.exp(-2j * np.pi * np.arange(n_fft // 2 + 1) / n_fft * delays[:, :, None])
    return np.asarray(np.fft.irfft(np.fft.rfft(hrirs, n_fft) * turn, n_fft)[:, :, :n_out])


def _dataset(file: h5py.File, name: str, path: Path) -> Any:
    found = file.get(name)
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "fiu":
        raise InputFileError(f"{path}: {name} is missing or holds no numbers; {_NEXT_STEP}")
    return found


def _attribute(holder: Any, name: str) -> str:
    value = holder.attrs.get(name, "")
    if isinstance(value, np.ndarray):
        value = value.reshape(-1)[0] if value.size else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:120]
