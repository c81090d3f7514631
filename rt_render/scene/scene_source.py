"""The built-in scenes as a source: endless, equal at every run, rendered block by block."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rt_render.ambisonics.harmonics import real_sh_sn3d
from rt_render.conventions import MAX_ORDER, n_sh
from rt_render.errors import ConfigurationError
from rt_render.scene.garden import garden
from rt_render.scene.parts import Direction, Scene
from rt_render.scene.signals import clicks, front_noise

_BLOCK_S = 0.02

SCENES: dict[str, Callable[[int], Scene]] = {"garden": garden, "noise": front_noise, "clicks": clicks}
"""Names of the built-in scenes, each made for a rate in Hz."""


class SceneSource:
    """A `Source` that synthesises a scene at an order and rate; endless, any split gives the same frames.

    Directions move in straight lines of encoder gain between blocks of 20 ms. Reader thread.
    Raises ConfigurationError for an unknown name or an order outside 0..7.
    """

    def __init__(self, name: str = "garden", *, order: int = 3, fs_hz: int = 48000) -> None:
        if name not in SCENES:
            raise ConfigurationError(f"scene {name!r}: there are {', '.join(SCENES)}")
        if not 0 <= order <= MAX_ORDER:
            raise ConfigurationError(f"order {order}: allowed are 0 to {MAX_ORDER}")
        self.fs_hz, self.order = fs_hz, order
        self.n_frames: int | None = None
        self._scene = SCENES[name](fs_hz)
        self.title = self._scene.title
        n_points = len(self._scene.voices) + sum(len(bed.directions) for bed in self._scene.beds)
        self.notes = [f"built-in scene, synthesised at order {order}: {n_points} directions sound together"]
        block_frames = round(_BLOCK_S * fs_hz)
        # Upper half: the signals; lower half: the same times a ramp from 0 to 1 over the block.
        self._signals = np.zeros((2 * n_points, block_frames), np.float32)
        self._ramp = (np.arange(block_frames) / block_frames).astype(np.float32)
        self._block = np.empty((block_frames, n_sh(order)), np.float32)
        self._bed_harmonics = [real_sh_sn3d(order, *_radians(bed.directions)) for bed in self._scene.beds]
        self._gains_at_end = (-1, np.empty((0, 0)))
        self._rendered = -1
        self._position = 0

    def read(self, n_frames: int) -> NDArray[np.float32]:
        """Return the next (n_frames, n_sh) frames, float32, C-contiguous, ACN/SN3D."""
        out = np.empty((n_frames, self._block.shape[1]), np.float32)
        filled = 0
        while filled < n_frames:
            index, offset = divmod(self._position, len(self._block))
            if index != self._rendered:
                self._render(index)
            taken = min(n_frames - filled, len(self._block) - offset)
            out[filled : filled + taken] = self._block[offset : offset + taken]
            filled += taken
            self._position += taken
        return out

    def seek(self, frame: int) -> None:
        """Make the next `read` start at this frame; equal to the straight read."""
        self._position = max(frame, 0)

    def close(self) -> None:
        """Nothing to let go of."""

    def _render(self, index: int) -> None:
        """Synthesise the block of this number into `_block`."""
        first_frame = index * len(self._block)
        n_points = len(self._signals) // 2
        signals = self._signals[:n_points]
        signals[: len(self._scene.voices)] = 0.0
        for voice, row in zip(self._scene.voices, signals, strict=False):
            voice.add_to(row, first_frame, self.fs_hz)
        row_of_bed = len(self._scene.voices)
        for bed in self._scene.beds:
            bed.write_to(signals[row_of_bed : row_of_bed + len(bed.directions)], first_frame)
            row_of_bed += len(bed.directions)
        np.multiply(signals, self._ramp, out=self._signals[n_points:])
        begin, end = self._gains(index), self._gains(index + 1)
        gains = np.concatenate([begin, end - begin]).astype(np.float32)
        np.matmul(self._signals.T, gains, out=self._block)
        self._rendered = index

    def _gains(self, index: int) -> NDArray[np.float64]:
        """Return the encoder gains (n_points, n_sh) at the start of a block."""
        if self._gains_at_end[0] != index:
            time_s = index * len(self._block) / self.fs_hz
            directions = [voice.path(time_s) for voice in self._scene.voices]
            gains = [real_sh_sn3d(self.order, *_radians(directions))] if directions else []
            for bed, harmonics in zip(self._scene.beds, self._bed_harmonics, strict=True):
                gains.append(bed.swell(time_s)[:, None] * harmonics)
            self._gains_at_end = (index, np.concatenate(gains))
        return self._gains_at_end[1]


def _radians(directions: Sequence[Direction]) -> NDArray[np.float64]:
    return np.deg2rad(np.array(directions, np.float64)).T
