"""The pose mailbox: where the bridge leaves the latest pose and the renderer finds it.

One page of memory, shared between processes (a file of the user's own) or private to one process. Either
side may come first, leave and return; nobody ever waits for anybody.

    with PoseMailbox.create() as mailbox:
        mailbox.publish(PoseSample(time.monotonic(), (1.0, 0.0, 0.0, 0.0)))
        pose = mailbox.read()
"""

import mmap
import os
import stat
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from firmware_bridge import mailbox_kernels as kernels
from firmware_bridge.bridge_words import N_BRIDGE_WORDS, N_KEPT_WORDS, BridgeWords, Kept, kept_of
from firmware_bridge.errors import BridgeError
from firmware_bridge.pose import PoseSample

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def runtime_directory() -> Path:
    """Return the user's private directory for running programs, made if need be, mode 0700."""
    given = os.environ.get("XDG_RUNTIME_DIR")
    if given and Path(given).is_dir():
        return Path(given)
    user = os.getuid() if sys.platform != "win32" else "user"
    directory = Path(tempfile.gettempdir()) / f"rt-render-{user}"
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise BridgeError(f"{directory} cannot be made a folder ({error.strerror}): move what is there away.") from None
    owner = directory.lstat()
    if sys.platform != "win32" and (owner.st_uid != os.getuid() or stat.S_IMODE(owner.st_mode) & 0o077):
        raise BridgeError(f"{directory} belongs to somebody else or is open to others: remove it and try again.")
    return directory


def default_path() -> Path:
    """Return where the bridge and the renderer of this user meet."""
    return runtime_directory() / f"rt-render-pose-{kernels.LAYOUT_VERSION}"


