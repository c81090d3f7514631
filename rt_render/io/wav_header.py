"""The head of a finished RF64 file: plain WAV where it is small enough, and no speakers where there is a field."""

import struct
from pathlib import Path

_LIMIT_BYTES = 0xFFFFFFFF
_HEAD = struct.Struct("<4sI4s")
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")
_MASK_AT = 20
"""Where the channel mask stands in an extensible format."""


def settle_as_plain_wav(path: Path) -> None:
    """Rewrite the head of an RF64 file in place as RIFF/WAVE; a file beyond 4 GiB is left as RF64.

    The room of the ds64 chunk and of the extensible format becomes a JUNK chunk before a plain 16-byte
    `fmt `, so that no sample moves. Raises OSError. EBU Tech 3306 (2009), section 3: on-the-fly switching.
    """
    n_bytes = path.stat().st_size
    if n_bytes > _LIMIT_BYTES:
        return
    with path.open("r+b") as file:
        file.seek(_HEAD.size)
        while True:
            start = file.tell()
            name, size = _CHUNK.unpack(file.read(_CHUNK.size))
            if name == b"data":
                break
            body = file.read(size + size % 2)
            if name == b"ds64":
                (data_bytes,) = struct.unpack_from("<Q", body, 8)
            elif name == b"fmt ":
                fields, subformat = _FORMAT.unpack_from(body), body[24:26]
        plain_format = _FORMAT.pack(int.from_bytes(subformat, "little"), *fields[1:])
        junk_bytes = start - _HEAD.size - 2 * _CHUNK.size - _FORMAT.size
        file.seek(0)
        file.write(_HEAD.pack(b"RIFF", n_bytes - _CHUNK.size, b"WAVE"))
        file.write(_CHUNK.pack(b"JUNK", junk_bytes) + bytes(junk_bytes))
        file.write(_CHUNK.pack(b"fmt ", _FORMAT.size) + plain_format)
        file.write(_CHUNK.pack(b"data", data_bytes))


def forget_speakers(path: Path) -> None:
    """Set the channel mask of an RF64 file to "no speakers", in place; libsndfile calls four channels quad.

    Raises OSError.
    """
    with path.open("r+b") as file:
        file.seek(_HEAD.size)
        while True:
            name, size = _CHUNK.unpack(file.read(_CHUNK.size))
            if name == b"fmt ":
                file.seek(_MASK_AT, 1)
                file.write(bytes(4))
                return
            file.seek(size + size % 2, 1)
