"""How well the bridge fuses: a recording goes through its own pipeline and is compared with the truth.

The recording is worn by a virtual HBF-1 device that sends raw frames: their rounding, the device's clock and
its skew, lost samples and late arrivals are all part of the path.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np

from firmware_bridge import quaternion
from firmware_bridge.dialects import hbf1
from firmware_bridge.errors import BridgeError
from firmware_bridge.imu_recording import ImuRecording
from firmware_bridge.messages import Motion, Quat
from firmware_bridge.quaternion import Array
from firmware_bridge.stages.clock import DeviceClock
from firmware_bridge.stages.fusion import make_fusion
from firmware_bridge.stages.regular_times import RegularTimes
from firmware_bridge.stages.trust import TrustGate
from firmware_bridge.virtual.device import DeviceState

CLOCK_SKEW = 35e-6
HOST_START_S, PATH_DELAY_S = 1000.0, 0.001
ALIGN_S = 1.0
"""The heading of six axes begins anywhere: over so long its mean error at the start of the motion is taken off."""
MIN_COMPARED = 100
PROGRESS_EVERY = 1000


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Errors of one recording, as BROAD defines them: of the turn from truth to estimate, in the world.

    `heading` is its part about the vertical after alignment at the start, `inclination` the rest, `total` the
    whole; root mean squares over the moving samples with truth. `heading_drift_deg_per_min` is the slope of a
    line through the heading error, with its sign. `clock` tells in words how times were found. The courses are
    for plots: `times_s` (n,) from the recording's start, errors (n,) in degrees.
    """

    name: str
    fusion: str
    device_clock: bool
    drop: float
    jitter_s: float
    n_compared: int
    clock: str
    total_rms_deg: float
    heading_rms_deg: float
    inclination_rms_deg: float
    inclination_worst_deg: float
    heading_drift_deg_per_min: float
    times_s: Array
    heading_error_deg: Array
    inclination_error_deg: Array


@dataclass(frozen=True, slots=True)
class Means:
    """Several recordings in one line: means over them, the drift's without its sign, and the worst of them."""

    n_recordings: int
    total_rms_deg: float
    heading_rms_deg: float
    inclination_rms_deg: float
    inclination_rms_worst_deg: float
    heading_drift_deg_per_min: float
    heading_drift_worst_deg_per_min: float


def evaluate(
    recording: ImuRecording,
    *,
    device_clock: bool = True,
    drop: float = 0.0,
    jitter_s: float = 0.0,
    fusion: str = "vqf",
    seed: int = 0,
    on_progress: Callable[[float], None] | None = None,
) -> Evaluation:
    """Return how well `fusion` follows the truth of a recording.

    A share `drop` (0 to below 1) of the samples is lost and arrivals are late by up to `jitter_s`, both after
    `seed`; without `device_clock` times come from arrivals and sequence numbers. `on_progress` is called with
    0..1. Raises BridgeError.
    """
    if not 0.0 <= drop < 1.0:
        raise BridgeError(f"the share of dropped samples is {drop:g}: allowed are 0 to below 1.")
    if not 0.0 <= jitter_s < inf:
        raise BridgeError(f"the arrival jitter is {jitter_s:g} s: allowed are 0 and more.")
    if fusion == "vqf9d" and recording.mag_ut is None:
        raise BridgeError(f"{recording.name} holds no magnetometer: use the fusion 'vqf'.")
    pipeline = _Pipeline(fusion, device_clock)
    indices: list[int] = []
    quats: list[Quat] = []
    for index, data, arrival_s in _arrivals(recording, fusion == "vqf9d", drop, jitter_s, seed):
        quat = pipeline.fuse(data, arrival_s)
        if quat is not None:
            indices.append(index)
            quats.append(quat)
        if on_progress is not None and index % PROGRESS_EVERY == 0:
            on_progress(index / len(recording.times_s))
    if on_progress is not None:
        on_progress(1.0)
    kept = np.array(indices, np.int64)
    kept_truth = recording.quats_world_from_imu[kept]
    is_compared = recording.moving[kept] & np.isfinite(kept_truth).all(axis=-1)
    if np.count_nonzero(is_compared) < MIN_COMPARED:
        raise BridgeError(
            f"{recording.name}: fewer than {MIN_COMPARED} samples have both truth and estimate; record for longer."
        )
    times = recording.times_s[kept][is_compared] - recording.times_s[0]
    estimate = np.array(quats).reshape(-1, 4)[is_compared]
    heading, inclination, total = errors_deg(estimate, kept_truth[is_compared], times)
    return Evaluation(
        recording.name,
        fusion,
        device_clock,
        drop,
        jitter_s,
        len(times),
        pipeline.clock_in_words(),
        _rms(total),
        _rms(heading),
        _rms(inclination),
        float(inclination.max()),
        60.0 * float(np.polyfit(times, heading, 1)[0]),
        times,
        heading,
        inclination,
    )


