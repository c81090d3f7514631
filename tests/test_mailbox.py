import os
import stat
import subprocess
import sys
import threading
from dataclasses import fields

import numpy as np
import pytest
from numba import njit, types

from firmware_bridge import mailbox_kernels as kernels
from firmware_bridge.attached import AttachedBridge
from firmware_bridge.bridge_words import BridgeWords, StateWord
from firmware_bridge.errors import BridgeError
from firmware_bridge.mailbox import PoseMailbox, default_path
from firmware_bridge.pose import PoseSample

AHEAD = (1.0, 0.0, 0.0, 0.0)


def pose(seq, gyro=None):
    return PoseSample(100.0 + seq, AHEAD, gyro, seq)


def test_nothing_is_read_before_the_first_pose():
    assert PoseMailbox.private().read() is None


def test_the_latest_pose_is_read_whole():
    mailbox = PoseMailbox.private()
    for seq in range(9):
        sent = PoseSample(float(seq), (0.6, 0.0, 0.8, 0.0), (0.1, -0.2, seq / 3), seq)
        mailbox.publish(sent)
        assert mailbox.read() == sent
    assert mailbox.published_count() == 9 and mailbox.torn_reads == 0


def test_a_pose_without_gyro_stays_without():
    mailbox = PoseMailbox.private()
    mailbox.publish(pose(1, gyro=(1.0, 2.0, 3.0)))
    mailbox.publish(pose(2))
    assert mailbox.read().gyro_rad_s is None


def test_the_last_pose_stays_until_a_new_one_comes():
    mailbox = PoseMailbox.private()
    mailbox.publish(pose(5))
    record = np.zeros(kernels.N_POSE_RECORD)
    assert kernels.read_pose_rt(mailbox.address, record) == 1
    assert kernels.read_pose_rt(mailbox.address, record) == 0
    assert record[kernels.POSE_SEQ] == 5


def test_memory_that_holds_no_unit_quaternion_is_not_believed():
    mailbox = PoseMailbox.private()
    mailbox.publish(pose(1))
    record = np.zeros(kernels.N_POSE_RECORD)
    kernels.read_pose_rt(mailbox.address, record)
    kernels.write_pose(mailbox.address, 2.0, np.nan, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0)
    assert kernels.read_pose_rt(mailbox.address, record) == -1
    assert record[kernels.POSE_SEQ] == 1 and record[kernels.POSE_TORN] == 1


def test_recentre_requests_are_counted_for_the_other_side(tmp_path):
    with PoseMailbox.create(tmp_path / "box") as renderer, PoseMailbox.attach(tmp_path / "box") as bridge:
        threads = [threading.Thread(target=renderer.request_recentre) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert bridge.recentre_count() == 20


@pytest.mark.parametrize("first", ["renderer", "bridge"])
def test_either_side_may_come_first_and_restart(tmp_path, first):
    path = tmp_path / "box"
    if first == "renderer":
        renderer, bridge = PoseMailbox.create(path), PoseMailbox.create(path)
    else:
        bridge, renderer = PoseMailbox.create(path), PoseMailbox.create(path)
    bridge.publish(pose(1))
    assert renderer.read() == pose(1)
    bridge.close()
    bridge = PoseMailbox.create(path)
    assert renderer.read() == pose(1)
    bridge.publish(pose(2))
    assert renderer.read() == pose(2)
    renderer.close()
    renderer = PoseMailbox.attach(path)
    assert renderer.read() == pose(2) and renderer.published_count() == 2
    bridge.close()


def test_a_second_writer_is_told_and_a_closed_one_frees_the_place(tmp_path):
    first, second = PoseMailbox.create(tmp_path / "box"), PoseMailbox.create(tmp_path / "box")
    first.publish(pose(1))
    with pytest.raises(BridgeError, match="already publishes"):
        second.publish(pose(2))
    first.close()
    second.publish(pose(2))
    with pytest.raises(BridgeError, match="closed"):
        first.publish(pose(3))
    second.close()


WRITER = """
import sys, time
from pathlib import Path
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.pose import PoseSample
mailbox = PoseMailbox.create(Path(sys.argv[1]))
seq = 0
while True:
    seq += 1
    mailbox.publish(PoseSample(float(seq), (1.0, 0.0, 0.0, 0.0), None, seq))
    if seq == 100:
        print("going", flush=True)
"""


def test_a_killed_bridge_process_leaves_its_pose_and_its_place(tmp_path):
    path = tmp_path / "box"
    reader = PoseMailbox.create(path)
    for _ in range(2):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE)
        assert writer.stdout.readline() == b"going\n"
        writer.kill()
        writer.wait()
        writer.stdout.close()
        count = reader.published_count()
        last = reader.read()
        assert last is not None and last.time_s == last.seq
        with PoseMailbox.create(path) as next_writer:
            next_writer.publish(pose(7))
            assert reader.read() == pose(7) and reader.published_count() == count + 1


