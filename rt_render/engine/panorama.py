"""Stereo becomes a space around the head: the state of the native panorama, and its calls."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

DEFAULT_WIDTH_DEG = 60.0
WIDTH_RANGE_DEG = (30.0, 90.0)
DEFAULT_HEIGHT = 0.5


class Panorama:
    """A `NativeUpmix` by primary and ambient sound, see `kernels.panorama`.

    `order` 0 to 7; `fs_hz` of the stream; `width_deg` 30 to 90: where what is panned hard left is heard; `height` 0 to
    1: how much of the ambience comes from above. Raises ConfigurationError outside of these. Compiles at first use.
    """

    def __init__(
        self, order: int, fs_hz: int, *, width_deg: float = DEFAULT_WIDTH_DEG, height: float = DEFAULT_HEIGHT
    ) -> None:
        self.order, self.fs_hz = order, fs_hz
        self.step_frames = 256 if fs_hz <= 50000 else 512
        self.latency_frames = 4 * self.step_frames
        self.preroll_frames = fs_hz // 2
        self.address = 0
        self.stage = 0

    def set(self, *, width_deg: float | None = None, height: float | None = None) -> None:
        """Change width or height while it sounds, without a click. Any thread."""

    def process(self, stereo: ArrayLike) -> NDArray[np.float32]:
        """Return the next (n, n_sh) frames, float32 ACN/SN3D, for the next (n, 2) frames; lets the GIL go."""
        return np.zeros((len(np.asarray(stereo)), (self.order + 1) ** 2), np.float32)

    def reset(self) -> None:
        """Forget all that was heard. Not while another thread processes."""
