"""The parts that live playing and offline rendering share: source, decoder and engine, made from settings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Timer

from firmware_bridge.csv_poses import read_pose_csv
from rt_render.app.decoding import Progress, make_decoder
from rt_render.app.live_feed import LiveSource
from rt_render.app.object_scene import lay_out
from rt_render.app.panorama.space import Space
from rt_render.app.playlist.follow_orders import follow_orders
from rt_render.app.scene_file import ObjectScene
from rt_render.app.settings import Settings
from rt_render.app.source_opening import SCENE, open_source, scene_of
from rt_render.conventions import BLOCK_SIZES, n_sh
from rt_render.engine.engine import Engine
from rt_render.engine.live_input import LiveInput
from rt_render.engine.plan import Plan
from rt_render.hrtf.decoder import Decoder
from rt_render.io.realtime import realtime_allowed
from rt_render.io.sound_card import engine_block_size
from rt_render.io.source import Source
from rt_render.io.wav_writer import container_and_subtype

SCENE_GAIN_DB = 20.0
"""Decoders leave room for a full-scale wave from the front; with this the scene peaks at -5 to -2 dBFS."""
_LONG_START_S = 1.5


@dataclass(frozen=True, slots=True)
class Parts:
    """A source and an engine that renders it at the source's order; nothing runs yet.

    `lap_frames`: after so many frames an endless source begins again; None for others. `scene`: what its objects are.
    `live`: what takes a card's input; None where the source is read. `look`: to be called now and then while it plays.
    `space`: what makes its panoramas, and changes them.
    """

    source: Source
    decoder: Decoder
    engine: Engine
    lap_frames: int | None = None
    scene: ObjectScene | None = None
    live: LiveInput | None = None
    look: Callable[[], None] | None = None
    space: Space = field(default_factory=Space)


def make_parts(
    settings: Settings,
    block_size: int,
    *,
    seconds: float | None = None,
    trace_rows: int = 0,
    on_message: Callable[[str], None],
    on_progress: Progress | None = None,
) -> Parts:
    """Open the source, design or find the decoder, and prepare the engine; the poses' timeline is set if named.

    The engine's order is that of the source, or the one asked for where it is lower. Raises RenderError and
    BridgeError. Control side.
    """
    space = Space(settings.source)
    source = open_source(settings, seconds, on_progress, space)
    try:
        for note in source.notes:
            on_message(note)
        if settings.output.field:  # now, and not when all is designed: a format may not hold so many channels
            container_and_subtype(settings.output.field, n_sh(source.order), None)
        decoder = make_decoder(settings.head, source.order, settings.audio.fs_hz, on_progress, on_message)
        scene = None if settings.source.further else scene_of(settings.source.input)
        n_objects = len(scene.object) if scene else 0
        plan = Plan(source.order, block_size, settings.audio.fs_hz, decoder.filters.shape[2], n_objects=n_objects)
        engine = _make_engine(plan, decoder, settings, trace_rows, on_message)
        if scene:
            lay_out(scene, engine.objects)
        if settings.tracking.poses:
            track = read_pose_csv(settings.tracking.poses)
            engine.follow_timeline(track.times_s, track.quats_world_from_head)
    except BaseException:
        source.close()
        raise
    lap_frames = getattr(source, "lap_frames", None) if source.n_frames is None else None
    live = LiveInput(engine, source.matrix, source.stage) if isinstance(source, LiveSource) else None
    look = follow_orders(source, engine)
    return Parts(source, decoder, engine, lap_frames, scene, live, look, space)


def start_gain_db(settings: Settings) -> float:
    """Return the gain in dB to begin with."""
    wanted = settings.audio.gain_db
    if wanted == "auto":
        return SCENE_GAIN_DB if settings.source.input == SCENE and not settings.source.further else 0.0
    return wanted


def live_block_size(wanted: int | str) -> tuple[int, int]:
    """Return the engine's block size for live playing, and the frames a card is asked for in one call.

    "auto" is 128 where real-time scheduling is granted, else 256. A size that is no power of two goes
    through the block adapter.
    """
    if not isinstance(wanted, int):
        wanted = 128 if realtime_allowed().granted else 256
    return (wanted, wanted) if wanted in BLOCK_SIZES else (engine_block_size(wanted)[0], wanted)


def offline_block_size(wanted: int | str) -> int:
    """Return the block size for rendering to a file: that of live playing, "auto" is 128 on every machine."""
    return live_block_size(wanted)[0] if isinstance(wanted, int) else 128


def block_note(wanted: int | str, fs_hz: int) -> str | None:
    """Return what a person should know of a block size that the engine does not run at; None for others."""
    if not isinstance(wanted, int) or wanted in BLOCK_SIZES:
        return None
    block, added = engine_block_size(wanted)
    return (
        f"blocks of {wanted} frames are met by blocks of {block}: on a sound card this adds up to {added} frames "
        f"({1e3 * added / fs_hz:.1f} ms)."
    )


def _make_engine(
    plan: Plan, decoder: Decoder, settings: Settings, trace_rows: int, on_message: Callable[[str], None]
) -> Engine:
    notice = Timer(
        _LONG_START_S,
        on_message,
        ["compiling the audio kernels for this processor (about 20 s, once; they are kept for the next start)"],
    )
    notice.daemon = True
    notice.start()
    try:
        return Engine(
            plan,
            decoder.filters,
            gain_db=start_gain_db(settings),
            ceiling_db=settings.audio.ceiling_db,
            trace_rows=trace_rows,
        )
    finally:
        notice.cancel()
