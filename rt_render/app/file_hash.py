"""A hash by which a sound file is known again, quickly however long it is."""

import hashlib
from pathlib import Path

from rt_render.errors import InputFileError

_WHOLE_BYTES = 64 << 20
"""Files up to here are hashed whole; of longer ones so much, in even pieces from their first to their last byte."""
_PIECE_BYTES = 1 << 20


def file_hash(path: Path) -> str:
    """Return a hash of a file's length and content, to sixteen digits; raises InputFileError."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            n_bytes = file.seek(0, 2)
            digest.update(str(n_bytes).encode())
            n_pieces = _WHOLE_BYTES // _PIECE_BYTES
            last = n_bytes - _PIECE_BYTES
            whole = n_bytes <= _WHOLE_BYTES
            starts = range(0, n_bytes, _PIECE_BYTES) if whole else (last * i // (n_pieces - 1) for i in range(n_pieces))
            for start in starts:
                file.seek(start)
                digest.update(file.read(_PIECE_BYTES))
    except OSError as error:
        raise InputFileError(f"{path} cannot be read: {error.strerror}; name the file that was played.") from None
    return digest.hexdigest()[:16]
