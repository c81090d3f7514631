"""`firmware-bridge record` and `replay`: byte for byte, datagram for datagram, and as poses."""

import socket
from pathlib import Path

import pytest
from cli_tools import Beside, run
from udp_tools import free_port

from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.raw_recording import RawRecordingWriter, read_raw_recording


def test_a_recording_is_replayed_byte_for_byte_and_as_poses(call, port, tmp_path):
    code, out, _ = call("record", "a.rtraw", port, "--seconds", "1.5")
    assert code == 0 and "a.rtraw: " in out and "messages" in out
    recording = read_raw_recording(Path("a.rtraw"))
    sent = b"".join(record.data for record in recording.records)
    assert len(sent) > 1000 and 0.2 < recording.duration_s < 1.6
    played = run("replay", tmp_path / "a.rtraw", "--out", "stdout", "--speed", "10")
    assert played.returncode == 0 and played.stdout == sent
    code, out, _ = call("replay", "a.rtraw", "--mailbox", "box")
    assert code == 0 and "has ended" in out
    with PoseMailbox.attach(Path("box")) as mailbox:
        assert mailbox.read().yaw_pitch_roll_deg() == pytest.approx((0.0, -10.0, 5.0), abs=0.05)
    code, _, err = call("record", "a.rtraw", port)
    assert code == 2 and "a.rtraw is there already" in err
    code, _, err = call("replay", "a.rtraw", "--speed", "2")
    assert code == 2 and "use --speed with `--out pty`" in err


def test_a_recording_of_datagrams_keeps_their_borders(call):
    writer = RawRecordingWriter(Path("d.rtraw"))
    writer.begin("UDP", "opentrack", b"")
    for k in range(5):
        writer.write(bytes((k,)) * 48, 100.0 + 0.01 * k)
    writer.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as host:
        host.bind(("127.0.0.1", 0))
        host.settimeout(5.0)
        out = f"udp:127.0.0.1:{host.getsockname()[1]}"
        code, said, _ = call("replay", "d.rtraw", "--out", out)
        assert code == 0 and f"--tracker opentrack:{out}" in said and "5 records" in said
        assert [host.recv(100) for _ in range(5)] == [bytes((k,)) * 48 for k in range(5)]


def test_whatever_is_heard_first_is_recorded_osc_too(call, tmp_path):
    osc_port = free_port()
    out = f"udp:127.0.0.1:{osc_port}"
    with Beside(tmp_path, "simulate", "--dialect", "osc-iem", "--out", out, "--motion", "spin:20") as simulated:
        simulated.says("listen with")
        options = ("--osc-port", osc_port, "--osc-dialect", "iem", "--seconds", "1")
        assert call("record", "a.rtraw", "osc", *options)[0] == 0
        assert call("record", "b.rtraw", "auto", *options)[0] == 0
    for name in ("a.rtraw", "b.rtraw"):
        recording = read_raw_recording(Path(name))
        assert recording.dialect == "osc-iem" and len(recording.records) > 20
        assert recording.records[-1].data.startswith(b"/SceneRotator/quaternions")
    code, out, _ = call("replay", "a.rtraw", "--mailbox", "box")
    assert code == 0 and "has ended" in out
    with PoseMailbox.attach(Path("box")) as mailbox:
        yaw, pitch, roll = mailbox.read().yaw_pitch_roll_deg()
    assert (pitch, roll) == pytest.approx((0.0, 0.0), abs=1e-3) and yaw > 5.0


def test_a_recording_of_nothing_is_no_file(call, tmp_path):
    code, _, err = call("record", "a.rtraw", tmp_path / "nothing", "--seconds", "0.2")
    assert code == 2 and "nothing was heard, so there is no a.rtraw" in err and not Path("a.rtraw").exists()


def test_bytes_played_to_a_port_are_listened_to_as_said(call, tmp_path):
    file, port = tmp_path / "a.rtraw", free_port()
    for dialect, hint in (("hbf1", f"hbf1:udp:127.0.0.1:{port}"), ("osc-iem", f"osc:{port} --osc-dialect iem")):
        file.unlink(missing_ok=True)
        writer = RawRecordingWriter(file)
        writer.begin("somewhere", dialect, b"")
        writer.write(b"/x", 0.0)
        writer.close()
        code, out, _ = call("replay", file, "--out", f"udp:127.0.0.1:{port}", "--seconds", "0.1")
        assert code == 0 and f"--tracker {hint}\n" in out
