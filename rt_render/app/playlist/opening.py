"""A playlist put together from settings: its items, the order they need, their loudness, and how each is opened."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rt_render.app.decoding import Progress
from rt_render.app.excerpt import Excerpt
from rt_render.app.panorama.space import Space
from rt_render.app.playlist.heard_loudness import HeardLoudness
from rt_render.app.playlist.item_decoders import ItemDecoders
from rt_render.app.playlist.items import Item, items_of
from rt_render.app.playlist.loudness import Loudness
from rt_render.app.playlist.loudness_store import LoudnessStore
from rt_render.app.playlist.opened import Opened
from rt_render.app.playlist.playlist_source import PlaylistSource
from rt_render.app.playlist.voice import Voice
from rt_render.app.settings import Settings
from rt_render.app.settings import Source as SourceSettings
from rt_render.app.source_opening import kind_of_input, open_item
from rt_render.conventions import MAX_ORDER, n_sh
from rt_render.errors import InputFileError
from rt_render.io.source import Source

_LOOK_S = 2.0
"""So long the files are looked at for the order they need; beyond, the highest is taken."""


def open_playlist(
    settings: Settings, on_progress: Progress | None = None, space: Space | None = None
) -> PlaylistSource:
    """Return the playlist that the settings name, its first item measured, the rest being measured from now on.

    Raises InputFileError for a list that cannot be read, or of which nothing can be played (unless it loops: then it
    is silent, and tries again); ConfigurationError for a key in it. Control side.
    """
    wanted, fs_hz = settings.source, settings.audio.fs_hz
    remarks: list[str] = []
    items = items_of([wanted.input, *wanted.further], wanted, remarks.append)
    order, first, first_order = _survey(items, fs_hz, settings.head.order, endless=wanted.loop)
    decoders = ItemDecoders(settings.head, fs_hz, on_progress)
    loudness = _loudness(items, settings, order, decoders)
    if first is not None:
        decoders.of_order(min(order, first_order))
        words = f"measuring the loudness of {items[first].short_name}"
        loudness.measure(first, lambda share: on_progress(share, words) if on_progress else None)
    loudness.start()

    def open_one(index: int, patient: bool) -> Opened:
        item = items[index]
        matched = loudness.match(index, patient=patient)
        voice = _voice(item, fs_hz, order, matched.gain_db, matched.words, space)
        if patient:
            decoders.of_order(voice.source.order)
        return Opened(index, item.title or voice.source.title, voice)

    return PlaylistSource(
        Path(wanted.input).stem if not wanted.further else "playlist",
        [item.short_name for item in items],
        open_one,
        order=order,
        fs_hz=fs_hz,
        crossfade_s=wanted.crossfade_s,
        loop=wanted.loop,
        never_ends=_why_endless(items, loops=wanted.loop),
        remarks=remarks,
        decoders=decoders,
        on_close=loudness.close,
    )


def _why_endless(items: Sequence[Item], *, loops: bool) -> str:
    if loops:
        return "it begins again at its end"
    endless = next((number for number, item in enumerate(items, start=1) if item.never_ends), None)
    return "" if endless is None else f"its item {endless}, the built-in scene, has no end and no `seconds`"


def _loudness(items: Sequence[Item], settings: Settings, order: int, decoders: ItemDecoders) -> Loudness:
    fs_hz, target_lufs = settings.audio.fs_hz, settings.source.loudness_lufs
    if target_lufs == "off":
        return Loudness(items, lambda index: _once(items[index], fs_hz, order), _no_ears, LoudnessStore(""), None)
    return Loudness(
        items,
        lambda index: _once(items[index], fs_hz, order),
        lambda order: HeardLoudness(order, fs_hz, decoders.of_order(order).filters),
        LoudnessStore(f"{decoders.of_order(order).content_hash} order {order} {fs_hz} Hz"),
        target_lufs,
    )


def _no_ears(order: int) -> HeardLoudness:
    raise AssertionError("nothing is measured where loudness is not matched")


def _survey(items: Sequence[Item], fs_hz: int, asked: int | str, *, endless: bool) -> tuple[int, int | None, int]:
    """Return the order to play at, and the first item that can be opened with its order."""
    enough_s = time.monotonic() + _LOOK_S
    highest, first, first_order, why = 0, None, 0, ""
    for index, item in enumerate(items):
        try:
            source = _source(item, fs_hz, None)
        # A broken item is named when it is its turn.
        except Exception as error:
            why = why or str(error)
            continue
        if first is None:
            first, first_order = index, source.order
        highest = max(highest, source.order)
        source.close()
        if isinstance(asked, int) or highest == MAX_ORDER:
            break
        if time.monotonic() > enough_s:
            highest = MAX_ORDER
            break
    if first is None and not endless:
        raise InputFileError(f"nothing of this playlist can be played; the first of {len(items)}: {why}")
    if isinstance(asked, int):
        return asked, first, first_order
    return highest if first is not None else MAX_ORDER, first, first_order


def _once(item: Item, fs_hz: int, order: int | None) -> Source:
    """Open an item as it is without repeating: endless is only what never ends by itself."""
    return _source(replace(item, repeat=1), fs_hz, order)


def _source(item: Item, fs_hz: int, order: int | None, space: Space | None = None) -> Source:
    """Open what an item plays, endless where it repeats; raises InputFileError and what else opening raises."""
    kind = kind_of_input(item.name)
    if kind == "live":
        raise InputFileError("live input cannot be an item of a playlist: play it by itself.")
    if kind == "playlist":
        raise InputFileError(f"{item.name} is a playlist: name its files instead, or put it on the command line.")
    if kind == "objects":
        raise InputFileError(
            f"{item.name} is a scene of objects, which is encoded while it plays: make a field of it first, with "
            "`rt-render render --field`, and name that file."
        )
    wanted: SourceSettings = item.wanted.model_copy(update={"loop": item.repeat > 1})
    source = open_item(item.name, wanted, fs_hz, order, space)
    return Excerpt(source, item.seconds) if item.seconds is not None else source


def _voice(item: Item, fs_hz: int, order: int, gain_db: float, words: str, space: Space | None) -> Voice:
    source = _source(item, fs_hz, order, space)
    n_frames = source.n_frames
    lap_frames = getattr(source, "lap_frames", None)
    if n_frames is None and item.repeat > 1 and lap_frames:
        n_frames = item.repeat * lap_frames
    about = "; ".join([*source.notes, *([words] if words else [])])
    return Voice(source, n_frames, 10 ** (gain_db / 20), n_sh(order), about)
