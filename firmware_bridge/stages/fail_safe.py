"""What the head does when its tracker falls silent: it stays, then looks ahead; and no jump when it is back."""

from collections import deque
from math import inf

from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Quat
from firmware_bridge.plain_quaternion import IDENTITY, conjugate, multiply, slerp, smooth

SILENCE_S = 0.25
"""After so long without a pose the last one is held; a shorter gap is nobody's business."""
STEADY_POSES, STEADY_S, GAP_S = 10, 2.0, 0.3
"""A stream is steady with so many poses in its last second and no such gap in its last two."""
DOUBT_S = 5.0
"""Of a stream too young to be known as steady nobody can tell whether it is lost: after so long that is said."""

_BACK = "the tracker is back: the sound follows your head again"


class FailSafe:
    """Stands between the poses and those who use them, and always knows what to show.

    Without poses it holds the last for `hold_s`, then eases to the recentred front, level, over `ease_s`. When
    poses return after 0.25 s or more it eases from what it showed to them over `return_s`, following every
    movement meanwhile. What is shown is continuous at any moment, whenever data stop. Senders that send on change
    are silent while the head is still: only a stream that was steady is missed so; else the last pose is held for
    good, and the next followed at once. Of one that came as fast but not for as long, a sentence says so, once.

    `state` is "waiting", "live", "held", "easing" or "front". Times `now_s` are host monotonic. Thread: one.
    Raises BridgeError for a time out of range.
    """

    def __init__(self, hold_s: float = 1.0, ease_s: float = 2.0, return_s: float = 0.5) -> None:
        if not 0.0 <= hold_s <= 3600.0:
            raise BridgeError(f"the fail-safe cannot hold for {hold_s:g} s: allowed are 0 to 3600 s.")
        if not 0.1 <= ease_s <= 60.0:
            raise BridgeError(f"the fail-safe cannot ease over {ease_s:g} s: allowed are 0.1 to 60 s.")
        if not 0.05 <= return_s <= 10.0:
            raise BridgeError(f"the fail-safe cannot return over {return_s:g} s: allowed are 0.05 to 10 s.")
        self._hold_s, self._ease_s, self._return_s = max(hold_s, SILENCE_S), ease_s, return_s
        self.state = "waiting"
        self._live: Quat = IDENTITY
        self._heard_s = -inf
        self._pose_times_s: deque[float] = deque(maxlen=STEADY_POSES)
        self._steady_since_s = inf
        self._offset: Quat = IDENTITY
        self._return_start_s = -inf
        self._ease_from: Quat = IDENTITY
        self._ease_start_s = -inf
        self._shown: Quat = IDENTITY
        self._eases_next = self._is_handed_over = False
        self._doubted = self._doubts = False
        self._news: list[str] = []

    def live(self, quat_world_from_head: Quat, time_s: float, now_s: float) -> Quat:
        """Take a pose of the moment `time_s` that came at `now_s`; return the one to publish."""
        if self._eases_next or self._missed(now_s, SILENCE_S):
            self._offset = multiply(self._at(now_s), conjugate(quat_world_from_head))
            self._return_start_s = now_s
            if self.state in ("easing", "front"):
                self._news.append(_BACK)
        if self._doubts:
            self._news.append(_BACK)
            self._doubts = False
        if not self._pose_times_s or not 0.0 <= time_s - self._pose_times_s[-1] <= GAP_S:
            self._pose_times_s.clear()
            self._steady_since_s = time_s
        self._pose_times_s.append(time_s)
        self._live, self._heard_s, self.state = quat_world_from_head, now_s, "live"
        self._eases_next = self._is_handed_over = False
        self._shown = self._at(now_s)
        return self._shown

    def ease_from_shown(self, now_s: float, shown: Quat | None = None) -> None:
        """Ease to the next pose, as into another world; nothing happens where none was shown before.

        `shown` hands over what another one showed last: it is held from now on, and missed as a steady stream is.
        """
        if shown is not None:
            self._live = self._shown = shown
            self._heard_s, self._return_start_s, self.state = now_s, -inf, "held"
            self._is_handed_over = True
        self._eases_next = self.state != "waiting"

    def reference_moved(self, quat_world_from_head: Quat) -> None:
        """Take the last pose as it is in another reference: `quiet` gives it on, and silence lasts on."""
        self._live = quat_world_from_head

    def quiet(self, now_s: float) -> Quat | None:
        """Return the pose to publish though none came, None where nothing changes. To be asked often, as by a timer.

        The pose that begins to be held is published once more: it no longer turns.
        """
        before = self.state
        if self.state == "live" and now_s - self._heard_s >= SILENCE_S:
            self.state = "held"
        if self.state == "held" and self._missed(now_s, self._hold_s):
            self._ease_from, self._ease_start_s, self.state = self._at(now_s), now_s, "easing"
            self._news.append(
                f"no pose for {self._hold_s:g} s: the sound turns to the front over {self._ease_s:g} s, until the "
                "tracker is back"
            )
            self._doubted = False
        if self.state == "held" and not self._doubted and self._is_doubtful(now_s):
            self._doubted = self._doubts = True
            self._news.append(
                f"no pose for {DOUBT_S:g} s: the sound stays where it was until one comes; trackers that send only "
                "movements do so, and for any other look at its power and its cable"
            )
        if self.state == "easing" and now_s - self._ease_start_s >= self._ease_s:
            self.state = "front"
        shown = self._at(now_s)
        if shown == self._shown and self.state == before:
            return None
        self._shown = shown
        return shown

    def news(self) -> list[str]:
        """Return the sentences since the last call, oldest first."""
        news, self._news = self._news, []
        return news

    def _missed(self, now_s: float, silence_s: float) -> bool:
        steady = self._is_fast() and self._pose_times_s[-1] - self._steady_since_s >= STEADY_S
        return (steady or self._is_handed_over) and now_s - self._heard_s >= silence_s

    def _is_doubtful(self, now_s: float) -> bool:
        is_missed = self._missed(now_s, 0.0)
        return self._is_fast() and not is_missed and now_s - self._heard_s >= DOUBT_S

    def _is_fast(self) -> bool:
        times_s = self._pose_times_s
        return len(times_s) == STEADY_POSES and times_s[-1] - times_s[0] <= 1.0

    def _at(self, now_s: float) -> Quat:
        if self.state == "front":
            return IDENTITY
        if self.state == "easing":
            return slerp(self._ease_from, IDENTITY, smooth((now_s - self._ease_start_s) / self._ease_s))
        if now_s - self._return_start_s >= self._return_s:
            return self._live
        left = slerp(self._offset, IDENTITY, smooth((now_s - self._return_start_s) / self._return_s))
        return multiply(left, self._live)
