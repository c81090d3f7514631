"""Notices that a configuration file was edited, and checks it on a thread of its own, for a disk may hang."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread

from rt_render.app.beat import Beat
from rt_render.app.booth.media_watch import pieces_of
from rt_render.app.early_checks import check_booth_gain
from rt_render.app.settings import Settings
from rt_render.app.settings_file import load_settings
from rt_render.errors import RenderError

LOOK_S, AGAIN_S = 1.0, 30.0
_REASON_LETTERS = 120
FOUND_FILES = ("input", "layout", "head", "headphone_eq", "poses", "tracker")


@dataclass(frozen=True, slots=True)
class Edited:
    """A configuration that was edited: its settings, or why they are refused."""

    settings: Settings | None
    refused: str = ""


class ConfigWatch:
    """Looks at a file, if there is one, once a second; `on_look` is called as often, for others who wait for something.

    One that was refused, at the beginning too (`refused`), is checked every half a minute even if it stays as it is: a
    drive or a folder that it names may come. What fails is told to `on_message` once, from the watch's thread, and it
    looks again. `edited` returns once what a change came to, None while there is none; any thread.
    """

    def __init__(
        self,
        path: Path | None,
        on_look: Callable[[], None] = lambda: None,
        on_message: Callable[[str], None] = lambda text: None,
        *,
        refused: str = "",
    ) -> None:
        self._refused, self._again_s = refused, time.monotonic() + AGAIN_S
        self._path, self._on_look, self._on_message = path, on_look, on_message
        self._told = False
        self._edited: Edited | None = None
        self._lock = Lock()
        self.beat = Beat("the watch of the configuration", on_disk=True)
        self._leaves = Event()
        self._seen = self._candidate = _mark(path)
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
        while not self._leaves.wait(LOOK_S):
            self.beat.go()
            try:
                self._look()
                self._on_look()
            except Exception as error:  # a fault of ours: the next look may be all right
                self._tell(f"the watch of the configuration failed ({type(error).__name__}: {error}) and looks again.")
        self.beat.rest()

    def _look(self) -> None:
        mark, now_s = _mark(self._path), time.monotonic()
        again = bool(self._refused) and now_s >= self._again_s
        # a file that is still being written is looked at again
        if mark == self._candidate and (mark != self._seen or again):
            found, as_before = check(self._path), mark == self._seen
            self._seen, self._again_s = mark, now_s + AGAIN_S
            if not as_before or found.refused != self._refused:
                with self._lock:
                    self._edited = found
            self._refused = found.refused
        self._candidate = mark

    def _tell(self, text: str) -> None:
        if not self._told:
            self._told = True
            with suppress(Exception):
                self._on_message(text)


def check(path: Path | None) -> Edited:
    """Return the settings of a file (the defaults without one), or why they cannot be used; never raises."""
    try:
        settings = load_settings(path, find_files=FOUND_FILES)
        check_booth_gain(settings)
        pieces_of(settings.source)
        return Edited(settings)
    except RenderError as error:
        return Edited(None, str(error))
    except Exception as error:  # whatever a file may hold, the booth goes on
        name = path.name if path else "the set-up"
        reason = str(error).partition("\n")[0][:_REASON_LETTERS].rstrip(".")
        return Edited(None, f"{name} cannot be used ({type(error).__name__}: {reason}): mend what was edited last.")


def _mark(path: Path | None) -> tuple[int, int, int] | None:
    if path is None:
        return None
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_mtime_ns, told.st_size, told.st_ino
