"""The file of a pose log (.rtlog): one line of JSON, then pieces, each whole or absent.

    {"rt-render pose log": 1, ...}        the header, UTF-8, ends with a line feed
    kind      4 bytes                     b"rows", b"taps", b"card", b"move" or b"done"
    size      uint32, little-endian       bytes of what follows behind the sum
    sum       uint32                      CRC-32 (zlib) of kind and content
    content   zlib

    rows      trace rows (`row` of the header is their numpy dtype), byte 0 of all rows, then byte 1, and so on:
              what hardly changes from block to block takes hardly any room
    taps      a filter set: a line of JSON {"number", "shape"}, then float64, little-endian: ears, channels, taps
    card      JSON: {"stream", "text"}: from here on another card plays
    move      JSON: {"what"}: from here on "objects" are where somebody moved them, or the "panorama" is another, which
              no log tells
    done      JSON: {"lost", "missed_slots", "field"}: the log was closed; rows that found no room, slots that passed in
              silence, a hash of the file of the field ("" for none)

It is only ever appended to, and each piece is on the disk before the next is begun. After a power cut the last may be
cut: it fails its sum, and the log ends before it. A piece that fails with whole ones behind it is damage.
"""

import json
import mmap
import os
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from errno import EEXIST, EINVAL
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from rt_render.errors import InputFileError
from rt_render.io.wav_writer import OutputFileError

FORMAT = 1
_KEY = "rt-render pose log"
_START = b'{"' + _KEY.encode()
_PIECE = struct.Struct("<4sII")
_MAX_HEADER_BYTES = 1 << 20
_MAX_PIECE_BYTES = 1 << 26
"""Largest content, packed or not: a writer never comes near it, a damaged or hostile file does."""
_LEVEL = 6
_KINDS = re.compile(rb"rows|taps|card|move|done")
_MAX_GUESSES = 100
"""So many bytes that look like a piece are looked at behind damage: true ones come early, a hostile file has many."""


@dataclass(frozen=True, slots=True)
class Taps:
    """A filter set (2, n_sh, n_taps) float64 by the number that rows name it with."""

    number: int
    filters: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Card:
    """What plays from here on, in words; `stream` is its number in the rows, 0 the virtual card."""

    stream: int
    text: str


@dataclass(frozen=True, slots=True)
class Moved:
    """From here on `what`, "objects" or "panorama", is as somebody made it: the source alone brings it back no more."""

    what: str = "objects"


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a log that was closed: how many rows were lost, and slots missed, in all; the field's file by hash."""

    lost: int
    missed_slots: int
    field: str = ""


Piece = NDArray[np.void] | Taps | Card | Moved | Done


def is_pose_log(path: Path) -> bool:
    """Return whether a file begins like a pose log; False where there is none."""
    try:
        with path.open("rb") as file:
            return file.read(len(_START)) == _START
    except OSError:
        return False


