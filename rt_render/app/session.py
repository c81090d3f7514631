"""One session of live playing: the one place where the parts are built, wired, started and stopped in order."""

import gc
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from math import inf

from firmware_bridge.messages import Quat
from firmware_bridge.opening import RunningBridge, open_bridge
from firmware_bridge.plain_quaternion import IDENTITY
from firmware_bridge.pose import PoseSample
from firmware_bridge.status import BridgeStatus
from rt_render.app.beat import Beat
from rt_render.app.budget_meter import BudgetMeter
from rt_render.app.budget_terms import terms_of
from rt_render.app.budget_words import device_advice
from rt_render.app.comparison.comparison import Comparison
from rt_render.app.controls.desk import Desk
from rt_render.app.decoding import Progress
from rt_render.app.ears import Ears
from rt_render.app.glitch_watch import GlitchWatch
from rt_render.app.hearing import Hearing
from rt_render.app.live_feed import LiveFeed
from rt_render.app.moment import Moment, moment_of
from rt_render.app.parts import live_block_size, make_parts, start_gain_db
from rt_render.app.playlist.announcer import announcer
from rt_render.app.playlist.playlist_source import playlist_in
from rt_render.app.playlist.transport import PlaylistTransport
from rt_render.app.session_files import SessionFiles
from rt_render.app.session_remote import make_remote
from rt_render.app.session_status import SessionStatus
from rt_render.app.settings import Settings
from rt_render.app.trace_feed import WAITING_S, TraceFeed
from rt_render.app.web.surroundings import Surroundings
from rt_render.app.winding import Winding
from rt_render.hrtf.decoder import Decoder
from rt_render.io.card_keeper import CardKeeper
from rt_render.io.realtime import lock_memory
from rt_render.io.ring_feeder import RingFeeder
from rt_render.io.shown import shown

_LOOK_S = 0.05


