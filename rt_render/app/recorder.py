"""Keeps what a card plays, or the field it is made of: a thread that drains a ring of the engine into a file."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from rt_render.app.beat import Beat
from rt_render.app.words import plural
from rt_render.engine.engine import Engine
from rt_render.errors import RenderError
from rt_render.io.audio_file import FILE_ERRORS
from rt_render.io.wav_writer import OutputFileError, WavWriter

END_S = 10.0
"""A disk that takes longer for what is left is not waited for: to quit is possible always."""
TAP_S = 4.0
"""So long the disk may stand still before the field lacks something: 49 MB at order 7."""
_DRAIN_S = 0.1


class Recorder:
    """Writes the captured frames of an engine, or its field, to a file, float32 by default, from `start` to `close`.

    Once open, the file is touched by the thread "rt-render-recorder" alone. A disk that takes no more ends the
    recording, not the playing; the sentence goes to `on_message`, from that thread.
    """

    def __init__(
        self, engine: Engine, path: Path, *, force: bool, on_message: Callable[[str], None], field: bool = False
    ) -> None:
        """Open the file; `field`: of the field before the ears. Raises OutputFileError and ConfigurationError."""
        self._engine, self._field = engine, field
        self._writer = WavWriter(path, int(engine.plan.fs_hz), engine.plan.n_sh if field else 2, force=force)
        if field:
            engine.prepare_tap(TAP_S)
        self._on_message = on_message
        self.beat = Beat(f"the recording {path.name}", on_disk=True)
        self._ending = Event()
        self._kept, self._whole, self._closed = True, False, False
        self._failure: RenderError | None = None
        self._thread = Thread(target=self._run, name="rt-render-recorder", daemon=True)

    def start(self) -> None:
        """Begin to drain."""
        self._thread.start()

    def close(self) -> None:
        """Write what is left, give the file its name, and tell it. After the card has stopped; may be called twice.

        Raises OutputFileError, also where the disk has not answered within `END_S`.
        """
        if self._closed:
            return
        self._closed = True
        if not self._end():
            raise OutputFileError(self._unfinished())
        if self._failure:
            raise self._failure
        if not self._whole:
            return
        what = "the field before the ears" if self._field else "what both ears got"
        self._on_message(f"{self._writer.path} is written: {what}")
        lost = self._engine.tap_lost if self._field else self._engine.snapshot().capture_lost
        if lost:
            self._on_message(
                f"{self._writer.path} lacks {plural(lost, 'frame')}: the disk was too slow, or the computer stood still"
            )

    def abandon(self) -> None:
        """Give up the file: nothing is left of it, as far as the disk answers within `END_S`."""
        self._closed, self._kept = True, False
        if not self._end():
            self._on_message(self._unfinished())

    def _end(self) -> bool:
        """Let the thread end; False when it does not, for the disk."""
        self._ending.set()
        if self._thread.ident is None:
            self._thread.start()
        self._thread.join(END_S)
        return not self._thread.is_alive()

    def _unfinished(self) -> str:
        return (
            f"{self._writer.path} is not finished: its disk has not answered for {END_S:g} s; "
            f"what was written so far is in {self._writer.partial_path}."
        )

    def _run(self) -> None:
        try:
            while not self._ending.wait(_DRAIN_S):
                self.beat.go()
                self._write()
            if self._kept:
                self._write()
                self._writer.close()
                self._whole = True
            else:
                with suppress(*FILE_ERRORS):
                    self._writer.abandon()
                    self._writer.partial_path.unlink(missing_ok=True)
        except RenderError as error:
            self._fail(error)
        except Exception as error:  # a fault of ours ends the recording, and not without a word
            reason = f"{type(error).__name__}: {error}"
            self._fail(
                OutputFileError(
                    f"{self._writer.path} is recorded no further ({reason}): what was written so far is in "
                    f"{self._writer.partial_path}."
                )
            )
        self.beat.rest()

    def _fail(self, error: RenderError) -> None:
        if self._ending.is_set():
            self._failure = error
        else:
            self._on_message(str(error))

    def _write(self) -> None:
        self._writer.write(self._engine.read_tap() if self._field else self._engine.read_capture())
