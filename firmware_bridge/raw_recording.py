"""Recordings of a tracker's own bytes with the times they came (`.rtraw`).

One line of JSON (`rtraw` the version, `dialect` or null where it was not named, `place`, `started` in UTC,
`descriptor` in hex for HID devices, else ""), then records: arrival in seconds since the start (float64), number
of bytes (uint32), the bytes; little-endian. A record is what was read at once: datagrams keep their borders. One
without bytes: the connection began anew.
"""

import json
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import BinaryIO

from firmware_bridge.errors import BridgeError
from firmware_bridge.notices import Notices

VERSION = 1
MAX_RECORD_BYTES = 1 << 20
FLUSH_S = 1.0
_HEAD = struct.Struct("<dI")


@dataclass(frozen=True, slots=True)
class Record:
    """What was read at once at `time_s` since the start; no bytes: the connection began anew."""

    time_s: float
    data: bytes


@dataclass(frozen=True, slots=True)
class RawRecording:
    """A recording in memory; `n_cut_bytes` at its end were no whole record and are left out."""

    dialect: str | None
    descriptor: bytes
    place: str
    started: str
    records: tuple[Record, ...]
    n_cut_bytes: int

    @property
    def duration_s(self) -> float:
        """Return the time of the last record, 0 where there is none."""
        return self.records[-1].time_s if self.records else 0.0


class RawRecordingWriter:
    """Writes a new recording; the file holds all but the last second even if the program is killed.

    Closed, it goes on with the next write. Raises BridgeError where the file is there already or cannot be
    made. Thread: one.
    """

    def __init__(self, path: Path) -> None:
        self.n_bytes = 0
        self.path = path
        self._start_s: float | None = None
        self._flushed_s = 0.0
        self._file: BinaryIO | None = None
        self._has_begun = False
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            raise BridgeError(f"{path} is there already: choose another name, nothing is overwritten.") from None
        except OSError as error:
            raise BridgeError(f"{path} cannot be written ({error.strerror}): choose another place.") from None

    def begin(self, place: str, dialect: str | None, descriptor: bytes) -> None:
        """Write the first line, once it is clear what is recorded; later calls do nothing. Raises OSError."""
        if self._has_begun:
            return
        self._has_begun = True
        started = datetime.now(UTC).isoformat(timespec="seconds")
        head = {
            "rtraw": VERSION,
            "dialect": dialect,
            "place": place,
            "started": started,
            "descriptor": descriptor.hex(),
        }
        with self.path.open("ab") as file:
            file.write(json.dumps(head).encode() + b"\n")

    def write(self, data: bytes, arrival_s: float) -> None:
        """Add a record; `arrival_s` is monotonic time, the first one is the start. Raises OSError (disk full)."""
        if self._start_s is None:
            self._start_s = self._flushed_s = arrival_s
        if self._file is None:
            self._file = self.path.open("ab")
        self._file.write(_HEAD.pack(arrival_s - self._start_s, len(data)) + data)
        self.n_bytes += len(data)
        if arrival_s - self._flushed_s > FLUSH_S:
            self._flushed_s = arrival_s
            self._file.flush()

    def close(self) -> None:
        """Finish the file for now. Raises OSError (disk full)."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


class Tape:
    """Writes pieces of bytes down as they come. A disk that is full ends the recording, which is said once.

    `place` and `dialect` (None where it is to be heard out) are told in the file's first line. Thread: one.
    """

    def __init__(self, writer: RawRecordingWriter, place: str, dialect: str | None, notices: Notices) -> None:
        self._writer: RawRecordingWriter | None = writer
        self._place, self._dialect, self._notices = place, dialect, notices
        self._sender: str | None = None

    def take(self, data: bytes, arrival_s: float, sender: str = "", descriptor: bytes = b"") -> None:
        """Write a piece down; another sender is another connection."""
        if sender != self._sender:
            self._sender = sender
            self._write(b"", arrival_s, descriptor)
        self._write(data, arrival_s, descriptor)

    def begin_anew(self) -> None:
        """Note that what comes next continues nothing."""
        self._sender = None

    def close(self) -> None:
        """Finish the file for now; it goes on with the next piece."""
        if self._writer is not None:
            try:
                self._writer.close()
            except OSError as error:
                self._give_up(error)

    def _write(self, data: bytes, arrival_s: float, descriptor: bytes) -> None:
        if self._writer is not None:
            try:
                self._writer.begin(self._place, self._dialect, descriptor)
                self._writer.write(data, arrival_s)
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            self._notices.say(f"the recording {writer.path} ends early: {error.strerror}")
            with suppress(OSError):
                writer.close()


def read_raw_recording(path: Path) -> RawRecording:
    """Return a recording; raises BridgeError where the file is none. A record cut off at the end is left out."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BridgeError(f"{path} cannot be read ({error.strerror}): name a recording (.rtraw).") from None
    line, newline, rest = content.partition(b"\n")
    try:
        head = json.loads(line)
        is_one = bool(newline) and head["rtraw"] == VERSION
        descriptor = bytes.fromhex(head["descriptor"])
    except (ValueError, KeyError, TypeError):
        is_one = False
    if not is_one:
        raise BridgeError(f"{path} is no recording that can be read: `firmware-bridge record` makes them.")
    records = tuple(_records(rest))
    n_read = sum(_HEAD.size + len(record.data) for record in records)
    dialect = head.get("dialect")
    return RawRecording(
        dialect if isinstance(dialect, str) else None,
        descriptor,
        str(head.get("place", "")),
        str(head.get("started", "")),
        records,
        len(rest) - n_read,
    )


def _records(content: bytes) -> Iterator[Record]:
    at, last_s = 0, 0.0
    while at + _HEAD.size <= len(content):
        time_s, n_bytes = _HEAD.unpack_from(content, at)
        end = at + _HEAD.size + n_bytes
        if n_bytes > MAX_RECORD_BYTES or end > len(content) or not isfinite(time_s) or time_s < last_s:
            return
        yield Record(time_s, content[at + _HEAD.size : end])
        at, last_s = end, time_s
