"""Links that write down what passes, and links that play it again."""

import time

from firmware_bridge.notices import Notices
from firmware_bridge.raw_recording import RawRecording, RawRecordingWriter, Tape
from firmware_bridge.transports.link import ByteLink, Piece

MAX_PER_READ = 256


class RecordedLink(ByteLink):
    """Another link, open or not, whose bytes also go into a recording.

    `dialect` where it is known beforehand. A full disk ends the recording, never the link.
    """

    def __init__(self, link: ByteLink, writer: RawRecordingWriter, dialect: str | None, notices: Notices) -> None:
        self._link = link
        self._tape = Tape(writer, link.name, dialect, notices)
        self.name, self.bauds, self.answers_only = link.name, link.bauds, link.answers_only
        self.if_silent, self.device_id, self.descriptor = link.if_silent, link.device_id, link.descriptor

    def open(self, timeout_s: float) -> bool:
        """Open the link."""
        is_open = self._link.open(timeout_s)
        self.device_id, self.descriptor = self._link.device_id, self._link.descriptor
        self._tape.begin_anew()
        return is_open

    def read(self, timeout_s: float) -> list[Piece]:
        """Read from the link and write down what came."""
        pieces = self._link.read(timeout_s)
        self.device_id = self._link.device_id
        for data, arrival_s, sender in pieces:
            self._tape.take(data, arrival_s, sender, self.descriptor)
        return pieces

    def write(self, data: bytes) -> bool:
        """Write to the link; what the host says is not recorded."""
        return self._link.write(data)

    def set_baud(self, baud: int) -> None:
        """Change the speed: what follows is another stream."""
        self._tape.begin_anew()
        self._link.set_baud(baud)

    def believe(self, sender: str) -> None:
        """Pass on."""
        self._link.believe(sender)

    def close(self) -> None:
        """Close link and file; both go on when the link is opened again."""
        self._tape.close()
        self._link.close()


class ReplayLink(ByteLink):
    """A recording as a link: at the times it was made, or `in_real_time` false as fast as it is read.

    Arrivals are the recorded ones to the bit, counted from the moment of opening, or from 0 in a hurry. Nothing
    can be written. `is_over` once all was read.
    """

    def __init__(self, recording: RawRecording, name: str, in_real_time: bool = True) -> None:
        self.name = name
        self.is_over = False
        self.descriptor = recording.descriptor
        self._records, self._in_real_time = recording.records, in_real_time
        self._start_s = 0.0
        self._next = self._part = 0

    def open(self, timeout_s: float) -> bool:
        """Begin at the beginning."""
        self._start_s = time.monotonic() if self._in_real_time else 0.0
        self._next, self._part, self.is_over = 0, 0, False
        return True

    def read(self, timeout_s: float) -> list[Piece]:
        """Return what is due, waiting at most `timeout_s` for the first."""
        if self._next < len(self._records):
            wait_s = self._start_s + self._records[self._next].time_s - time.monotonic()
            if self._in_real_time and wait_s > 0.0:
                time.sleep(min(wait_s, timeout_s))
        pieces: list[Piece] = []
        while self._next < len(self._records) and len(pieces) < MAX_PER_READ:
            record = self._records[self._next]
            arrival_s = self._start_s + record.time_s
            if self._in_real_time and arrival_s > time.monotonic():
                break
            self._next += 1
            if record.data:
                pieces.append(Piece(record.data, arrival_s, f"part {self._part}"))
            else:
                self._part += 1
        self.is_over = self._next == len(self._records)
        return pieces

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""
