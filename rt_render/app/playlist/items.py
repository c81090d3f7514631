"""What a playlist holds: items from several names, a folder, an .m3u or a .toml file."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rt_render.app.elsewhere import why_elsewhere
from rt_render.app.settings import Source as SourceSettings
from rt_render.errors import ConfigurationError, InputFileError
from rt_render.io.shown import shown

SOUND_ENDINGS = (
    *(".wav", ".w64", ".rf64", ".caf", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au"),
    ".amb",
)
"""What is played of a folder."""
_SCENE = "scene"
_NAMES = (_SCENE, "live")
"""What is no path; live input is refused when it is its turn."""
_MOST_NAMED = 5
_OWN_KEYS = ("input", "further", "loop", "crossfade_s", "loudness_lufs", "input_device", "input_channels")
"""Settings of a source that are the playlist's, or a live input's, and no item's."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry: what it plays and how. `title`: "" leaves it to the file; `gain_db` comes on top of the matched
    loudness; `repeat`: how often, without a gap; `seconds`: at most so long."""

    wanted: SourceSettings
    title: str = ""
    gain_db: float = 0.0
    repeat: int = 1
    seconds: float | None = None

    @property
    def name(self) -> str:
        """The path, or the name of a built-in scene."""
        return self.wanted.input

    @property
    def never_ends(self) -> bool:
        """Whether it goes on until somebody asks for the next."""
        return self.name == _SCENE and self.seconds is None

    @property
    def short_name(self) -> str:
        """What to call it before it is opened."""
        return shown(self.title or Path(self.name).stem)


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)
    file: Annotated[str, Field(min_length=1)] = Field(description='the path of a sound file, or "scene"')
    title: str = Field(default="", max_length=120, description="a title of up to 120 letters")
    gain_db: float = Field(default=0.0, ge=-60.0, le=24.0, description="-60 to 24 dB")
    repeat: int = Field(default=1, ge=1, le=1000, description="1 to 1000 times")
    seconds: float | None = Field(default=None, ge=0.1, le=86400.0, description="0.1 to 86400 s")


def items_of(
    names: Iterable[str], wanted: SourceSettings, on_note: Callable[[str], None] = lambda text: None
) -> list[Item]:
    """Return the items of names, in their order: a folder or a list stands for what is in it.

    `wanted`: what holds for an item that does not say otherwise. Files named are not opened; `on_note` gets a sentence
    for each folder of which something is left out. Raises InputFileError for a list that cannot be read or is empty,
    ConfigurationError for a key in it that cannot be used.
    """
    items: list[Item] = []
    for name in names:
        path, ending = Path(name), Path(name).suffix.lower()
        if name in _NAMES:
            items.append(_item(wanted, name))
        elif path.is_dir():
            items += _of_folder(path, wanted, on_note)
        elif ending in (".m3u", ".m3u8"):
            items += _of_m3u(path, wanted)
        elif ending == ".toml" and (rows := _rows_of_toml(path)) is not None:
            items += [_of_row(path, number, row, wanted) for number, row in enumerate(rows, start=1)]
        else:
            items.append(_item(wanted, name))
    return items


def _item(wanted: SourceSettings, name: str, **more: Any) -> Item:
    return Item(wanted.model_copy(update={"input": name, "further": (), "loop": False}), **more)


def _of_folder(folder: Path, wanted: SourceSettings, on_note: Callable[[str], None]) -> list[Item]:
    try:
        entries = sorted((entry for entry in folder.iterdir() if entry.name[0] != "."), key=_as_people_sort)
    except OSError as error:
        raise InputFileError(f"{folder} cannot be read: {error.strerror}; choose another folder.") from None
    files = [entry for entry in entries if entry.suffix.lower() in SOUND_ENDINGS and not entry.is_dir()]
    if not files:
        raise InputFileError(
            f"{folder} holds no sound files (folders within are not looked into); name a folder with "
            f"{', '.join(SOUND_ENDINGS)} in it."
        )
    if left_out := [entry for entry in entries if entry not in files]:
        on_note(_note_of_left_out(folder, left_out))
    return [_item(wanted, str(file)) for file in files]


def _note_of_left_out(folder: Path, entries: list[Path]) -> str:
    names = ", ".join(f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries[:_MOST_NAMED])
    more = f" and {len(entries) - _MOST_NAMED} more" if len(entries) > _MOST_NAMED else ""
    why = ["only sound files are played"] if any(not entry.is_dir() for entry in entries) else []
    why += ["folders within are not looked into"] if any(entry.is_dir() for entry in entries) else []
    return f"of the folder {folder.name} is left out: {names}{more}; {', and '.join(why)}"


def _as_people_sort(file: Path) -> list[tuple[int, int, str]]:
    parts = re.findall(r"\d+|\D+", file.name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _of_m3u(path: Path, wanted: SourceSettings) -> list[Item]:
    content = _bytes_of(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    items, title = [], ""
    for line in (line.strip() for line in text.splitlines()):
        if line.startswith("#EXTINF:"):
            title = line.partition(",")[2].strip()[:120]
        elif line and not line.startswith("#"):
            items.append(_item(wanted, _beside(path, line), title=title))
            title = ""
    if not items:
        raise InputFileError(f"{path} names no files: a playlist has one on each line.")
    return items


def _rows_of_toml(path: Path) -> list[Any] | None:
    """Return the tables [[item]] of a file; None where it has none."""
    try:
        document = tomllib.loads(_bytes_of(path).decode("utf-8"))
    except UnicodeDecodeError:
        raise InputFileError(f"{path} is not a text file: a playlist is TOML in UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise InputFileError(f"{path} is not valid TOML: {error}.") from None
    if "item" not in document:
        return None
    rows, others = document["item"], [key for key in document if key != "item"]
    if others:
        raise ConfigurationError(f"{path.name}: unknown key '{others[0]}' at the top; a playlist has only [[item]].")
    if not isinstance(rows, list) or not rows:
        raise ConfigurationError(f"{path.name}: item must be tables: write [[item]] and keys below it.")
    return rows


def _of_row(path: Path, number: int, given: Any, wanted: SourceSettings) -> Item:
    settings = [key for key in SourceSettings.model_fields if key not in _OWN_KEYS]
    allowed = [*_Row.model_fields, *settings]
    place = f"{path.name}, item {number}"
    try:
        row = _Row.model_validate(given)
        unknown = [key for key in row.model_extra or {} if key not in allowed]
        if unknown:
            raise ConfigurationError(f"{place}: unknown key '{unknown[0]}'; allowed are {', '.join(allowed)}.")
        chosen = SourceSettings.model_validate({**wanted.model_dump(), **(row.model_extra or {})})
    except ValidationError as error:
        raise ConfigurationError(f"{place}: {_sentence(error)}") from None
    if "layout" in (row.model_extra or {}) and chosen.layout.lower().endswith(".toml"):
        chosen = chosen.model_copy(update={"layout": _beside(path, chosen.layout)})
    file = _beside(path, row.file)
    return _item(chosen, file, title=row.title, gain_db=row.gain_db, repeat=row.repeat, seconds=row.seconds)


def _sentence(error: ValidationError) -> str:
    first: Mapping[str, Any] = error.errors(include_url=False)[0]
    if not first["loc"]:
        return "an item is a table of keys: write [[item]] and keys below it."
    key = str(first["loc"][0])
    fields = _Row.model_fields if key in _Row.model_fields else SourceSettings.model_fields
    if first["type"] == "missing":
        return f"{key} is missing: name {fields[key].description}."
    return f"{key} = {first['input']!r} cannot be used: allowed is {fields[key].description}."


def _beside(path: Path, name: str) -> str:
    """Return the path of a file named in a list, taken from the list's folder; as it is what is no file beside it."""
    if name in _NAMES or why_elsewhere(name):
        return name
    if name.startswith("file://"):
        name = unquote(urlsplit(name).path)
    file = path.parent / Path(name).expanduser()
    if "\\" in name and not file.exists():  # a list made on Windows
        file = path.parent / name.replace("\\", "/")
    return str(file)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputFileError(f"{path} cannot be read: {error.strerror}; check the name and the folder.") from None
