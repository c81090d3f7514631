"""Beats while the parts of a session answer, and ends the program with the reason when one hangs."""

import faulthandler
import os
import sys
import time
from collections.abc import Callable, Sequence
from threading import Event, Thread
from typing import Any

from rt_render.app.beat import Beat
from rt_render.app.booth.life_line import AGAIN, LifeLine
from rt_render.app.session import Session
from rt_render.io.system_counters import memory_bytes

BEAT_S = 0.25


class Heart:
    """Owns the thread "heart". What hangs within this process is only ended with it, and the keeper begins anew.

    At once for what sound needs; for the threads beside it `begin_anew` is told the reason, and waits for visitors to
    leave. A thread that waits for a disk is only told of: a new beginning would wait for the same disk.
    """

    def __init__(
        self,
        line: LifeLine,
        session: Session,
        beat_s: Callable[[], float],
        hung_after_s: float,
        *,
        beside: Sequence[Beat] = (),
        begin_anew: Callable[[str], None] = lambda why: None,
    ) -> None:
        """`beat_s` tells when the control loop went round last (monotonic); `beside`: what else shall go on."""
        self._beside, self._begin_anew = beside, begin_anew
        self._told_of: set[Beat] = set()
        self._line, self._session = line, session
        self._beat_s = beat_s
        self.hung_after_s = hung_after_s
        """May be set anew by any thread."""
        self._blocks, self._blocks_s, self._told_fault = -1, 0.0, False
        self._leaves = Event()
        self._thread = Thread(target=self._run, name="heart", daemon=True)

    def start(self) -> None:
        """Begin to beat, once."""
        self._thread.start()

    def stop(self) -> None:
        """End, also where it never began."""
        self._leaves.set()
        if self._thread.ident is not None:
            self._thread.join(BEAT_S)

    def _run(self) -> None:
        before_s = self._blocks_s = time.monotonic()
        while not self._leaves.wait(BEAT_S):
            now_s = time.monotonic()
            asleep = now_s - before_s > self.hung_after_s / 2  # all stood still, and nobody is to blame
            before_s = now_s
            try:
                self._look(now_s, asleep)
            except Exception as error:  # no beat, so that the keeper begins anew if it stays so
                if not self._told_fault:
                    self._told_fault = True
                    self._line.tell("says", text=f"the heart has a fault ({type(error).__name__}: {error}).")

    def _look(self, now_s: float, asleep: bool) -> None:
        why = None if asleep else what_hangs(self._session, self._beat_s(), self.hung_after_s)
        why = why or self._no_blocks(now_s, asleep)
        if why:
            self._end(why)
        if not asleep:
            self._look_beside()
        self._line.tell("beat", **self._told())

    def _look_beside(self) -> None:
        for beat in self._beside:
            why = beat.trouble(self.hung_after_s)
            if why and beat not in self._told_of:
                self._line.tell("says", text=f"{why}; sound goes on.")
                if beat.died or not beat.on_disk:
                    self._begin_anew(why)
            (self._told_of.add if why else self._told_of.discard)(beat)

    def _no_blocks(self, now_s: float, asleep: bool) -> str | None:
        blocks = self._session.engine.snapshot().blocks
        if asleep or blocks != self._blocks:
            self._blocks, self._blocks_s = blocks, now_s
        silent_s = now_s - self._blocks_s
        return f"no card has asked for sound for {silent_s:.0f} s" if silent_s > self.hung_after_s else None

    def _told(self) -> dict[str, Any]:
        engine, state = self._session.engine.snapshot(), self._session.desk.state()
        memory = memory_bytes()
        return {
            "blocks": engine.blocks,
            "frame": engine.frame,
            "missed": engine.missed_slots,
            "late": engine.late_blocks,
            "underruns": engine.underruns,
            "memory_mb": None if memory is None else round(memory / 2**20, 2),
            "level": round(max(engine.rms), 6),
            "tracker": state["tracker"]["state"] if state else None,
            "pose_age_s": state["tracker"].get("age_s") if state else None,
            "playing_title": state["playing_title"] if state else None,
            "visit": state.get("visit") if state else None,
            "resting": state.get("resting") if state else None,
            "card": state["card"]["name"] if state else None,
        }

    def _end(self, why: str) -> None:
        self._line.tell("hangs", why=why)
        self._line.close()
        faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
        os._exit(AGAIN)


def what_hangs(session: Session, beat_s: float, hung_after_s: float) -> str | None:
    """Return in words what has not answered for so long; None while all do. Any thread."""
    now_s = time.monotonic()
    if now_s - beat_s > hung_after_s:
        return f"the control loop has stood still for {now_s - beat_s:.0f} s"
    silent_s = session.source_silent_s()
    if silent_s > hung_after_s:
        return f"the source has not answered for {silent_s:.0f} s"
    return None
