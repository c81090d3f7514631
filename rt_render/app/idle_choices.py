"""Choices that change nothing about what is played, each told in one sentence and not swallowed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

from rt_render.ambisonics.layouts import LAYOUTS
from rt_render.app.option_names import option_of
from rt_render.app.settings import Settings
from rt_render.app.settings import Source as SourceSettings
from rt_render.app.source_opening import InputKind, is_playlist, kind_of_input, named_layout
from rt_render.errors import RenderError

_CHANNELS = ("layout", "convention", "lfe_db")
_SPACE = ("panorama", "panorama_width_deg", "panorama_height")
_OF_A_PLAYLIST, _OF_LIVE_INPUT = ("crossfade_s", "loudness_lufs"), ("input_device", "input_channels")


def tell_idle(settings: Settings, choices: Mapping[str, object], on_message: Callable[[str], None]) -> None:
    """Tell of each choice (by key; None and False are none) that does nothing to this input. Control side.

    What a configuration says is not looked at: it may be made for inputs of many kinds. Raises InputFileError for a
    .toml that is nothing.
    """
    chosen = {key for key, value in choices.items() if value is not None and value is not False}
    wanted = settings.source
    for key, why in _idle(wanted):
        if key in chosen:
            on_message(f"{option_of(key)} does nothing here: {why}.")
    if "lfe_db" in chosen and (name := _without_lfe(wanted)) is not None:
        on_message(f"{option_of('lfe_db')} does nothing here: {name} has no LFE channel.")


def _idle(wanted: SourceSettings) -> Iterator[tuple[str, str]]:
    """Yield each key that does nothing, and why, as far as names tell."""
    if is_playlist(wanted):  # whose items are of many kinds
        yield from ((key, "live input is no part of a playlist") for key in _OF_LIVE_INPUT)
        return
    kind = kind_of_input(wanted.input)
    yield from ((key, "there is one thing to play, and no playlist") for key in _OF_A_PLAYLIST)
    if kind not in ("live", "objects"):  # whose signals may be a card's
        yield from ((key, f"{wanted.input} is played, and not live input") for key in _OF_LIVE_INPUT)
    if kind != "file":
        yield "loop", _ENDLESS[kind]
    if kind in ("scene", "objects"):
        yield from ((key, "a scene has no channels, each sound in it knows its direction") for key in _CHANNELS)
        yield from ((key, "a panorama is made of stereo, and this is a scene") for key in _SPACE)
        return
    if not wanted.panorama:
        yield from ((key, "it is of a panorama; ask for one with --panorama") for key in _SPACE[1:])
    if wanted.layout not in ("auto", "ambix"):
        yield "convention", f"--layout {wanted.layout} says that the channels are for speakers"


_ENDLESS: dict[InputKind, str] = {
    "live": "live input goes on until you end it",
    "scene": "the built-in scene never ends",
    "objects": "each object of a scene file says itself whether it loops",
}


def _without_lfe(wanted: SourceSettings) -> str | None:
    """Return what it is that has no LFE channel; None where there is one, or where that is not known yet."""
    kind, layout = kind_of_input(wanted.input), LAYOUTS.get(wanted.layout)
    if is_playlist(wanted) or kind not in ("file", "live"):
        return None
    if kind == "file":
        from rt_render.io.audio_file import AudioFileReader
        from rt_render.io.channel_order import layout_of_file

        try:
            with closing(AudioFileReader(wanted.input)) as reader:
                layout, _ = layout_of_file(reader, named_layout(wanted))
        except RenderError:
            return None  # which is told when it is opened to be played
        if layout is None:
            return "a field"
    return None if layout is None or any(speaker.lfe for speaker in layout.speakers) else layout.name