class Session:
    """A field from its source to a card, with the head's pose from a tracker or a timeline of poses.

    Construction prepares everything and may take seconds; `start` lets it sound, `stop` ends it softly. The
    controls belong to one control thread. `on_message` gets sentences for people, from several threads. `feed`
    hands on the trace of all blocks and the events, from the first to the last.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        seconds: float | None = None,
        on_message: Callable[[str], None] = lambda text: None,
        on_progress: Progress | None = None,
    ) -> None:
        """Build the parts; raises RenderError and BridgeError, and leaves nothing open then."""
        self.settings = settings
        self.desk = Desk()

        def say(text: str) -> None:
            with suppress(Exception):  # who cannot be told must not end the thread that tells
                on_message(shown(text))

        def tell(text: str) -> None:
            self.desk.note(shown(text))
            say(text)

        self.on_message = tell
        block_size, host_frames = live_block_size(settings.audio.block_size)
        parts = make_parts(
            settings,
            block_size,
            seconds=seconds,
            trace_rows=round(WAITING_S * settings.audio.fs_hz / block_size),
            on_message=tell,
            on_progress=on_progress,
        )
        self.source, self.engine = parts.source, parts.engine
        self._lap_frames = parts.lap_frames
        self._set_latency(parts.decoder.onset_frames / settings.audio.fs_hz)
        self.feed = TraceFeed(self.engine, tell)
        self.feed.add(self.budget.take)
        self._live = parts.live
        self._feeder: RingFeeder | LiveFeed = (
            LiveFeed() if parts.live else RingFeeder(self.source, self.engine.ring, on_message=tell)
        )
        self._winding = Winding(
            self.engine,
            self.source,
            self._feeder,
            playing=lambda: self.playing,
            before_sound=lambda: self._hearing.follow_item(),
            on_message=tell,
        )
        self._glitches = GlitchWatch(self.engine, self._feeder.longest_read_s, self._tracker_status, tell)
        self.feed.add(on_events=self._glitches.take_events, on_look=self._glitches.look)
        self.remote = make_remote(settings.remote, self.desk, parts.scene, self.engine.objects, tell)
        playlist = playlist_in(self.source)
        self.playlist: PlaylistTransport | None = (
            PlaylistTransport(playlist, self._winding.frame, self._winding.wind, tell) if playlist is not None else None
        )
        # Not to the desk: its state has the titles, and its few sentences are for what nothing else tells.
        self.feed.add(on_look=announcer(self.source, self._winding.frame, say))
        self._hearing = Hearing(settings, parts, budget=self.budget, feed=self.feed, desk=self.desk, on_message=tell)
        self.ears: Ears = self._hearing.ears
        self.comparison: Comparison = self._hearing.comparison
        self.space = parts.space
        self._bridge: RunningBridge | None = None
        self._files = SessionFiles(self.engine, settings, tell)
        self.gain_db: float = start_gain_db(settings)
        self.playing: bool = True
        self.muted: bool = False
        self.tracking: bool = True
        self.prediction: str = settings.tracking.prediction
        self.extra_latency_ms: float = settings.audio.extra_latency_ms
        self._advised, self._card_beat = False, Beat("the watch of the sound card")
        try:
            if settings.audio.degrade:
                self._hearing.degrade(on_progress)
            self._card = CardKeeper(
                self.engine,
                device=settings.audio.device,
                on_message=tell,
                capture=settings.output.record is not None,
                host_frames=host_frames,
                live=parts.live,
                input_device=settings.source.input_device,
                beat=self._card_beat,
            )
            self._files.open(parts, seconds, card_text=self._card.text_of, feed=self.feed, comparison=self.comparison)
            self.comparison.begin_visit()  # behind the pose log, which must know of all filters
            if not settings.tracking.poses:
                self._bridge = self._open_bridge()
        except BaseException:
            self._give_up()
            raise

    def _set_latency(self, onset_s: float) -> None:
        """Let the engine know for which moment to render, and a meter how long all takes."""
        plan, wanted, extra_s = self.engine.plan, self.settings.tracking, 1e-3 * self.settings.audio.extra_latency_ms
        mode, cap_ms = wanted.prediction, wanted.prediction_cap_ms
        self.budget = BudgetMeter(terms_of(plan, onset_s=onset_s, prediction=mode, cap_ms=cap_ms, extra_s=extra_s))
        self.engine.set_extra_latency(extra_s)
        self.engine.set_filter_onset(onset_s)
        self.engine.set_prediction(mode, cap_ms)

    def _open_bridge(self) -> RunningBridge:
        wanted = self.settings.tracking
        bridge = open_bridge(wanted.bridge(), process=wanted.process, on_message=self.on_message)
        self.engine.follow_mailbox(bridge.mailbox)
        return bridge

    # from start to stop

    def start(self) -> None:
        """Fill the ring for a while, lock memory, put the garbage collector's work behind us, then start the card.

        Raises DeviceError for a card that was asked for and cannot be used. Whatever it raises (an interrupt
        too), all is closed then.
        """
        try:
            self._feeder.start()
            self._winding.prefill()
            self._lock_memory()
            gc.collect()
            gc.freeze()
            self._files.start_recording()
            self._glitches.begin()
            self.feed.start()
            self._card.start()
            self.remote.start()
            self.desk.work(self)
            self._files.start_log()
        except BaseException:
            with ExitStack() as each:
                each.callback(gc.unfreeze)
                each.callback(self._give_up)
                each.callback(self.feed.stop)
                each.callback(self._card.stop)
            raise

    def stop(self) -> None:
        """Fade out, stop the card, then everything that fed it; the recording gets its name last.

        What fails is raised when all the rest is closed: DeviceError for a card that is stuck within a block,
        OutputFileError for the recording or the log.
        """
        with ExitStack() as each:  # runs them all, last first, whatever one raises
            each.callback(gc.unfreeze)
            each.callback(self._files.close)
            each.callback(self._close_inputs)
            each.callback(self.feed.stop)
            each.callback(self._card.stop)
            self.comparison.flush()
            self.engine.pause()
            self._winding.wait_until_silent()

    def __enter__(self) -> "Session":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def ended(self) -> bool:
        """Whether the source has ended and the filters have rung out, or live input has lasted as long as asked for."""
        snapshot = self.engine.snapshot()
        over = self._live is not None and self.source.n_frames is not None and snapshot.frame >= self.source.n_frames
        return snapshot.ended or over

    def _give_up(self) -> None:
        with ExitStack() as each:
            each.callback(self._files.abandon)
            each.callback(self._close_inputs)

    def _close_inputs(self) -> None:
        with ExitStack() as each:
            if self._bridge:
                each.callback(self._bridge.stop)
            each.callback(self._feeder.close)
            each.callback(self.remote.stop)

    def _lock_memory(self) -> None:
        refused = [g.text for g in (lock_memory(*region) for region in self.engine.memory()) if not g.granted]
        if refused:
            self.on_message(refused[0])

    # controls

    def set_playing(self, on: bool) -> None:
        """Play on, or pause."""
        self.playing = on
        if on:
            self.engine.play()
        else:
            self.engine.pause()

    def set_gain_db(self, gain_db: float) -> None:
        """Set the gain, -60 to 24 dB; a muted session sounds again."""
        self.gain_db, self.muted = gain_db, False
        self.engine.set_gain_db(gain_db)

    def set_muted(self, on: bool) -> None:
        """Mute, or sound again; playing goes on."""
        self.muted = on
        self.engine.set_gain_db(-inf if on else self.gain_db)

    def set_tracking(self, on: bool) -> None:
        """Let the field follow the head's tracker, or stay with the head; eased over 0.2 s."""
        self.tracking = on
        self.comparison.set_tracking(on)

    def set_prediction(self, mode: str) -> None:
        """Choose how the head's turn is foreseen: "off", "constant" or "learnt"."""
        self.engine.set_prediction(mode, self.settings.tracking.prediction_cap_ms)
        self.budget.set_prediction(mode)
        self.prediction = mode

    def set_panorama(self, on: bool) -> None:
        """Let stereo be a space around the head, or two speakers; at once, with a fade out and in."""
        if on != self.space.on:
            self.space.on = on
            self._winding.wind(self._winding.frame)

    def set_extra_latency_ms(self, extra_ms: float) -> None:
        """Say what wireless headphones take behind the card, 0 to 1000 ms; the budget tells it too."""
        self.extra_latency_ms = extra_ms
        self.engine.set_extra_latency(1e-3 * extra_ms)
        self.budget.set_extra(1e-3 * extra_ms)

    def recentre(self) -> None:
        """Make the present heading straight ahead."""
        if self._bridge:
            self._bridge.recentre()

    def seek(self, seconds: float) -> None:
        """Go on at this time of the source, or of the item of a playlist, faded out and in."""
        if self.playlist:
            self.playlist.seek(seconds)
        elif self._live:
            self.on_message("the position was not changed: live input has no places to go to")
        else:
            self._winding.seek(round(seconds * self.settings.audio.fs_hz))

    @property
    def decoder(self) -> Decoder:
        """The decoder that is heard."""
        return self._hearing.decoder

    @property
    def can_seek(self) -> bool:
        """Whether there are places to go to: not in live input."""
        return self._live is None

    @property
    def position_s(self) -> float:
        """Where the source is: within a lap, within the item of a playlist."""
        return self._moment().position_frames / self.settings.audio.fs_hz

    def _moment(self) -> Moment:
        return moment_of(self._winding, self.playlist, self.source.n_frames, self._lap_frames)

    def newest_pose(self) -> PoseSample | None:
        """Return the newest pose as the tracker tells it; None where none was told, or none is followed. Any thread."""
        return self._bridge.mailbox.read() if self._bridge else None

    def surroundings(self) -> Surroundings:
        """Return what shows where the head is and where the sound comes from, and tells no blind version."""
        return Surroundings(self.engine, self._shown_head, lambda: self.comparison.blind)

    def _shown_head(self) -> Quat | None:
        """Return where to show the head instead of where it is heard to be; None where that is the same.

        Blind it is the tracker's for each version, for one that does not follow the head would be known by it.
        """
        comparison = self.comparison
        pose = None if comparison.follows_head and not comparison.blind else self.newest_pose()
        return pose.quat_world_from_head if pose else IDENTITY if comparison.blind else None

    def source_silent_s(self) -> float:
        """Return how long a read of the source has been under way; 0 below 50 ms. Any thread."""
        return self._feeder.longest_read_s(time.monotonic())

    @property
    def beats(self) -> list[Beat]:
        """The signs of life of the threads beside the sound, for a heart."""
        return [self.remote.beat, self.feed.beat, self._card_beat, *self._files.beats]

    def _tracker_status(self) -> BridgeStatus | None:
        return self._bridge.status() if self._bridge else None

    def ended_with(self, last: SessionStatus) -> SessionStatus:
        """Return the last status of a session that has stopped, with what faded out and the whole budget."""
        whole = self.budget.whole()
        return replace(last, engine=self.engine.snapshot(), glitches=self._glitches.told, budget=whole)

    def status(self) -> SessionStatus:
        """Tell what goes on now."""
        card, follows = self._card.status(), self.comparison.seems_to_follow
        budget = self.budget.recent(time.monotonic()) if follows else None
        if not self._advised and (advice := device_advice(budget, card.block_size, card.host_api)):
            self._advised = True
            self.on_message(advice)
        snapshot, fs_hz, moment = self.engine.snapshot(), self.settings.audio.fs_hz, self._moment()
        return SessionStatus(
            engine=snapshot,
            card=card,
            tracker=self._tracker_status(),
            position_s=moment.position_frames / fs_hz,
            length_s=None if moment.length_frames is None else moment.length_frames / fs_hz,
            lap=moment.lap,
            played_s=moment.played_frames / fs_hz,
            playing=self.playing,
            muted=self.muted,
            tracking=self.tracking,
            follows_head=follows,
            head=self._shown_head() or snapshot.quat_world_from_head,
            gain_db=self.gain_db,
            budget=budget,
            glitches=self._glitches.told,
            playlist=moment.item,
        )


def run_session(session: Session, watch: Callable[[Session], bool] | None = None) -> SessionStatus:
    """Let a session sound until it ends or `watch` says False, then stop it; return its last status."""
    with session:
        while not session.ended and (watch is None or watch(session)):
            session.desk.work(session)
            time.sleep(_LOOK_S)
        last = session.status()
    return session.ended_with(last)
