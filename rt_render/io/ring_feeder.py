"""The reader thread: keeps the engine's ring full from a source."""

import time
from collections import deque
from collections.abc import Callable
from threading import Event, Lock, Thread, current_thread
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rt_render.io.source import Source

HANG_S = 3.0
"""A source that keeps its reader this long hangs: nobody waits for it any longer."""
SLOW_READ_S = 0.05
"""A read that takes longer is remembered."""


class Ring(Protocol):
    """What the feeder needs of the engine's sample ring, of which it is the only writer."""

    @property
    def capacity_frames(self) -> int: ...
    @property
    def n_channels(self) -> int: ...
    def free_frames(self) -> int: ...
    def write(self, frames: NDArray[np.float32]) -> None: ...
    def set_end(self) -> None: ...


class RingFeeder:
    """Reads a source in a thread of its own and writes the ring, as long as there is room.

    A source with fewer channels than the ring is filled up with zeros, one with more loses the highest.
    When the source ends, `ring.set_end()` is called once, after its last frame. A source that raises ends
    likewise and its text goes to `on_message`, as do notes that it adds while playing (on the reader thread).
    Control thread: start, stop, restart, close, wait_until_full. To seek: `stop()`, flush the ring,
    `restart(frame)`. The source belongs to the feeder from the first start to `close`, which closes it; only
    the reader thread touches it in between, so that a source that hangs holds up nobody else.
    """

    def __init__(
        self,
        source: Source,
        ring: Ring,
        *,
        chunk_frames: int = 2048,
        idle_s: float = 0.01,
        on_message: Callable[[str], None] | None = None,
    ) -> None:
        self._source = source
        self._ring = ring
        self._chunk_frames = min(chunk_frames, ring.capacity_frames // 2)
        self._idle_s = idle_s
        self._on_message = on_message or (lambda text: None)
        self._n_notes_told = len(source.notes)
        self._stop = Event()
        self._full = Event()
        self._ended = Event()
        self._thread: Thread | None = None
        self._seek_to: int | None = None
        self._lock = Lock()
        """Held to decide whether the thread leaves, so that `stop` and the thread never differ about it."""
        self._abandoned = False
        self._reading_since_s: float | None = None
        self._slow_reads: deque[tuple[float, float]] = deque(maxlen=64)

    def longest_read_s(self, since_s: float) -> float:
        """Return how long the longest read of the source since a monotonic time took, if more than 50 ms; else 0.

        A read under way counts with what it has taken so far. Any thread.
        """
        reading_since_s = self._reading_since_s
        lately = [took_s for ended_s, took_s in tuple(self._slow_reads) if ended_s >= since_s]
        if reading_since_s is not None and time.monotonic() - reading_since_s > SLOW_READ_S:
            lately.append(time.monotonic() - reading_since_s)
        return max(lately, default=0.0)

    @property
    def ended(self) -> bool:
        """True when the source's last frame is in the ring."""
        return self._ended.is_set()

    def start(self) -> None:
        """Start reading where the source stands; nothing happens when it already runs or has ended."""
        if self._thread is None and not self.ended:
            self._stop.clear()
            self._full.clear()
            self._thread = Thread(target=self._run, name="rt-render-reader", daemon=True)
            self._thread.start()

    def stop(self) -> bool:
        """Stop reading and wait until the ring is no longer written; what is in the ring stays.

        False when the source hangs within a read: it then stays as it was, and is read on when it answers.
        """
        thread = self._thread
        self._stop.set()
        if thread is not None:
            thread.join(HANG_S)
        with self._lock:
            if self._thread is None:
                return True
            self._stop.clear()
            return False

    def restart(self, frame: int) -> bool:
        """Go on from this frame of the source, also after its end; flush the ring between `stop` and this.

        False, and nothing has changed, when the source hangs.
        """
        if not self.stop():
            return False
        self._ended.clear()
        self._seek_to = frame
        self.start()
        return True

    def close(self) -> None:
        """Stop and close the source; may be called twice.

        A source that hangs is left to its thread, which closes it should it ever answer; that is told.
        """
        if self._abandoned:
            return
        self.stop()
        with self._lock:
            self._abandoned = self._thread is not None
            self._stop.set()
        if self._abandoned:
            self._on_message(f"{self._source.title} does not answer: it was left behind")
        else:
            self._source.close()

    def wait_until_full(self, timeout_s: float) -> bool:
        """Wait until the ring has been full once since the start, or the source has ended; False if not."""
        return self._full.wait(timeout_s)

    def _run(self) -> None:
        try:
            self._fill()
        # Whatever the source does, playing must end softly and the person must be told why.
        except Exception as error:
            if not self._abandoned:
                self._on_message(f"{self._source.title} stopped: {error}")
                self._end()
        with self._lock:
            if self._thread is current_thread():
                self._thread = None
        if self._abandoned:
            self._source.close()

    def _fill(self) -> None:
        padded = np.zeros((self._chunk_frames, self._ring.n_channels), np.float32)
        if self._seek_to is not None:
            self._source.seek(self._seek_to)
            self._seek_to = None
        while not self._leaves():
            if self._ring.free_frames() < self._chunk_frames:
                self._full.set()
                self._stop.wait(self._idle_s)
            elif not self._feed(padded):
                self._end()
                return

    def _leaves(self) -> bool:
        with self._lock:
            if self._stop.is_set():
                self._thread = None
            return self._stop.is_set()

    def _feed(self, padded: NDArray[np.float32]) -> bool:
        """Move one chunk into the ring; False when it was the last."""
        frames = self._read()
        if self._abandoned:
            return True  # nobody takes what it brought; the ring may be gone
        n_channels = min(frames.shape[1], padded.shape[1])
        padded[: len(frames), :n_channels] = frames[:, :n_channels]
        if len(frames):
            self._ring.write(padded[: len(frames)])
        for note in self._source.notes[self._n_notes_told :]:
            self._n_notes_told += 1
            self._on_message(note)
        return len(frames) == self._chunk_frames

    def _read(self) -> NDArray[np.float32]:
        self._reading_since_s = began_s = time.monotonic()
        try:
            return self._source.read(self._chunk_frames)
        finally:
            ended_s = time.monotonic()
            self._reading_since_s = None
            if ended_s - began_s > SLOW_READ_S:
                self._slow_reads.append((ended_s, ended_s - began_s))

    def _end(self) -> None:
        self._ended.set()
        self._ring.set_end()
        self._full.set()
