"""Names of files to be written: nothing is overwritten unless it is said."""

from collections.abc import Sequence
from pathlib import Path

from rt_render.errors import ConfigurationError


def refuse_overwrite(paths: Sequence[Path], force: bool) -> None:
    """Raise ConfigurationError where a file exists (and not `force`), or where its folder does not."""
    for path in paths:
        if not path.parent.is_dir():
            raise ConfigurationError(f"{path} cannot be written: there is no folder {path.parent}; make it first.")
    there = [str(path) for path in paths if path.exists()]
    if there and not force:
        names = f"{there[0]} exists" if len(there) == 1 else f"{', '.join(there[:-1])} and {there[-1]} exist"
        raise ConfigurationError(f"{names} already: choose another name, or overwrite with --force.")
