"""Where the block function takes the head's pose from: a mailbox, or a timeline read by source time."""

import threading

import numpy as np
from numpy.typing import ArrayLike

from firmware_bridge.mailbox import PoseMailbox
from rt_render.engine.prepared_state import PreparedState


class PoseSource:
    """The source in use, and those before it until no block can still read them. Control side."""

    def __init__(self, state: PreparedState) -> None:
        """Begin with a head that looks to the front and rests."""
        self._state = state
        self._lock = threading.Lock()
        self._in_use: object = None
        self._retired: list[tuple[int, object]] = []
        self.follow_timeline([0.0], [[1.0, 0.0, 0.0, 0.0]])

    def follow_mailbox(self, mailbox: PoseMailbox) -> None:
        """Take the pose from a mailbox from the next block on."""
        self._state.publish("mailbox", mailbox.address)
        self._replace(mailbox)

    def follow_timeline(self, times_s: ArrayLike, quats_world_from_head: ArrayLike) -> None:
        """Take the pose from rows of source time (n,) and quaternion (n, 4), scalar first, from the next block on.

        Raises ValueError for times that do not rise, and for numbers that are no rotations.
        """
        times, quats = np.asarray(times_s, np.float64), np.asarray(quats_world_from_head, np.float64)
        if times.ndim != 1 or quats.shape != (len(times), 4) or not len(times) or not np.all(np.diff(times) > 0):
            raise ValueError("a timeline needs rising times (n,) and quaternions (n, 4)")
        norms = np.linalg.norm(quats, axis=1, keepdims=True)
        if not np.isfinite(times).all() or not np.isfinite(norms).all() or norms.min() < 1e-6:
            raise ValueError("a timeline needs finite times, and quaternions that are finite and not zero")
        table = np.zeros((len(times) + 1, 5))
        table[0, 0] = len(times)
        table[1:, 0] = times
        table[1:, 1:] = quats / norms
        self._state.publish("timeline", table.ctypes.data)
        self._state.publish("mailbox", 0)
        self._replace(table)

    def free(self) -> None:
        """Free the sources that were out of sight before the last finished block began."""
        with self._lock:
            finished = self._state.load("blocks")
            self._retired = [(begun, source) for begun, source in self._retired if begun > finished]

    def _replace(self, successor: object) -> None:
        # a block that is under way may still read from the one before
        with self._lock:
            self._retired.append((self._state.load("begun"), self._in_use))
            self._in_use = successor
        self.free()
