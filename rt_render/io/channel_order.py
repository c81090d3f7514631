"""Which speaker each channel of a file is for: as the file says, as its format prescribes, or as is usual."""

import re
from math import isqrt
from pathlib import Path

from rt_render.ambisonics.layouts import LAYOUTS, Layout, layout_of
from rt_render.errors import ConfigurationError, InputFileError
from rt_render.io.audio_file import AudioFileReader
from rt_render.io.layout_file import layout_named

AUTO, AMBISONIC = "auto", "ambix"
FIELD_CHANNELS = (4, 9, 16, 25, 36, 49, 64)
"""How many channels a field of order 1 to 7 has."""

_WAVE_BITS = "FL FR FC LFE BL BR FLC FRC BC SL SR TC TFL TFC TFR TBL TBC TBR"
_FLAC_ORDERS = ("FL FR FC", "FL FR FC BL BR", "FL FR FC LFE BL BR", "FL FR FC LFE BC SL SR", "FL FR FC LFE BL BR SL SR")
_VORBIS_ORDERS = (
    *("FL FC FR", "FL FC FR BL BR", "FL FC FR BL BR LFE", "FL FC FR SL SR BC LFE"),
    "FL FC FR SL SR BL BR LFE",
)
_ORDERS = {"FLAC": _FLAC_ORDERS, "VORBIS": _VORBIS_ORDERS, "OPUS": _VORBIS_ORDERS}
"""RFC 9639, section 9.1.3; Vorbis I, section 4.3.9; RFC 7845, section 5.1.1.2. Four channels are left to ambisonics."""
_FLAC_MASK = re.compile(rb"(?i)WAVEFORMATEXTENSIBLE_CHANNEL_MASK=0x([0-9a-f]{1,8})")
_FLAC_HEAD_BYTES = 1 << 16
_USUAL = {len(LAYOUTS[name].speakers): name for name in ("mono", "stereo", "5.1", "7.1", "5.1.4", "7.1.4")}


def layout_of_file(reader: AudioFileReader, wanted: str) -> tuple[Layout | None, str]:
    """Return the layout of a file's channels, None for an ambisonic field, and half a sentence about what says so.

    `wanted`: "auto", "ambix", the name of a layout or of a layout file (`layout_named`). The order of the channels
    is the file's own where it tells one. Raises InputFileError for a file whose channels could be anything, and
    ConfigurationError for a layout that has another number of speakers. Control side.
    """
    if wanted == AMBISONIC:
        return None, "as asked for"
    told, how = _told_by_file(reader)
    if wanted != AUTO:
        layout = layout_named(wanted)
        if told and told.name == layout.name:
            return told, how
        if len(layout.speakers) != reader.n_channels:
            raise ConfigurationError(
                f"{reader.path} has {_channels(reader)} and layout {layout.name} has {len(layout.speakers)}: choose "
                "a layout that fits with --layout, or leave it out."
            )
        return layout, "as asked for"
    if told:
        return told, how
    if reader.n_channels in _USUAL:
        return LAYOUTS[_USUAL[reader.n_channels]], "as is usual for so many (or say with --layout)"
    if (isqrt(reader.n_channels)) ** 2 == reader.n_channels:
        return None, "as is usual for so many"
    raise InputFileError(
        f"{reader.path} has {_channels(reader)}, which fit no usual layout and no ambisonic order, and does not tell "
        "which speakers they are for: name a .toml file of [[speaker]] entries with --layout."
    )


def layouts_with(n_channels: int) -> list[str]:
    """Return the names of the layouts of so many speakers."""
    return [name for name, layout in LAYOUTS.items() if len(layout.speakers) == n_channels]


def _told_by_file(reader: AudioFileReader) -> tuple[Layout | None, str]:
    """The layout that the file's own mask or its format's rules give."""
    names = reader.speakers or (_flac_mask(reader.path) if reader.format == "FLAC" else None)
    if names and len(names) == reader.n_channels and not _says_nothing(names):
        return layout_of(names), "by the file's own mask"
    for order in _ORDERS.get(reader.format if reader.format == "FLAC" else reader.subtype, ()):
        if len(order.split()) == reader.n_channels:
            return layout_of(order.split()), "by the rules of its format"
    return None, ""


def _says_nothing(names: list[str]) -> bool:
    """Whether a mask is what programs write for channels that they know nothing of: the lowest bits, as many.

    One speaker is mono, whichever it is; 4, 9 and 16 channels of a field are often marked so.
    """
    return len(names) == 1 or (isqrt(len(names)) ** 2 == len(names) and names == _WAVE_BITS.split()[: len(names)])


def _flac_mask(path: Path) -> list[str] | None:
    try:
        with path.open("rb") as file:
            found = _FLAC_MASK.search(file.read(_FLAC_HEAD_BYTES))
    except OSError:
        return None
    return [name for bit, name in enumerate(_WAVE_BITS.split()) if int(found[1], 16) >> bit & 1] if found else None


def _channels(reader: AudioFileReader) -> str:
    return f"{reader.n_channels} channel{'s' if reader.n_channels > 1 else ''}"
