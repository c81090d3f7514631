"""Writing audio files that are either whole or absent: a partial name until the last frame is safe."""

from contextlib import suppress
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from rt_render.errors import ConfigurationError, RenderError
from rt_render.io.audio_file import FILE_ERRORS, container_holds, create_audio_file
from rt_render.io.wav_header import forget_speakers, settle_as_plain_wav

_CONTAINERS = {".wav": "RF64", ".w64": "W64", ".rf64": "RF64", ".caf": "CAF", ".flac": "FLAC"}
_MAX_FLAC_CHANNELS = 8
_EARS = 2


class OutputFileError(RenderError):
    """An output file that may not or cannot be written."""


class WavWriter:
    """Streams (frames, channels) float32 into WAV, W64, RF64, CAF or FLAC, by the name's ending.

    `subtype`: FLOAT, PCM_16, PCM_24, PCM_32 (None: FLOAT, or PCM_24 for FLAC). PCM clips at full scale.
    The file grows as NAME.partial beside the final name and is renamed by `close`; after an error the
    partial file stays and the message names it. A .wav beyond 4 GiB is RF64 by itself. More than two channels are
    a field and not speakers. One thread.
    Raises OutputFileError (the name is taken and not `force`, no such folder, disk full) and
    ConfigurationError (an ending, sample type or channel count the container does not hold).
    """

    def __init__(
        self,
        path: str | Path,
        fs_hz: int,
        n_channels: int,
        subtype: str | None = None,
        *,
        force: bool = False,
    ) -> None:
        self.path = Path(path)
        self.partial_path = self.path.with_name(self.path.name + ".partial")
        self.n_frames = 0
        self._force = force
        self._n_channels = n_channels
        container, subtype = container_and_subtype(self.path, n_channels, subtype)
        self._file_is_rf64 = container == "RF64"
        if not self.path.parent.is_dir():
            raise OutputFileError(f"{self.path} cannot be written: there is no folder {self.path.parent}; make it")
        if self.path.is_dir():
            raise OutputFileError(f"{self.path} is a folder; name a file in it")
        self._refuse_overwrite()
        try:
            self._file = create_audio_file(self.partial_path, fs_hz, n_channels, container, subtype)
        except FILE_ERRORS as error:
            raise OutputFileError(f"{self.path} cannot be written: {self._reason(error)}") from error

    def write(self, frames: NDArray[np.float32]) -> None:
        """Append (k, n_channels) frames; not modified. Raises OutputFileError when the disk takes no more."""
        if frames.ndim != 2 or frames.shape[1] != self._n_channels:
            raise ValueError(f"frames of shape {frames.shape}: expected (k, {self._n_channels})")
        try:
            self._file.write(frames)
        except FILE_ERRORS as error:
            self._give_up(error)
        self.n_frames += len(frames)

    def close(self) -> None:
        """Finish the file and give it its name; may be called twice."""
        if self._file.closed:
            return
        self._refuse_overwrite()
        try:
            self._file.close()
            if self._file_is_rf64 and self._n_channels > _EARS:
                forget_speakers(self.partial_path)
            if self.path.suffix.lower() == ".wav":
                settle_as_plain_wav(self.partial_path)
            self.partial_path.replace(self.path)
        except FILE_ERRORS as error:
            self._give_up(error)

    def abandon(self) -> None:
        """Stop without giving the file its name; what was written stays in `partial_path`."""
        self._file.close()

    def __enter__(self) -> "WavWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def _refuse_overwrite(self) -> None:
        if self.path.exists() and not self._force:
            raise OutputFileError(f"{self.path} exists already; choose another name or use --force")

    def _give_up(self, error: Exception) -> None:
        """Close what there is and say what happened."""
        with suppress(*FILE_ERRORS):  # the disk that refused the frames may refuse the header too
            self._file.close()
        raise OutputFileError(
            f"{self.path} could not be finished: {self._reason(error)}; "
            f"what was written so far is in {self.partial_path}"
        ) from error

    def _reason(self, error: Exception) -> str:
        if isinstance(error, OSError) and error.strerror:
            return error.strerror
        text = str(getattr(error, "error_string", "")).strip().rstrip(".")
        return text if text and text != "System error" else "the disk is full or does not allow writing"


def container_and_subtype(path: Path, n_channels: int, subtype: str | None) -> tuple[str, str]:
    """Return what a file of this name is written as; raises ConfigurationError for what cannot be."""
    container = _CONTAINERS.get(path.suffix.lower())
    if container is None:
        raise ConfigurationError(f"{path}: allowed endings are {', '.join(_CONTAINERS)}")
    if container == "FLAC" and n_channels > _MAX_FLAC_CHANNELS:
        raise ConfigurationError(
            f"{path} cannot be written: FLAC holds at most {_MAX_FLAC_CHANNELS} channels, and these are {n_channels}. "
            "Choose a field of --order 1, or a name that ends in .wav, .w64 or .caf."
        )
    subtype = subtype or ("PCM_24" if container == "FLAC" else "FLOAT")
    if not container_holds(container, subtype):
        raise ConfigurationError(
            f"{path}: a {path.suffix} file does not hold {subtype}; use PCM_16 or PCM_24"
            + ("" if container == "FLAC" else ", PCM_32 or FLOAT")
        )
    return container, subtype
