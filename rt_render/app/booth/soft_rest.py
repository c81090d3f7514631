"""Sound that goes away softly when the headphones rest, and comes back softly."""

from rt_render.app.session import Session

DOWN_S, UP_S = 4.0, 1.5
FLOOR_DB = -60.0


class SoftRest:
    """Fades a session down and pauses it, or plays it and fades it up; `step` some twenty times a second.

    The session's own volume is not touched, so that what the controls show stays true. Control thread.
    """

    def __init__(self) -> None:
        self._below_db, self._rests, self._before_s = 0.0, False, 0.0

    def rest(self) -> None:
        """Fade down, then pause."""
        self._rests = True

    def begin_resting(self, session: Session) -> None:
        """Pause a session that has not started, so that nothing of it is heard."""
        self._below_db, self._rests = FLOOR_DB, True
        session.engine.set_gain_db(session.gain_db + FLOOR_DB)
        session.set_playing(False)

    def wake(self, session: Session) -> None:
        """Play on, and fade up; before the first sound the volume is down."""
        self._rests = False
        if self._below_db and not session.muted:
            session.engine.set_gain_db(session.gain_db + self._below_db)
        if not session.playing:
            session.set_playing(True)

    def step(self, session: Session, now_s: float) -> None:
        """Go on with a fade, if there is one."""
        passed_s, self._before_s = min(0.2, now_s - self._before_s), now_s
        goal_db = FLOOR_DB if self._rests else 0.0
        if self._below_db != goal_db:
            step_db = -FLOOR_DB * passed_s / (DOWN_S if self._rests else UP_S)
            if self._rests:
                self._below_db = max(FLOOR_DB, self._below_db - step_db)
            else:
                self._below_db = min(0.0, self._below_db + step_db)
            if not session.muted:
                session.engine.set_gain_db(session.gain_db + self._below_db)
            if self._below_db == FLOOR_DB and session.playing:
                session.set_playing(False)

    @property
    def rests(self) -> bool:
        """Whether all is quiet."""
        return self._rests and self._below_db == FLOOR_DB
