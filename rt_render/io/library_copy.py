"""A second, untouched instance of a shared library that is already loaded, for one that can no longer be used."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rt_render.errors import DeviceError

_MAPS = Path("/proc/self/maps")


@contextmanager
def library_copy(word: str) -> Iterator[str]:
    """Yield the path of a short-lived copy of the loaded library whose file name holds `word`.

    The loader tells libraries apart by file: what is loaded from the copy has its own memory, and lives on
    when the file is gone. Linux; raises DeviceError elsewhere or when it is not loaded from a file.
    """
    loaded = _MAPS.read_text().splitlines() if _MAPS.exists() else []
    paths = [Path(fields[5]) for line in loaded if len(fields := line.split(maxsplit=5)) == 6]
    original = next((p for p in paths if word in p.name and p.exists()), None)
    if original is None:
        raise DeviceError("the sound library cannot be started anew here: restart the program.")
    with tempfile.TemporaryDirectory(prefix="rt-render-") as directory:
        yield shutil.copy(original, directory)
