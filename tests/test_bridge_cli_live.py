"""`firmware-bridge monitor` and `run`: what is shown, sent, published, and how they end."""

import json
import os
import pty
import shutil
import subprocess
import time

import pytest
from cli_tools import PROGRAM, Beside, run
from udp_tools import free_port

from firmware_bridge.commands.head_picture import head_picture
from firmware_bridge.mailbox import PoseMailbox


def test_monitor_tells_poses_and_health_as_json(call, port):
    code, out, _ = call("monitor", port, "--json", "--seconds", "1.5")
    told = [json.loads(line) for line in out.splitlines()]
    sentences = [one["message"] for one in told if "message" in one]
    last = [one for one in told if one.get("pose")][-1]
    assert code == 0 and any("speaks hbf1" in sentence for sentence in sentences)
    assert all(sentence.endswith(".") for sentence in sentences)
    assert (last["pose"]["pitch_deg"], last["pose"]["roll_deg"]) == pytest.approx((-10.0, 5.0), abs=0.05)
    assert last["status"]["state"] == "live" and last["status"]["health"]["damaged"] == 0


def test_monitor_without_a_terminal_writes_plain_lines(call):
    code, out, _ = call("monitor", "simulated:3", "--seconds", "0.4")
    assert code == 0 and "simulated head" in out and "\x1b" not in out


def test_monitor_on_a_terminal_draws_a_head_and_takes_keys():
    master, slave = pty.openpty()
    command = [*PROGRAM, "monitor", "simulated:3"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    seen = b""
    try:
        for wanted, key in ((b"poses/s", b"r"), (b"recentred", b"q")):
            end_s = time.monotonic() + 20
            while wanted not in seen and time.monotonic() < end_s:
                seen += os.read(master, 4096)
            os.write(master, key)
        while True:
            try:
                piece = os.read(master, 4096)
            except OSError:  # the other side has closed
                break
            if not piece:
                break
            seen += piece
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(master)
    assert b"above: yaw" in seen and b"Traceback" not in seen


@pytest.mark.skipif(shutil.which("oscdump") is None, reason="liblo-tools are not installed")
def test_a_bridge_is_heard_by_a_foreign_program_and_by_the_renderer(port, tmp_path):
    osc_port, box = free_port(), tmp_path / "mailbox"
    with (tmp_path / "osc.txt").open("wb") as heard:
        dump = subprocess.Popen(["oscdump", "-L", str(osc_port)], stdout=heard)
    try:
        with Beside(tmp_path, "run", port, "-o", f"sparta@127.0.0.1:{osc_port}", "--mailbox", box) as bridge:
            said = bridge.says("motion is coming in")
            assert f"rt-render play --tracker bridge:{box}" in said.replace("\n", "")
            with PoseMailbox.attach(box) as mailbox:
                end_s = time.monotonic() + 20
                while mailbox.published_count() < 100 and time.monotonic() < end_s:
                    time.sleep(0.02)
                assert mailbox.read().yaw_pitch_roll_deg() == pytest.approx((0.0, -10.0, 5.0), abs=0.05)
            second = run("run", "simulated:1", "--mailbox", box, "--seconds", "1")
            assert second.returncode == 2 and b"another program already publishes the head pose" in second.stderr
            assert bridge.end() == 130
    finally:
        dump.terminate()
        dump.wait(10)
    lines = (tmp_path / "osc.txt").read_text().splitlines()
    address, tags, *numbers = lines[-1].split()[1:]
    assert len(lines) > 50 and (address, tags) == ("/ypr", "fff")
    # SPARTA's pitch is positive downwards.
    assert [float(number) for number in numbers] == pytest.approx([0.0, 10.0, 5.0], abs=0.05)


@pytest.mark.parametrize(
    ("yaw", "pitch", "roll", "row", "column", "sign"),
    [
        (0, 0, 0, 0, 9, "A"),
        (90, 0, 0, 4, 1, "A"),
        (-90, 0, 0, 4, 17, "A"),
        (0, 0, 0, 4, 20 + 17, ">"),
        (0, 90, 0, 0, 20 + 9, ">"),
        (0, 0, 0, 0, 40 + 9, "^"),
        (0, 0, 90, 4, 40 + 17, "^"),
    ],
)
def test_the_picture_turns_as_the_head_does(yaw, pitch, roll, row, column, sign):
    lines = head_picture(yaw, pitch, roll)
    assert lines[row][column] == sign
    assert len(lines) == 10 and f"yaw {yaw:+d}°" in lines[-1] and max(map(len, lines)) < 80


def test_watching_what_brings_no_pose_is_told_by_a_sentence_and_the_exit_code(call, tmp_path):
    code, out, _ = call("monitor", f"osc:{free_port()}", "--seconds", "0.3")
    assert code == 1 and "no pose came: `firmware-bridge detect`" in out
    code, out, _ = call("monitor", "none", "--seconds", "0.1")
    assert code == 0


def test_a_fault_of_this_program_is_no_success(call, monkeypatch):
    def break_down(*_):
        raise RuntimeError("nobody thought of that")

    monkeypatch.setattr("firmware_bridge.pose_pipeline.PosePipeline.hear", break_down)
    code, out, _ = call("monitor", "simulated:1", "--seconds", "5")
    assert code == 1 and "nobody thought of that" in out and "no pose came" not in out
