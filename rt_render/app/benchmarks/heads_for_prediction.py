"""Heads to predict beside the natural one: still, turning back on the spot, and one that was recorded."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from firmware_bridge import quaternion
from firmware_bridge.imu_recording import read_imu_recording
from firmware_bridge.virtual.simulated_head import MIN_SHIFT_S, PEAK_AMPLITUDE_DEG, PEAK_SPEED_DEG_S, HeadState
from rt_render.errors import ConfigurationError

PAUSE_S = 1.0
KINDS = ((1.0, -1.0), (0.5, -1.0, 1.0, -1.0, 0.5), (1.15, -0.15, -1.15, 0.15))
"""There and back, shaken, and with overshoot: swings in shares of the amplitude."""
SMALLEST_DEG, LARGEST_DEG = 3.0, 90.0
MIN_RECORDING_S = 10.0


class StillHead:
    """Looks ahead and rests. Any thread."""

    def pose_at(self, time_s: ArrayLike) -> HeadState:
        """Return the same head for all times (...)."""
        shape = np.shape(time_s)
        return HeadState(np.broadcast_to(quaternion.IDENTITY, (*shape, 4)), np.zeros((*shape, 3)))


class ReversingHead:
    """Movements that turn back without a pause, about random axes, each swing as fast as a gaze shift of its size.

    `spans_s` (n, 2): begin and end of each. Before, between and behind them it looks ahead. Any thread.
    """

    def __init__(self, n_movements: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        axes = random.normal(size=(n_movements, 3)) * [0.3, 0.5, 1.0]
        amplitudes_deg = SMALLEST_DEG * (LARGEST_DEG / SMALLEST_DEG) ** random.uniform(size=n_movements)
        swings_deg = [np.array(KINDS[i % len(KINDS)]) * deg for i, deg in enumerate(amplitudes_deg)]
        of_swing = np.repeat(np.arange(n_movements), [len(swings) for swings in swings_deg])
        self._swings_rad = np.radians(np.concatenate(swings_deg))
        size_deg = np.abs(np.concatenate(swings_deg))
        # the main sequence of the simulated head
        peak_deg_s = PEAK_SPEED_DEG_S * (1.0 - np.exp(-size_deg / PEAK_AMPLITUDE_DEG))
        self._durations_s = np.maximum(1.875 * size_deg / peak_deg_s, MIN_SHIFT_S)
        self._axes = (axes / np.linalg.norm(axes, axis=1, keepdims=True))[of_swing]
        ends_s = np.cumsum(self._durations_s) + PAUSE_S * (1.0 + of_swing)
        self._starts_s = ends_s - self._durations_s
        self._from_rad = np.concatenate([[0.0], np.cumsum(self._swings_rad)[:-1]])
        first = np.searchsorted(of_swing, np.arange(n_movements))
        last = np.append(first[1:], len(of_swing)) - 1
        self.spans_s = np.stack([self._starts_s[first], ends_s[last]], axis=1)

    def pose_at(self, time_s: ArrayLike) -> HeadState:
        """Return heads and turning rates at times (...) from the start."""
        time = np.asarray(time_s, np.float64)
        i = np.maximum(np.searchsorted(self._starts_s, time, side="right") - 1, 0)
        u = np.clip((time - self._starts_s[i]) / self._durations_s[i], 0.0, 1.0)
        course, speed = u**3 * (10.0 - 15.0 * u + 6.0 * u**2), 30.0 * (u * (1.0 - u)) ** 2 / self._durations_s[i]
        angle, rate = self._from_rad[i] + course * self._swings_rad[i], speed * self._swings_rad[i]
        turn = self._axes[i] * angle[..., None]
        return HeadState(quaternion.from_rotation_vector(turn), self._axes[i] * rate[..., None])


class RecordedHead:
    """The longest whole piece of movement of a recording, as `firmware_bridge.imu_recording` reads it. Any thread.

    `seconds` is how long it is. Raises BridgeError, and ConfigurationError for less than ten seconds.
    """

    def __init__(self, path: Path) -> None:
        recording = read_imu_recording(path)
        usable = recording.moving & np.isfinite(recording.quats_world_from_imu).all(axis=1)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], usable, [False]]).astype(int)))
        begins, ends = edges[::2], edges[1::2]
        longest = int(np.argmax(ends - begins)) if len(begins) else -1
        piece = slice(begins[longest], ends[longest]) if len(begins) else slice(0, 1)
        self._times_s: NDArray[np.float64] = recording.times_s[piece] - recording.times_s[piece][0]
        self._quats = quaternion.continuous(recording.quats_world_from_imu[piece])
        self._gyro_rad_s = recording.gyro_rad_s[piece]
        self.seconds = float(self._times_s[-1])
        if self.seconds < MIN_RECORDING_S:
            raise ConfigurationError(
                f"{path} holds {self.seconds:.1f} s of movement in one piece: name a recording that holds "
                f"{MIN_RECORDING_S:.0f} s or more."
            )

    def pose_at(self, time_s: ArrayLike) -> HeadState:
        """Return heads, between its samples on the arc, and the rates that were measured, at times (...)."""
        time = np.clip(np.asarray(time_s, np.float64), 0.0, self.seconds)
        i = np.minimum(np.searchsorted(self._times_s, time, side="right"), len(self._times_s) - 1)
        before_s, after_s = self._times_s[i - 1], self._times_s[i]
        fraction = (time - before_s) / (after_s - before_s)
        gyro = self._gyro_rad_s[i - 1] + fraction[..., None] * (self._gyro_rad_s[i] - self._gyro_rad_s[i - 1])
        return HeadState(quaternion.slerp(self._quats[i - 1], self._quats[i], fraction), gyro)
