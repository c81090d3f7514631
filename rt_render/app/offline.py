"""Rendering to a file: the live engine and block function, pulled as fast as they go, in bounded memory."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rt_render.app.decoding import Progress
from rt_render.app.parts import Parts, block_note, make_parts, offline_block_size
from rt_render.app.playlist.announcer import announcer
from rt_render.app.playlist.playlist_source import playlist_in
from rt_render.app.settings import Settings
from rt_render.engine.snapshot import Snapshot
from rt_render.errors import ConfigurationError, InputFileError
from rt_render.io.source import Source
from rt_render.io.wav_writer import WavWriter

_CHUNK_FRAMES = 8192
_BLOCKS_PER_REPORT = 100
_TAP_BLOCKS = 4


def render_to_file(
    settings: Settings,
    path: Path,
    *,
    seconds: float | None = None,
    on_message: Callable[[str], None] = lambda text: None,
    on_progress: Progress | None = None,
) -> Snapshot:
    """Render the settings' source with the settings' poses to a stereo file and return the engine's counters.

    The file has the source's frames plus n_taps - 1 for the filters to ring out, of a playlist as many as it has had;
    float32 in .wav. One of the field, where the settings name it, has the source's frames. The head looks ahead where
    no poses are named. Raises RenderError and BridgeError; what was written stays under a partial name then. A source
    without one finite sample is an InputFileError and leaves no file.
    """
    block_size = offline_block_size(settings.audio.block_size)
    note = block_note(settings.audio.block_size, settings.audio.fs_hz)
    if note:
        on_message(note)
    parts = make_parts(settings, block_size, seconds=seconds, on_message=on_message, on_progress=on_progress)
    try:
        _refuse_endless(parts.source)
        n_told = len(parts.source.notes)
        n_ringing = parts.engine.plan.n_taps - 1
        announce = announcer(parts.source, lambda: parts.engine.snapshot().frame, on_message)
        with ExitStack() as files:
            writer = files.enter_context(WavWriter(path, settings.audio.fs_hz, 2, force=settings.output.force))
            field = _field_writer(settings, parts, files)
            for number, block in enumerate(rendered(parts)):
                n_source = parts.source.n_frames
                writer.write(_up_to(block, n_source, n_ringing - writer.n_frames))
                if field:
                    field.write(_up_to(parts.engine.read_tap(), n_source, -field.n_frames))
                for note in parts.source.notes[n_told:]:
                    n_told += 1
                    on_message(note)
                if announce and number % _BLOCKS_PER_REPORT == 0:
                    announce()
                if on_progress and number % _BLOCKS_PER_REPORT == 0:
                    on_progress(_share_done(parts.source, writer.n_frames), f"rendering {parts.source.title}")
            if announce:
                announce()
            share = _share_not_finite(parts)
            if share == 1.0 and parts.engine.snapshot().highest_peak == 0.0:
                for file in filter(None, (writer, field)):
                    file.abandon()
                    file.partial_path.unlink()
                raise InputFileError(
                    f"{settings.source.input} holds no sound: every frame of it is NaN or infinite; export it anew."
                )
            if share:
                percent = f"{100 * share:.1f} %" if share >= 0.001 else "less than 0.1 %"
                on_message(
                    f'{percent} of the frames of "{parts.source.title}" hold NaN or infinity, silent in its stead.'
                )
        if field:
            on_message(f"{field.path} is written: the field before the ears.")
    finally:
        parts.source.close()
    return parts.engine.snapshot()


def _refuse_endless(source: Source) -> None:
    """Raise ConfigurationError for a source that would fill the disk."""
    playlist = playlist_in(source)
    if source.n_frames is None and (playlist is None or playlist.never_ends):
        why = f", for {playlist.never_ends}" if playlist else ""
        raise ConfigurationError(f"{source.title} never ends{why}: say how much of it to render with --seconds.")


def _up_to(block: NDArray[np.float32], n_source: int | None, further: int) -> NDArray[np.float32]:
    """Return what of a block lies before the end of the source and so many frames; all of it while no end is known."""
    return block if n_source is None else block[: max(0, n_source + further)]


def _share_done(source: Source, n_done: int) -> float:
    """Return how much of a source is done, 0 to 1."""
    playlist = playlist_in(source)
    if source.n_frames is None and playlist:
        return playlist.progress_at(n_done)
    return min(1.0, n_done / max(1, source.n_frames or 0))


def _field_writer(settings: Settings, parts: Parts, files: ExitStack) -> WavWriter | None:
    """Open the file of the field, if one is asked for, and let the engine keep it."""
    if settings.output.field is None:
        return None
    plan = parts.engine.plan
    parts.engine.prepare_tap(_TAP_BLOCKS * plan.block_size / plan.fs_hz)
    return files.enter_context(WavWriter(settings.output.field, plan.fs_hz, plan.n_sh, force=settings.output.force))


def rendered(parts: Parts) -> Iterator[NDArray[np.float32]]:
    """Yield what the engine makes of the source, block by block (block_size, 2) float32, until all has rung out.

    The yielded array is used again for the next block.
    """
    engine, source, ring = parts.engine, parts.source, parts.engine.ring
    out = np.empty((engine.plan.block_size, 2), np.float32)
    # the engine holds back what it would need to fade out if the ring ran dry
    needed = engine.plan.reserve_frames
    while not engine.ended:
        chunk = source.read(_CHUNK_FRAMES)
        ring.write(chunk)
        if parts.look:
            parts.look()
        last = len(chunk) < _CHUNK_FRAMES
        if last:
            ring.set_end()
        while ring.fill_frames >= needed or (last and not engine.ended):
            engine.process(out)
            yield out


def _share_not_finite(parts: Parts) -> float:
    """Return what share of the frames rendered was not finite, 0 to 1; the ring is padded to a whole block."""
    written, n_source = parts.engine.ring.total_written, parts.source.n_frames
    n_frames = written if n_source is None else min(written, n_source)
    return min(1.0, parts.engine.snapshot().non_finite / max(1, n_frames))
