"""Keeps what a card plays: a thread that drains the engine's capture into an audio file."""

from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

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
        self._failed = False
        self._thread = Thread(target=self._run, name="rt-render-recorder", daemon=True)

    @property
    def path(self) -> Path:
        """The file that is written."""
        return self._writer.path

    def start(self) -> None:
        """Begin to drain."""
        self._thread.start()

    def close(self) -> None:
        """Write what is left and give the file its name. After the card has stopped; may be called twice."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        if not self._failed:
            self._write()
            self._writer.close()

    def abandon(self) -> None:
        """Give up a file that nothing was written to."""
        self._writer.abandon()
        self._writer.partial_path.unlink(missing_ok=True)

    def _run(self) -> None:
        while not self._stop.wait(_DRAIN_S) and not self._failed:
            try:
                self._write()
            except RenderError as error:
                self._failed = True
                self._on_message(str(error))

    def _write(self) -> None:
        self._writer.write(self._engine.read_capture())
