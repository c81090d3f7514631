"""Gestures that recentre with both hands free: hold still, and a double nod."""

from math import inf

from firmware_bridge.dialects.turns import angles_deg_from_quat
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Quat

STILL_DEG, LEVEL_DEG = 2.5, 20.0
"""How far a head sways that holds still, and how far from level a head looks that looks ahead."""
MOVED_DEG = 0.2
"""Every head sways by more within seconds; what lies on a table turns slowly by its drift, and does not nod."""
MAX_GAP_S = 0.3
"""After a longer gap between poses the gesture begins anew."""

NOD_DEG = 12.0
REVERSAL_DEG = 6.0
"""A movement back by less is no reversal."""
RETURN_SHARE = 0.5
"""How much of its depth the head must come up between the nods."""
OFF_DEG, OFF_SHARE = 6.0, 0.3
"""How far the head may go to a side or above its start, and end from there: or that share of the depth."""
REST_S, REST_DEG = 0.4, 2.0
DURATION_S = (0.3, 1.9)
"""From rest to rest, of which the nods themselves are about two thirds or more."""


class HoldStill:
    """Fires once when the head, after having been asked, has been still and level for `hold_s`.

    It is armed from its making and again by `arm`: for the moment after a tracker came. One that lies on a table
    is no head that holds still: it must have moved a little first. Thread: one. Raises BridgeError for a time
    outside 0.5 to 30 s.
    """

    def __init__(self, hold_s: float = 2.0) -> None:
        if not 0.5 <= hold_s <= 30.0:
            raise BridgeError(f"the head cannot be asked to hold still for {hold_s:g} s: allowed are 0.5 to 30 s.")
        self._hold_s = hold_s
        self._still = _Still(STILL_DEG)
        self._first_deg = (0.0, 0.0, 0.0)
        self._moved_s = inf
        self.arm()

    def arm(self) -> None:
        """Wait for the next stillness, from its beginning."""
        self.armed = True
        self._time_s = -inf

    def feed(self, quat_world_from_head: Quat, time_s: float) -> bool:
        """Take a pose; return True at the moment the gesture is complete. Before recentring or after it."""
        if not self.armed:
            return False
        yaw, pitch, roll = angles = angles_deg_from_quat(quat_world_from_head)
        if not 0.0 <= time_s - self._time_s <= MAX_GAP_S:
            self._begin(angles)
        self._time_s = time_s
        yaw_0, pitch_0, roll_0 = self._first_deg
        if _apart_deg(yaw, yaw_0) > STILL_DEG or abs(pitch - pitch_0) > MOVED_DEG or abs(roll - roll_0) > MOVED_DEG:
            self._moved_s = min(self._moved_s, time_s)
        still_s = self._still.feed(yaw, pitch, time_s)
        if abs(pitch) > LEVEL_DEG or abs(roll) > LEVEL_DEG:
            self._still = _Still(STILL_DEG)
        elif still_s >= self._hold_s and time_s - self._moved_s >= 0.5 * self._hold_s:
            # One that is only just taken up from a table moves on.
            self.armed = False
            return True
        return False

    def _begin(self, angles_deg: tuple[float, float, float]) -> None:
        self._still = _Still(STILL_DEG)
        self._first_deg, self._moved_s = angles_deg, inf


class DoubleNod:
    """Fires after two nods in about a second, from rest to rest, each at least 12° deep and back again.

    Exactly two, for who nods along with music goes on; and the head must look where it looked before. It
    fires 0.4 s after the head came to rest: what is ahead then is what the person looks at. Thread: one.
    """

    def __init__(self) -> None:
        self._time_s = self._rested_s = -inf
        self._path: list[tuple[float, float]] = []
        self._begin()

    def feed(self, quat_world_from_head: Quat, time_s: float) -> bool:
        """Take a pose; return True at the moment the gesture is complete. Before recentring or after it."""
        yaw, pitch, _ = angles_deg_from_quat(quat_world_from_head)
        if not 0.0 <= time_s - self._time_s <= MAX_GAP_S:
            self._begin()
        self._time_s = time_s
        still_s = self._still.feed(yaw, pitch, time_s)
        if still_s >= REST_S:
            lasted_s = time_s - still_s - self._rested_s
            fired = DURATION_S[0] <= lasted_s <= DURATION_S[1] and _is_double_nod(self._path)
            self._path = [self._still.anchor_deg]
            self._rested_s = time_s
            return fired
        if time_s - self._rested_s <= DURATION_S[1] + REST_S:
            self._path.append((yaw, pitch))
        return False

    def _begin(self) -> None:
        self._still = _Still(REST_DEG)
        self._path = []
        self._rested_s = -inf


class _Still:
    """Tells for how long a head has looked within `spread_deg` of one direction."""

    def __init__(self, spread_deg: float) -> None:
        self._spread_deg = spread_deg
        self.anchor_deg = (inf, inf)
        self._since_s = -inf

    def feed(self, yaw_deg: float, pitch_deg: float, time_s: float) -> float:
        """Take a direction; return the seconds for which it has hardly changed."""
        yaw, pitch = self.anchor_deg
        if not (abs(pitch_deg - pitch) < self._spread_deg and _apart_deg(yaw_deg, yaw) < self._spread_deg):
            self.anchor_deg, self._since_s = (yaw_deg, pitch_deg), time_s
        return time_s - self._since_s


def _is_double_nod(path: list[tuple[float, float]]) -> bool:
    """Return whether a path of (yaw, pitch) from rest to rest is down, up, down and back, and straight."""
    start_yaw, start = path[0]
    pitches = [pitch for _, pitch in path]
    turns = _turning_points(pitches)
    if len(turns) != 3:
        return False
    first, between, second = turns
    depth = start - max(first, second)
    off = max(OFF_DEG, OFF_SHARE * depth)
    return (
        depth >= NOD_DEG
        and between - min(first, second) >= RETURN_SHARE * (start - min(first, second))
        and abs(pitches[-1] - start) <= off
        and max(pitches) - start <= off
        and max(_apart_deg(yaw, start_yaw) for yaw, _ in path) <= off
    )


def _turning_points(course: list[float]) -> list[float]:
    """Return the extremes of a course between its ends, the first a low one."""
    found: list[float] = []
    falling, extreme = True, course[0]
    for value in course:
        if falling == (value < extreme):
            extreme = value
        if abs(value - extreme) > REVERSAL_DEG:
            found.append(extreme)
            falling, extreme = not falling, value
    return found


def _apart_deg(a_deg: float, b_deg: float) -> float:
    return abs((a_deg - b_deg + 180.0) % 360.0 - 180.0)
