"""Looks after a session that nobody watches: visits, soft rest, an edited configuration, the log."""

import time
from collections.abc import Callable
from typing import Any

from rt_render.app.booth.choices import Choices
from rt_render.app.booth.config_watch import ConfigWatch
from rt_render.app.booth.impersonal import impersonal
from rt_render.app.booth.soft_rest import SoftRest
from rt_render.app.booth.take_over import as_heard, hold_gain, take_over, waiting_for_new_beginning
from rt_render.app.booth.visits import State, Step, Thresholds, Visits
from rt_render.app.parts import start_gain_db
from rt_render.app.session import Session
from rt_render.app.settings import Settings

Log = Callable[..., None]
"""Called with an event's name and its details as keywords."""
LIVE = "live"
_GOES_ON = ("gain_db", "playing", "position_s", "item", "compare", "compare_blind")
"""Controls that have a beginning of their own at a visit, or none; all others are as the first visitor had them."""


class Booth:
    """A `watch` for `run_session`: called some twenty times a second on the control thread.

    `settings` are those that the operator wrote (None: the session's). `log` keeps events; `number` is that of the
    last visit before; `config` tells of an edited configuration. With `rests` it begins in rest, without a sound. The
    session ends where `leave` was called, or an edited configuration needs a new beginning and nobody is there.
    """

    def __init__(
        self,
        session: Session,
        log: Log,
        *,
        settings: Settings | None = None,
        number: int = 0,
        rests: bool = False,
        config: ConfigWatch | None = None,
    ) -> None:
        self.number = number
        self.settings = self._began_with = settings or session.settings
        self.heard = self.settings
        """`settings` but for those that wait for a new beginning."""
        self.beat_s = time.monotonic()
        """When it was called last."""
        self._why_anew: str | None = None
        self._waits: list[str] = []
        self._session, self._log, self._config = session, log, config
        self._soft = SoftRest()
        self._choices = Choices(log, time.monotonic)
        self._visits = Visits(self.beat_s, _thresholds(self.settings), State.REST if rests else State.WAITING)
        self._first: dict[str, Any] | None = None
        self._counted = (0, 0)
        self._visiting: int | None = None  # the number of the visit that goes on
        self._recentred, self._leaves, self._at_once = False, False, False
        hold_gain(session, self.settings)
        if rests:
            self._soft.begin_resting(session)
        session.desk.subscribe(self._choices.take)
        session.comparison.listen(lambda choice: log("compared", number=self._visiting, **choice))
        session.desk.add_part("visit", self._visit)
        session.desk.add_part("resting", lambda: self.rests)

    @property
    def state(self) -> State:
        """Whether the headphones are worn, lie still, or nobody knows."""
        return self._visits.state

    @property
    def rests(self) -> bool:
        """Whether the headphones lie still and all is quiet."""
        return self._soft.rests

    @property
    def begins_anew(self) -> str | None:
        """Why the program is to begin anew; None while it is not."""
        edited = f"the configuration was edited ({', '.join(self._waits)})" if self._waits else None
        return self._why_anew or edited

    def leave(self) -> None:
        """Let the session end. Any thread."""
        self._leaves = True

    def begin_anew(self, why: str, at_once: bool = False) -> None:
        """Let the program begin anew as soon as nobody is there, or `at_once`. Any thread."""
        self._at_once = self._at_once or at_once
        self._why_anew = why

    def __call__(self, session: Session) -> bool:
        """Look; False when the session shall end."""
        now_s = self.beat_s = time.monotonic()
        self._look_at_head(now_s)
        self._look_at_config()
        self._soft.step(session, now_s)
        self._choices.flush(self._visiting)
        ends = self._leaves or (self.begins_anew is not None and (self._at_once or self._disturbs_nobody()))
        if ends:
            self._choices.flush(self._visiting, everything=True)
            if self._visiting is not None:
                self._end_visit("the booth stopped", now_s, self._visits.since_s)
        return not ends

    def _disturbs_nobody(self) -> bool:
        # at rest only once all is quiet, so that what begins anew is quiet as well
        return self.rests if self.state is State.REST else self.state is State.WAITING

    def _look_at_head(self, now_s: float) -> None:
        session, state = self._session, self._session.desk.state()
        if self._first is None and state:
            self._first = {name: value for name, value in state["values"].items() if name not in _GOES_ON}
        if self._soft.rests and session.playing:  # somebody at the controls wants sound
            self._visits.wait(now_s)
            self._soft.wake(session)
        pose = session.newest_pose() if state and state["tracker"]["state"] == LIVE else None
        since_s = self._visits.since_s
        if pose is None:
            steps = self._visits.look(now_s, None, (1.0, 0.0, 0.0, 0.0))
        else:
            steps = self._visits.look(now_s, pose.time_s, pose.quat_world_from_head)
        for step in steps:
            self._do(step, now_s, since_s)

    def _do(self, step: Step, now_s: float, since_s: float) -> None:
        session = self._session
        if step is Step.BEGINS:
            self._choices.flush(None, everything=True)
            self.number, self._recentred = self.number + 1, False
            self._visiting = self.number
            self._counted = self._counts()
            self._log("visit_begins", number=self.number)
            self._put_back()
            self._soft.wake(session)
        elif step is Step.RECENTRE:
            self._recentred = True
            session.recentre()
        elif step is Step.RESTS:
            self._log("rest")
            self._soft.rest()
        elif step is Step.WAITS:
            self._put_back()  # without a tracker no visit comes that would undo what the last visitor left
            self._soft.wake(session)
        elif step is Step.LEFT:
            self._end_visit("the headphones lie still", now_s - self._visits.thresholds.rest_after_s, since_s)
        else:
            self._end_visit("the tracker is silent", now_s - self._visits.thresholds.lost_after_s, since_s)

    def _put_back(self) -> None:
        """Let volume, controls and comparison be as at the beginning."""
        session = self._session
        session.set_gain_db(start_gain_db(self.settings))
        session.desk.put_back(session, self._first or {})
        session.comparison.begin_visit()

    def _end_visit(self, why: str, end_s: float, since_s: float) -> None:
        self._choices.flush(self._visiting, everything=True)
        self._session.comparison.flush()
        missed, underruns = (now - then for now, then in zip(self._counts(), self._counted, strict=True))
        self._log(
            "visit_ends",
            number=self.number,
            lasted_s=round(max(0.0, end_s - since_s), 1),
            why=why,
            recentred=self._recentred,
            missed_blocks=missed,
            underruns=underruns,
        )
        self._visiting = None

    def _counts(self) -> tuple[int, int]:
        engine = self._session.engine.snapshot()
        return engine.missed_slots, engine.underruns

    def _visit(self) -> dict[str, Any] | None:
        if self._visiting is None:
            return None
        return {"number": self._visiting, "since_s": round(time.monotonic() - self._visits.since_s, 1)}

    def _look_at_config(self) -> None:
        edited = self._config.edited() if self._config else None
        if edited is None:
            return
        say = self._session.on_message
        if edited.settings is None:
            say(f"the edited configuration is refused, and the one before is kept: {edited.refused}")
            self._log("configuration", refused=impersonal(edited.refused))
            return
        taken = take_over(self._session, self.settings, edited.settings)
        waited, self._waits = self._waits, waiting_for_new_beginning(self._began_with, edited.settings)
        self.settings = edited.settings
        self.heard = as_heard(self._began_with, edited.settings)
        self._visits.thresholds = _thresholds(edited.settings)
        for section, _, key in (name.partition(".") for name in taken):
            if self._first and key in self._first:
                self._first[key] = getattr(getattr(edited.settings, section), key)
        self._log("configuration", taken=taken, waits=self._waits)
        if taken:
            say(f"the edited configuration is heard now: {', '.join(taken)}.")
        if self._waits:
            when = {
                State.VISIT: "as soon as the visit is over",
                State.REST: "now, unheard",
                State.WAITING: "now, with a short silence",
            }[self.state]
            say(f"the edited configuration is taken over {when}: {', '.join(self._waits)}.")
        elif waited:
            say("the edit that waited is taken back.")
        elif not taken:
            say("the edited configuration says the same as before.")


def _thresholds(settings: Settings) -> Thresholds:
    booth = settings.booth
    return Thresholds(booth.still_deg, booth.pick_up_deg, booth.rest_after_s, booth.lost_after_s)
