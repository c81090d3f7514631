"""When does a pose become visible to native code? A thread that looks into the mailbox without the interpreter."""

import threading

import numba
import numpy as np
from numpy.typing import NDArray

from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.mailbox_kernels import N_POSE_RECORD, POSE_GYRO, POSE_SEQ, load_word, read_pose_rt, store_word
from rt_render.io.realtime import request_priority
from rt_render.kernels.clock import monotonic_ns_rt, sleep_until_ns

LOOK_EVERY_NS = 50_000
N_COLUMNS = 4


@numba.njit(nogil=True)
def _watch(address, words, record, seen):
    """Note time (s), the source's seq and two gyro rates of each pose that is seen, until told to stop; return rows."""
    clock, stop = words.ctypes.data, words.ctypes.data + 16
    n = 0
    while load_word(stop) == 0 and n < seen.shape[0]:
        if read_pose_rt(address, record) == 1:
            seen[n, 0] = 1e-9 * monotonic_ns_rt(clock)
            seen[n, 1] = record[POSE_SEQ]
            seen[n, 2] = record[POSE_GYRO]
            seen[n, 3] = record[POSE_GYRO + 1]
            n += 1
        sleep_until_ns(clock, monotonic_ns_rt(clock) + LOOK_EVERY_NS)
    return n


class MailboxWatch:
    """Looks every 50 µs from `start` to `stop`, however long the interpreter lock is held meanwhile."""

    def __init__(self, mailbox: PoseMailbox, max_poses: int) -> None:
        self._mailbox = mailbox
        self._words, self._record = np.zeros(4, np.int64), np.zeros(N_POSE_RECORD)
        self._seen, self._n = np.zeros((max_poses, N_COLUMNS)), 0
        _watch(mailbox.address, self._words, self._record, self._seen[:0])  # compiled before anything is measured
        self._thread = threading.Thread(target=self._run, name="mailbox watch")

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> NDArray[np.float64]:
        """End; return rows (n, 4): time of sight in seconds, seq, gyro x and y in rad/s."""
        store_word(self._words.ctypes.data + 16, 1)
        self._thread.join()
        return self._seen[: self._n]

    def _run(self) -> None:
        request_priority()  # as an audio thread does
        self._n = _watch(self._mailbox.address, self._words, self._record, self._seen)
