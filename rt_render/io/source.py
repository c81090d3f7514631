"""What every source of sound field looks like to the rest of the program."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Source(Protocol):
    """A stream of ambisonic frames at the engine's rate, read by one thread that is not the audio thread.

    The same frames come out for any split of the reads; `notes` only ever grows and may grow while playing.
    """

    @property
    def fs_hz(self) -> int:
        """Rate of the frames that `read` returns."""

    @property
    def order(self) -> int:
        """Ambisonic order; `read` returns (order + 1)^2 channels."""

    @property
    def n_frames(self) -> int | None:
        """Length in frames at `fs_hz`; None when endless."""

    @property
    def title(self) -> str:
        """A short name to show."""

    @property
    def notes(self) -> list[str]:
        """Sentences for the person: what was found, converted, left out, or went wrong."""

    def read(self, n_frames: int) -> NDArray[np.float32]:
        """Return the next (k, n_sh) frames, float32, C-contiguous, ACN/SN3D; k < n_frames only at the end.

        Non-finite samples of a file are passed on. Never raises for a file that fails while it plays:
        what is there is returned and a note is added. Reader thread.
        """

    def seek(self, frame: int) -> None:
        """Make the next `read` start at this frame, clipped to the stream. The thread that reads."""

    def close(self) -> None:
        """Let go of files; reading afterwards is not allowed. May be called twice."""
