"""A plane wave through the engine, block by block: with the pose by a timeline, or by the mailbox."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from firmware_bridge import quaternion
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.pose import PoseSample
from rt_render.ambisonics.encoding import encode_plane_wave
from rt_render.app.selftest.chain import Chain
from rt_render.app.selftest.trials import SOURCES, Array, Trial
from rt_render.engine.plan import Plan
from rt_render.hrtf.decoder import Decoder

LEVEL = 0.25
"""Of the impulse: far below the limiter."""


class Player:
    """An engine at work without a card; each trial begins anew. Thread: one."""

    def __init__(self, chain: Chain, decoder: Decoder, block_size: int) -> None:
        plan = Plan(decoder.order, block_size, int(decoder.fs_hz), decoder.n_taps)
        self._chain, self._engine = chain, chain.make_engine(plan, decoder.filters)
        self._mailbox = PoseMailbox.private()
        self._n_blocks = 1 + -(-decoder.n_taps // block_size)
        self._seq = 0

    def close(self) -> None:
        """Give the mailbox back."""
        self._mailbox.close()

    def by_timeline(self, trials: Sequence[Trial]) -> Array:
        """Return the ear responses (n, 2, n_frames) to the trials' sounds, the head as the trials say."""
        ears = []
        for trial in trials:
            self._engine.follow_timeline([0.0], [quaternion.from_yaw_pitch_roll_deg(*trial.pose_deg)])
            ears.append(self._impulse(trial))
        return np.array(ears)

    def by_mailbox(self, trials: Sequence[Trial], poses: Sequence[PoseSample]) -> tuple[Array, float]:
        """Return the ear responses with poses that are published, and by how much (in degrees) the pose that the
        renderer found in the mailbox differed from the one that was given to it, at most."""
        self._engine.follow_mailbox(self._mailbox)
        ears, worst_deg = [], 0.0
        for trial, pose in zip(trials, poses, strict=True):
            self._seq += 1
            given = PoseSample(pose.time_s, pose.quat_world_from_head, None, self._seq)
            self._chain.publish(self._mailbox, given)
            ears.append(self._impulse(trial))
            found = self._mailbox.read()
            at = (1.0, 0.0, 0.0, 0.0) if found is None else found.quat_world_from_head
            worst_deg = max(worst_deg, angle_deg(at, given.quat_world_from_head))
        return np.array(ears), worst_deg

    def _impulse(self, trial: Trial) -> NDArray[np.float64]:
        engine, block_size = self._engine, self._engine.plan.block_size
        engine.reset()
        signal = np.zeros(self._n_blocks * block_size)
        signal[0] = LEVEL
        azimuth_rad, elevation_rad = np.radians(SOURCES[trial.source])
        field = encode_plane_wave(signal, engine.plan.order, azimuth_rad, elevation_rad)
        engine.ring.write(field.astype(np.float32))
        engine.ring.set_end()
        ears = np.empty((self._n_blocks, block_size, 2), np.float32)
        for block in ears:
            engine.process(block)
        return ears.reshape(-1, 2).T.astype(np.float64)


def angle_deg(a: ArrayLike, b: ArrayLike) -> float:
    """Return the turn between two orientations."""
    turn = quaternion.to_rotation_vector(quaternion.multiply(quaternion.conjugate(a), b))
    return float(np.degrees(np.linalg.norm(turn)))