class PoseMailbox:
    """The latest head pose, whole, readable at any moment from any thread or process.

    `address` (int64) stays valid while this object lives: hand it to `read_pose_rt` in native code and keep
    the object. One writer at a time, enforced across processes by a file lock that dies with its owner.
    """

    def __init__(self, memory: mmap.mmap, file_descriptor: int | None, path: Path | None) -> None:
        self._memory = memory
        self._words = np.frombuffer(memory, np.int64)
        self._file_descriptor = file_descriptor
        self._writes = file_descriptor is None
        self._record = np.zeros(kernels.N_POSE_RECORD)
        self.path = path
        self.address = int(self._words.ctypes.data)

    @classmethod
    def private(cls) -> Self:
        """Return a mailbox in this process's own memory, for a bridge that runs as a thread."""
        return cls(_with_header(mmap.mmap(-1, kernels.MAILBOX_BYTES)), None, None)

    @classmethod
    def create(cls, path: Path | None = None) -> Self:
        """Return the shared mailbox, made if it is not there yet.

        Raises BridgeError when the file is another user's, not a mailbox, or cannot be opened; such a file is
        left as it is.
        """
        return cls._open(path or default_path(), os.O_CREAT)

    @classmethod
    def attach(cls, path: Path | None = None) -> Self:
        """Return the shared mailbox that somebody made; raises BridgeError when there is none."""
        return cls._open(path or default_path(), 0)

    @classmethod
    def _open(cls, path: Path, create: int) -> Self:
        flags = os.O_RDWR | create | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            descriptor = os.open(path, flags, 0o600)
        except FileNotFoundError:
            raise BridgeError(f"no pose mailbox at {path}: start the head tracker bridge first.") from None
        except OSError as error:
            raise BridgeError(f"pose mailbox {path}: {error.strerror}; name another file.") from None
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or (sys.platform != "win32" and status.st_uid != os.getuid()):
                raise BridgeError(f"pose mailbox {path} is not a file of yours: name another one.")
            if create and status.st_size == 0:
                os.ftruncate(descriptor, kernels.MAILBOX_BYTES)
            elif status.st_size != kernels.MAILBOX_BYTES:
                raise _no_mailbox(path)
            memory = mmap.mmap(descriptor, kernels.MAILBOX_BYTES)
            return cls(_with_header(memory, path), descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise

    def become_writer(self) -> None:
        """Take the writer's role, as the first `publish` does; raises BridgeError where another program has it."""
        if self._writes:
            return
        if self._file_descriptor is None:
            raise BridgeError("this pose mailbox is closed: open it again before publishing.")
        try:
            _lock(self._file_descriptor)
        except OSError:
            raise BridgeError(
                f"another program already publishes the head pose at {self.path}: end it first, "
                "or choose another --mailbox."
            ) from None
        self._writes = True

    def publish(self, pose: PoseSample) -> None:
        """Make a pose the latest one, in bounded time.

        Raises BridgeError when another program is already the writer. Thread: one writer.
        """
        if not self._writes:
            self.become_writer()
        gyro = pose.gyro_rad_s or (0.0, 0.0, 0.0)
        has_gyro = 0.0 if pose.gyro_rad_s is None else 1.0
        quat = pose.quat_world_from_head
        kernels.write_pose(self.address, pose.time_s, *quat, *gyro, has_gyro, float(pose.seq))

    def read(self) -> PoseSample | None:
        """Return the latest whole pose, or None before the first. Thread: one reader per object."""
        kernels.read_pose_rt(self.address, self._record)
        if self._record[kernels.POSE_NUMBER] == 0.0:
            return None
        time_s, w, x, y, z, gyro_x, gyro_y, gyro_z, has_gyro, seq = self._record[: kernels.N_PAYLOAD].tolist()
        return PoseSample(time_s, (w, x, y, z), (gyro_x, gyro_y, gyro_z) if has_gyro else None, int(seq))

    @property
    def torn_reads(self) -> int:
        """Return how many reads of this object were given up because the writer was faster."""
        return int(self._record[kernels.POSE_TORN])

    def published_count(self) -> int:
        """Return the number of poses ever published here, by all writers."""
        return int(kernels.load_word(self.address + kernels.OFFSET_PUBLISHED))

    def request_recentre(self) -> None:
        """Ask the bridge to take the present heading as straight ahead."""
        kernels.add_to_word(self.address + kernels.OFFSET_RECENTRE, 1)

    def recentre_count(self) -> int:
        """Return how many times recentring was ever asked for: the bridge acts when it has risen."""
        return int(kernels.load_word(self.address + kernels.OFFSET_RECENTRE))

    def tell(self, words: BridgeWords) -> None:
        """Make a bridge's words the latest. Thread: the writer's."""
        start = self.address + kernels.OFFSET_BRIDGE_WORDS
        for index, word in enumerate(words.row()):
            kernels.store_word(start + index * kernels.WORD_BYTES, word)

    def told(self) -> BridgeWords | None:
        """Return the latest words of a bridge, or None where none ever told any. Any thread."""
        found = BridgeWords(*self._words_at(kernels.OFFSET_BRIDGE_WORDS, N_BRIDGE_WORDS))
        return found if found.heartbeat_ns else None

    def keep(self, kept: Kept) -> None:
        """Write down what the next bridge here goes on with. Thread: the writer's."""
        start, row = self.address + kernels.OFFSET_KEPT_WORDS, kept.row()
        kernels.store_word(start, 0)
        for index in reversed(range(N_KEPT_WORDS)):
            kernels.store_word(start + index * kernels.WORD_BYTES, row[index])

    def kept(self) -> Kept | None:
        """Return what the bridge before wrote down, None where it did not."""
        return kept_of(self._words_at(kernels.OFFSET_KEPT_WORDS, N_KEPT_WORDS))

    def _words_at(self, offset: int, n_words: int) -> tuple[int, ...]:
        start = self.address + offset
        return tuple(int(kernels.load_word(start + index * kernels.WORD_BYTES)) for index in range(n_words))

    def close(self) -> None:
        """Give up the writer's role; the memory itself stays mapped until the object is gone."""
        if self._file_descriptor is not None:
            # The mapping keeps a duplicate of the descriptor, so the lock must be given back by name.
            if self._writes:
                _unlock(self._file_descriptor)
            os.close(self._file_descriptor)
            self._file_descriptor = None
            self._writes = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _with_header(memory: mmap.mmap, path: Path | None = None) -> mmap.mmap:
    """Write the header into fresh memory, or check the one that is there; both sides may do so at once."""
    address = int(np.frombuffer(memory, np.int64).ctypes.data)
    magic = kernels.load_word(address + kernels.OFFSET_MAGIC)
    if magic == 0:
        kernels.store_word(address + kernels.OFFSET_VERSION, kernels.LAYOUT_VERSION)
        kernels.store_word(address + kernels.OFFSET_MAGIC, kernels.MAGIC)
    elif magic != kernels.MAGIC or kernels.load_word(address + kernels.OFFSET_VERSION) != kernels.LAYOUT_VERSION:
        raise _no_mailbox(path)
    return memory


def _no_mailbox(path: Path | None) -> BridgeError:
    return BridgeError(f"{path} is not a pose mailbox of this version, and is left as it is: name another file.")


if sys.platform == "win32":

    def _lock(descriptor: int) -> None:
        # A byte behind the page: locked bytes could not be read or written through other descriptors.
        os.lseek(descriptor, kernels.MAILBOX_BYTES, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, kernels.MAILBOX_BYTES, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
