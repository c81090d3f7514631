"""A bridge at work: one reader thread from a source through the pipeline to the mailbox and to other renderers.

with open_thread(make_settings(tracker="simulated:1"), PoseMailbox.private()) as bridge:
    print(bridge.status().text)
"""

import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self

from firmware_bridge.advice import Advice
from firmware_bridge.bridge_words import HEARTBEAT_EVERY_S, BridgeWords, StateWord
from firmware_bridge.errors import BridgeError
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.mailbox_kernels import LOST_AFTER_S
from firmware_bridge.messages import Quat
from firmware_bridge.osc.remote import OscRemote
from firmware_bridge.plain_quaternion import IDENTITY
from firmware_bridge.pose import PoseSample
from firmware_bridge.pose_pipeline import PosePipeline
from firmware_bridge.source import Source
from firmware_bridge.status import BridgeStatus, with_age, words_of

STOP_TIMEOUT_S = 2.0
RESUME_S = 30.0
"""What a bridge that ended longer ago showed and took for ahead is of no concern."""
TURN_S = 2.0
"""So long a renderer takes to turn to the front when a bridge is lost."""


class Outputs(Protocol):
    """Other renderers that get the poses too. Never raises, never waits. Thread: the bridge's."""

    def send(self, quat_world_from_head: Quat, now_s: float) -> None:
        """Pass a pose on to each target, now or when it takes the next."""

    def flush(self, now_s: float) -> None:
        """Pass on what waited for a target that takes fewer poses."""

    def close(self) -> None:
        """Give the connections back."""


class Bridge:
    """A source, the pipeline, a reader thread, and the mailbox it writes to and closes at its end.

    `on_message` gets sentences for people on the reader thread. Recentring is asked for through the mailbox
    (`request_recentre`) or `recentre`: the last pose that came is straight ahead then, whether or not more come.
    """

    def __init__(
        self,
        source: Source,
        pipeline: PosePipeline,
        mailbox: PoseMailbox,
        *,
        on_message: Callable[[str], None],
        outputs: Outputs | None = None,
        remote: OscRemote | None = None,
    ) -> None:
        self.mailbox = mailbox
        self.failed = False
        self._source, self._pipeline, self._outputs, self._remote = source, pipeline, outputs, remote
        self._on_message = on_message
        self._advice = Advice(on_message)
        self._before = _told_lately(mailbox)
        self._recentred = _answered(mailbox, self._before)
        self._status = pipeline.status(source, time.monotonic())
        self._told_s = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the reader thread, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="head-tracker", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the reader thread, free the port, give the mailbox up; safe to call twice."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(STOP_TIMEOUT_S)
            if self._thread.is_alive():
                self._on_message(f"{self._source.name} does not let go: unplug it if it stays busy")
        self.mailbox.close()

    @property
    def is_running(self) -> bool:
        """Whether the reader thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def thread_id(self) -> int | None:
        """The system's number of the reader thread, None before it is started."""
        return None if self._thread is None else self._thread.native_id

    def recentre(self) -> None:
        """Ask for the present heading to become straight ahead."""
        self.mailbox.request_recentre()

    def status(self) -> BridgeStatus:
        """Return the status, at most a quarter of a second old, with the pose's age of this moment. Any thread."""
        status = with_age(self._status, self._pipeline.newest_s, time.monotonic())
        return status if self.is_running else replace(status, connected=False)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            with ExitStack() as each:  # runs them all, last first, whatever one raises
                each.callback(self._pipeline.close)
                if self._outputs is not None:
                    each.callback(self._outputs.close)
                each.callback(self._source.close)
                if self._remote is not None:
                    each.callback(self._remote.close)
                self.mailbox.become_writer()
                each.callback(self._say_goodbye)
                self._take_over(time.monotonic())
                while not self._stop.is_set():
                    self._turn()
                self._tell(time.monotonic())
        except BridgeError as error:
            self.failed = True
            self._on_message(f"the head tracker stopped: {error}")
        except Exception as error:
            # Such as a device that brings what no test thought of: the sound goes on, and the person knows.
            self._on_message(f"the head tracker stopped by a fault of this program: please report {error!r}")

    def _take_over(self, now_s: float) -> None:
        """Go on with what another bridge showed here a moment ago, so that nothing jumps."""
        before, pose = self._before, self.mailbox.read()
        if before is None or pose is None:
            return
        silent_s = now_s - 1e-9 * before.heartbeat_ns
        if silent_s > TURN_S + (0.0 if before.state == StateWord.ENDED else LOST_AFTER_S):
            # Renderers have turned to the front meanwhile.
            pose = replace(pose, quat_world_from_head=IDENTITY, gyro_rad_s=None)
            self._give(pose, now_s)
        self._pipeline.resume(self.mailbox.kept(), pose, now_s)

    def _say_goodbye(self) -> None:
        words = words_of(self._status, os.getpid(), time.monotonic())
        self.mailbox.tell(replace(words, state=StateWord.ENDED))

    def _turn(self) -> None:
        pipeline = self._pipeline
        heard = self._source.poll(pipeline.wait_s)
        now_s = time.monotonic()
        if self._remote is not None and self._remote.asks_to_recentre(now_s):
            self.mailbox.request_recentre()
        # What came after the request is not where the person looked when asking.
        asked = self.mailbox.recentre_count() != self._recentred
        if asked and (pipeline.newest_s is not None or not heard):
            self._answer_recentring(now_s)
        poses = pipeline.hear(heard, self._source)
        for pose in poses:
            self._give(pose, now_s)
        if asked:
            self._answer_recentring(now_s)
        if not poses:
            # Also while messages come that give no pose: what is refused must not freeze the head.
            eased = pipeline.tick(now_s, self._source.health().connected)
            if eased is not None:
                self._give(eased, now_s)
            if self._outputs is not None:
                self._outputs.flush(now_s)
        question = pipeline.question(time.monotonic())
        if question is not None:
            self._source.say(question)
        if now_s - self._told_s >= HEARTBEAT_EVERY_S:
            self._told_s = now_s
            self._tell(now_s)

    def _tell(self, now_s: float) -> None:
        self._status = self._pipeline.status(self._source, now_s)
        if self._status.health is not None:
            self._advice.tell(self._status.health, now_s)
        self.mailbox.tell(words_of(self._status, os.getpid(), now_s))
        self.mailbox.keep(replace(self._pipeline.kept, recentres=self._recentred))

    def _answer_recentring(self, now_s: float) -> None:
        requests = self.mailbox.recentre_count()
        if requests != self._recentred:
            self._recentred = requests
            self._pipeline.recentre(now_s)
            self.mailbox.keep(replace(self._pipeline.kept, recentres=self._recentred))

    def _give(self, pose: PoseSample, now_s: float) -> None:
        self.mailbox.publish(pose)
        if self._outputs is not None:
            self._outputs.send(pose.quat_world_from_head, now_s)


def _told_lately(mailbox: PoseMailbox) -> BridgeWords | None:
    words = mailbox.told()
    return words if words is not None and 0.0 <= time.monotonic() - 1e-9 * words.heartbeat_ns <= RESUME_S else None


def _answered(mailbox: PoseMailbox, before: BridgeWords | None) -> int:
    """Return how many requests need no answer: those that were answered, and those made long ago."""
    if mailbox.told() is None:
        return 0
    kept = mailbox.kept()
    return mailbox.recentre_count() if before is None or kept is None else kept.recentres
