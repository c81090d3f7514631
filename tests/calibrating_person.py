"""A person who does what the guided calibration asks, wearing a sensor that sits anyhow; runnable, prints figure 7."""

import argparse
from dataclasses import dataclass, field

import numpy as np

from firmware_bridge import quaternion
from firmware_bridge.stages.calibration import Calibrated, Calibration


def tuple_of(quat):
    return tuple(np.asarray(quat).tolist())


@dataclass
class Person:
    """How a person does it, and what they wear. Angles in degrees; `off_axis` is a share of each nod's size.

    `off_axis_sides` 1: roll and yaw have that share each; 2 ** -0.5: both together have it.
    """

    seed: int
    nods: int = 8
    nod_deg: tuple[float, float] = (15.0, 40.0)
    nod_s: tuple[float, float] = (0.8, 1.6)
    pause_s: tuple[float, float] = (0.1, 0.6)
    off_axis: float = 0.1
    off_axis_sides: float = 1.0
    unreturned_deg: float = 0.0
    first_up_deg: float = 0.0
    up_share: float = 0.0
    sway_deg: float = 0.3
    noise_deg: float = 0.15
    drift_deg_per_min: float = 5.0
    rate_hz: float = 100.0
    gyro: str = "true"
    turns_to: float = 40.0
    leans_to: float = 25.0
    mirrored: tuple[str, ...] = ()
    mount: np.ndarray | None = None
    heard: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.random = np.random.default_rng(self.seed)
        if self.mount is None:
            self.mount = quaternion.normalise(self.random.normal(size=4))
        self.world = quaternion.from_yaw_pitch_roll_deg(self.random.uniform(-180, 180), 0, 0)
        self.now_s, self.posture = 0.0, np.zeros(3)
        self.phases = self.random.uniform(0, 2 * np.pi, (3, 3))
        self.before = None

    def calibrate(self, seconds=120.0, calibration=None) -> Calibrated | None:
        """Do all that is asked, for so long at most, and return what was found."""
        calibration = calibration or Calibration()
        end_s, done = self.now_s + seconds, set()
        while self.now_s < end_s and calibration.result is None:
            asked = (calibration.phase, len(calibration.asking), sum("once more" in text for text in self.heard))
            # What is asked is done once, and once more when it is asked again; then the person waits.
            if asked not in done and calibration.phase != "still":
                done.add(asked)
                self._move(calibration, 0.5, np.zeros(3))
                {"nods": self.nod, "turn": self.turn, "lean": self.lean}[calibration.phase](calibration)
            else:
                self._move(calibration, 0.3, np.zeros(3))
        return calibration.result

    def nod(self, calibration):
        if self.first_up_deg:
            self._shift(calibration, 0.5, np.array([0.0, self.first_up_deg, 0.0]))
            self._shift(calibration, 0.5, np.array([0.0, -self.first_up_deg, 0.0]))
        for _ in range(self.nods):
            size_deg = self.random.uniform(*self.nod_deg)
            roll, yaw = self.off_axis * self.off_axis_sides * self.random.normal(size=2)
            # A turn about one axis of the head, leaning from its left axis to the front and to the top.
            self._about(calibration, size_deg * np.array([roll, 1.0, yaw]))
            self._move(calibration, self.random.uniform(*self.pause_s), np.zeros(3))

    def turn(self, calibration):
        self._shift(calibration, 0.8, np.array([self.turns_to, 4.0, 3.0]))
        self._shift(calibration, 0.8, np.array([-self.turns_to, -4.0, -3.0]))

    def lean(self, calibration):
        self._move(calibration, 1.5, np.zeros(3))
        self._shift(calibration, 0.8, np.array([3.0, 2.0, self.leans_to]))
        self._shift(calibration, 0.8, np.array([-3.0, -2.0, -self.leans_to]))

    def _about(self, calibration, vector_deg):
        seconds = self.random.uniform(*self.nod_s)
        for u in np.arange(0.0, 1.0, 1.0 / (seconds * self.rate_hz)):
            share = 0.5 - 0.5 * np.cos(2 * np.pi * u) if self.up_share == 0 else np.sin(2 * np.pi * u)
            if u > 0.5:
                share += (1 - share) * self.unreturned_deg / np.linalg.norm(vector_deg)
            self._send(calibration, quaternion.from_rotation_vector(np.radians(vector_deg) * share))
        self.posture = self.posture - [0.0, self.unreturned_deg, 0.0]

    def _shift(self, calibration, seconds, angles_deg):
        self._move(calibration, seconds, angles_deg)
        self.posture = self.posture + angles_deg

    def _move(self, calibration, seconds, angles_deg):
        for u in np.arange(0.0, 1.0, 1.0 / (seconds * self.rate_hz)):
            angles = (u**3 * (10 - 15 * u + 6 * u**2)) * angles_deg
            self._send(calibration, quaternion.from_yaw_pitch_roll_deg(*angles))

    def _send(self, calibration, movement):
        self.now_s += 1.0 / self.rate_hz
        sway = self.sway_deg * np.sin(2 * np.pi * np.array([0.2, 0.5, 1.1])[:, None] * self.now_s + self.phases)
        base = quaternion.from_yaw_pitch_roll_deg(*(self.posture + sway.mean(axis=0)))
        head = quaternion.multiply(quaternion.multiply(self.world, base), movement)
        drift = quaternion.from_yaw_pitch_roll_deg(self.drift_deg_per_min * self.now_s / 60.0, 0, 0)
        sensor = quaternion.multiply(quaternion.multiply(drift, head), quaternion.conjugate(self.mount))
        gyro = None
        if self.gyro != "none" and self.before is not None:
            turn = quaternion.multiply(quaternion.conjugate(self.before), sensor)
            gyro = quaternion.to_rotation_vector(turn) * self.rate_hz + self.random.normal(0, 0.01, 3)
            gyro = tuple(gyro.tolist()) if self.gyro == "true" else tuple(gyro[[1, 2, 0]].tolist())
        self.before = sensor
        noise = quaternion.from_rotation_vector(self.random.normal(0, np.radians(self.noise_deg), 3))
        told = self.told(quaternion.multiply(sensor, noise)) * self.random.choice([-1.0, 1.0])
        self.heard += calibration.feed(tuple_of(told), gyro, self.now_s)

    def told(self, sensor):
        """Return what a tracker sends that has the sign of some angles wrong, or its world upside down."""
        if self.mirrored == ("left-handed",):
            return sensor * [1.0, -1.0, 1.0, -1.0]
        if self.mirrored:
            signs = [-1.0 if name in self.mirrored else 1.0 for name in ("yaw", "pitch", "roll")]
            return quaternion.from_yaw_pitch_roll_deg(*(quaternion.to_yaw_pitch_roll_deg(sensor) * signs))
        return sensor

    def errors_deg(self, found: Calibrated) -> tuple[float, float]:
        """Return how far the gravity axis and the heading of a mounting are from this person's."""
        sensor_from_head = quaternion.rotation_matrix(self.mount)
        told = quaternion.rotation_matrix(found.mounting.quat_sensor_from_head)
        up_deg = np.degrees(np.arccos(min(1.0, sensor_from_head[:, 2] @ told[:, 2])))
        ahead = sensor_from_head.T @ told[:, 0]
        return float(up_deg), abs(float(np.degrees(np.arctan2(ahead[1], ahead[0]))))


