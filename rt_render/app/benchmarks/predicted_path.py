"""What the audio thread makes of a wearable's poses: its own path planner, run block by block on given times."""

from dataclasses import dataclass
from math import radians, sqrt

import numba
import numpy as np
from numba.np.numpy_support import carray

from firmware_bridge import quaternion
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.mailbox_kernels import write_pose
from firmware_bridge.quaternion import Array
from firmware_bridge.stages.rates import DerivedRates
from firmware_bridge.virtual.imu import HeadMotion
from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.engine.prepared_state import PREDICTION_CAP_MS
from rt_render.kernels.pose import plan_path_rt
from rt_render.kernels.simd import as_pointer
from rt_render.kernels.state import STATE

FS_HZ, BLOCK_SIZE = 48000, 128
TRANSPORT_S = 0.001
QUAT_NOISE_DEG, GYRO_NOISE_DEG_S_SQRT_HZ = 0.05, 0.014
"""A BNO08x at rest: its fused quaternion, and its gyro as the data sheet of the BMI055 has it."""
QUAT_STEP, GYRO_STEP_RAD_S = 1.0 / 16384.0, radians(1.0 / 16.0)
"""One count on HBF-1's wire."""
N_PARTS = 16
"""A smoothing sensor is the mean of so many moments, at the quantiles of its exponential memory."""


@dataclass(frozen=True, slots=True)
class Wearable:
    """A sensor: its rate, whether noise and rounding are on it, and what it does not tell: how late it is, and how
    long it smooths. `tells_rates`: else the bridge derives them from its quaternions."""

    rate_hz: float
    noisy: bool = True
    late_s: float = 0.0
    smoothing_s: float = 0.0
    tells_rates: bool = True


@dataclass(frozen=True, slots=True)
class Poses:
    """What came from a wearable: times as it told them (n,), quaternions (n, 4), rates (n, 3) in rad/s."""

    times_s: Array
    quats_world_from_head: Array
    gyro_rad_s: Array


def wear(motion: HeadMotion, wearable: Wearable, seconds: float, seed: int) -> Poses:
    """Return the poses of a wearable on a moving head; its phase and noise follow from the seed."""
    random = np.random.default_rng(seed)
    times_s = np.arange(0.0, seconds, 1.0 / wearable.rate_hz) + random.uniform(0.0, 1.0 / wearable.rate_hz)
    ages_s = -wearable.smoothing_s * np.log1p(-(np.arange(N_PARTS) + 0.5) / N_PARTS)
    heads = motion.pose_at(times_s[:, None] - wearable.late_s - (ages_s if wearable.smoothing_s else np.zeros(1)))
    parts, gyro = heads.quat_world_from_head, heads.gyro_rad_s.mean(axis=1)
    signs = np.sign(np.sum(parts * parts[:, :1], axis=-1, keepdims=True))
    quats = quaternion.normalise((signs * parts).mean(axis=1))
    if wearable.noisy:
        shape = (len(times_s), 3)
        jitter = radians(QUAT_NOISE_DEG) * random.standard_normal(shape)
        quats = quaternion.multiply(quats, quaternion.from_rotation_vector(jitter))
        quats = quaternion.normalise(np.round(quats / QUAT_STEP) * QUAT_STEP)
        density = radians(GYRO_NOISE_DEG_S_SQRT_HZ)
        gyro = gyro + density * sqrt(0.5 * wearable.rate_hz) * random.standard_normal(shape)
        gyro = np.round(gyro / GYRO_STEP_RAD_S) * GYRO_STEP_RAD_S
    if not wearable.tells_rates:
        rates = DerivedRates()
        told = [rates.update(tuple(q), t) for q, t in zip(quats.tolist(), times_s.tolist(), strict=True)]
        gyro = np.array([rate or (0.0, 0.0, 0.0) for rate in told])
    return Poses(times_s, np.ascontiguousarray(quats), np.ascontiguousarray(gyro))


@numba.njit(nogil=True)
def _plan_blocks(address, mailbox, horizon_s, arrivals_s, times_s, quats, gyro, heads):  # type: ignore[no-untyped-def]
    """Plan blocks from time 0 on, each with the poses that arrived by its begin; write where each path ends."""
    state = carray(as_pointer(address), (1,), STATE)[0]  # type: ignore[call-arg]
    state.hear_latency_s = horizon_s
    block_s = state.block_size / state.fs_hz
    last_knot = max(1, state.block_size // 128)
    i = 0
    for block in range(heads.shape[0]):
        while i < len(arrivals_s) and arrivals_s[i] <= block * block_s:
            q, g = quats[i], gyro[i]
            write_pose(mailbox, times_s[i], q[0], q[1], q[2], q[3], g[0], g[1], g[2], 1.0, float(i))
            i += 1
        plan_path_rt(state, block * block_s)
        state.has_path = 1
        for c in range(4):
            heads[block, c] = state.path[last_knot, c]


def rendered_heads(
    poses: Poses,
    mode: str,
    horizon_s: float,
    seconds: float,
    block_size: int = BLOCK_SIZE,
    cap_ms: float = PREDICTION_CAP_MS,
) -> tuple[Array, Array]:
    """Return when the end of each block is heard (n,), and the head (n, 4) that is rendered for it.

    `horizon_s`: from the begin of a block, where the pose is read, until its first sample is heard; a pose's own age
    by then (half an interval, and transport) comes on top.
    """
    engine = Engine(Plan(0, block_size, FS_HZ, 1), np.zeros((2, 1, 1)))
    mailbox = PoseMailbox.private()
    engine.follow_mailbox(mailbox)
    engine.set_prediction(mode, cap_ms)
    heads = np.zeros((int(seconds * FS_HZ / block_size), 4))
    arrivals_s = poses.times_s + TRANSPORT_S
    quats, gyro = poses.quats_world_from_head, poses.gyro_rad_s
    _plan_blocks(engine.address, mailbox.address, horizon_s, arrivals_s, poses.times_s, quats, gyro, heads)
    return (np.arange(len(heads)) + 1.0) * block_size / FS_HZ + horizon_s, heads


def errors_deg(motion: HeadMotion, heard_s: Array, heads: Array) -> Array:
    """Return the angle (n,) between the rendered heads and the true ones when they are heard."""
    true = motion.pose_at(heard_s).quat_world_from_head
    off = quaternion.to_rotation_vector(quaternion.multiply(quaternion.conjugate(true), heads))
    return np.asarray(np.degrees(np.linalg.norm(off, axis=-1)))
