"""Audio files, read and created frame by frame: the adapter for libsndfile (`soundfile`)."""

import os
import re
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from rt_render.errors import InputFileError
from rt_render.io.foreign_file import advice_about, disguised_stream

_HEADER_SIZE = re.compile(r"(?i)^\s*(?:riff|riff size|form)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
_SIZE_OF_A_LIVE_STREAM = 0xFFFFFFFF
_CARELESS_WRITERS_BYTES = 8
"""Some programs count the eight bytes of the RIFF head; only more than that is a file cut short."""
_CODECS_WITH_MEMORY = ("OGG", "MPEG")
_CODEC_MEMORY_FRAMES = 16384
"""A lossy frame needs the ones before it; libsndfile does not fetch them when it seeks. Two Vorbis blocks."""

_GET_CHANNEL_MAP = 0x1100
_CHANNEL_MAP = "FC FL FR FC FL FR FC BC BL BR LFE FLC FRC SL SR TC TFL TFR TFC TBL TBR TBC"
"""libsndfile's SF_CHANNEL_MAP_MONO, which is 1, and those that follow it."""


class AudioFileReader:
    """An open audio file: (frames, channels) float32 at the file's own rate, streamed from disk.

    `fs_hz`, `n_channels`, `n_frames`, `format`, `subtype` describe it; `speakers` are the names of the speakers that
    its own channel map tells, None without one; `title`: who and what by its own tags, "" without; `failure` turns
    from None into half a sentence when the file fails while it is being read, and from then on `read` returns nothing.
    Any one thread.
    Raises InputFileError for a file that cannot be played: missing, no file, not audio, empty, cut short.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file = _open_for_reading(self.path)
        self.fs_hz = int(self._file.samplerate)
        self.n_channels = int(self._file.channels)
        self.n_frames = int(self._file.frames)
        self.format = str(self._file.format)
        self.subtype = str(self._file.subtype)
        self.speakers = _speakers(self._file)
        self.title = _title(self._file)
        self.failure: str | None = None
        self._position = 0
        try:
            self._refuse_unplayable()
        except InputFileError:
            self.close()
            raise

    def read(self, n_frames: int) -> NDArray[np.float32]:
        """Return the next (k, n_channels) frames, k < n_frames only at the end or after a failure."""
        wanted = 0 if self.failure else min(n_frames, self.n_frames - self._position)
        if wanted <= 0:
            return np.empty((0, self.n_channels), np.float32)
        try:
            frames: NDArray[np.float32] = self._file.read(wanted, dtype="float32", always_2d=True)
        except soundfile.SoundFileError:
            frames = np.empty((0, self.n_channels), np.float32)
        self._position += len(frames)
        if len(frames) < wanted:
            self.failure = (
                f"ended at {self._position / self.fs_hz:.1f} s of {self.n_frames / self.fs_hz:.1f} s: "
                "it was cut short, removed or damaged"
            )
        return frames

    def seek(self, frame: int) -> None:
        """Make the next `read` start at this frame of the file."""
        self._position = min(max(frame, 0), self.n_frames)
        run_up = min(self._position, _CODEC_MEMORY_FRAMES if self.format in _CODECS_WITH_MEMORY else 0)
        try:
            self._file.seek(self._position - run_up)
            self._file.read(run_up, dtype="float32")
        except soundfile.SoundFileError:
            self.failure = f"cannot be read from {self._position / self.fs_hz:.1f} s: it was removed or damaged"

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    def _refuse_unplayable(self) -> None:
        if self.n_frames <= 0:
            raise InputFileError(f"{self.path} holds no audio frames; choose a file that has sound in it.")
        promised = _HEADER_SIZE.search(self._file.extra_info)
        if promised:
            said, there = int(promised[1]), int(promised[2])
            if said != _SIZE_OF_A_LIVE_STREAM and said - there > _CARELESS_WRITERS_BYTES:
                raise _cut_short(self.path, f"its header promises {said} bytes and {there} are there")
        stream = disguised_stream(self.path) if self.subtype == "PCM_16" else None
        if stream:
            raise InputFileError(f"{self.path} holds {stream} in the place of samples; decode it with ffmpeg.")
        # Compressed files tell their length but not their size: look whether the last frame is there.
        self.seek(self.n_frames - 1)
        if not len(self.read(1)):
            raise _cut_short(self.path, f"its header promises {self.n_frames / self.fs_hz:.1f} s")
        self.seek(0)


def _title(file: soundfile.SoundFile) -> str:
    """Return what the file's tags call it, with the artist before it; printable and of bounded length."""
    artist, title = ("".join(filter(str.isprintable, tag)).strip()[:80] for tag in (file.artist, file.title))
    return f"{artist} – {title}" if artist and title else title


def _speakers(file: soundfile.SoundFile) -> list[str] | None:
    """Return what the file's channel map (WAVE_FORMAT_EXTENSIBLE, CAF) says; None without one that names them all."""
    codes = soundfile._ffi.new("int[]", file.channels)  # the library's binding has the command but no method for it
    if not soundfile._snd.sf_command(file._file, _GET_CHANNEL_MAP, codes, soundfile._ffi.sizeof(codes)):
        return None
    known = dict(enumerate(_CHANNEL_MAP.split(), start=1))
    return [known[code] for code in codes] if set(codes) <= known.keys() else None


def create_audio_file(path: Path, fs_hz: int, n_channels: int, container: str, subtype: str) -> soundfile.SoundFile:
    """Open a new file for writing float32 frames; raises soundfile.SoundFileError or OSError."""
    return soundfile.SoundFile(path, "w", fs_hz, n_channels, subtype=subtype, format=container)


def container_holds(container: str, subtype: str) -> bool:
    """Tell whether libsndfile writes this sample type into this container."""
    return bool(soundfile.check_format(container, subtype))


FILE_ERRORS: tuple[type[Exception], ...] = (soundfile.SoundFileError, OSError, AssertionError)
"""What writing raises when the medium refuses; soundfile asserts that every frame was taken."""


def _open_for_reading(path: Path) -> soundfile.SoundFile:
    if not path.exists():
        raise InputFileError(f"{path} does not exist; check the name and the folder.")
    if path.is_dir():
        raise InputFileError(f"{path} is a folder; name one audio file in it.")
    if not path.is_file():
        raise InputFileError(f"{path} is not a regular file; audio is streamed from files on disk only.")
    try:
        # bytes where names are bytes: of those that are no text the library makes none
        return soundfile.SoundFile(path if os.name == "nt" else os.fsencode(path))
    except soundfile.LibsndfileError as error:
        reason = error.error_string.strip().rstrip(".") or "damaged or cut short"
    except TypeError:
        reason = "headerless data, which does not tell its rate and channels"
    except soundfile.SoundFileRuntimeError as error:
        reason = str(error).rstrip(".")
    if not _may_read(path):
        raise InputFileError(f"{path} may not be read by you; ask its owner for permission to read it.")
    advice = advice_about(path)
    if advice:
        raise InputFileError(f"{path} {advice}.")
    if "regular file" in reason:
        reason = "damaged"  # what libsndfile says of MPEG in which it finds no frame
    raise InputFileError(
        f"{path} cannot be read as audio ({reason}); use WAV, W64, RF64, CAF, FLAC, Ogg, MP3 or AIFF, or convert it "
        "with ffmpeg."
    )


def _may_read(path: Path) -> bool:
    try:
        path.open("rb").close()
    except OSError:
        return False
    return True


def _cut_short(path: Path, evidence: str) -> InputFileError:
    return InputFileError(f"{path} is cut short ({evidence}); copy it again from where it came.")
