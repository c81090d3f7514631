"""The booth's log: a line of JSON an event, in files that rotate; a disk that is full or hangs holds up nobody."""

import json
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Condition, Thread
from typing import Any

from rt_render.app.beat import Beat

MAX_WAITING = 10_000
RETRY_S, LAST_TRY_S = 2.0, 2.0
_MODE = 0o600


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Where the log lies: `path` is the newest file, `path`.1 the one before, `n_files` in all, each of `max_bytes`."""

    path: Path
    max_bytes: int
    n_files: int


def _local_time() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


class VisitLog:
    """Writes events on a thread of its own, each with the wall clock's time; what cannot be written waits.

    Up to 10 000 lines wait for the disk, the oldest go first, and how many went is the next line. `on_message` gets a
    sentence when writing begins to fail, and when it works again. `add`, `move`: any thread, never wait, never raise.
    """

    def __init__(
        self,
        on_message: Callable[[str], None],
        wall_clock: Callable[[], str] = _local_time,
        *,
        name: str = "the log of visits",
        setting: str = "visits in [booth]",
    ) -> None:
        """`name`: for people; `setting`: where the file is named."""
        self.beat = Beat(name, on_disk=True)
        self._on_message, self._wall_clock, self._setting = on_message, wall_clock, setting
        self._changed = Condition()
        self._waiting: deque[bytes] = deque()
        self._place: LogPlace | None = None
        self._n_lost, self._leaves, self._fails = 0, False, False
        self._thread = Thread(target=self._run, name="visit log", daemon=True)
        self._thread.start()

    def move(self, place: LogPlace) -> None:
        """Write there from now on; what was added before the first place is known comes there too."""
        with self._changed:
            self._place = place
            self._changed.notify()

    def add(self, event: str, **details: Any) -> None:
        """Keep an event; `details` must be JSON-able."""
        line = json.dumps({"time": self._wall_clock(), "event": event, **details}, ensure_ascii=False, default=str)
        with self._changed:
            if len(self._waiting) >= MAX_WAITING:
                self._waiting.popleft()
                self._n_lost += 1
            self._waiting.append(line.encode(errors="backslashreplace") + b"\n")
            self._changed.notify()

    def stop(self) -> None:
        """Write what waits, if that takes no longer than two seconds."""
        with self._changed:
            self._leaves = True
            self._changed.notify()
        self._thread.join(LAST_TRY_S)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._leaves and not (self._waiting and self._place):
                    self._changed.wait()
                place, lines = self._place, list(self._waiting)
            self.beat.go()
            written = self._write(place, lines) if place and lines else 0
            self.beat.rest()
            with self._changed:
                for line in lines[:written]:
                    if self._waiting and self._waiting[0] is line:
                        self._waiting.popleft()
                if self._leaves and (written < len(lines) or not self._waiting):
                    return
                if written < len(lines) and not self._leaves:
                    self._changed.wait(RETRY_S)

    def _write(self, place: LogPlace, lines: list[bytes]) -> int:
        """Write lines; return how many are on the disk."""
        written = 0
        try:
            place.path.parent.mkdir(parents=True, exist_ok=True)
            if self._n_lost:
                lost = {"time": self._wall_clock(), "event": "lines_lost", "lines": self._n_lost}
                append_line(place, json.dumps(lost).encode() + b"\n")
                self._n_lost = 0
            for line in lines:
                append_line(place, line)
                written += 1
        except Exception as error:  # this thread must outlive anything
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            if not self._fails:
                self._tell(
                    f"the log {place.path.name} cannot be written ({reason}): lines "
                    f"wait until it can; make room or name another file with {self._setting}."
                )
            self._fails = True
        else:
            if self._fails:
                self._tell(f"the log {place.path.name} is written again.")
            self._fails = False
        return written

    def _tell(self, text: str) -> None:
        with suppress(Exception):
            self._on_message(text)


def append_line(place: LogPlace, line: bytes) -> None:
    """Append a whole line or nothing, in the next file where this one is full. Raises OSError."""
    if place.path.exists() and (size := place.path.stat().st_size) and size + len(line) > place.max_bytes:
        _rotate(place)
    descriptor = os.open(place.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, _MODE)
    try:
        size = os.fstat(descriptor).st_size
        if size and not _ends_a_line(descriptor, size):
            line = b"\n" + line
        try:
            if os.write(descriptor, line) < len(line):
                raise OSError(28, "No space left on device")
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _ends_a_line(descriptor: int, size: int) -> bool:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) == b"\n"


def _rotate(place: LogPlace) -> None:
    """Make room for a new file; a gap that a try before has left is filled, so that no further try loses anything."""
    if place.n_files == 1:
        place.path.unlink(missing_ok=True)
        return
    files = [place.path, *(place.path.with_name(f"{place.path.name}.{n}") for n in range(1, place.n_files))]
    gap = next((n for n, file in enumerate(files) if not file.exists()), len(files) - 1)
    for number in range(gap, 0, -1):
        files[number - 1].replace(files[number])


def read_events(place: LogPlace) -> list[dict[str, Any]]:
    """Return what is in the log, the oldest first; what is no line of it is left out. Raises OSError."""
    names = [place.path.with_name(f"{place.path.name}.{n}") for n in range(place.n_files - 1, 0, -1)] + [place.path]
    events = []
    for path in names:
        if path.is_file():
            for line in path.read_bytes().splitlines():
                with suppress(ValueError):
                    events.append(json.loads(line))
    return [event for event in events if isinstance(event, dict)]