def errors_deg(estimate: Array, truth: Array, times_s: Array) -> tuple[Array, Array, Array]:
    """Return heading (unwrapped, aligned over the first second), inclination and total error (n,) of quaternions."""
    turn = quaternion.multiply(estimate, quaternion.conjugate(truth))
    heading = np.unwrap(2.0 * np.arctan2(turn[:, 3], turn[:, 0]), period=2.0 * np.pi)
    heading -= heading[times_s <= times_s[0] + ALIGN_S].mean()
    half_inclination = np.arccos(np.minimum(np.hypot(turn[:, 0], turn[:, 3]), 1.0))
    # The turn's scalar part is the product of both parts' cosines.
    total = 2.0 * np.arccos(np.minimum(np.abs(np.cos(0.5 * heading)) * np.cos(half_inclination), 1.0))
    return np.degrees(heading), np.degrees(2.0 * half_inclination), np.degrees(total)


def means(evaluations: list[Evaluation]) -> Means:
    """Return several evaluations (at least one) in one line."""
    drifts = [abs(each.heading_drift_deg_per_min) for each in evaluations]
    inclinations = [each.inclination_rms_deg for each in evaluations]
    return Means(
        len(evaluations),
        float(np.mean([each.total_rms_deg for each in evaluations])),
        float(np.mean([each.heading_rms_deg for each in evaluations])),
        float(np.mean(inclinations)),
        max(inclinations),
        float(np.mean(drifts)),
        max(drifts),
    )


def save_plot(evaluation: Evaluation, path: Path) -> None:
    """Write a picture of the errors over time, its kind after the suffix of `path`; raises BridgeError."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 5.0), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    upper.plot(evaluation.times_s, evaluation.heading_error_deg, linewidth=0.8)
    upper.set_ylabel("heading error (°)")
    upper.set_title(
        f"{evaluation.name}, {evaluation.fusion}: drift {evaluation.heading_drift_deg_per_min:+.2f} °/min, "
        f"inclination {evaluation.inclination_rms_deg:.2f}° rms"
    )
    lower.plot(evaluation.times_s, evaluation.inclination_error_deg, linewidth=0.8, color="C1")
    lower.set_ylabel("inclination error (°)")
    lower.set_xlabel("time (s)")
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
    try:
        figure.savefig(path, dpi=120)
    except (OSError, ValueError) as error:
        raise BridgeError(f"{path}: no picture can be written there ({str(error).rstrip('.')}).") from None


class _Pipeline:
    """Bytes and arrivals to orientations, by the bridge's own stages."""

    def __init__(self, fusion: str, device_clock: bool) -> None:
        dialect = hbf1.DIALECT
        assert dialect.clock_wrap_s is not None
        self._decoder = dialect.make_decoder()
        self._gate = TrustGate(dialect.check)
        self._clock = DeviceClock(dialect.clock_wrap_s) if device_clock else None
        self._regular = RegularTimes(dialect.seq_wrap)
        self._fusion = make_fusion(fusion, dialect.rate_hz)

    def fuse(self, data: bytes, arrival_s: float) -> Quat | None:
        """Return the orientation after the newest sample in `data`, None where it gave none."""
        quat = None
        for message in self._decoder.feed(data):
            if isinstance(message, Motion) and self._gate.admit(message, arrival_s):
                fused = self._fusion.update(message, self._time_s(message, arrival_s))
                quat = None if fused is None else fused.quat_wxyz
        return quat

    def _time_s(self, motion: Motion, arrival_s: float) -> float:
        if self._clock is None or motion.device_time_s is None:
            return self._regular.host_time_s(motion.seq, arrival_s)
        return self._clock.host_time_s(motion.device_time_s, arrival_s)

    def clock_in_words(self) -> str:
        """Return how times were found."""
        return (self._clock or self._regular).summary().in_words()


def _arrivals(
    recording: ImuRecording, use_mag: bool, drop: float, jitter_s: float, seed: int
) -> Iterator[tuple[int, bytes, float]]:
    """Yield sample index, the device's bytes and their arrival for all samples that are not lost."""
    random = np.random.default_rng(seed)
    times = recording.times_s - recording.times_s[0]
    is_lost = random.random(len(times)) < drop
    late_s = PATH_DELAY_S + random.uniform(0.0, jitter_s, len(times))
    # Bytes do not overtake each other.
    arrivals = np.maximum.accumulate(HOST_START_S + times * (1.0 + CLOCK_SKEW) + late_s).tolist()
    mag = recording.mag_ut if use_mag and recording.mag_ut is not None else np.zeros_like(recording.gyro_rad_s)
    values = np.hstack([recording.gyro_rad_s, recording.accel_m_s2, mag]).tolist()
    device = hbf1.DIALECT.make_device()
    device.answer(b"FIELDS 1C\n" if use_mag else b"FIELDS 0C\n", 0.0)
    for index, (time_s, row) in enumerate(zip(times.tolist(), values, strict=True)):
        gx, gy, gz, ax, ay, az, mx, my, mz = row
        state = DeviceState(time_s, index, (1.0, 0.0, 0.0, 0.0), (gx, gy, gz), (ax, ay, az), (mx, my, mz))
        data = device.encode(state)
        if not is_lost[index]:
            yield index, data, arrivals[index]


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))
