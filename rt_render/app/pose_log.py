"""What a pose log tells of its session in its first line, and the parts made from it again."""

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from rt_render import __version__
from rt_render import scene as scene_package
from rt_render.app.file_hash import file_hash
from rt_render.app.object_scene import lay_out
from rt_render.app.parts import Parts
from rt_render.app.settings import Settings
from rt_render.app.settings_file import files_read
from rt_render.app.source_opening import LIVE, SCENE, open_source, passes, scene_of
from rt_render.engine.objects import Objects
from rt_render.engine.plan import Plan
from rt_render.errors import ConfigurationError, InputFileError, RenderError
from rt_render.io.audio_file import AudioFileReader
from rt_render.io.source import Source
from rt_render.io.source_ambix import AmbixFileSource
from rt_render.kernels.jit import cpu_target, kernel_source_hash

_SECTIONS: dict[str, Any] = {"audio": {"fs_hz"}, "head": {"order"}, "source": True}
"""The settings that decide what a source delivers."""


def describe_session(settings: Settings, parts: Parts, seconds: float | None) -> dict[str, Any]:
    """Return the header of a session's log: program, machine, plan, decoder, source. Reads up to 64 MB of its file."""
    engine, decoder = parts.engine, parts.decoder
    chosen = settings.model_dump(mode="json", include=_SECTIONS)
    if settings.source.input not in (SCENE, LIVE):
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
        "field": str(settings.output.field.absolute()) if settings.output.field else None,
        "source": {
            "title": parts.source.title,
            "hash": "" if passes(settings.source) else source_hash(settings.source.input),
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

    Live input has none, "". Raises InputFileError.
    """
    if name == LIVE:
        return ""
    digest = hashlib.sha256()
    if name == SCENE:
        for path in sorted(Path(scene_package.__path__[0]).glob("*.py")):
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]
    digest.update(file_hash(Path(name)).encode())
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
            self._field = Path(header["field"]) if header["field"] else None
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

    def files(self, given: str | None) -> list[Path]:
        """Return the files that the session was made of, those a scene names too, as far as they are there."""
        was = self._settings.source
        inputs = [Path(name) for name in (was.input, *was.further) if name not in (SCENE, LIVE)]
        further = [files_read(self._settings).get("layout"), self._field, Path(given) if given else None]
        named = inputs + [path for path in further if path]
        beside = [self._log.with_name(path.name) for path in named]
        there = [path for path in (*named, *beside) if path.is_file()]
        parts = []
        for path in there:
            with suppress(RenderError):  # of what is no scene; a broken one is told when it is opened
                parts += scene.files if (scene := scene_of(str(path))) else []
        return there + parts

    def field_file(self, given: str | None) -> Path | None:
        """Return the file of the field that the session kept, to be played back from; None to play its source again.

        `given`: the file that was named. Raises InputFileError where live input or a playlist has left nothing to play
        back from.
        """
        live = self._settings.source.input == LIVE
        passed = self._hash == ""
        if given is not None:
            same_source = not passed and source_hash(given) == self._hash
            return None if same_source or (self._field is None and not passed) else Path(given)
        if self._field is not None:
            for path in (self._field, self._log.with_name(self._field.name)):
                if path.is_file():
                    return path
        if not passed:
            return None
        kept = f"{self._field}, which kept its field, is not there: name that file as INPUT"
        raise InputFileError(
            f"{self._log} is of {'live input, which is gone' if live else 'a playlist, which may come otherwise'}: "
            + (kept if self._field else "only what was played with --field FILE can be played back")
            + "."
        )

    def open_field(self, path: Path) -> Source:
        """Open a file of the field of this session's blocks. Raises InputFileError for one of another shape."""
        reader = AudioFileReader(path)
        if (reader.fs_hz, reader.n_channels) != (self.plan.fs_hz, self.plan.n_sh):
            reader.close()
            raise InputFileError(
                f"{path} is not the field that {self._log} tells of, {self.plan.n_sh} channels at {self.plan.fs_hz} "
                "Hz: name the file that `play --field` wrote."
            )
        return AmbixFileSource(reader, self.plan.fs_hz, max_order=self.plan.order)

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