def trial(seed, repeats=0, **kinds):
    """Return gravity and heading errors and the spread of one calibration, accepting so many offers to repeat."""
    person, calibration = Person(seed, **kinds), Calibration()
    found = person.calibrate(calibration=calibration)
    for _ in range(repeats):
        if found is not None and found.repeat_offered:
            calibration.repeat()
            person.heard.append("once more")
            found = person.calibrate(calibration=calibration)
    assert found is not None, (seed, person.heard)
    return *person.errors_deg(found), found.spread_deg


KINDS = {
    "3 clean nods": {"nods": 3, "off_axis": 0.0},
    "8 clean nods": {"off_axis": 0.0},
    "8 nods, 10 % off axis (roll and yaw together)": {"off_axis_sides": 0.5**0.5},
    "8 nods, 10 % roll and 10 % yaw": {},
    "8 nods, 10 % roll and 10 % yaw, one repeat": {"repeats": 1},
    "3 nods, 10 % off axis (roll and yaw together)": {"nods": 3, "off_axis_sides": 0.5**0.5},
    "8 small nods (10 to 14°), 10 % off axis": {"nod_deg": (10.0, 14.0), "off_axis_sides": 0.5**0.5},
    "8 nods at 25 Hz, no gyro, 10 % off axis": {"rate_hz": 25.0, "gyro": "none", "off_axis_sides": 0.5**0.5},
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=500)
    n_trials = parser.parse_args().trials
    print(f"{n_trials} trials each, any mounting; errors in degrees")
    for name, kinds in KINDS.items():
        kinds = {"rate_hz": 50.0} | kinds
        up, heading, spread = np.array([trial(seed, **kinds) for seed in range(n_trials)]).T
        print(
            f"{name:50} gravity p95 {np.percentile(up, 95):.2f} max {up.max():.2f}"
            f"   heading p50 {np.percentile(heading, 50):.2f} p95 {np.percentile(heading, 95):.2f}"
            f" max {heading.max():.2f}   spread {np.median(spread):.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
