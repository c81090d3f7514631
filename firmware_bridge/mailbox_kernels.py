"""Native reader and writer of the pose mailbox: layout, one writer, many readers, nobody waits.

The memory is a row of 8-byte words at an int64 address. One word names the latest whole pose by its number;
pose number k lives in slot k mod 4, between two copies of that number. The writer fills a slot that no
reader is sent to, then publishes; a writer that dies on the way leaves the last published pose in place.
A reader that was overtaken (four poses passed during one read) finds the two copies unequal and tries again.

Boehm 2012, "Can seqlocks get along with programming language memory models?", sections 4-5, gives the order
of loads, stores and fences.
"""

from typing import Any

from numba import njit

from firmware_bridge.atomics import (
    fence,
    fetch_add_i64,
    load_acquire_i64,
    load_f64,
    store_f64,
    store_release_i64,
)

WORD_BYTES = 8
MAGIC = 0x3158_424D_5254_5248
LAYOUT_VERSION = 1
N_SLOTS = 4
SLOT_BYTES = 128
MAILBOX_BYTES = 4096
"""One page: header, words of both sides, slots, room to grow."""

OFFSET_MAGIC = 0
OFFSET_VERSION = 8
# Words of the two sides lie 128 bytes apart, so that no cache line has two writers.
OFFSET_PUBLISHED = 128
OFFSET_RECENTRE = 256
OFFSET_SLOTS = 512
OFFSET_BRIDGE_WORDS = 2048
"""Written by the bridge for those who follow it: `bridge_words.BridgeWords`, room to grow."""
OFFSET_KEPT_WORDS = 2560
"""Written by the bridge for the next one here: `bridge_words.Kept`."""
OFFSET_RENDERER_WORDS = 3072
"""64 words written by the renderer, free for requests."""

STATE_WORD, HEARTBEAT_WORD = 0, 9
"""Which of the bridge's words the renderer looks at in each block."""
WORD_OF_WAITING, WORD_OF_ENDED = 1, 6
LOST_AFTER_S = 2.0
"""A heartbeat older than this is that of a bridge that ended or hangs."""
LEFT_BEHIND_S = 5.0
"""A pose so old is none of a bridge that waits for its first: it was left by the bridge before."""

SLOT_BEGIN, SLOT_PAYLOAD, SLOT_END = 0, 8, 120

POSE_TIME, POSE_QUAT, POSE_GYRO, POSE_HAS_GYRO, POSE_SEQ = 0, 1, 5, 8, 9
N_PAYLOAD = 10
POSE_NUMBER, POSE_TORN = 10, 11
N_POSE_RECORD = 12
"""Length of the float64 record that `read_pose_rt` fills."""

READ_ATTEMPTS = 4

_COMPILE: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "boundscheck": False}


@njit(**_COMPILE)
def write_pose(address, time_s, w, x, y, z, gyro_x, gyro_y, gyro_z, has_gyro, seq):
    """Publish one whole pose, in bounded time, and return its number (1 for the first).

    Parameters: `address` int64 of the mailbox; then the pose (float64; rad/s, `has_gyro` 0 or 1). Modifies
    one slot and the published word. Thread: the only writer. Allocates, locks, raises: never.
    """
    number = load_acquire_i64(address + OFFSET_PUBLISHED) + 1
    slot = address + OFFSET_SLOTS + (number % N_SLOTS) * SLOT_BYTES
    store_release_i64(slot + SLOT_BEGIN, number)
    fence()
    payload = slot + SLOT_PAYLOAD
    store_f64(payload, time_s)
    store_f64(payload + 8, w)
    store_f64(payload + 16, x)
    store_f64(payload + 24, y)
    store_f64(payload + 32, z)
    store_f64(payload + 40, gyro_x)
    store_f64(payload + 48, gyro_y)
    store_f64(payload + 56, gyro_z)
    store_f64(payload + 64, has_gyro)
    store_f64(payload + 72, seq)
    store_release_i64(slot + SLOT_END, number)
    store_release_i64(address + OFFSET_PUBLISHED, number)
    return number


