"""What turns stereo into a field looks like to the rest of the program, whichever engine does it."""

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Upmix(Protocol):
    """A stream of stereo frames that becomes one of ambisonic frames of the same rate, a fixed number later.

    The same frames come out for any split of the calls. One thread at a time. A separator of stems that looks far
    ahead is one with a large `latency_frames`; files and the playlist need nothing else.
    """

    @property
    def order(self) -> int:
        """Ambisonic order of the field: (order + 1)^2 channels, ACN, SN3D."""

    @property
    def fs_hz(self) -> int:
        """Rate of both sides."""

    @property
    def latency_frames(self) -> int:
        """Input frame k is heard in output frame k + latency_frames."""

    @property
    def preroll_frames(self) -> int:
        """How long before a frame to begin, so that it sounds as if all before had been heard."""

    @property
    def step_frames(self) -> int:
        """A stream begun at a multiple of this meets the same frames of analysis as one begun at 0."""

    def process(self, stereo: ArrayLike) -> NDArray[np.float32]:
        """Return the next (n, n_sh) frames of the field for the next (n, 2) frames, left and right."""

    def reset(self) -> None:
        """Forget all that was heard."""


class NativeUpmix(Upmix, Protocol):
    """An upmix that also runs inside the audio callback: live input needs this one."""

    @property
    def address(self) -> int:
        """Of the state record that `stage` works on; valid while this object lives."""

    @property
    def stage(self) -> int:
        """Address of void(int64 state, int64 in, int64 out, int64 n_frames), float32 frames; audio thread."""
