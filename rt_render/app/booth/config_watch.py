"""Notices that a configuration file was edited, and checks it on a thread of its own, for a disk may hang."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread

from rt_render.app.early_checks import check_booth_gain
from rt_render.app.settings import Settings
from rt_render.app.settings_file import load_settings
from rt_render.errors import RenderError

LOOK_S = 1.0
_REASON_LETTERS = 120
FOUND_FILES = ("input", "layout", "head", "headphone_eq", "poses", "tracker")


@dataclass(frozen=True, slots=True)
class Edited:
    """A configuration that was edited: its settings, or why they are refused."""

    settings: Settings | None
    refused: str = ""


class ConfigWatch:
    """Looks at a file once a second; `on_look` is called as often, for others who wait for the machine.

    `edited` returns once what a change came to, None while there is none; any thread.
    """

    def __init__(self, path: Path, on_look: Callable[[], None] = lambda: None) -> None:
        self._path, self._on_look = path, on_look
        self._edited: Edited | None = None
        self._lock = Lock()
        self._leaves = Event()
        self._seen = _mark(path)
        self._thread = Thread(target=self._run, name="configuration watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End; a disk that hangs is not waited for."""
        self._leaves.set()
        self._thread.join(LOOK_S)

    def edited(self) -> Edited | None:
        """Return what was found since it was asked last."""
        with self._lock:
            found, self._edited = self._edited, None
        return found

    def _run(self) -> None:
        candidate = self._seen
        while not self._leaves.wait(LOOK_S):
            self._on_look()
            mark = _mark(self._path)
            # a file that is still being written is looked at again
            if mark == candidate and mark != self._seen:
                self._seen = mark
                found = check(self._path)
                with self._lock:
                    self._edited = found
            candidate = mark


def check(path: Path | None) -> Edited:
    """Return the settings of a file (the defaults without one), or why they cannot be used; never raises."""
    try:
        settings = load_settings(path, find_files=FOUND_FILES)
        check_booth_gain(settings)
        return Edited(settings)
    except RenderError as error:
        return Edited(None, str(error))
    except Exception as error:  # whatever a file may hold, the booth goes on
        name = path.name if path else "the set-up"
        reason = str(error).partition("\n")[0][:_REASON_LETTERS].rstrip(".")
        return Edited(None, f"{name} cannot be used ({type(error).__name__}: {reason}): mend what was edited last.")


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_mtime_ns, told.st_size, told.st_ino
