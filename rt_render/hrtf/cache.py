"""Designed decoders on disk, found again by what they were made from."""

import os
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def cache_folder() -> Path:
    """Return the user's cache folder of this project, which may not exist yet."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "rt-render"


def load_filters(key: str, shape: tuple[int, ...]) -> NDArray[np.float32] | None:
    """Return the filters kept under a key, or None where none of this shape can be read and trusted."""
    try:
        # Opened here: NumPy leaves a file that it cannot read open.
        with _path(key).open("rb") as file, np.load(file) as data:
            filters = data["filters"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    whole = filters.shape == shape and filters.dtype == np.float32 and bool(np.all(np.isfinite(filters)))
    return filters if whole else None


def save_filters(key: str, filters: NDArray[np.float32]) -> None:
    """Keep filters under a key, all or nothing; a cache that cannot be written is done without."""
    target = _path(key)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="part-") as folder:
            whole = Path(folder) / target.name
            np.savez(whole, filters=filters)
            whole.replace(target)
    except OSError:
        return


def _path(key: str) -> Path:
    return cache_folder() / "decoders" / f"{key}.npz"
