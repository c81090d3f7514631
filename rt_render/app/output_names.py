"""Names of files to be written: nothing is overwritten unless it is said, and what is read never."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rt_render.errors import ConfigurationError


def refuse_one_name(paths: Iterable[Path | None]) -> None:
    """Raise ConfigurationError where two files to be written are one, by whatever names; None stands for no file."""
    seen: set[Path] = set()
    for path in paths:
        if path is None:
            continue
        if path.resolve() in seen:
            raise ConfigurationError(f"{path} cannot be two files at once: name another file for one of them.")
        seen.add(path.resolve())


def refuse_overwrite(paths: Sequence[Path], force: bool, read: Iterable[Path] = ()) -> None:
    """Raise ConfigurationError where a file exists (and not `force`) or is one that is read, or has no folder."""
    for path in paths:
        if any(path.exists() and other.exists() and path.samefile(other) for other in read):
            raise ConfigurationError(f"{path} is read, so it cannot be written too: choose another name.")
        if not path.parent.is_dir():
            raise ConfigurationError(f"{path} cannot be written: there is no folder {path.parent}; make it first.")
    there = [str(path) for path in paths if path.exists()]
    if there and not force:
        names = f"{there[0]} exists" if len(there) == 1 else f"{', '.join(there[:-1])} and {there[-1]} exist"
        raise ConfigurationError(f"{names} already: choose another name, or overwrite with --force.")