@njit(**_COMPILE)
def read_pose_rt(address, out):
    """Bring the newest whole pose into `out`; where there is none, leave the last one there.

    Parameters: `address` int64 of the mailbox; `out` 12 float64 (array or pointer), zeros at first: time_s,
    w, x, y, z, gyro x, y, z in rad/s, 1 if the gyro is known, the source's seq, the pose's number in the
    mailbox, count of reads given up. Returns 1 for a new pose, 0 for nothing new, -1 for a read given up
    (counted in `out`). Thread: any, audio included; at most four attempts; allocates, locks, raises: never.
    """
    for _ in range(READ_ATTEMPTS):
        number = load_acquire_i64(address + OFFSET_PUBLISHED)
        if number == 0 or float(number) == out[POSE_NUMBER]:
            return 0
        slot = address + OFFSET_SLOTS + (number % N_SLOTS) * SLOT_BYTES
        end = load_acquire_i64(slot + SLOT_END)
        payload = slot + SLOT_PAYLOAD
        time_s = load_f64(payload)
        w = load_f64(payload + 8)
        x = load_f64(payload + 16)
        y = load_f64(payload + 24)
        z = load_f64(payload + 32)
        gyro_x = load_f64(payload + 40)
        gyro_y = load_f64(payload + 48)
        gyro_z = load_f64(payload + 56)
        has_gyro = load_f64(payload + 64)
        seq = load_f64(payload + 72)
        fence()
        begin = load_acquire_i64(slot + SLOT_BEGIN)
        norm_squared = w * w + x * x + y * y + z * z
        # The norm is a second line of defence: memory that another process can write is not to be believed.
        if begin == number and end == number and 0.999 < norm_squared < 1.001:
            out[POSE_TIME] = time_s
            out[POSE_QUAT] = w
            out[POSE_QUAT + 1] = x
            out[POSE_QUAT + 2] = y
            out[POSE_QUAT + 3] = z
            out[POSE_GYRO] = gyro_x
            out[POSE_GYRO + 1] = gyro_y
            out[POSE_GYRO + 2] = gyro_z
            out[POSE_HAS_GYRO] = has_gyro
            out[POSE_SEQ] = seq
            out[POSE_NUMBER] = number
            return 1
    out[POSE_TORN] += 1.0
    return -1


@njit(**_COMPILE)
def bridge_is_lost_rt(address, now_s, pose_age_s):
    """Return whether nobody vouches for the pose: the bridge ended, hangs, or has brought none since it began.

    Parameters: `address` int64 of the mailbox; host monotonic time; age of the latest pose. A mailbox where no
    bridge ever told anything is another program's, and its poses are followed. Thread: any, audio included;
    allocates, locks, raises: never.
    """
    words = address + OFFSET_BRIDGE_WORDS
    heartbeat_ns = load_acquire_i64(words + HEARTBEAT_WORD * WORD_BYTES)
    if heartbeat_ns == 0:
        return False
    # A heartbeat of the future is one from before the machine was started anew.
    if abs(now_s - 1e-9 * heartbeat_ns) > LOST_AFTER_S:
        return True
    state = load_acquire_i64(words + STATE_WORD * WORD_BYTES)
    return state == WORD_OF_ENDED or (state == WORD_OF_WAITING and pose_age_s > LEFT_BEHIND_S)


@njit(**_COMPILE)
def load_word(address):
    """Return the int64 at an address, with acquire order."""
    return load_acquire_i64(address)


@njit(**_COMPILE)
def store_word(address, value):
    """Store an int64 at an address, with release order."""
    store_release_i64(address, value)


@njit(**_COMPILE)
def add_to_word(address, increment):
    """Add to the int64 at an address in one step, safe among threads and processes."""
    return fetch_add_i64(address, increment)
