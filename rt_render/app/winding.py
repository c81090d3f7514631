"""Going on at another place of the source while it sounds, and how much of it has sounded."""

import time
from collections.abc import Callable
from threading import Lock

from rt_render.app.live_feed import LiveFeed
from rt_render.engine.engine import Engine
from rt_render.io.ring_feeder import RingFeeder
from rt_render.io.source import Source

_PREFILL_S, _PREFILL_TIMEOUT_S = 0.5, 5.0
_FADE_OUT_S = 0.5
_LOOK_S = 0.002


class Winding:
    """Moves an engine and what feeds it through the source, always silent in between.

    `playing` tells whether a person wants it to sound; `before_sound` is called when the ring is filled anew, before
    it does. `on_message` gets a sentence where the position stays. Any thread, one wind at a time.
    """

    def __init__(
        self,
        engine: Engine,
        source: Source,
        feeder: RingFeeder | LiveFeed,
        *,
        playing: Callable[[], bool],
        before_sound: Callable[[], None],
        on_message: Callable[[str], None],
    ) -> None:
        self._engine, self._source, self._feeder = engine, source, feeder
        self._playing, self._before_sound, self._on_message = playing, before_sound, on_message
        self._from_frame = self._wound_frames = 0
        self._one = Lock()

    def frame(self) -> int:
        """Return the frame of the source up to which it has sounded; the filters ring on behind its end."""
        frame, end = self._engine.snapshot().frame, self._source.n_frames
        return frame if end is None else min(frame, end)

    def played_frames(self, frame: int) -> int:
        """Return how much of the source has sounded when it is at a frame, however it was wound."""
        return self._wound_frames + frame - self._from_frame

    def prefill(self) -> None:
        """Wait until half a second of sound lies ready, or all there is; a source that hangs is not waited for."""
        enough = round(_PREFILL_S * self._engine.plan.fs_hz)
        give_up_s = time.monotonic() + _PREFILL_TIMEOUT_S
        while self._engine.ring.fill_frames < enough and not self._feeder.ended and time.monotonic() < give_up_s:
            time.sleep(_LOOK_S)

    def wait_until_silent(self) -> bool:
        """Wait for the end of the fade behind a pause; False where it does not come, as no card takes sound."""
        give_up_s = time.monotonic() + _FADE_OUT_S
        while not self._engine.snapshot().silent:
            if time.monotonic() > give_up_s:
                return False
            time.sleep(_LOOK_S)
        return True

    def seek(self, frame: int) -> None:
        """Go on at a frame, clipped to the source; as `wind` does it."""
        end = self._source.n_frames
        self.wind(lambda: max(0, frame) if end is None else min(max(0, frame), end))

    def wind(self, frame_of: Callable[[], int]) -> None:
        """Go on at another frame, faded out and in; the ring is filled before it sounds.

        `frame_of` is called while nobody reads the source.
        """
        with self._one:
            try:
                self._wind_silently(frame_of)
            finally:  # whatever a source does as it is sought
                if self._playing():
                    self._engine.play()

    def _wind_silently(self, frame_of: Callable[[], int]) -> None:
        self._engine.pause()
        if not self.wait_until_silent():
            self._on_message("the position was not changed: the card does not take sound at this moment")
        elif not self._feeder.stop():
            self._on_message(f"the position was not changed: {self._source.title} does not answer at this moment")
        else:
            frame = frame_of()
            self._wound_frames = self.played_frames(self.frame())
            self._from_frame = frame
            self._engine.reset(frame)
            self._feeder.restart(frame)
            self.prefill()
            self._before_sound()
