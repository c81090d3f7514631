"""From a TOML file and single choices to `Settings`, or to one sentence that says what is wrong where."""

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rt_render.app.settings import Settings
from rt_render.errors import ConfigurationError
from rt_render.hrtf.heads import HEAD_NAMES

_SECTIONS: dict[str, Any] = {name: field.annotation for name, field in Settings.model_fields.items()}
_SECTION_OF = {key: name for name, section in _SECTIONS.items() for key in section.model_fields}
_FILE_KEYS = ("headphone_eq", "poses", "record")
_NAMES = {"head": HEAD_NAMES, "input": ("scene",)}
"""Keys that hold a name or else a path, and their names."""


def load_settings(config: Path | None = None, choices: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings of a TOML file (the defaults without one), overridden by choices that are not None.

    Choices are named by field, whatever its section. Paths in the file are relative to the file's folder.
    Raises ConfigurationError: file, line, key, and what is allowed. Control side.
    """
    text = _read(config) if config else ""
    document = _parse(text, config)
    _check(document, config, text)
    if config:
        _anchor_paths(document, config.parent)
    chosen = {key: value for key, value in (choices or {}).items() if value is not None}
    for key, value in chosen.items():
        if key not in _SECTION_OF:
            hint = _did_you_mean(key, list(_SECTION_OF))
            raise ConfigurationError(f"unknown setting {key!r}{hint}; there are {', '.join(_SECTION_OF)}.")
        document.setdefault(_SECTION_OF[key], {})[key] = value
    return _check(document, None, "")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{path}: {error.strerror}; name a readable configuration file (examples are in configs/)."
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not a text file: a configuration is TOML in UTF-8.") from None


def _parse(text: str, path: Path | None) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from None


def _check(document: dict[str, Any], path: Path | None, text: str) -> Settings:
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    location = [str(part) for part in first["loc"]]
    section, key = location[0], location[1] if len(location) > 1 else None
    where = f"{path.name}, line {_line_of(text, section, key)}: " if path else ""
    raise ConfigurationError(where + _sentence(section, key, first["type"], first["input"], bool(path)))


def _sentence(section: str, key: str | None, kind: str, value: object, in_file: bool) -> str:
    """Say what is wrong with a section (no key) or with a key of it."""
    if section not in _SECTIONS:
        hint = f"; it belongs in [{_SECTION_OF[section]}]" if section in _SECTION_OF else ""
        hint = hint or _did_you_mean(section, list(_SECTIONS))
        return f"unknown name {section!r}{hint}; there are the sections {', '.join(_SECTIONS)}."
    if key is None:
        return f"{section} must be a section: write [{section}] and keys below it."
    fields = _SECTIONS[section].model_fields
    place = f" in [{section}]" if in_file else ""
    if kind == "extra_forbidden" and key not in fields:
        return f"unknown key {key!r}{place}{_did_you_mean(key, list(fields))}; allowed are {', '.join(fields)}."
    return f"{key} = {_as_toml(value)}{place} cannot be used: allowed is {fields[key].description}."


def _as_toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str | Path) else str(value)


def _did_you_mean(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _line_of(text: str, section: str, key: str | None) -> int:
    """Return the line of a key in a section, or of the section itself; 1 where it is not found."""
    current, found = "", 1
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\s*([\w-]+)\s*\]", line)
        assigned = re.match(r"\s*\"?([\w.-]+)\"?\s*=", line)
        if header:
            current = header[1]
            if current == section:
                found = number
        elif assigned and ((current == section and assigned[1] == key) or (not current and assigned[1] == section)):
            return number
    return found


def _anchor_paths(document: dict[str, Any], folder: Path) -> None:
    """Make the relative paths of a configuration file relative to its folder."""
    for section in document.values():
        for key, value in section.items():
            if key in _FILE_KEYS or (key in _NAMES and value not in _NAMES[key]):
                section[key] = str(folder / Path(value).expanduser())
            elif key == "tracker" and value.startswith("csv:"):
                section[key] = f"csv:{folder / Path(value.removeprefix('csv:')).expanduser()}"
