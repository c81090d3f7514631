"""Poses that cross threads: whole, newest, and on time."""

import threading
import time
import weakref

import numpy as np
import pytest
from engine_tools import make_engine, noise_field, noise_filters, run_blocks

from firmware_bridge.bridge_words import BridgeWords, StateWord
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.pose import PoseSample
from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.io.virtual_card import VirtualCard


def test_a_pose_is_reached_at_the_end_of_the_next_block_at_constant_speed():
    engine, mailbox = make_engine(1, 512), PoseMailbox.private()
    engine.follow_mailbox(mailbox)
    engine.ring.write(noise_field(10000, 1))
    run_blocks(engine, 1)
    q = (np.cos(0.4), 0.0, 0.0, np.sin(0.4))
    mailbox.publish(PoseSample(0.0, q, seq=1))
    run_blocks(engine, 1)
    path = np.array(engine._s["path"][:5])
    yaw = 2 * np.arctan2(path[:, 3], path[:, 0])
    assert yaw == pytest.approx(np.linspace(0, 0.8, 5))
    assert engine.snapshot().quat_world_from_head == pytest.approx(q)


def test_a_silent_tracker_holds_the_pose_and_is_counted():
    engine, mailbox = make_engine(1, 64), PoseMailbox.private()
    engine.follow_mailbox(mailbox)
    engine.ring.write(noise_field(10000, 1))
    mailbox.publish(PoseSample(0.0, (0.0, 0.0, 0.0, 1.0), seq=1))  # the host's clock began long ago
    run_blocks(engine, 20)
    snapshot = engine.snapshot()
    assert snapshot.stale_blocks == 20
    assert abs(snapshot.quat_world_from_head[3]) == pytest.approx(1.0)


def test_the_field_eases_to_the_front_when_the_bridge_itself_is_lost_and_back_when_it_lives():
    engine, mailbox = make_engine(1, 512), PoseMailbox.private()
    engine.follow_mailbox(mailbox)
    engine.ring.write(noise_field(20000, 1))
    mailbox.publish(PoseSample(time.monotonic() - 10.0, (0.0, 0.0, 0.0, 1.0), seq=1))

    def angle_deg(state, heartbeat_age_s, n_blocks):
        heartbeat_ns = time.monotonic_ns() - round(1e9 * heartbeat_age_s)
        mailbox.tell(BridgeWords(state, 1, 0, 0, -1, 0, 0, -1, -1, heartbeat_ns))
        run_blocks(engine, n_blocks)
        return np.degrees(2 * np.arccos(min(1.0, abs(engine.snapshot().quat_world_from_head[0]))))

    assert angle_deg(StateWord.HELD, 0.0, 30) == pytest.approx(180.0)
    for state, age_s in (
        (StateWord.LIVE, 2.5),
        (StateWord.ENDED, 0.0),
        (StateWord.WAITING, 0.0),
        (StateWord.LIVE, -60),
    ):
        # 20 blocks are 0.21 s, and the way to the front takes 2 s
        assert 155.0 < angle_deg(state, age_s, 20) < 165.0
        engine.ring.write(noise_field(20000, 1))
        assert angle_deg(StateWord.LIVE, 0.0, 25) == pytest.approx(180.0)


def test_no_pose_yet_looks_ahead_and_is_not_stale():
    engine = make_engine(1, 64)
    engine.follow_mailbox(PoseMailbox.private())
    engine.ring.write(noise_field(10000, 1))
    run_blocks(engine, 5)
    assert engine.snapshot().quat_world_from_head == (1.0, 0.0, 0.0, 0.0)
    assert engine.snapshot().stale_blocks == 0


def test_a_storm_of_writes_never_gives_a_torn_pose():
    engine, mailbox = Engine(Plan(1, 32), noise_filters(1, 100), trace_rows=4000), PoseMailbox.private()
    engine.follow_mailbox(mailbox)
    engine.ring.write(noise_field(60000, 1))
    poses = [(0.5, 0.5, 0.5, 0.5), (0.5, -0.5, -0.5, -0.5)]  # a mixture of the two shows
    stop = threading.Event()

    def storm() -> None:
        seq = 0
        while not stop.is_set():
            seq += 1
            mailbox.publish(PoseSample(float(seq), poses[seq % 2], seq=seq))

    thread = threading.Thread(target=storm)
    thread.start()
    with VirtualCard(engine):
        time.sleep(1.0)
    stop.set()
    thread.join()
    used = {tuple(row) for row in engine.drain_trace()["knots"][:, -1]}
    assert used <= {*poses, (1.0, 0.0, 0.0, 0.0)}
    assert used >= set(poses)


def test_another_mailbox_is_read_whatever_its_numbers():
    engine, first, second = make_engine(1, 64), PoseMailbox.private(), PoseMailbox.private()
    engine.ring.write(noise_field(10000, 1))
    first.publish(PoseSample(time.monotonic(), (0.0, 1.0, 0.0, 0.0), seq=1))
    second.publish(PoseSample(time.monotonic(), (0.0, 0.0, 0.0, 1.0), seq=1))
    engine.follow_mailbox(first)
    run_blocks(engine, 1)
    engine.follow_mailbox(second)
    run_blocks(engine, 1)
    assert engine.snapshot().quat_world_from_head == (0.0, 0.0, 0.0, 1.0)


def test_what_a_block_under_way_reads_is_kept_until_it_is_done():
    engine = make_engine(1, 64)
    engine.ring.write(noise_field(10000, 1))
    mailbox = PoseMailbox.private()
    engine.follow_mailbox(mailbox)
    alive = weakref.ref(mailbox)
    del mailbox
    engine._s["begun"] += 1  # the audio thread is inside a block
    engine.follow_timeline([0.0], [[1.0, 0.0, 0.0, 0.0]])
    engine.follow_timeline([0.0], [[1.0, 0.0, 0.0, 0.0]])
    assert alive() is not None
    engine._s["blocks"] += 1  # and finishes it
    engine.snapshot()
    assert alive() is None


@pytest.mark.parametrize(
    ("times", "quats"),
    [([0.0, np.nan], [[1, 0, 0, 0]] * 2), ([0.0], [[0, 0, 0, 0]]), ([0.0], [[np.nan, 0, 0, 0]]), ([], [])],
)
def test_a_timeline_that_is_no_rotation_is_refused(times, quats):
    with pytest.raises(ValueError, match="timeline"):
        make_engine().follow_timeline(times, quats)