class PoseLogWriter:
    """Writes a log piece by piece, as NAME.partial until `take_name`. One thread, which waits for the disk.

    `path` is where the log is now. What has the name already stays untouched until then. What `take_name` and `write`
    return from outlives a power cut. Raises OutputFileError.
    """

    def __init__(self, path: Path, header: dict[str, Any], row: np.dtype[np.void], *, force: bool = False) -> None:
        """Begin a file; an existing one of that name is to be replaced with `force` only."""
        self._name, self._force = path, force
        self.path = path.with_name(path.name + ".partial")
        fields = [[name, *_field(row[name])] for name in row.names or ()]
        line = json.dumps({_KEY: FORMAT, **header, "row": fields}, ensure_ascii=False)
        try:
            self._refuse_overwrite()
            self._file: BinaryIO = self.path.open("wb", buffering=0)
            self._file.write(line.encode() + b"\n")
        except FileExistsError:
            raise OutputFileError(f"{path} exists already: choose another name, or overwrite with --force.") from None
        except OSError as error:
            raise OutputFileError(f"{path} cannot be written: {error.strerror}; choose another place.") from None

    def take_name(self) -> None:
        """Give the file its name, in the place of what had it; where that cannot be, the log goes on as it is."""
        try:
            os.fsync(self._file.fileno())  # or a power cut could leave the name, and nothing in the file
            self._file.close()  # Windows renames no open file
            self._refuse_overwrite()
            self.path = self.path.replace(self._name)
            _keep_name(self.path)
        except OSError as error:
            raise OutputFileError(
                f"{self._name} cannot be written ({error.strerror}): the log is kept in {self.path}."
            ) from None
        finally:
            self._file.close()
            self._file = self.path.open("ab", buffering=0)

    def write(self, piece: Piece) -> None:
        """Append a piece, and wait until the disk has it."""
        kind, content = _packed(piece)
        squeezed = zlib.compress(content, _LEVEL)
        data = _PIECE.pack(kind, len(squeezed), _sum(kind, squeezed)) + squeezed
        try:
            while data:
                data = data[self._file.write(data) or 0 :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OutputFileError(
                f"{self.path} takes no more: {error.strerror}; it holds all up to {self._file.tell()} bytes."
            ) from None

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        self._file.close()

    def discard(self) -> None:
        """Remove the file, of a log that came to nothing; before `take_name`."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _refuse_overwrite(self) -> None:
        if self._name.exists() and not self._force:
            raise FileExistsError(EEXIST, "it exists already")
        if self._name.exists() and not self._name.is_file():
            raise OSError(EINVAL, "it is no ordinary file")


class PoseLogReader:
    """Reads a log piece by piece; `header` is what the session told of itself, `row` the type of its rows. One thread.

    Raises InputFileError for a file that is none, or of another format. A piece that is not whole is no error, and the
    last that `pieces` comes to: `cut` is set then, and `damaged_at` where whole pieces lie behind it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cut = False
        self.damaged_at: int | None = None
        """At which byte of the file a damaged piece begins, with more behind it."""
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise InputFileError(f"{path} cannot be read: {error.strerror}; name a pose log.") from None
        try:
            self.header, self.row = self._read_header()
        except BaseException:
            self._file.close()
            raise
        self.share = 0.0
        """How much of the file has been read, 0 to 1."""

    def pieces(self) -> Iterator[Piece]:
        """Yield all pieces from the first on, up to the end or to where the log was cut."""
        size = max(1, self.path.stat().st_size)
        begin = self._file.tell()
        while head := self._file.read(_PIECE.size):
            kind, n_bytes, checksum = _PIECE.unpack(head) if len(head) == _PIECE.size else (b"", 0, 0)
            squeezed = self._file.read(n_bytes) if n_bytes <= _MAX_PIECE_BYTES else b""
            if not kind or len(squeezed) < n_bytes or _sum(kind, squeezed) != checksum:
                self.cut = True
                self.damaged_at = begin if self._more_behind(begin) else None
                return
            begin = self._file.tell()
            self.share = begin / size
            yield self._piece(kind, squeezed)

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        self._file.close()

    def __enter__(self) -> "PoseLogReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read_header(self) -> tuple[dict[str, Any], np.dtype[np.void]]:
        line = self._file.readline(_MAX_HEADER_BYTES)
        if not line.startswith(_START):
            raise InputFileError(f"{self.path} is no pose log: name a file that `rt-render play --log` wrote.")
        try:
            header = json.loads(line)
            if header[_KEY] != FORMAT:
                raise InputFileError(
                    f"{self.path} has format {header[_KEY]}, and this is a program for format {FORMAT}: "
                    f"use the version that wrote it, {header.get('version', 'which it does not tell')}."
                )
            fields = [(name, kind, tuple(shape)) for name, kind, shape in header["row"]]
            row = np.dtype(fields)
            if row.hasobject or not row.itemsize:
                raise ValueError("a row is made of numbers")
        except (ValueError, TypeError, KeyError, AttributeError):
            raise InputFileError(f"the first line of {self.path} is damaged: nothing can be made of it.") from None
        return header, row

    def _more_behind(self, begin: int) -> bool:
        """Whether a whole piece begins somewhere behind this byte."""
        with mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            for found in islice(_KINDS.finditer(content, begin + 1), _MAX_GUESSES):
                first = found.start() + _PIECE.size
                if first > len(content):
                    return False
                kind, n_bytes, checksum = _PIECE.unpack(content[found.start() : first])
                fits = 0 < n_bytes <= min(_MAX_PIECE_BYTES, len(content) - first)
                if fits and _sum(kind, content[first : first + n_bytes]) == checksum:
                    return True
        return False

    def _piece(self, kind: bytes, squeezed: bytes) -> Piece:
        try:
            unpacker = zlib.decompressobj()
            content = unpacker.decompress(squeezed, _MAX_PIECE_BYTES)
            if not unpacker.eof:
                raise ValueError("too large")
            return _unpacked(kind, content, self.row)
        except (ValueError, TypeError, KeyError, zlib.error):
            raise InputFileError(
                f"{self.path} holds a piece that is none of this version's: use the version that wrote the log, "
                f"{self.header.get('version', 'which it does not tell')}."
            ) from None


def _sum(kind: bytes, squeezed: bytes) -> int:
    return zlib.crc32(squeezed, zlib.crc32(kind))


def _keep_name(path: Path) -> None:
    """Let a file's new name outlive a power cut, where a folder can be told to (POSIX)."""
    if os.name == "posix":
        with suppress(OSError):  # some network drives refuse
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _field(kind: np.dtype[Any]) -> tuple[str, list[int]]:
    """Return a field's scalar type and its shape."""
    return kind.base.str, list(kind.shape)


def _packed(piece: Piece) -> tuple[bytes, bytes]:
    if isinstance(piece, Taps):
        filters = np.ascontiguousarray(piece.filters, "<f8")
        line = json.dumps({"number": piece.number, "shape": filters.shape})
        return b"taps", line.encode() + b"\n" + filters.tobytes()
    if isinstance(piece, Card):
        return b"card", json.dumps({"stream": piece.stream, "text": piece.text}).encode()
    if isinstance(piece, Moved):
        return b"move", json.dumps(asdict(piece)).encode()
    if isinstance(piece, Done):
        return b"done", json.dumps(asdict(piece)).encode()
    return b"rows", np.ascontiguousarray(piece).view(np.uint8).reshape(len(piece), -1).T.tobytes()


def _unpacked(kind: bytes, content: bytes, row: np.dtype[np.void]) -> Piece:
    if kind == b"rows":
        n_rows, rest = divmod(len(content), row.itemsize)
        if rest:
            raise ValueError("no whole rows")
        columns = np.frombuffer(content, np.uint8).reshape(row.itemsize, n_rows)
        return np.ascontiguousarray(columns.T).reshape(-1).view(row)
    line, _, data = content.partition(b"\n")
    told = json.loads(line)
    if kind == b"taps":
        return Taps(int(told["number"]), np.frombuffer(data, "<f8").reshape(told["shape"]))
    if kind == b"card":
        return Card(int(told["stream"]), str(told["text"]))
    if kind == b"move":
        return Moved(str(told["what"]))
    if kind == b"done":
        return Done(int(told["lost"]), int(told["missed_slots"]), str(told["field"]))
    raise ValueError(f"unknown kind {kind!r}")
