"""Writers in a tight native loop, readers beside them, and writers killed at any instruction."""

import os
import signal
import time

import numpy as np
import pytest
from numba import njit

from firmware_bridge import mailbox_kernels as kernels
from firmware_bridge.atomics import load_acquire_i64, store_f64, store_release_i64
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.pose import PoseSample

N_KILLS = int(os.environ.get("RT_RENDER_MAILBOX_KILLS", "100"))
FOREVER = 2**62

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this test forks its writers")


@njit(nogil=True)
def write_storm(address, n_poses):
    """Publish poses whose every number follows from their own number."""
    number = load_acquire_i64(address + kernels.OFFSET_PUBLISHED)
    for _ in range(n_poses):
        k = float(number + 1)
        number = kernels.write_pose(address, k, np.cos(k), np.sin(k), 0.0, 0.0, 2.0 * k, 3.0 * k, 4.0 * k, 1.0, k)


@njit(nogil=True)
def read_storm(address, n_reads, record):
    """Return how many reads were new and how many held numbers of two poses or went back."""
    fresh = mixed = 0
    for _ in range(n_reads):
        before = record[kernels.POSE_NUMBER]
        if kernels.read_pose_rt(address, record) != 1:
            continue
        fresh += 1
        k = record[kernels.POSE_NUMBER]
        whole = record[0] == k and record[1] == np.cos(k) and record[2] == np.sin(k) and k > before
        whole = whole and record[5] == 2.0 * k and record[6] == 3.0 * k and record[7] == 4.0 * k
        if not (whole and record[kernels.POSE_SEQ] == k):
            mixed += 1
    return fresh, mixed


@njit
def write_until_step(address, n_steps):
    """Do what a writer does before it dies after so many stores."""
    number = load_acquire_i64(address + kernels.OFFSET_PUBLISHED) + 1
    slot = address + kernels.OFFSET_SLOTS + (number % kernels.N_SLOTS) * kernels.SLOT_BYTES
    if n_steps > 0:
        store_release_i64(slot + kernels.SLOT_BEGIN, number)
    for word in range(min(n_steps - 1, kernels.N_PAYLOAD)):
        store_f64(slot + kernels.SLOT_PAYLOAD + 8 * word, -7.0)
    if n_steps > 1 + kernels.N_PAYLOAD:
        store_release_i64(slot + kernels.SLOT_END, number)


@pytest.fixture
def shared(tmp_path):
    with PoseMailbox.create(tmp_path / "box") as mailbox:
        # Both loops are compiled before any child is made.
        write_storm(mailbox.address, 1)
        read_storm(mailbox.address, 1, np.zeros(kernels.N_POSE_RECORD))
        yield mailbox


def start_writer(address):
    child = os.fork()
    if child == 0:
        write_storm(address, FOREVER)
        os._exit(0)
    return child


def kill(child):
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_no_pose_is_torn_in_a_storm_of_writes_from_another_process(shared):
    record = np.zeros(kernels.N_POSE_RECORD)
    child = start_writer(shared.address)
    fresh, end_s = 0, time.monotonic() + 30.0
    try:
        while fresh < 100_000 and time.monotonic() < end_s:
            n_fresh, mixed = read_storm(shared.address, 20_000, record)
            fresh += n_fresh
            assert mixed == 0
    finally:
        kill(child)
    assert fresh >= 100_000 and shared.published_count() > 100_000


def test_a_writer_killed_at_any_moment_blocks_nobody_and_leaves_whole_poses(shared):
    record = np.zeros(kernels.N_POSE_RECORD)
    address, half_written = shared.address, 0
    random = np.random.default_rng(1)
    for _ in range(N_KILLS):
        before = shared.published_count()
        child = start_writer(address)
        while shared.published_count() == before:
            pass
        time.sleep(random.uniform(0.0, 3e-4))
        mixed = read_storm(address, 500, record)[1]
        kill(child)
        count = shared.published_count()
        slot = address + kernels.OFFSET_SLOTS + ((count + 1) % kernels.N_SLOTS) * kernels.SLOT_BYTES
        begin, end = (kernels.load_word(slot + at) for at in (kernels.SLOT_BEGIN, kernels.SLOT_END))
        half_written += begin != end
        fresh_mixed = read_storm(address, 1, record)[1]
        assert mixed == 0 and fresh_mixed == 0 and record[kernels.POSE_NUMBER] == count
    assert half_written > 0


@pytest.mark.parametrize("n_steps", range(kernels.N_PAYLOAD + 3))
def test_a_writer_that_dies_after_any_step_leaves_the_last_pose_and_the_next_writer_goes_on(n_steps):
    mailbox = PoseMailbox.private()
    for seq in range(1, 7):
        mailbox.publish(PoseSample(float(seq), (1.0, 0.0, 0.0, 0.0), None, seq))
    assert mailbox.read().seq == 6
    write_until_step(mailbox.address, n_steps)
    assert mailbox.read().seq == 6
    for seq in range(7, 13):
        mailbox.publish(PoseSample(float(seq), (1.0, 0.0, 0.0, 0.0), None, seq))
        assert mailbox.read().seq == seq
    assert mailbox.torn_reads == 0 and mailbox.published_count() == 12
