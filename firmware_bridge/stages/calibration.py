"""A short guided calibration: look ahead, nod, turn; then it is known how any tracker sits on the head.

It asks and answers in sentences and sees for itself when each part is done. Two things must be done as asked:
nods go down, and the turn goes to the left (a turn the wrong way is asked for twice before it is believed).
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from firmware_bridge.messages import Quat, Vec3
from firmware_bridge.plain_quaternion import IDENTITY, about_vertical, conjugate, heading_rad, rotate
from firmware_bridge.stages.calibration_steps import Nodding, OneMovement, Stillness
from firmware_bridge.stages.mounting import Mounting, mounting_from_axes
from firmware_bridge.stages.nods import Left, Nod, left_of

ASKS = {
    "still": "look straight ahead and hold still",
    "nods": "now nod down and back up, slowly, 3 to 8 times; then look ahead and hold still",
    "turn": "now turn your head to the left, as far as is easy, and back",
    "lean": "now lean your head to the right, the right ear towards the right shoulder, and back",
    "done": "the calibration is done",
}
HINTS = {
    "still": "still waiting: sit back, look straight ahead and hold still for two seconds",
    "nods": "still waiting for nods: at least 3, down by 20 to 40° and back up, then hold still",
    "turn": "still waiting: turn your head to the left by 30° or more, and back",
    "lean": "still waiting: hold still, then lean the right ear to the right shoulder, and back",
}
KEEP_EVERY_S, HINT_EVERY_S, MAX_GAP_S = 0.0095, 10.0, 1.0
STILL_S, STILL_DEG = 1.5, 2.0
TURN_DEG, LEAN_DEG = 25.0, 12.0
ENOUGH_NODS = 8
GOOD_SPREAD_DEG = 3.0
"""Above it a repeat is offered."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What a calibration found; `words` says it to people.

    `reference` is the pose that was ahead, heading only, after the mounting; `spread_deg` is how far single
    nods scatter about their mean (standard deviation), `uncertainty_deg` what that leaves in the mean;
    `nods_off_deg` is how far each nod was off, + to the left; `repeat_offered` where the spread is above 3°;
    `mirrored` where the tracker turns against the head.
    """

    mounting: Mounting
    reference: Quat
    n_nods: int
    spread_deg: float
    uncertainty_deg: float
    nods_off_deg: tuple[float, ...]
    repeat_offered: bool
    mirrored: bool
    words: str


class Calibration:
    """The session: feed it until `result` is there. `phase` is "still", "nods", "turn", "lean" or "done".

    `check_lean` asks for a lean of the head too, for trackers whose roll is of uncertain sign; a mirrored
    tracker is asked anyway. Any rate from 25 Hz; a gyro is not needed. Thread: one.
    """

    def __init__(self, *, check_lean: bool = False) -> None:
        self.result: Calibrated | None = None
        self._lean_asked = check_lean
        self._invert: frozenset[str] | None = None
        self._old_nods: list[Nod] = []
        self._gyro = True
        self._left = Left((0.0, 1.0, 0.0), 0, 0.0)
        self._neutral, self._up = IDENTITY, np.array([0.0, 0.0, 1.0])
        self._fed_s = self._kept_s = self._hinted_s = -np.inf
        self._news: list[str] = []
        self._begin("still")

    @property
    def asking(self) -> str:
        """What the person is to do now, as a sentence."""
        return ASKS[self.phase]

    def repeat(self) -> None:
        """Ask for more nods, after `result` came; they are taken together with those before."""
        self.result = None
        self._begin("still")

    def feed(self, quat_world_from_sensor: Quat, gyro_rad_s: Vec3 | None, time_s: float) -> list[str]:
        """Take a pose as the tracker sends it; return the sentences that are due now: mostly none."""
        gap_s, self._fed_s = time_s - self._fed_s, time_s
        if not 0.0 <= gap_s <= MAX_GAP_S:
            if np.isfinite(gap_s) and self.phase != "done":
                self._news.append("the tracker fell silent: once more")
                self._begin(self.phase if self.phase in ("still", "lean") else "still")
            self._kept_s, self._hinted_s = -np.inf, time_s
        if self.phase != "done" and time_s - self._kept_s >= KEEP_EVERY_S:
            self._kept_s = time_s
            {"still": self._hold, "nods": self._nod, "turn": self._turn, "lean": self._lean}[self.phase](
                quat_world_from_sensor, gyro_rad_s, time_s
            )
            if time_s - self._hinted_s > HINT_EVERY_S and self.phase != "done":
                self._hinted_s = time_s
                self._news.append(HINTS[self.phase])
        news, self._news = self._news, []
        return news

    def _begin(self, phase: str, start: Quat | None = None) -> None:
        self.phase = phase
        self._hinted_s = self._fed_s
        self._against = 0
        self._n_told = 0
        self._stillness = Stillness(STILL_S, STILL_DEG)
        self._nodding = Nodding(self._neutral, self._up)
        self._movement = self._expect(start)
        self._news.append(ASKS[phase])

    def _expect(self, start: Quat | None = None) -> OneMovement:
        if self.phase == "lean":
            return OneMovement(0, LEAN_DEG, in_world=False, start=start)
        return OneMovement(2, TURN_DEG, in_world=True, start=start)

    def _hold(self, quat: Quat, gyro: Vec3 | None, time_s: float) -> None:
        mean = self._stillness.feed(quat, time_s)
        if mean is not None:
            self._neutral, self._up = mean, np.array(rotate(conjugate(mean), (0.0, 0.0, 1.0)))
            self._begin("nods")

    def _nod(self, quat: Quat, gyro: Vec3 | None, time_s: float) -> None:
        rest = self._nodding.feed(quat, gyro, time_s)
        self._tell_nods(self._nodding.nods, time_s)
        if rest is None:
            if self._nodding.too_long:
                self._begin("still")
            return
        if self._nodding.ambiguous:
            self._again("your head was up as much as down: nod down only, and back to the front")
            return
        left = left_of([*self._old_nods, *self._nodding.nods], self._up)
        if left is None:
            self._again("the nods differ too much: nod straight down, as if to say yes, and back")
            return
        self._left = left
        self._old_nods += self._nodding.nods
        self._gyro = self._nodding.gyro_agrees()
        if self._invert is None:
            self._begin("turn", start=self._mounting().apply(rest, None)[0])
        else:
            self._finish(self._invert)

    def _tell_nods(self, nods: list[Nod], time_s: float) -> None:
        if len(nods) <= self._n_told:
            return
        self._n_told, self._hinted_s = len(nods), time_s
        rest = {3: "; more make it better, hold still when you have done", ENOUGH_NODS: ": enough, hold still"}
        self._news.append(f"nod {len(nods)}, {nods[-1].size_deg:.0f}° deep{rest.get(len(nods), '')}")

    def _turn(self, quat: Quat, gyro: Vec3 | None, time_s: float) -> None:
        against = self._direction(quat, time_s, "to the right: hold still, and turn to the left")
        if against is not None:
            self._invert = frozenset({"yaw"}) if against else frozenset()
            self._finish(self._invert) if not against and not self._lean_asked else self._begin("lean")

    def _lean(self, quat: Quat, gyro: Vec3 | None, time_s: float) -> None:
        against = self._direction(quat, time_s, "to the left: hold still, and lean to the right")
        if against is not None:
            self._finish((self._invert or frozenset()) | (frozenset({"roll"}) if against else frozenset()))

    def _direction(self, quat: Quat, time_s: float, wrong_way: str) -> bool | None:
        """Return whether the movement asked for went against the head, None while that is open."""
        angle_deg = self._movement.feed(self._mounting().apply(quat, None)[0], time_s)
        if angle_deg is None:
            return None
        if angle_deg > 0.0 or self._against:
            return angle_deg < 0.0
        self._against += 1
        self._movement, self._hinted_s = self._expect(self._movement.start), time_s
        self._news.append(f"that seemed to go {wrong_way} once more")
        return None

    def _again(self, why: str) -> None:
        self._news.append(why)
        self._begin("still")

    def _mounting(self, invert: frozenset[str] = frozenset()) -> Mounting:
        x, y, z = self._up.tolist()
        return Mounting(mounting_from_axes((x, y, z), self._left.axis).quat_sensor_from_head, invert, self._gyro)

    def _finish(self, invert: frozenset[str]) -> None:
        self._invert = invert
        mounting, left = self._mounting(invert), self._left
        repeat_offered = left.spread_deg > GOOD_SPREAD_DEG
        words = [f"calibrated from {left.n_nods} nods that differ by ±{left.spread_deg:.1f}°"]
        if repeat_offered:
            words.append("nod once more, straight down, for a surer front")
        if invert:
            words.append(f"this tracker is mirrored: its {' and '.join(sorted(invert, reverse=True))} are turned round")
        if not self._gyro:
            words.append("its gyro does not turn as its pose does and is not used")
        ahead = mounting.apply(self._neutral, None)[0]
        self.result = Calibrated(
            mounting,
            about_vertical(heading_rad(ahead)),
            left.n_nods,
            left.spread_deg,
            left.spread_deg / sqrt(left.n_nods),
            left.nods_off_deg,
            repeat_offered,
            bool(invert),
            "; ".join(words),
        )
        self._begin("done")
        self._news[-1] = self.result.words
