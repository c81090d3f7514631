"""What was heard and chosen, kept in files that rotate."""

from collections.abc import Callable
from pathlib import Path

from rt_render.app.booth.visit_log import LogPlace, VisitLog
from rt_render.app.comparison.comparison import Choice

_MAX_BYTES, _N_FILES = 1_000_000, 4


class ChoiceLog:
    """Writes choices as lines of JSON, each with the wall clock's time, on a thread of its own. Any thread."""

    def __init__(self, path: Path, on_message: Callable[[str], None]) -> None:
        self._log = VisitLog(on_message, name="the log of choices", setting="compare_log in [compare]")
        self.beat = self._log.beat
        self._log.move(LogPlace(path, _MAX_BYTES, _N_FILES))

    def add(self, choice: Choice) -> None:
        """Keep a choice; never waits."""
        self._log.add(**{"event" if key == "what" else key: value for key, value in choice.items()})

    def stop(self) -> None:
        """Write what waits, if that takes no longer than two seconds."""
        self._log.stop()
