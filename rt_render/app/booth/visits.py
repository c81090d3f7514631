"""When a visit begins and ends: told by how the headphones move, and by nothing else of a person."""

from dataclasses import dataclass
from enum import Enum, auto

from firmware_bridge.quaternion import to_yaw_pitch_roll_deg
from rt_render.app.booth.movement import Movement, Quat

CALM_DEG = 3.0
"""A head that turns less within a second looks somewhere."""
LEVEL_PITCH_DEG, LEVEL_ROLL_DEG = 25.0, 20.0
SETTLED_S, PATIENT_S = 1.0, 15.0
"""Nobody looks ahead while the headphones are put on; who never holds the head level is recentred all the same."""


class State(Enum):
    """Waiting: nothing is known, and sound plays. Visit: they are worn. Rest: they lie still."""

    WAITING = auto()
    VISIT = auto()
    REST = auto()


class Step(Enum):
    """What has happened."""

    BEGINS = auto()
    RECENTRE = auto()
    LEFT = auto()
    LOST = auto()
    RESTS = auto()
    WAITS = auto()


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Angles within a second, and times, as the settings' section `booth` has them."""

    still_deg: float
    pick_up_deg: float
    rest_after_s: float
    lost_after_s: float


class Visits:
    """Fed some twenty times a second with the tracker's newest pose; tells what happened. One thread, no clock.

    Headphones that move come to be worn; those that lie still for a while rest. A tracker that falls silent ends
    nothing by itself: somebody may listen on. If it stays silent the visit is over, but sound plays: a booth with a
    broken tracker is better than a silent one. It begins in `state`; where that is rest, a tracker from which nothing
    ever comes is waited for no longer than headphones are that lie still.
    """

    def __init__(self, now_s: float, thresholds: Thresholds, state: State = State.WAITING) -> None:
        self.thresholds = thresholds
        self.state = state
        self.since_s = now_s
        """When the state began."""
        self._movement = Movement()
        self._moved_s = self._heard_s = now_s
        self._newest_s = 0.0
        self._wants_centre = False

    def look(self, now_s: float, pose_s: float | None, quat_world_from_head: Quat) -> list[Step]:
        """Take the newest pose (None: the tracker is silent) and return what has happened, in order."""
        limits = self.thresholds
        if pose_s is None or pose_s == self._newest_s:
            return self._lost(now_s)
        if now_s - self._heard_s > limits.rest_after_s:
            self._moved_s = now_s  # nobody knows how long they have been lying
        self._newest_s, self._heard_s = pose_s, now_s
        self._movement.take(pose_s, quat_world_from_head)
        angle_deg = self._movement.angle_deg()
        if angle_deg is None:
            return []
        if angle_deg > limits.still_deg and (self.state is not State.REST or angle_deg > limits.pick_up_deg):
            self._moved_s = now_s
        if self.state is not State.VISIT:
            if angle_deg > limits.pick_up_deg:
                self._wants_centre = True
                return self._go(State.VISIT, now_s, Step.BEGINS)
            if self.state is State.WAITING and now_s - self._moved_s > limits.rest_after_s:
                return self._go(State.REST, now_s, Step.RESTS)
            return []
        if now_s - self._moved_s > limits.rest_after_s:
            return self._go(State.REST, now_s, Step.LEFT, Step.RESTS)
        if self._wants_centre and self._looks_ahead(now_s - self.since_s, angle_deg, quat_world_from_head):
            self._wants_centre = False
            return [Step.RECENTRE]
        return []

    def wait(self, now_s: float) -> None:
        """Let it be as at the beginning: somebody at the controls wants sound."""
        self._moved_s = now_s
        self._go(State.WAITING, now_s)

    def _lost(self, now_s: float) -> list[Step]:
        heard_once, limits = self._newest_s > 0.0, self.thresholds
        patience_s = limits.lost_after_s if heard_once else limits.rest_after_s
        if self.state is State.WAITING or now_s - self._heard_s <= patience_s:
            return []
        steps = [Step.LOST, Step.WAITS] if self.state is State.VISIT else [Step.WAITS]
        return self._go(State.WAITING, now_s, *steps)

    def _go(self, state: State, now_s: float, *steps: Step) -> list[Step]:
        self.state, self.since_s = state, now_s
        return list(steps)

    @staticmethod
    def _looks_ahead(worn_s: float, angle_deg: float, quat_world_from_head: Quat) -> bool:
        if worn_s < SETTLED_S or angle_deg > CALM_DEG:
            return False
        _, pitch_deg, roll_deg = to_yaw_pitch_roll_deg(quat_world_from_head)
        return worn_s > PATIENT_S or (abs(pitch_deg) < LEVEL_PITCH_DEG and abs(roll_deg) < LEVEL_ROLL_DEG)
