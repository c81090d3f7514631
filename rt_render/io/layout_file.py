"""Loudspeaker layouts by name, or from a small TOML table of directions."""

import tomllib
from pathlib import Path
from typing import Any

from rt_render.ambisonics.layouts import LAYOUTS, Layout, Speaker
from rt_render.errors import ConfigurationError, InputFileError

_LIMITS = {"azimuth_deg": (-360.0, 360.0), "elevation_deg": (-90.0, 90.0), "gain_db": (-60.0, 20.0)}
_MOST_SPEAKERS = 64


def layout_named(name: str) -> Layout:
    """Return a layout by one of `LAYOUTS`' names, or that of a TOML file: [[speaker]] in the order of the channels.

    Keys of a speaker: name, azimuth_deg (left is positive), elevation_deg, gain_db, lfe = true; all may be left out.
    Raises ConfigurationError for an unknown name, InputFileError for a file that cannot be used.
    """
    if name in LAYOUTS:
        return LAYOUTS[name]
    path = Path(name)
    if path.suffix.lower() != ".toml":
        raise ConfigurationError(
            f'layout = "{name}" is unknown: choose {", ".join(LAYOUTS)}, or name a .toml file of [[speaker]] entries.'
        )
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputFileError(f"{path} cannot be read: {error.strerror}; check the name and the folder.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputFileError(f"{path} is not valid TOML: {error}.") from None
    entries = content.get("speaker")
    if not isinstance(entries, list) or not 1 <= len(entries) <= _MOST_SPEAKERS or set(content) != {"speaker"}:
        raise InputFileError(f"{path} is no layout: it must hold 1 to {_MOST_SPEAKERS} [[speaker]] entries, no more.")
    return Layout(path.stem, tuple(_speaker(entry, number, path) for number, entry in enumerate(entries, start=1)))


def _speaker(entry: Any, number: int, path: Path) -> Speaker:
    where = f"{path}, speaker {number}"
    if not isinstance(entry, dict):
        raise InputFileError(f"{where}: write [[speaker]] and keys below it.")
    unknown = sorted(entry.keys() - {"name", "lfe", *_LIMITS})
    if unknown:
        raise InputFileError(f"{where}: unknown key '{unknown[0]}'; allowed are name, lfe, {', '.join(_LIMITS)}.")
    for key, (least, most) in _LIMITS.items():
        value = entry.get(key, 0.0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise InputFileError(f"{where}: {key} = {value} cannot be used: allowed is {least:g} to {most:g}.")
    name, lfe = entry.get("name", ""), entry.get("lfe", False)
    if not isinstance(name, str) or not isinstance(lfe, bool):
        raise InputFileError(f"{where}: name must be a text, and lfe true or false.")
    azimuth_deg, elevation_deg, gain_db = (float(entry.get(key, 0.0)) for key in _LIMITS)
    return Speaker(name, azimuth_deg, elevation_deg, gain_db, lfe)
