"""What an input is, and which `Source` plays it: the built-in scene or a sound file."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rt_render.app.elsewhere import why_elsewhere
from rt_render.app.excerpt import Excerpt
from rt_render.app.object_scene import open_objects
from rt_render.app.scene_file import ObjectScene, read_scene
from rt_render.app.settings import Settings
from rt_render.app.settings import Source as SourceSettings
from rt_render.conventions import MAX_ORDER
from rt_render.errors import InputFileError
from rt_render.io.source import Source

if TYPE_CHECKING:
    from rt_render.ambisonics.layouts import Layout
    from rt_render.app.panorama.space import Space
    from rt_render.io.audio_file import AudioFileReader

SCENE, LIVE = "scene", "live"
SCENE_ORDER = 3
STEREO = "stereo"
PLAYLIST_ENDINGS = (".m3u", ".m3u8")

InputKind = Literal["scene", "live", "objects", "playlist", "file"]


def kind_of_input(name: str) -> InputKind:
    """Tell what an input is by its name, and a .toml by what is in it. Raises InputFileError. Control side.

    "scene" and "live" are names; a folder, an .m3u or a .toml with [[item]] is a playlist; a .toml with [[object]]
    holds objects; all else is taken for a sound file.
    """
    if name in (SCENE, LIVE):
        return "scene" if name == SCENE else "live"
    if why := why_elsewhere(name):
        raise InputFileError(f"{name} {why}.")
    path = Path(name)
    ending = path.suffix.lower()
    if path.is_dir() or ending in PLAYLIST_ENDINGS:
        return "playlist"
    return _kind_of_toml(path) if ending == ".toml" else "file"


def open_item(
    name: str, wanted: SourceSettings, fs_hz: int, max_order: int | None = None, space: "Space | None" = None
) -> Source:
    """Open one input, a sound file or the scene, as a source at `fs_hz`; its `input` need not be that of `wanted`.

    `max_order`: the highest ambisonic order that can be used, 0 to 7; None leaves the choice to the source.
    `space` makes its panorama, and changes it. Raises InputFileError for what cannot be played and ConfigurationError
    for an option that does not fit it. Control side; the source is then read by one thread.
    """
    kind = kind_of_input(name)
    if kind == "scene":
        from rt_render.scene.scene_source import SceneSource

        return SceneSource(order=SCENE_ORDER if max_order is None else max_order, fs_hz=fs_hz)
    if kind == "objects":
        return open_objects(read_scene(name), fs_hz, max_order)
    from rt_render.io.audio_file import AudioFileReader

    reader = AudioFileReader(name)
    try:
        return _source_of_file(reader, wanted, fs_hz, max_order, space)
    except BaseException:
        reader.close()
        raise


def named_layout(wanted: SourceSettings) -> str:
    """Return what the channels are said to be; a convention that is named says that there is a field."""
    from rt_render.io.channel_order import AMBISONIC, AUTO

    return AMBISONIC if wanted.layout == AUTO and wanted.convention != "ambix" else wanted.layout


def _source_of_file(
    reader: "AudioFileReader", wanted: SourceSettings, fs_hz: int, max_order: int | None, space: "Space | None"
) -> Source:
    from rt_render.io.channel_order import AMBISONIC, AUTO, FIELD_CHANNELS, layout_of_file, layouts_with
    from rt_render.io.source_ambix import AmbixFileSource
    from rt_render.io.source_layout import LAYOUT_ORDER, LayoutFileSource

    named = named_layout(wanted)
    layout, how = layout_of_file(reader, named)
    if layout:
        order = LAYOUT_ORDER if max_order is None else max_order
        if wanted.panorama and layout.name == STEREO:
            return _panorama_of(reader, layout, wanted, fs_hz, order, space)
        speakers = LayoutFileSource(reader, layout, fs_hz, how=how, order=order, lfe_db=wanted.lfe_db, loop=wanted.loop)
        if named == AUTO and reader.n_channels in FIELD_CHANNELS:
            speakers.notes.append(f"if its channels are a field, say so with --layout {AMBISONIC}")
        return _without_panorama(speakers, wanted)
    highest = MAX_ORDER if max_order is None else max_order
    source = AmbixFileSource(reader, fs_hz, max_order=highest, convention=wanted.convention, loop=wanted.loop)
    if wanted.convention == "ambix" and reader.path.suffix.lower() == ".amb":
        source.notes.append("most .amb files are FuMa: say so with --convention fuma")
    if named == AUTO and (names := layouts_with(reader.n_channels)):
        source.notes.append(f"if its channels are for speakers, say so with --layout {names[0]}")
    return _without_panorama(source, wanted)


def _without_panorama(source: Source, wanted: SourceSettings) -> Source:
    if wanted.panorama:
        source.notes.append("a panorama is made of stereo files only: this one is played as it is")
    return source


def _panorama_of(
    reader: "AudioFileReader",
    layout: "Layout",
    wanted: SourceSettings,
    fs_hz: int,
    order: int,
    space: "Space | None",
) -> Source:
    from rt_render.app.panorama.space import Space
    from rt_render.io.source_file import FileSource
    from rt_render.io.source_panorama import PanoramaSource

    space = space or Space()
    upmix = space.make(order, fs_hz, wanted)
    notes = [
        f"2 channels → panorama at order {order}: hard left and right are heard at ±{wanted.panorama_width_deg:g}°, "
        "ambience all around"
    ]
    stereo = FileSource(
        reader, fs_hz, order=order, n_channels=2, to_field=lambda frames: frames, notes=notes, loop=wanted.loop
    )
    return PanoramaSource(
        stereo,
        upmix,
        title=stereo.title,
        notes=notes,
        on_close=stereo.close,
        flat=layout.encoding_matrix(order, wanted.lfe_db),
        spacious=lambda: space.on,
    )


def is_playlist(wanted: SourceSettings) -> bool:
    """Tell whether settings name a playlist; raises InputFileError for a .toml that is nothing."""
    return bool(wanted.further) or kind_of_input(wanted.input) == "playlist"


def is_live(wanted: SourceSettings) -> bool:
    """Tell whether a card's input is what plays, as a field or as the objects of a scene. Raises as `read_scene`."""
    if wanted.further or wanted.input == LIVE:
        return wanted.input == LIVE
    scene = scene_of(wanted.input)
    return scene is not None and bool(scene.inputs)


