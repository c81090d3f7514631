"""A wearable on a moving head: what it measures, says and answers, moment by moment. No clock is read here."""

from collections import deque
from dataclasses import dataclass
from math import inf, isfinite, radians

import numpy as np

from firmware_bridge import quaternion
from firmware_bridge.dialect import Talk
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Vec3
from firmware_bridge.quaternion import Array
from firmware_bridge.virtual.device import DeviceState, VirtualDevice
from firmware_bridge.virtual.faults import FaultyLine
from firmware_bridge.virtual.imu import TYPICAL_IMU, HeadMotion, ImuFaults, VirtualImu

MAX_RATE_HZ = 4000.0
BATCH_S = 0.05
MAX_LATE_S = 1.0
"""A program that was held up for longer goes on with the present, as a device does whose buffer ran over."""
POSE_NOISE_DEG = 0.03
"""What fusion on a device leaves of the noise of a typical sensor."""


@dataclass(frozen=True, slots=True)
class SensorFaults:
    """How far a wearable is from ideal: `noise` in units of a typical sensor's, a bias of each gyro axis, and how
    fast the heading it tells runs away to the left. Raises BridgeError for a value that cannot be."""

    noise: float = 0.0
    gyro_bias_deg_s: float = 0.0
    drift_deg_per_min: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.noise <= 1000.0:
            raise BridgeError(f"noise = {self.noise:g}: allowed are 0 (ideal), 1 (a typical sensor) to 1000.")
        if not (isfinite(self.gyro_bias_deg_s) and isfinite(self.drift_deg_per_min)):
            raise BridgeError("the gyro's bias and the drift must be finite numbers.")

    def of_imu(self) -> ImuFaults:
        """Return the part that a sensor feels."""
        bias = radians(self.gyro_bias_deg_s)
        return ImuFaults(
            self.noise * TYPICAL_IMU.gyro_noise_rad_s_sqrt_hz,
            self.noise * TYPICAL_IMU.accel_noise_m_s2_sqrt_hz,
            self.noise * TYPICAL_IMU.mag_noise_ut,
            (bias, bias, bias),
        )


class Measurements:
    """The states of a wearable at `rate_hz`, made in batches: one costs some tens of microseconds. Thread: one."""

    def __init__(self, motion: HeadMotion, rate_hz: float, faults: SensorFaults | None = None, seed: int = 0) -> None:
        if not 0.0 < rate_hz <= MAX_RATE_HZ:
            raise BridgeError(f"rate {rate_hz:g} Hz: allowed are more than 0 to {MAX_RATE_HZ:g} Hz.")
        self._faults = faults or SensorFaults()
        self._imu = VirtualImu(motion, faults=self._faults.of_imu(), rate_hz=rate_hz, seed=seed)
        self._random = np.random.default_rng((seed, 1))
        self.rate_hz = rate_hz
        self._n_batch = max(1, round(BATCH_S * rate_hz))
        self._batch: deque[DeviceState] = deque()

    def state(self, index: int) -> DeviceState:
        """Return the measurement at `index / rate_hz`; indices rise."""
        while self._batch and self._batch[0].seq < index:
            self._batch.popleft()
        if not self._batch:
            self._batch.extend(self._measure(index))
        return self._batch.popleft()

    def _measure(self, first: int) -> list[DeviceState]:
        indices = range(first, first + self._n_batch)
        samples = self._imu.measure([index / self.rate_hz for index in indices])
        quats = self._told(samples.times_s, samples.quats_world_from_head).tolist()
        rows = zip(indices, samples.times_s.tolist(), quats, strict=True)
        gyro, accel, mag = samples.gyro_rad_s.tolist(), samples.accel_m_s2.tolist(), samples.mag_ut.tolist()
        return [
            DeviceState(time_s, index, (w, x, y, z), _vec(gyro[k]), _vec(accel[k]), _vec(mag[k]))
            for k, (index, time_s, (w, x, y, z)) in enumerate(rows)
        ]

    def _told(self, times_s: Array, quats: Array) -> Array:
        """Return orientations as the device's own fusion tells them: noisy, and with a heading that runs away."""
        faults = self._faults
        if faults.drift_deg_per_min:
            yaw = faults.drift_deg_per_min * times_s / 60.0
            quats = quaternion.multiply(quaternion.from_yaw_pitch_roll_deg(yaw, 0.0 * yaw, 0.0 * yaw), quats)
        if faults.noise:
            turn = radians(POSE_NOISE_DEG * faults.noise) * self._random.standard_normal((len(times_s), 3))
            quats = quaternion.multiply(quats, quaternion.from_rotation_vector(turn))
        return quats


class PromptedDevice:
    """A virtual device where nobody can ask it for anything: it is greeted, and asked whenever it waits for that."""

    def __init__(self, device: VirtualDevice, talk: Talk | None) -> None:
        self._device, self._question = device, talk.keep_alive if talk is not None else b""
        for piece in talk.opening if talk is not None else ():
            device.answer(piece, 0.0)

    def encode(self, state: DeviceState) -> bytes:
        """Return what the device sends for one measurement."""
        data = self._device.encode(state)
        return self._device.answer(self._question, state.time_s) if self._question and not data else data

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Return what the device answers."""
        return self._device.answer(data, time_s)


class PlayedDevice:
    """A virtual device that measures on schedule, behind a faulty line. Thread: one.

    `n_measured` counts measurements, `n_skipped` those that the program was too late for.
    """

    is_over = False

    def __init__(self, device: VirtualDevice, measurements: Measurements, line: FaultyLine) -> None:
        self.n_measured = self.n_skipped = 0
        self._device, self._measurements, self._line = device, measurements, line
        self._next = 0
        self._on_the_way: deque[tuple[float, bytes]] = deque()

    @property
    def next_s(self) -> float:
        """When there is something to do next, in seconds from the start."""
        arrival_s = self._on_the_way[0][0] if self._on_the_way else inf
        return min(self._next / self._measurements.rate_hz, arrival_s)

    def due(self, now_s: float) -> list[bytes]:
        """Return what arrives at the host by `now_s`, one item per piece."""
        rate_hz = self._measurements.rate_hz
        if self._next / rate_hz < now_s - MAX_LATE_S:
            present = int(now_s * rate_hz)
            self.n_skipped += present - self._next
            self._next = present
        while self._next / rate_hz <= now_s:
            state = self._measurements.state(self._next)
            self._on_the_way += self._line.carry(self._device.encode(state), state.time_s)
            self._next += 1
            self.n_measured += 1
        pieces = []
        while self._on_the_way and self._on_the_way[0][0] <= now_s:
            pieces.append(self._on_the_way.popleft()[1])
        return pieces

    def hear(self, data: bytes, now_s: float) -> None:
        """Take what the host says; the answer comes over the same line."""
        self._on_the_way += self._line.carry(self._device.answer(data, now_s), now_s)


def _vec(row: list[float]) -> Vec3:
    x, y, z = row
    return (x, y, z)
