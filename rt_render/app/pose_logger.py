"""Keeps the log of a session: a thread that writes what the trace feed hands on."""

from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rt_render.app.beat import Beat
from rt_render.app.file_hash import file_hash
from rt_render.app.words import plural
from rt_render.engine.engine import Engine
from rt_render.errors import RenderError
from rt_render.io.pose_log_file import Card, Done, Moved, Piece, PoseLogWriter, Taps
from rt_render.io.wav_writer import OutputFileError
from rt_render.kernels.state import trace_dtype

END_S = 10.0
"""A disk that takes longer for what is left is not waited for: to quit is possible always."""
PIECE_S = 1.0
"""Rows of so much sound are written together, or of one look of the feed more: what a crash or a power cut costs."""
WAITING_PIECES = 500
"""What may wait for a disk that does not answer: some eight minutes. Rows beyond are lost, and counted."""

_BY_HAND = {"objects": "objects are moved by hand", "panorama": "the panorama is changed by hand"}


class PoseLogger:
    """Writes a session's log from `start` to `close`; nobody waits for its disk.

    The file has its name from `start` on: what had it before is only replaced by a session that plays. `take_rows` is
    for the trace feed's thread, filter sets come from whoever publishes; once begun, the file is touched by the thread
    "rt-render-log" alone. A disk that takes no more ends the log, not the playing: `on_message` is told, from that
    thread. It is told too, once and from the feed's, that objects or the panorama were changed by hand, which no log
    holds.
    """

    def __init__(
        self,
        engine: Engine,
        path: Path,
        header: dict[str, Any],
        filters: NDArray[np.floating],
        *,
        card_text: Callable[[int], str],
        panorama_changes: Callable[[], int] = lambda: 0,
        field: Path | None = None,
        force: bool,
        on_message: Callable[[str], None],
    ) -> None:
        """Begin the file with the header and the engine's first filters; raises OutputFileError.

        `card_text` tells in words what plays under a stream's number, `panorama_changes` how often somebody changed
        the panorama; `field`: the file of the field, whole at `close`.
        """
        self._engine, self._card_text, self._field, self._on_message = engine, card_text, field, on_message
        self._writer = PoseLogWriter(path, header, trace_dtype(engine.plan.block_size), force=force)
        self._waiting: SimpleQueue[Piece | None] = SimpleQueue()
        self._rows: list[NDArray[np.void]] = []
        self._piece_rows = max(1, round(PIECE_S * engine.plan.fs_hz / engine.plan.block_size))
        self._changes = {"objects": lambda: engine.objects.changes, "panorama": panorama_changes}
        self._begun = {what: changes() for what, changes in self._changes.items()}
        self._stream: int | None = None
        self._lost = 0
        self._broken, self._closed = False, False
        self.beat = Beat("the log", on_disk=True)
        self._failure: RenderError | None = None
        self._thread = Thread(target=self._run, name="rt-render-log", daemon=True)
        self._take_filters(1, np.asarray(filters, np.float64))
        engine.tell_filters(self._take_filters)

    def start(self) -> None:
        """Give the file its name and begin to write, of a session that plays. What came before waits for that."""
        self._thread.start()

    def take_rows(self, rows: NDArray[np.void]) -> None:
        """Take trace rows, which are kept and not changed. The trace feed's thread."""
        for what in [what for what, begun in self._begun.items() if self._changes[what]() != begun]:
            self._tell_moved(what)
        for part in np.split(rows, np.flatnonzero(np.diff(rows["stream"])) + 1):
            stream = int(part["stream"][0])
            if stream != self._stream:
                self._hand_on_rows()
                self._stream = stream
                self._waiting.put(Card(stream, self._card_text(stream)))
            self._rows.append(part)
        if sum(map(len, self._rows)) >= self._piece_rows:
            self._hand_on_rows()

    def close(self) -> None:
        """Write what is left, close the file and tell it. After the last rows; may be called twice.

        Raises OutputFileError where the disk takes no more, or has not answered within `END_S`.
        """
        if self._closed:
            return
        self._closed = True
        self._hand_on_rows()
        snapshot = self._engine.snapshot()
        lost = self._lost + snapshot.trace_lost
        field = file_hash(self._field) if self._field and self._field.is_file() else ""
        self._waiting.put(Done(lost, snapshot.missed_slots, field))
        if not self._end():
            raise OutputFileError(
                f"{self._writer.path} is not finished: its disk has not answered for {END_S:g} s; "
                "what was written so far can be played back."
            )
        if self._failure:
            raise self._failure
        if self._broken:
            return
        self._on_message(f"{self._writer.path} is written: the log, for `rt-render render --poses`")
        if lost:
            self._on_message(
                f"{self._writer.path} lacks {plural(lost, 'block')}: the disk was too slow, or the computer stood "
                "still; it can be played back up to there"
            )

    def abandon(self) -> None:
        """Give up the log of a session that did not begin: nothing is left of it, and what had its name stays."""
        self._closed = True
        if self._thread.ident is None:
            self._writer.discard()
        else:
            self._end()

    def _take_filters(self, number: int, filters: NDArray[np.float64]) -> None:
        # before the set can sound, so that no row names it yet
        self._waiting.put(Taps(number, filters.copy()))

    def _tell_moved(self, what: str) -> None:
        """Mark where objects or the panorama left what they were: the rows until now were made before."""
        del self._begun[what]
        self._hand_on_rows()
        self._waiting.put(Moved(what))
        if not self._field:
            self._on_message(
                f"{_BY_HAND[what]}, which {self._writer.path} does not hold: from here on it cannot be played "
                "back; next time keep the field too, with --field FILE"
            )

    def _hand_on_rows(self) -> None:
        if not self._rows:
            return
        rows, self._rows = np.concatenate(self._rows), []
        if self._waiting.qsize() < WAITING_PIECES:
            self._waiting.put(rows)
        else:
            self._lost += len(rows)

    def _end(self) -> bool:
        """Let the thread end; False when it does not, for the disk."""
        self._waiting.put(None)
        if self._thread.ident is None:
            self._thread.start()
        self._thread.join(END_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        self.beat.go()
        try:
            self._writer.take_name()
        except RenderError as error:
            self._on_message(str(error))
        except Exception as error:  # a fault of ours, as in `_write`
            self._break(error)
        self.beat.rest()
        while (piece := self._waiting.get()) is not None:
            self.beat.go()
            if not self._broken:
                self._write(piece)
            self.beat.rest()
        self._writer.close()

    def _write(self, piece: Piece) -> None:
        try:
            self._writer.write(piece)
        except RenderError as error:
            self._broken = True
            if self._closed:
                self._failure = error
            else:
                self._on_message(str(error))
        except Exception as error:  # a fault of ours: the log ends, the thread takes what still comes
            self._break(error)

    def _break(self, error: Exception) -> None:
        self._broken = True
        reason = f"{type(error).__name__}: {error}"
        self._on_message(f"{self._writer.path} is written no further ({reason}): what it has can be played back.")
