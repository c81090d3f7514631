"""A bridge in a process of its own: poses arrive, deaths are survived, nothing is left behind."""

import os
import signal
import subprocess
import sys
import time

import pytest
from pty_tools import Playing, Wearable

from firmware_bridge.device_store import FOLDER_VARIABLE
from firmware_bridge.dialects.hbf1 import DIALECT
from firmware_bridge.errors import BridgeError
from firmware_bridge.opening import open_bridge
from firmware_bridge.process import BridgeProcess
from firmware_bridge.settings import make_settings
from rt_render.app.benchmarks.tracker import measure

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of POSIX")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "devices"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def worn(tmp_path):
    wearable = Wearable(tmp_path / "tty")
    playing = Playing(wearable, DIALECT)
    yield wearable
    playing.stop()
    wearable.unplug()


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def is_alive(process_id):
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_poses_of_a_wearable_come_from_another_process_with_their_health(worn, tmp_path):
    heard = []
    bridge = open_bridge(make_settings(tracker=f"hbf1:{worn.link}"), on_message=heard.append)
    assert isinstance(bridge, BridgeProcess)
    until(lambda: bridge.status().connected and bridge.status().health.clock_uncertainty_ms is not None)
    status, pose = bridge.status(), bridge.mailbox.read()
    assert status.dialect == "hbf1" and status.health.damaged == 0 and str(worn.link) in status.text
    assert 0.0 <= time.monotonic() - pose.time_s < 5.0 and pose.gyro_rad_s is not None
    child = bridge.process_id
    assert child != os.getpid() and os.getpgid(child) != os.getpgid(0)
    bridge.recentre()
    until(lambda: "recentred: where you look now is straight ahead" in heard)
    bridge.stop()
    bridge.stop()
    assert bridge.process_id is None and not is_alive(child)
    assert not list(tmp_path.glob("rt-render-*"))
    assert any("motion is coming in" in text for text in heard)


def test_a_child_that_dies_is_started_again_and_the_mailbox_stays(worn):
    heard = []
    bridge = BridgeProcess(make_settings(tracker=f"hbf1:{worn.link}"), heard.append)
    bridge.start()
    address = bridge.mailbox.address
    for _ in range(2):
        before = bridge.mailbox.published_count()
        until(lambda before=before: bridge.mailbox.published_count() > before + 20)
        os.kill(bridge.process_id, signal.SIGKILL)
        told = len(heard)
        until(lambda told=told: any("starting it again" in text for text in heard[told:]))
    before = bridge.mailbox.published_count()
    until(lambda: bridge.mailbox.published_count() > before + 20)
    assert bridge.mailbox.address == address and any("signal 9" in text for text in heard)
    bridge.stop()


def test_a_child_that_cannot_work_says_why_and_is_not_started_again(tmp_path):
    heard, path = [], tmp_path / "no.rtraw"
    settings = make_settings(tracker=f"replay:{path}")
    with pytest.raises(BridgeError, match="there is no recording"):
        open_bridge(settings, on_message=heard.append)
    path.write_bytes(b"nothing of the kind")
    bridge = open_bridge(settings, on_message=heard.append)
    until(lambda: heard)
    until(lambda: not bridge._thread.is_alive())
    assert bridge.status().text == f"replay:{path}: not in use"
    bridge.stop()
    assert len(heard) == 1 and heard[0].startswith("the head tracker cannot start: ") and "no.rtraw" in heard[0]


def test_a_child_does_not_outlive_its_parent_and_the_next_session_tidies_up(worn, tmp_path):
    script = (
        "import os, sys, time\n"
        "from firmware_bridge.process import BridgeProcess\n"
        "from firmware_bridge.settings import make_settings\n"
        "bridge = BridgeProcess(make_settings(tracker=sys.argv[1]), lambda text: None)\n"
        "bridge.start()\n"
        "while not bridge.mailbox.published_count(): time.sleep(0.01)\n"
        "print(bridge.process_id, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    parent = subprocess.run([sys.executable, "-c", script, f"hbf1:{worn.link}"], capture_output=True, text=True)
    until(lambda: not is_alive(int(parent.stdout)))
    assert len(list(tmp_path.glob("rt-render-session-*"))) == 1
    bridge = BridgeProcess(make_settings(), lambda text: None)
    assert list(tmp_path.glob("rt-render-session-*")) == [bridge.mailbox.path]
    bridge.stop()
    assert not list(tmp_path.glob("rt-render-session-*"))


def test_the_child_is_quick_to_start():
    # What a renderer waits for: nothing of the command line, and no library of a transport.
    script = "import sys, firmware_bridge.commands.serve; print(*sorted(m for m in sys.modules if '.' not in m))"
    modules = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"typer", "rich", "matplotlib", "h5py", "serial", "mido", "bleak"} & set(modules)


def test_beside_a_busy_interpreter_no_frame_is_lost_and_all_come_in_order():
    figures = measure(4.0, "own")
    assert (figures["frames"], figures["lost"], figures["in_order"]) == (800, 0, True)


def bridge_with_child(script, say, **settings):
    """Return a started process bridge whose child is this script."""
    bridge = BridgeProcess(make_settings(tracker="osc:9111", **settings), say)
    bridge._command = [sys.executable, "-u", "-S", "-c", script]
    bridge.start()
    return bridge


@pytest.mark.parametrize("line", ["3", '"message"', "{}", '{"status": {"text": 1}}', '{"status": 7}', "[" * 5000])
def test_an_odd_line_of_the_child_is_its_last_words_and_the_next_child_comes(line):
    heard = []
    bridge = bridge_with_child(f"print({line!r})", heard.append)
    until(lambda: len(heard) >= 2)
    bridge.stop()
    assert all(line[:200] in text and "starting it again" in text for text in heard)


def test_a_listener_that_raises_does_not_end_the_watch():
    heard = []

    def listen(text):
        heard.append(text)
        raise BrokenPipeError("the terminal is gone")

    bridge = bridge_with_child("""print('{"message": "I live"}')""", listen)
    until(lambda: heard.count("I live") >= 2)
    bridge.stop()


def test_a_child_that_cannot_be_started_is_said_and_tried_again():
    heard = []
    bridge = BridgeProcess(make_settings(tracker="osc:9111"), heard.append)
    bridge._command = ["/no/such/program"]
    bridge.start()
    until(lambda: len(heard) >= 2)
    bridge.stop()
    assert "cannot be started (No such file or directory); starting it again" in heard[0]


def test_a_child_that_hangs_is_ended_and_the_next_one_comes(monkeypatch):
    heard = []
    monkeypatch.setattr("firmware_bridge.process.HUNG_S", 0.5)
    script = """import time; print('{"message": "I live"}'); time.sleep(60)"""
    bridge = bridge_with_child(script, heard.append)
    until(lambda: heard.count("I live") >= 2)
    bridge.stop()
    assert "signal 9" in heard[1] and "starting it again" in heard[1]


def test_the_bytes_behind_a_crash_go_to_a_file_of_their_own(tmp_path):
    heard, path = [], tmp_path / "a.rtraw"
    script = (
        "import json, sys; path = json.loads(sys.argv[-1])['record_raw']; open(path, 'x').close();"
        "print(json.dumps({'message': path}))"
    )
    bridge = bridge_with_child(script, heard.append, record_raw=path)
    until(lambda: str(tmp_path / "a-3.rtraw") in heard)
    bridge.stop()
    assert [text for text in heard if text.startswith("/")][:2] == [str(path), str(tmp_path / "a-2.rtraw")]
    assert "starting it again, its bytes go to a-2.rtraw now" in heard[1]
