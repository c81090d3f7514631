"""Keeps what a card plays: a thread that drains the engine's capture into an audio file."""

from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from rt_render.app.words import plural
from rt_render.engine.engine import Engine
from rt_render.errors import RenderError
from rt_render.io.wav_writer import WavWriter

_DRAIN_S = 0.1


class Recorder:
    """Writes the captured frames of an engine to a file, float32 by default, from `start` to `close`.

    A disk that takes no more ends the recording, not the playing; the sentence goes to `on_message`.
    """

    def __init__(self, engine: Engine, path: Path, *, force: bool, on_message: Callable[[str], None]) -> None:
        """Open the file; raises OutputFileError."""
        self._engine = engine
        self._writer = WavWriter(path, int(engine.plan.fs_hz), 2, force=force)
        self._on_message = on_message
        self._stop = Event()
        self._done = False
        self._thread = Thread(target=self._run, name="rt-render-recorder", daemon=True)

    def start(self) -> None:
        """Begin to drain."""
        self._thread.start()

    def close(self) -> None:
        """Write what is left and give the file its name. After the card has stopped; may be called twice."""
        self._join()
        if not self._done:
            self._done = True
            self._write()
            self._writer.close()
            lost = self._engine.snapshot().capture_lost
            if lost:
                self._on_message(
                    f"{self._writer.path} lacks {plural(lost, 'frame')}: "
                    "the disk was too slow, or the computer stood still"
                )

    def abandon(self) -> None:
        """Give up the file: nothing is left of it."""
        self._join()
        self._done = True
        self._writer.abandon()
        self._writer.partial_path.unlink(missing_ok=True)

    def _join(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_DRAIN_S) and not self._done:
            try:
                self._write()
            except RenderError as error:
                self._done = True
                self._on_message(str(error))

    def _write(self) -> None:
        self._writer.write(self._engine.read_capture())
