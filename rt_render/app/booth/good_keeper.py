"""Keeps the settings with which sound plays, for a beginning at which those of the file cannot be used."""

from pathlib import Path
from threading import Thread

from rt_render.app.booth.state_files import keep_good
from rt_render.app.settings import Settings


class GoodKeeper:
    """Writes settings that are new to it on a thread of their own, for a disk may hang; one that does is left alone."""

    def __init__(self, config: Path | None) -> None:
        self._config = config
        self._kept: Settings | None = None
        self._thread: Thread | None = None

    def keep(self, settings: Settings) -> None:
        """Keep settings, or try at the next call where the disk is busy. One thread; never waits, never raises."""
        if settings is self._kept or (self._thread and self._thread.is_alive()):
            return
        self._kept = settings
        self._thread = Thread(target=keep_good, args=(settings, self._config), name="last good set-up", daemon=True)
        self._thread.start()
