"""Which channels of a card's input sound, what they stand for, and the way that leads them into the field."""

from math import isqrt

import numpy as np
from numpy.typing import NDArray

from rt_render.ambisonics.layouts import Layout
from rt_render.ambisonics.normalisation import MAX_FUMA_ORDER, sn3d_from_fuma, sn3d_from_n3d
from rt_render.app.live_feed import LiveSource
from rt_render.app.object_scene import OBJECTS_ORDER
from rt_render.app.panorama.space import Space
from rt_render.app.scene_file import ObjectScene
from rt_render.app.settings import Settings
from rt_render.app.settings import Source as SourceSettings
from rt_render.app.source_opening import named_layout
from rt_render.conventions import MAX_ORDER, n_sh
from rt_render.engine.upmix import NativeUpmix
from rt_render.errors import ConfigurationError, DeviceError
from rt_render.io.card_keeper import NO_INPUT
from rt_render.io.channel_order import AMBISONIC, AUTO, FIELD_CHANNELS, layouts_with
from rt_render.io.input_device import InputInfo, find_input
from rt_render.io.layout_file import layout_named
from rt_render.io.portaudio import find_device
from rt_render.io.source_layout import LAYOUT_ORDER

STEREO = "stereo"


def open_live(settings: Settings, seconds: float | None = None, space: Space | None = None) -> LiveSource:
    """Find the input that the settings name and what its channels are; nothing is opened yet.

    "auto" takes the first channels that the layout needs: two of stereo where no layout is named. Raises DeviceError
    where there is no such input, ConfigurationError for channels that do not fit. Control side.
    """
    wanted, fs_hz = settings.source, settings.audio.fs_hz
    card = _card(settings)
    layout = _layout(wanted)
    channels = _channels(wanted, layout, card)
    if layout == AUTO:
        layout = _usual_layout(len(channels))
    max_order = None if settings.head.order == "auto" else settings.head.order
    rows, order, what = _rows(wanted, layout, len(channels), max_order)
    stage: NativeUpmix | None = None
    notes = []
    if wanted.panorama and isinstance(layout, Layout) and layout.name == STEREO:
        stage = (space or Space()).make(order, fs_hz, wanted)
        rows = np.eye(2)
        latency_ms = 1e3 * stage.latency_frames / fs_hz
        what = f"panorama at order {order}, ±{wanted.panorama_width_deg:g}° wide, which takes {latency_ms:.0f} ms"
    elif wanted.panorama:
        notes.append("a panorama is made of stereo only: this input is played as it is")
    matrix = np.zeros((max(channels), rows.shape[1]))
    for channel, row in zip(channels, rows, strict=True):
        matrix[channel - 1] += row
    listed = ", ".join(map(str, channels)) if len(channels) <= 8 else f"{channels[0]} to {channels[-1]}"
    notes.insert(0, f"live input from {card.full_name}, channel{'s' if len(channels) > 1 else ''} {listed} → {what}")
    n_frames = None if seconds is None else round(seconds * fs_hz)
    return LiveSource(
        order, fs_hz, matrix, stage=stage, title=f"live input ({card.name})", notes=notes, n_frames=n_frames
    )


def open_live_objects(scene: ObjectScene, settings: Settings, seconds: float | None = None) -> LiveSource:
    """Find the input whose channels a scene's objects play, each its own; nothing is opened yet.

    Raises DeviceError where there is no such input, ConfigurationError where it has too few channels. Control side.
    """
    card, fs_hz = _card(settings), settings.audio.fs_hz
    for number, channel in enumerate(scene.inputs, start=1):
        if channel > card.n_channels:
            raise ConfigurationError(
                f"{scene.title}, object {number}: input = {channel} cannot be used: {card.full_name} has channels 1 to "
                f"{card.n_channels}; choose another channel, or another card with --input-device."
            )
    matrix = np.zeros((max(scene.inputs), len(scene.inputs)))
    matrix[np.array(scene.inputs) - 1, np.arange(len(scene.inputs))] = 1.0
    order = OBJECTS_ORDER if settings.head.order == "auto" else settings.head.order
    listed = ", ".join(map(str, scene.inputs))
    notes = [f"live input from {card.full_name}, channels {listed} → objects 1 to {len(scene.inputs)}, order {order}"]
    if settings.source.input_channels != AUTO:
        notes.append("the scene says which channels sound: --input-channels does nothing")
    n_frames = None if seconds is None else round(seconds * fs_hz)
    return LiveSource(order, fs_hz, matrix, stage=None, title=scene.title, notes=notes, n_frames=n_frames)