def passes(wanted: SourceSettings) -> bool:
    """Tell whether what plays need not come again as it was: live input, and a playlist that people move through."""
    return is_live(wanted) or is_playlist(wanted)


def scene_of(name: str) -> ObjectScene | None:
    """Return the objects that an input holds; None where it is no scene file. Raises as `read_scene` does."""
    return read_scene(name) if kind_of_input(name) == "objects" else None


def open_source(
    settings: Settings,
    seconds: float | None = None,
    on_progress: Callable[[float, str], None] | None = None,
    space: "Space | None" = None,
) -> Source:
    """Open the input that the settings name, at most up to the order asked for and so many seconds long.

    `on_progress` is told of what takes time: a playlist's first item is measured. `space` makes all panoramas.
    """
    if kind_of_input(settings.source.input) == "live":
        from rt_render.app.live_opening import open_live

        return open_live(settings, seconds, space)
    if is_live(settings.source):
        from rt_render.app.live_opening import open_live_objects

        return open_live_objects(read_scene(settings.source.input), settings, seconds)
    wanted = settings.head.order
    if is_playlist(settings.source):
        from rt_render.app.playlist.opening import open_playlist

        playlist = open_playlist(settings, on_progress, space)
        return Excerpt(playlist, seconds) if seconds is not None else playlist
    max_order = None if wanted == "auto" else wanted
    source = open_item(settings.source.input, settings.source, settings.audio.fs_hz, max_order, space)
    if max_order is not None and source.order < max_order:
        source.notes.append(f"rendered at the file's own order {source.order}, not at {max_order}")
    return Excerpt(source, seconds) if seconds is not None else source


def _kind_of_toml(path: Path) -> InputKind:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputFileError(f"{path} cannot be read: {error.strerror}; check the name and the folder.") from None
    except UnicodeDecodeError:
        raise InputFileError(f"{path} is not a text file: a scene or a playlist is TOML in UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise InputFileError(f"{path} is not valid TOML: {error}.") from None
    if "object" in content:
        return "objects"
    if "item" in content:
        return "playlist"
    raise InputFileError(
        f"{path} holds neither [[object]] (a scene) nor [[item]] (a playlist); a set-up is named with --config."
    )
