"""A head that moves as heads do: gaze shifts, pauses between them, and never quite still.

Shifts follow the minimum-jerk course (Flash, Hogan 1985) at peak speeds that saturate with amplitude, the
main sequence of head movements (after Guitton, Volle 1987); a sway of a few slow sines lies over them. All
follows from a seed, and any moment can be asked for, in any order.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from firmware_bridge import quaternion
from firmware_bridge.quaternion import Array

N_SHIFTS = 2048
"""After so many shifts, about three quarters of an hour, the course of gaze begins anew where it ends."""
SPREAD_DEG = np.array([45.0, 11.0, 4.0])
LIMIT_DEG = np.array([100.0, 35.0, 12.0])
PEAK_SPEED_DEG_S = 440.0
PEAK_AMPLITUDE_DEG = 48.0
MIN_SHIFT_S = 0.12
PAUSE_S = (0.2, 0.9)
"""Shortest pause, and the mean of what is added to it."""
SWAY_HZ = (0.13, 0.31, 0.57, 0.93, 1.7)
SWAY_DEG = 1.5 * np.array([[1.1, 0.9, 0.6], [0.8, 0.7, 0.4], [0.5, 0.4, 0.25], [0.3, 0.25, 0.15], [0.12, 0.1, 0.06]])


@dataclass(frozen=True, slots=True)
class HeadState:
    """Heads `quat_world_from_head` (..., 4) and their turning `gyro_rad_s` (..., 3) in head axes."""

    quat_world_from_head: Array
    gyro_rad_s: Array


class SimulatedHead:
    """Natural head motion from a seed: equal seeds, equal heads. Any thread."""

    def __init__(self, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        targets = np.clip(random.normal(size=(N_SHIFTS, 3)) * SPREAD_DEG, -LIMIT_DEG, LIMIT_DEG)
        targets[0] = targets[-1] = 0.0
        self._targets_deg = targets
        self._shifts_deg = np.diff(targets, axis=0)
        amplitude = np.linalg.norm(self._shifts_deg, axis=-1)
        peak = PEAK_SPEED_DEG_S * (1.0 - np.exp(-amplitude / PEAK_AMPLITUDE_DEG))
        # A minimum-jerk shift peaks at 15/8 of its mean speed.
        self._durations_s = np.maximum(1.875 * amplitude / np.maximum(peak, 1e-9), MIN_SHIFT_S)
        pauses_s = PAUSE_S[0] + random.exponential(PAUSE_S[1], N_SHIFTS - 1)
        self._starts_s = np.cumsum(pauses_s) + np.concatenate([[0.0], np.cumsum(self._durations_s)[:-1]])
        self.period_s = float(self._starts_s[-1] + self._durations_s[-1])
        self._phases = random.uniform(0.0, 2.0 * np.pi, (len(SWAY_HZ), 3))

    def pose_at(self, time_s: ArrayLike) -> HeadState:
        """Return heads and turning rates at times (...) in seconds from the start, float64."""
        time = np.asarray(time_s, np.float64)
        angles, rates = self._gaze(np.mod(time, self.period_s))
        sway, sway_rates = self._sway(time)
        angles, rates = angles + sway, np.radians(rates + sway_rates)
        quat = quaternion.from_yaw_pitch_roll_deg(angles[..., 0], angles[..., 1], angles[..., 2])
        return HeadState(quat, _body_rates(np.radians(angles), rates))

    def _gaze(self, time: Array) -> tuple[Array, Array]:
        shift = np.searchsorted(self._starts_s, time, side="right") - 1
        current = np.maximum(shift, 0)
        duration_s = self._durations_s[current]
        u = np.where(shift < 0, 0.0, np.clip((time - self._starts_s[current]) / duration_s, 0.0, 1.0))
        course = u**3 * (10.0 - 15.0 * u + 6.0 * u**2)
        speed = 30.0 * u**2 * (1.0 - u) ** 2 / duration_s
        step = self._shifts_deg[current]
        return self._targets_deg[current] + course[..., None] * step, speed[..., None] * step

    def _sway(self, time: Array) -> tuple[Array, Array]:
        omega = 2.0 * np.pi * np.array(SWAY_HZ)[:, None]
        argument = omega * time[..., None, None] + self._phases
        return (SWAY_DEG * np.sin(argument)).sum(-2), (SWAY_DEG * omega * np.cos(argument)).sum(-2)


def _body_rates(angles_rad: Array, rates_rad_s: Array) -> Array:
    """Return the angular velocity in head axes of yaw, pitch, roll (...) and their rates."""
    pitch, roll = -angles_rad[..., 1], angles_rad[..., 2]
    yaw_rate, pitch_rate, roll_rate = rates_rad_s[..., 0], -rates_rad_s[..., 1], rates_rad_s[..., 2]
    return np.stack(
        [
            roll_rate - yaw_rate * np.sin(pitch),
            pitch_rate * np.cos(roll) + yaw_rate * np.cos(pitch) * np.sin(roll),
            yaw_rate * np.cos(pitch) * np.cos(roll) - pitch_rate * np.sin(roll),
        ],
        axis=-1,
    )
