"""What a session keeps in files: what is heard, the field before the ears, the pose log, and a listener's choices."""

from collections.abc import Callable
from contextlib import ExitStack

from rt_render.app.beat import Beat
from rt_render.app.comparison.choice_log import ChoiceLog
from rt_render.app.comparison.comparison import Comparison
from rt_render.app.parts import Parts
from rt_render.app.pose_log import describe_session
from rt_render.app.pose_logger import PoseLogger
from rt_render.app.recorder import Recorder
from rt_render.app.settings import Settings
from rt_render.app.trace_feed import TraceFeed
from rt_render.engine.engine import Engine


class SessionFiles:
    """The files of one session, none until `open`; then either `close` or `abandon` ends them. Control thread."""

    def __init__(self, engine: Engine, settings: Settings, on_message: Callable[[str], None]) -> None:
        self._engine, self._settings, self._on_message = engine, settings, on_message
        self._recorders: list[Recorder] = []
        self._logger: PoseLogger | None = None
        self._choices: ChoiceLog | None = None

    def open(
        self,
        parts: Parts,
        seconds: float | None,
        *,
        card_text: Callable[[int], str],
        feed: TraceFeed,
        comparison: Comparison,
    ) -> None:
        """Open what the settings name, and let the log and the choices be told.

        `card_text` tells what plays under a stream's number. Raises OutputFileError and ConfigurationError; what was
        opened before is then for `abandon`.
        """
        wanted = self._settings.output
        for path, of_field in ((wanted.record, False), (wanted.field, True)):
            if path:
                self._recorders.append(
                    Recorder(self._engine, path, force=wanted.force, on_message=self._on_message, field=of_field)
                )
        if wanted.log:
            self._logger = PoseLogger(
                self._engine,
                wanted.log,
                describe_session(self._settings, parts, seconds),
                parts.decoder.filters,
                card_text=card_text,
                panorama_changes=lambda: parts.space.changes,
                field=wanted.field,
                force=wanted.force,
                on_message=self._on_message,
            )
            feed.add(self._logger.take_rows)
        if self._settings.compare.compare_log:
            self._choices = ChoiceLog(self._settings.compare.compare_log, self._on_message)
            comparison.listen(self._choices.add)

    @property
    def beats(self) -> list[Beat]:
        """The signs of life of what writes."""
        writers = (*self._recorders, self._logger, self._choices)
        return [one.beat for one in writers if one is not None]

    def start_recording(self) -> None:
        """Begin to drain what is recorded; before the card plays."""
        for recorder in self._recorders:
            recorder.start()

    def start_log(self) -> None:
        """Begin to write the log, in the place of an older one; when there is something to log."""
        if self._logger:
            self._logger.start()

    def close(self) -> None:
        """Write what is left and give the files their names; after the card and the feed have stopped.

        Raises OutputFileError when all are closed.
        """
        with ExitStack() as each:  # last first
            if self._logger:
                each.callback(self._logger.close)  # behind the field, of which it tells
            for recorder in self._recorders:
                each.callback(recorder.close)
            if self._choices:
                each.callback(self._choices.stop)

    def abandon(self) -> None:
        """Leave no files of a session that does not play."""
        with ExitStack() as each:
            for recorder in self._recorders:
                each.callback(recorder.abandon)
            if self._logger:
                each.callback(self._logger.abandon)
            if self._choices:
                each.callback(self._choices.stop)