def _card(settings: Settings) -> InputInfo:
    if settings.audio.device == "virtual":
        raise DeviceError(NO_INPUT)
    output = None if settings.audio.device == "auto" else settings.audio.device
    return find_input(settings.source.input_device, find_device(output))


def _layout(wanted: SourceSettings) -> Layout | str:
    name = named_layout(wanted)
    return name if name in (AMBISONIC, AUTO) else layout_named(name)


def _channels(wanted: SourceSettings, layout: Layout | str, card: InputInfo) -> list[int]:
    """Return the channels' numbers, from 1, in the order in which they stand for the layout's."""
    if wanted.input_channels == AUTO:
        if isinstance(layout, Layout):
            n = len(layout.speakers)
        elif layout == AMBISONIC:
            n = n_sh(min(MAX_ORDER, isqrt(card.n_channels) - 1))
        else:
            n = min(2, card.n_channels)
        chosen = list(range(1, n + 1))
    else:
        ends = [[int(end) for end in part.split("-")] for part in wanted.input_channels.split(",")]
        chosen = [channel for first, *last in ends for channel in range(first, (last or [first])[0] + 1)]
    if not chosen or max(chosen) > card.n_channels or len(set(chosen)) != len(chosen):
        raise ConfigurationError(
            f"input_channels = {wanted.input_channels} cannot be used: {card.full_name} has channels 1 to "
            f"{card.n_channels}, and {len(chosen)} are needed, each once; choose others with --input-channels, or "
            "another layout with --layout."
        )
    return chosen


def _usual_layout(n_channels: int) -> Layout | str:
    if n_channels in FIELD_CHANNELS:
        return AMBISONIC
    names = layouts_with(n_channels)
    if not names:
        raise ConfigurationError(
            f"{n_channels} channels of live input could be anything: say what they are with --layout, by name or by a "
            ".toml file of [[speaker]] entries."
        )
    return layout_named(names[0])


def _rows(
    wanted: SourceSettings, layout: Layout | str, n_channels: int, max_order: int | None
) -> tuple[NDArray[np.float64], int, str]:
    """Return each channel's way into the field (n_channels, n_sh), the order, and what it is in words."""
    if isinstance(layout, Layout):
        if len(layout.speakers) != n_channels:
            raise ConfigurationError(
                f"layout {layout.name} has {len(layout.speakers)} speakers, and {n_channels} channels are named: "
                "choose as many with --input-channels."
            )
        order = LAYOUT_ORDER if max_order is None else max_order
        return layout.encoding_matrix(order, wanted.lfe_db), order, f"{layout.name}: {layout.in_words()}"
    order = isqrt(n_channels) - 1
    highest = MAX_FUMA_ORDER if wanted.convention == "fuma" else MAX_ORDER
    if n_sh(max(order, 0)) != n_channels or order > highest:
        raise ConfigurationError(
            f"{n_channels} channels are no ambisonic field that can be taken: name (order + 1)² of them, up to "
            f"{n_sh(highest)}, with --input-channels."
        )
    into = np.eye(n_channels)
    if wanted.convention != "ambix":
        into = np.asarray((sn3d_from_n3d if wanted.convention == "n3d" else sn3d_from_fuma)(into), np.float64)
    used = order if max_order is None else min(order, max_order)
    return into[:, : n_sh(used)], used, f"a field of order {order}, {wanted.convention}"
