"""From a TOML file and single choices to `Settings`, or to one sentence that says what is wrong where."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rt_render.ambisonics.layouts import LAYOUTS
from rt_render.app.elsewhere import why_elsewhere
from rt_render.app.settings import Settings
from rt_render.errors import ConfigurationError
from rt_render.hrtf.heads import HEAD_NAMES
from rt_render.io.shown import shown

_SECTIONS: dict[str, Any] = {name: field.annotation for name, field in Settings.model_fields.items()}
_SECTION_OF = {key: name for name, section in _SECTIONS.items() for key in section.model_fields}
_FILE_KEYS = ("headphone_eq", "poses", "record", "field", "log", "record_raw", "visits", "compare_log")
_READ_KEYS = ("input", "layout", "head", "headphone_eq", "poses")
_FILE_TRACKERS = ("csv", "replay")
_NAMES = {"head": HEAD_NAMES, "layout": ("auto", "ambix", *LAYOUTS), "input": ("scene", "live")}
"""Keys that hold a name or else a path, and their names."""


class SettingError(ConfigurationError):
    """A single choice that cannot be used; `key` names the setting."""

    def __init__(self, text: str, key: str) -> None:
        super().__init__(text)
        self.key = key


def load_settings(
    config: str | Path | None = None, choices: Mapping[str, Any] | None = None, *, find_files: Sequence[str] = ()
) -> Settings:
    """Return the settings of a TOML file (the defaults without one), overridden by choices that are not None.

    Choices are named by field, whatever its section. Paths in the file are relative to the file's folder.
    `find_files`: keys of those files that must be there. Raises ConfigurationError: file, line, key,
    and what is allowed; SettingError for a choice. Control side.
    """
    config = as_path(config, "config") if config is not None else None
    text = _read(config) if config else ""
    document = _parse(text, config)
    _refuse_odd_text(document, config, text)
    _check(document, config, text)
    _refuse_two_heads(document.get("tracking", {}), config, text)
    if config:
        _anchor_paths(document, config.parent)
    chosen = {key: _plain(key, value) for key, value in (choices or {}).items() if value is not None}
    _refuse_odd_text({_SECTION_OF.get(key, ""): {key: value} for key, value in chosen.items()}, None, "")
    _refuse_two_heads(chosen, None, "")
    if "tracker" in chosen:
        document.get("tracking", {}).pop("poses", None)
    for key, value in chosen.items():
        if key not in _SECTION_OF:
            hint = _did_you_mean(key, list(_SECTION_OF))
            raise ConfigurationError(f"unknown setting {key!r}{hint}; there are {', '.join(_SECTION_OF)}.")
        document.setdefault(_SECTION_OF[key], {})[key] = value
    settings = _check(document, None, "")
    for key, path in files_read(settings).items():
        if key in find_files and not path.is_file() and not (key == "input" and _tells_itself(path, settings)):
            origin = None if key in chosen else config
            there = f"{path} is not a file on disk" if path.exists() else f"there is no file {path}"
            if key == "layout" and path.suffix.lower() != ".toml":
                there = f"there is no layout {path.name}"
            raise _refusal(origin, text, _SECTION_OF[key], key, there)
    return settings


def _tells_itself(path: Path, settings: Settings) -> bool:
    """Whether an input is a playlist, which names what it lacks, or no path, which is told when it is opened."""
    return path.is_dir() or bool(settings.source.further or why_elsewhere(settings.source.input))


def files_read(settings: Settings) -> dict[str, Path]:
    """Return the files that the settings name to be read, by key."""
    values = {key: getattr(getattr(settings, _SECTION_OF[key]), key) for key in _READ_KEYS}
    paths = {key: value for key, value in values.items() if value and str(value).lower() not in _NAMES.get(key, ())}
    found = {key: Path(value) for key, value in paths.items()}
    kind, _, file = settings.tracking.tracker.partition(":")
    if kind in _FILE_TRACKERS:
        found["tracker"] = Path(file)
    return found


def as_path(value: object, name: str) -> Path:
    """Return a path given as such or as text; raises ConfigurationError for anything else."""
    if not isinstance(value, str | Path) or not str(value).strip():
        raise ConfigurationError(f"{name} = {_as_toml(value)} cannot be used: name a file.")
    return Path(value).expanduser()


def _plain(key: str, value: object) -> object:
    """Let a path stand for its name where a name is allowed too."""
    return str(value) if isinstance(value, Path) and key in _NAMES else value


def _refuse_two_heads(values: Mapping[str, Any], path: Path | None, text: str) -> None:
    """Refuse a timeline of poses beside a head tracker that is named as well."""
    if values.get("poses") and values.get("tracker", "none") != "none":
        tracker = _as_toml(values["tracker"])
        reason = f"poses are followed instead of a head tracker, and tracker = {tracker} is named too"
        raise _refusal(path, text, "tracking", "poses", reason, "leave out one of them")


def _refuse_odd_text(document: Mapping[str, Any], path: Path | None, text: str) -> None:
    """Refuse texts with the character NUL, at which the system's own names of files end, and bytes that are no text."""
    for section, values in document.items():
        for key, value in values.items() if isinstance(values, Mapping) else ():
            several = value if isinstance(value, list | tuple) else [value]
            texts = [str(one) for one in several if isinstance(one, str | Path)]
            if _SECTION_OF.get(key) != section:
                continue
            if any("\0" in one for one in texts):
                raise _refusal(path, text, section, key, "it holds the character NUL")
            if odd := next((one for one in texts if one != shown(one)), None):
                reason = f"{shown(odd)} has bytes in its name that are no UTF-8"
                raise _refusal(path, text, section, key, reason, "rename it, or name the folder it is in")


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
    sentence = _sentence(section, key, first["type"], first["input"], bool(path))
    if path or key is None:
        raise ConfigurationError(_where(path, text, section, key) + sentence)
    raise SettingError(sentence, key)


def _where(path: Path | None, text: str, section: str, key: str | None) -> str:
    return f"{path.name}, line {_line_of(text, section, key)}: " if path else ""


def _refusal(
    path: Path | None, text: str, section: str, key: str, reason: str, remedy: str | None = None
) -> ConfigurationError:
    """Return the error for a value of a key of the file, or of a choice (no file), that cannot be used."""
    place = f" in [{section}]" if path else ""
    remedy = remedy or f"allowed is {_SECTIONS[section].model_fields[key].description}"
    sentence = f"{_where(path, text, section, key)}{key}{place} cannot be used: {reason}; {remedy}."
    return ConfigurationError(sentence) if path else SettingError(sentence, key)


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


def _anchored(name: str, folder: Path) -> str:
    """Return a path from a folder; as it is what is none of this machine."""
    return name if why_elsewhere(name) else str(folder / Path(name).expanduser())


def _anchor_paths(document: dict[str, Any], folder: Path) -> None:
    """Make the relative paths of a configuration file relative to its folder."""
    for section in document.values():
        for key, value in section.items():
            if key in _FILE_KEYS or (key in _NAMES and value.lower() not in _NAMES[key]):
                section[key] = _anchored(value, folder)
            elif key == "further":
                section[key] = [name if name in _NAMES["input"] else _anchored(name, folder) for name in value]
            elif key == "tracker" and value.partition(":")[0] in _FILE_TRACKERS:
                kind, _, file = value.partition(":")
                section[key] = f"{kind}:{folder / Path(file).expanduser()}"
