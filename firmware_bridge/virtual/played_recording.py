"""A recording of raw bytes, played to a port at the times it was made, or faster."""

from math import inf

from firmware_bridge.raw_recording import RawRecording


class PlayedRecording:
    """The very pieces of then, their times divided by `speed`. Thread: one."""

    def __init__(self, recording: RawRecording, speed: float = 1.0) -> None:
        self.n_played = 0
        self._records = [record for record in recording.records if record.data]
        self._speed = speed

    @property
    def is_over(self) -> bool:
        """Whether all was played."""
        return self.n_played == len(self._records)

    @property
    def next_s(self) -> float:
        """When the next piece is due, in seconds from the start."""
        return inf if self.is_over else self._records[self.n_played].time_s / self._speed

    def due(self, now_s: float) -> list[bytes]:
        """Return the pieces that are due."""
        pieces = []
        while self.next_s <= now_s:
            pieces.append(self._records[self.n_played].data)
            self.n_played += 1
        return pieces

    def hear(self, data: bytes, now_s: float) -> None:
        """Answer nothing: what was said then is said again, whoever asks."""
