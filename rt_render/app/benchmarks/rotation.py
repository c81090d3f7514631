"""How far the rotated field is from ideal rotation sample by sample, in dB of energy over all channels."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation, Slerp

from rt_render.ambisonics.harmonics import cartesian_to_spherical, real_sh_sn3d
from rt_render.app.benchmarks.turning_head import constant_turn
from rt_render.conventions import BLOCK_SIZES, n_sh
from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan

FS_HZ = 48000
ORDER = 7
SPEED_DEG_S = 600.0
REVERSAL_DEG_S2 = 3000.0
REQUIRED_DB = -80.0
_N_FRAMES = 8192


def rotation_error_db(
    block_size: int, direction: ArrayLike, times_s: NDArray[np.float64], quats: NDArray[np.float64]
) -> float:
    """Return the energy of (engine - ideal) over that of the ideal, for a plane wave of noise, N3D, order 7.

    `direction` (3,) of the wave in the world; `times_s`, `quats` (n, 4): the head's timeline.
    """
    engine = Engine(Plan(ORDER, block_size, FS_HZ, 1), np.zeros((2, (ORDER + 1) ** 2, 1)))
    engine.follow_timeline(times_s, quats)
    noise = np.random.default_rng(5).standard_normal(_N_FRAMES) * 0.1
    azimuth, elevation = cartesian_to_spherical(direction)
    engine.ring.write((noise[:, None] * real_sh_sn3d(ORDER, azimuth, elevation)).astype(np.float32))
    engine.ring.set_end()
    out = np.zeros((block_size, 2), np.float32)
    rotated = []
    for _ in range(_N_FRAMES // block_size):
        engine.process(out)
        rotated.append(engine.last_field())
    n3d = np.concatenate([np.full(2 * n + 1, np.sqrt(2 * n + 1)) for n in range(ORDER + 1)])
    frames_s = np.arange(_N_FRAMES) / FS_HZ
    head = _at(frames_s, times_s, quats)
    seen = real_sh_sn3d(ORDER, *cartesian_to_spherical(head.inv().apply(direction)))
    ideal = noise.astype(np.float32)[:, None] * seen * n3d
    error = np.concatenate(rotated) * n3d - ideal
    assert error.shape == (_N_FRAMES, n_sh(ORDER))
    return float(10 * np.log10(np.sum(error**2) / np.sum(ideal**2)))


def _at(frames_s: NDArray[np.float64], times_s: NDArray[np.float64], quats: NDArray[np.float64]) -> Rotation:
    return Slerp(times_s, Rotation.from_quat(quats, scalar_first=True))(frames_s)


def run(on_progress: Callable[[str], None]) -> dict[str, object]:
    """Measure the worst of yaw and 20 random axes and directions at every block size; and reversals."""
    times_s = np.arange(0.0, 0.2, 0.001)
    rng = np.random.default_rng(6)
    axes, directions = rng.standard_normal((20, 3)), rng.standard_normal((20, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    by_block, reversal_by_block = {}, {}
    # speed up, stand, turn back: the speed goes through zero in the middle
    angle = 0.5 * REVERSAL_DEG_S2 * (times_s - times_s.mean()) ** 2
    reversal = Rotation.from_euler("z", angle[:, None], degrees=True).as_quat(scalar_first=True)
    for block_size in BLOCK_SIZES:
        on_progress(f"rotation: {block_size} frames")
        yaw = constant_turn([0, 0, 1], SPEED_DEG_S, times_s)
        errors = [rotation_error_db(block_size, np.array([1.0, 0.0, 0.0]), times_s, yaw)]
        for axis, direction in zip(axes, directions, strict=True):
            turn = constant_turn(axis, SPEED_DEG_S, times_s)
            errors.append(rotation_error_db(block_size, direction, times_s, turn))
        by_block[block_size] = round(max(errors), 2)
        reversal_by_block[block_size] = round(
            rotation_error_db(block_size, np.array([1.0, 0.0, 0.0]), times_s, reversal), 2
        )
    return {
        "rotation_error_db": max(by_block.values()),
        "rotation_error_by_block_db": by_block,
        "rotation_reversal_by_block_db": reversal_by_block,
    }
