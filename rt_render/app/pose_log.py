"""What a pose log tells of its session in its first line, and the parts made from it again."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from rt_render import __version__
from rt_render import scene as scene_package
from rt_render.app.object_scene import lay_out
from rt_render.app.parts import Parts
from rt_render.app.settings import Settings
from rt_render.app.settings_file import files_read
from rt_render.app.source_opening import SCENE, open_source, scene_of
from rt_render.engine.objects import Objects
from rt_render.engine.plan import Plan
from rt_render.errors import ConfigurationError, InputFileError
from rt_render.io.source import Source
from rt_render.kernels.jit import cpu_target, kernel_source_hash

_WHOLE_BYTES = 64 << 20
"""Files up to here are hashed whole; of longer ones so much, in even pieces from their first to their last byte."""
_PIECE_BYTES = 1 << 20
_SECTIONS: dict[str, Any] = {"audio": {"fs_hz"}, "head": {"order"}, "source": True}
"""The settings that decide what a source delivers."""


def describe_session(settings: Settings, parts: Parts, seconds: float | None) -> dict[str, Any]:
    """Return the header of a session's log: program, machine, plan, decoder, source. Reads up to 64 MB of its file."""
    engine, decoder = parts.engine, parts.decoder
    chosen = settings.model_dump(mode="json", include=_SECTIONS)
    if settings.source.input != SCENE:
        chosen["source"]["input"] = str(Path(settings.source.input).absolute())
    if "layout" in files_read(settings):
        chosen["source"]["layout"] = str(Path(settings.source.layout).absolute())
    return {
        "version": __version__,
        "code": kernel_source_hash(),
        "cpu": cpu_target(),
        "began": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "began_s": time.monotonic(),
        "plan": asdict(engine.plan),
        "plan_hash": engine.plan_hash,
        "ceiling_db": settings.audio.ceiling_db,
        "decoder": {"head": decoder.head, "method": decoder.method, "design": decoder.content_hash},
        "taps_hash": taps_hash(decoder.filters),
        "settings": chosen,
        "source": {
            "title": parts.source.title,
            "hash": source_hash(settings.source.input),
            "frames": parts.source.n_frames,
            "seconds": seconds,
            "start_frame": 0,
        },
    }


def taps_hash(filters: NDArray[np.floating]) -> str:
    """Return a hash of a filter set's taps, whatever their type."""
    return hashlib.sha256(np.ascontiguousarray(filters, "<f8").tobytes()).hexdigest()[:16]


def source_hash(name: str) -> str:
    """Return a hash of a file's content, and of the files a scene names, or of the built-in scene's program.

    Raises InputFileError.
    """
    digest = hashlib.sha256()
    if name == SCENE:
        for path in sorted(Path(scene_package.__path__[0]).glob("*.py")):
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]
    try:
        with Path(name).open("rb") as file:
            n_bytes = file.seek(0, 2)
            digest.update(str(n_bytes).encode())
            n_pieces = _WHOLE_BYTES // _PIECE_BYTES
            last = n_bytes - _PIECE_BYTES
            whole = n_bytes <= _WHOLE_BYTES
            starts = range(0, n_bytes, _PIECE_BYTES) if whole else (last * i // (n_pieces - 1) for i in range(n_pieces))
            for start in starts:
                file.seek(start)
                digest.update(file.read(_PIECE_BYTES))
    except OSError as error:
        raise InputFileError(f"{name} cannot be read: {error.strerror}; name the file that was played.") from None
    scene = scene_of(name)
    for part in scene.files if scene else []:
        digest.update(source_hash(str(part)).encode())
    return digest.hexdigest()[:16]


class LoggedSession:
    """What a log's header says, checked; raises InputFileError and ConfigurationError."""

    def __init__(self, header: dict[str, Any], log: Path) -> None:
        self._log = log
        try:
            self.version, self.code, self.cpu = (str(header[key]) for key in ("version", "code", "cpu"))
            self.plan = Plan(**header["plan"])
            self.ceiling_db = float(header["ceiling_db"])
            self.plan_hash, self.taps_hash = str(header["plan_hash"]), str(header["taps_hash"])
            self._settings = Settings.model_validate(header["settings"])
            told = header["source"]
            self.title, self._hash, self._seconds = str(told["title"]), str(told["hash"]), told["seconds"]
        except (KeyError, TypeError, ValueError, ValidationError):
            raise InputFileError(f"the first line of {log} is damaged: nothing can be made of it.") from None
        if self.version != __version__:
            raise ConfigurationError(
                f"{log} is of rt-render {self.version}, and this is {__version__}, which may sound different: "
                f"install rt-render {self.version} to play it back."
            )

    @property
    def same_program(self) -> bool:
        """Whether the machine code is that of the session, so that the samples are equal and not only alike."""
        return self.code == kernel_source_hash() and self.cpu == cpu_target()

    @property
    def processor(self) -> str:
        """The kind of processor that the session ran on, as the compiler names it."""
        words = self.cpu.split()
        return words[1] if len(words) > 1 else self.cpu

    def open_source(self, given: str | None, objects: Objects, on_message: Callable[[str], None]) -> Source:
        """Open what was played: the file given, else where it was, else beside the log; place its objects."""
        name = self._find(given)
        if source_hash(name) != self._hash:
            what = "the built-in scene is another one by now" if name == SCENE else f"{name} is not what was played"
            raise InputFileError(
                f"{what}: its content is not that of which {self._log} tells; name the very same file as INPUT."
            )
        chosen = self._settings.source.model_copy(update={"input": name})
        source = open_source(self._settings.model_copy(update={"source": chosen}), self._seconds)
        for note in source.notes:
            on_message(note)
        if scene := scene_of(name):
            lay_out(scene, objects)
        return source

    def _find(self, given: str | None) -> str:
        was = self._settings.source.input
        if given is not None or was == SCENE:
            return given or SCENE
        for path in (Path(was), self._log.with_name(Path(was).name)):
            if path.is_file():
                return str(path)
        raise InputFileError(f"{was}, of which {self._log} tells, is not there: name that file as INPUT.")
