"""Headphone equaliser files: AutoEq's ParametricEQ.txt, or an impulse response as an audio file."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rt_render.errors import InputFileError
from rt_render.hrtf.headphone_eq import (
    WHOLE_EQ_TAPS,
    measured_eq_taps,
    parametric_eq_taps,
    parse_parametric_eq,
)
from rt_render.io.audio_file import AudioFileReader

_LONGEST_TEXT_BYTES = 1_000_000


def read_headphone_eq(path: str | Path, fs_hz: float, n_taps: int = WHOLE_EQ_TAPS) -> NDArray[np.float64]:
    """Return a file's equaliser as minimum-phase filters (1 or 2, n_taps) at `fs_hz`, mean level 1.

    A name ending in .txt is read as AutoEq's ParametricEQ.txt, anything else as an audio file with one
    channel for both ears, or left and right. Raises InputFileError naming file and line. Not for the audio
    thread.
    """
    path = Path(path)
    if path.suffix.lower() == ".txt":
        return parametric_eq_taps(parse_parametric_eq(_text(path), str(path)), fs_hz, n_taps)[None]
    reader = AudioFileReader(path)
    try:
        # One frame beyond the second that is allowed: longer files are refused without being read.
        response = reader.read(min(reader.n_frames, reader.fs_hz + 1))
    finally:
        reader.close()
    return measured_eq_taps(response.astype(np.float64), reader.fs_hz, fs_hz, n_taps, str(path))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LONGEST_TEXT_BYTES:
            raise InputFileError(f"{path}: too long for an equaliser; choose AutoEq's ParametricEQ.txt.")
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise InputFileError(f"{path}: not a text file; choose AutoEq's ParametricEQ.txt.") from None
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise InputFileError(f"{path}: cannot be read ({reason}); check the name.") from None