def test_the_file_is_private_and_a_foreign_one_is_refused(tmp_path):
    path = tmp_path / "box"
    PoseMailbox.create(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    strange = tmp_path / "strange"
    strange.write_bytes(b"not a mailbox at all" * 300)
    with pytest.raises(BridgeError, match="not a pose mailbox"):
        PoseMailbox.create(strange)
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(BridgeError, match="name another file"):
        PoseMailbox.create(link)
    with pytest.raises(BridgeError, match="directory"):
        PoseMailbox.create(tmp_path)


@pytest.mark.parametrize("content", [b"t,w,x,y,z\n0,1,0,0,0\n", bytes(5000), b"x" * kernels.MAILBOX_BYTES])
def test_a_file_that_is_no_mailbox_is_left_as_it_is(tmp_path, content):
    path = tmp_path / "poses.csv"
    path.write_bytes(content)
    for open_it in (PoseMailbox.create, PoseMailbox.attach):
        with pytest.raises(BridgeError, match="left as it is: name another file"):
            open_it(path)
    assert path.read_bytes() == content


def test_attaching_makes_no_file_and_takes_no_empty_one(tmp_path):
    path = tmp_path / "empty"
    with pytest.raises(BridgeError, match="start the head tracker bridge"):
        AttachedBridge(path, print)
    assert not path.exists()
    path.touch()
    with pytest.raises(BridgeError, match="not a pose mailbox"):
        AttachedBridge(path, print)
    assert path.stat().st_size == 0


def test_a_plain_file_where_the_runtime_folder_belongs_is_said(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / f"rt-render-{os.getuid()}").touch()
    with pytest.raises(BridgeError, match="cannot be made a folder"):
        default_path()


def test_attaching_to_nothing_says_what_to_start(tmp_path):
    with pytest.raises(BridgeError, match="start the head tracker bridge"):
        PoseMailbox.attach(tmp_path / "none")


def test_the_default_place_is_in_the_runtime_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert default_path().parent == tmp_path
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert default_path().parent == tmp_path / f"rt-render-{os.getuid()}"
    default_path().parent.chmod(0o755)
    with pytest.raises(BridgeError, match="open to others"):
        default_path()


RECORD = types.float64[::1]
SIGNATURES = {
    kernels.read_pose_rt: (types.int64, RECORD),
    kernels.write_pose: (types.int64, *[types.float64] * 10),
}


@pytest.mark.parametrize("kernel", SIGNATURES)
def test_the_native_code_allocates_nothing_and_knows_no_python(kernel):
    # Compiled anew, because code that comes from the cache cannot be looked at.
    fresh = njit(nogil=True, error_model="numpy", boundscheck=False)(kernel.py_func)
    fresh.compile(SIGNATURES[kernel])
    (text,) = fresh.inspect_llvm().values()
    functions = [part.split("\n}")[0] for part in text.split("\ndefine ")[1:]]
    names = {part.split("(")[0]: part for part in functions}
    (body,) = [part for name, part in names.items() if "@_ZN" in name and "cpython" not in name]
    assert "fence acq_rel" in body and "load atomic" in body
    for forbidden in ("NRT_", "Py", "malloc", "numba_"):
        assert forbidden not in body.replace(kernel.__name__, "")


def test_the_native_code_knows_the_words_of_the_bridge():
    names = [field.name for field in fields(BridgeWords)]
    assert (names[kernels.STATE_WORD], names[kernels.HEARTBEAT_WORD]) == ("state", "heartbeat_ns")
    assert (kernels.WORD_OF_WAITING, kernels.WORD_OF_ENDED) == (StateWord.WAITING, StateWord.ENDED)
