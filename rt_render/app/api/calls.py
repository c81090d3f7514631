"""What the public functions have in common: who is told, which errors they raise, which files a set-up names."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware_bridge.errors import BridgeError
from rt_render.app.settings_file import as_path
from rt_render.errors import TrackerError

Say = Callable[[str], None]
HEAD_FILES = ("head", "headphone_eq")
"""Settings that name a file which makes the ears."""


def nobody(text: str) -> None:
    """Tell nobody."""


@contextmanager
def bridge_errors_as_ours() -> Iterator[None]:
    """Raise what the bridge refuses as a TrackerError, with the same sentence."""
    try:
        yield
    except BridgeError as error:
        raise TrackerError(str(error)) from error


def config_file(config: str | Path | None) -> list[Path]:
    """Return the set-up's own file, where there is one."""
    return [] if config is None else [as_path(config, "config")]
