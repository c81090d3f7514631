"""`firmware-bridge`: its commands, alone and together."""

import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import time
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
from calibrating_person import Person
from cli_tools import PROGRAM, Beside, caller, run
from imu_tools import own_recording

from firmware_bridge.commands import calibrate as calibrate_command
from firmware_bridge.commands import look
from firmware_bridge.commands.calibrate import CalibrationSession
from firmware_bridge.commands.cli import _COMMANDS
from firmware_bridge.commands.head_picture import head_picture
from firmware_bridge.commands.places import Place
from firmware_bridge.commands.words import hertz, plural, strip
from firmware_bridge.device_store import DeviceStore, Remembered, device_key
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.errors import BridgeError
from firmware_bridge.imu_recording import write_imu_recording
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.messages import Motion
from firmware_bridge.raw_recording import RawRecordingWriter, read_raw_recording
from firmware_bridge.source import Heard, SourceHealth
from firmware_bridge.stages.calibration import Calibration
from firmware_bridge.stages.mounting import Mounting
from firmware_bridge.virtual.imu import TYPICAL_IMU

P0_DOWN_AND_RIGHT = "time_s,w,x,y,z\n0,0.99524,0.04345,0.08704,-0.0038\n"
"""A head that never moves, 10° down and the right ear 5° down."""


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    return caller(monkeypatch, capsys)


@pytest.fixture
def port(tmp_path):
    """A virtual HBF-1 tracker that is there for the whole test."""
    (tmp_path / "held.csv").write_text(P0_DOWN_AND_RIGHT)
    name = tmp_path / "port"
    motion = f"csv:{tmp_path / 'held.csv'}"
    with Beside(tmp_path, "simulate", "--dialect", "hbf1", "--motion", motion, "--link", name) as simulated:
        simulated.says("listen with")
        yield name


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_program_is_installed_and_runs_as_a_module():
    (script,) = entry_points(group="console_scripts", name="firmware-bridge")
    assert callable(script.load())
    told = run("--help")
    assert told.returncode == 0 and told.stderr == b""
    assert all(f" {command} " in told.stdout.decode() for command in _COMMANDS)


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_has_help_with_an_example(call, command):
    code, out, _ = call(command, "--help")
    assert code == 0 and "Example" in out and f"firmware-bridge {command}" in " ".join(out.split())


def test_the_version_is_that_of_the_package(call):
    pyproject = (Path(__file__).parent.parent / "pyproject.toml").read_text()
    _, out, _ = call("--version")
    assert f'version = "{out.split()[1]}"' in pyproject


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["frobnicate"], "No such command 'frobnicate'. See `firmware-bridge --help`."),
        (["run", "nowhere"], "unknown head tracker 'nowhere': allowed are osc[:PORT], auto"),
        (["run", "-o", "nope"], "unknown output dialect 'nope': allowed are sparta"),
        (["run", "osc:0"], "UDP port '0': allowed is a whole number, 1 to 65535."),
        (["run", "none", "--auto-recentre", "9"], "--auto-recentre 9.0 cannot be used: allowed is 0 (off)"),
        (["run", "none", "--gestures", "wave"], "cannot be used: allowed is"),
        (["run", "none", "--mailbox", "no/such/place"], "there is no folder no/such for the mailbox: make it first."),
        (["monitor", "csv:no.csv"], "no.csv: No such file or directory; name a readable pose file."),
        (["monitor", "none", "--invert", "up"], "cannot be used: allowed is"),
        (["record", "a.rtraw", "simulated:1"], "the bytes of tracker 'simulated:1' cannot be recorded"),
        (["replay", "no.rtraw"], "no.rtraw cannot be read (No such file or directory)"),
        (["eval-imu", "no.npz"], "no.npz: No such file or directory; name a readable one."),
        (["eval-imu", "no.wav"], "no.wav: recordings are .hdf5, .h5, .csv, .npz files"),
        (["eval-imu", "no.npz", "--plot", "nowhere"], "there is no folder nowhere: make it first."),
        (["calibrate", "simulated:1"], "simulated head is no device that sits on a head: name a port or a device."),
    ],
)
def test_mistakes_are_told_in_one_sentence(call, arguments, sentence):
    code, _, err = call(*arguments)
    assert code == 2 and sentence in err and err.endswith(".\n") and err.count("\n") == 1


def test_dialects_are_listed_with_what_was_verified(call):
    code, out, _ = call("dialects", "--json")
    told = json.loads(out)
    assert code == 0 and [row["name"] for row in told["devices"]] == list(DIALECTS)
    assert all(row["verified"] and row["where"] and row["hardware"] is False for row in told["devices"])
    for rows in ("osc_inputs", "osc_outputs"):
        assert {"sparta", "iem"} <= {row["name"] for row in told[rows]}
    _, out, _ = call("dialects")
    assert all(name in out for name in DIALECTS) and "no hardware was there to try it" in out


def test_places_are_listed_with_what_to_write(call, monkeypatch):
    found = [Place("serial", "/dev/ttyACM7", "A Board", "/dev/ttyACM7"), Place("midi", "Keys", "")]
    monkeypatch.setattr("firmware_bridge.commands.places.places", lambda ble: (found, ["MIDI is missing."]))
    code, out, _ = call("list")
    assert code == 0 and "--tracker /dev/ttyACM7" in out and "MIDI is missing." in out
    told = json.loads(call("list", "--json")[1])
    assert [place["name"] for place in told["places"]] == ["/dev/ttyACM7", "Keys"] and told["missing"]
    monkeypatch.setattr("firmware_bridge.commands.places.places", lambda ble: ([], []))
    assert "plug the head tracker in" in call("list")[1]


def test_detection_finds_what_is_simulated(call, port, tmp_path):
    code, out, _ = call("detect", port, "--json")
    (found,) = json.loads(out)
    assert code == 0 and (found["dialect"], found["place"]) == ("hbf1", str(port))
    assert 100 < found["rate_hz"] < 300
    code, out, _ = call("detect", port)
    assert code == 0 and "speaks hbf1" in out and "rt-render play --tracker" in out


def test_detection_of_nothing_is_said_and_told_by_the_exit_code(call, monkeypatch, tmp_path):
    code, out, _ = call("detect", tmp_path / "nothing", "--json", "--seconds", "0.3")
    assert code == 1 and json.loads(out)[0]["dialect"] is None
    monkeypatch.setattr(look, "_listen", lambda *_: ([], False))
    code, out, _ = call("detect")
    assert code == 1 and "No serial port is there" in out


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
    osc_port, box = free_udp_port(), tmp_path / "mailbox"
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
    osc_port = free_udp_port()
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


def test_recordings_with_truth_are_compared_trial_by_trial(call):
    for seed in (1, 2):
        write_imu_recording(own_recording(20.0, 100.0, 3.0, TYPICAL_IMU, seed), Path(f"r{seed}.npz"))
    code, out, err = call("eval-imu", "r1.npz", "r2.npz", "--json", "--drop", "0.02", "--jitter-ms", "5")
    told = json.loads(out)
    assert code == 0 and err == "" and [trial["drop"] for trial in told["trials"]] == [0.02, 0.02]
    rms = [trial["inclination_rms_deg"] for trial in told["trials"]]
    assert told["mean"]["inclination_rms_deg"] == pytest.approx(np.mean(rms)) and max(rms) < 2.0
    Path("pictures").mkdir()
    code, out, _ = call("eval-imu", "r1.npz", "--plot", "pictures", "--no-device-clock")
    assert code == 0 and "mean" in out and "°/min" in out
    assert Path("pictures/r1.png").read_bytes()[:4] == b"\x89PNG"


class Recorder(Calibration):
    """A calibration that keeps what it was fed with."""

    def __init__(self):
        super().__init__()
        self.fed = []

    def feed(self, quat, gyro, time_s):
        self.fed.append((quat, gyro, time_s))
        return super().feed(quat, gyro, time_s)


class Worn:
    """A source of what a person did who was calibrated once, some of it at each poll."""

    name, device_id, exact_times = "a sensor on a cap", "cap-1", True
    dialect = DIALECTS["hbf1"]

    def __init__(self, fed):
        self.fed, self.closed = list(fed), False

    def poll(self, timeout_s):
        now, self.fed = self.fed[:100], self.fed[100:]
        return [Heard(Motion(quat, gyro, seq=k), 50.0 + time_s) for k, (quat, gyro, time_s) in enumerate(now)]

    def health(self):
        return SourceHealth(True, self.name, 0)

    def close(self):
        self.closed = True


@pytest.fixture(scope="module")
def done_once():
    person, calibration = Person(seed=11, nods=4, off_axis=0.02), Recorder()
    assert person.calibrate(calibration=calibration) is not None
    return person, calibration.fed


def test_a_calibration_asks_shows_the_nods_and_is_kept_for_the_device(call, monkeypatch, done_once):
    person, fed = done_once
    worn = Worn(fed)
    monkeypatch.setattr("firmware_bridge.opening.make_source", lambda *_: worn)
    code, out, _ = call("calibrate", "hbf1", "--yes")
    assert code == 0 and worn.closed
    for words in ("look straight ahead and hold still.", "nod 4, ", "turn your head to the left", "one of 4 nods"):
        assert words in out.lower()
    key = device_key("hbf1", "cap-1")
    kept = DeviceStore().load(key)
    assert kept.name == worn.name and kept.spread_deg is not None
    assert str(DeviceStore().path(key)) in out.replace("\n", "")
    found = Calibration()
    for quat, gyro, time_s in fed:
        found.feed(quat, gyro, time_s)
    assert kept.mounting.quat_sensor_from_head == pytest.approx(found.result.mounting.quat_sensor_from_head, abs=1e-6)
    up_deg, heading_deg = person.errors_deg(found.result)
    assert up_deg < 1.0 and heading_deg < 3.0


def test_a_calibration_that_is_not_finished_says_what_it_waits_for(done_once):
    _, fed = done_once
    said = []
    session = CalibrationSession(Worn(fed[:500]), "vqf", False, 0.2, said.append)
    with pytest.raises(BridgeError, match="was not finished in time, it waits for this: now nod down"):
        session.result()
    assert said and said[0].startswith("look straight ahead")
    with pytest.raises(BridgeError, match="a sensor on a cap sends no poses"):
        CalibrationSession(Worn([]), "vqf", False, 0.0, said.append).result()


def test_a_person_is_asked_before_anything_is_kept_and_may_nod_more(call, monkeypatch, done_once, tmp_path):
    _, fed = done_once
    shown, answers = [], iter([True, False])
    monkeypatch.setenv("RT_RENDER_DEVICES", str(tmp_path / "devices"))
    monkeypatch.setattr("firmware_bridge.opening.make_source", lambda *_: Worn(fed))
    monkeypatch.setattr(calibrate_command, "_may_ask", lambda yes: True)
    monkeypatch.setattr(calibrate_command.typer, "confirm", lambda text, default: shown.append(text) or next(answers))
    results = []

    def result_of_more(session):
        results.append(session)
        return session.result()

    monkeypatch.setattr(CalibrationSession, "result_of_more", result_of_more)
    monkeypatch.setattr("firmware_bridge.stages.calibration.GOOD_SPREAD_DEG", -1.0)
    answers = iter([True, False, False])
    code, out, _ = call("calibrate", "hbf1")
    assert code == 0 and shown == ["Nod some more?"] * 2 + ["Keep this calibration?"] and len(results) == 1
    assert "nothing was kept" in out and not (tmp_path / "devices").exists()


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


def test_nods_are_marks_on_a_line_and_numbers_read_well():
    assert strip([0.0, -15.0, 99.0, 99.0], 15.0, 11) == "●····●····2"
    assert strip([], 15.0, 11) == "·····│·····"
    assert (plural(1, "frame"), plural(2, "frame")) == ("1 frame", "2 frames")
    assert (hertz(None), hertz(9.96), hertz(199.7)) == ("", "10.0 Hz", "200 Hz")


def test_an_interrupted_detect_tells_what_it_has_and_ends_at_once(tmp_path):
    master, slave = pty.openpty()
    try:
        command = [*PROGRAM, "detect", os.ttyname(slave), "--osc", "--seconds", "500", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            time.sleep(3.0)  # it says nothing before it is done
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=20)
    finally:
        os.close(master)
        os.close(slave)
    assert child.returncode == 130 and not err
    assert "silent" in json.loads(out)[0]["heard"]


def test_watching_what_brings_no_pose_is_told_by_a_sentence_and_the_exit_code(call, tmp_path):
    code, out, _ = call("monitor", f"osc:{free_udp_port()}", "--seconds", "0.3")
    assert code == 1 and "no pose came: `firmware-bridge detect`" in out
    code, out, _ = call("monitor", "none", "--seconds", "0.1")
    assert code == 0


def test_a_fault_of_this_program_is_no_success(call, monkeypatch):
    def break_down(*_):
        raise RuntimeError("nobody thought of that")

    monkeypatch.setattr("firmware_bridge.pose_pipeline.PosePipeline.hear", break_down)
    code, out, _ = call("monitor", "simulated:1", "--seconds", "5")
    assert code == 1 and "nobody thought of that" in out and "no pose came" not in out


def test_errors_name_the_option_as_it_was_typed_and_lists_split_at_commas(call):
    code, _, err = call("run", "simulated:1", "--hold=-4")
    assert code == 2 and err == "firmware-bridge: --hold -4.0 cannot be used: allowed is 0 to 3600 s.\n"
    code, _, err = call("monitor", "simulated:1", "--invert", "yaw,up")
    assert code == 2 and "--invert 'up' cannot be used" in err
    code, out, _ = call("monitor", "simulated:1", "--gestures", "hold, double-nod", "--seconds", "0.3")
    assert code == 0 and "hold still" in out


def test_a_better_stored_calibration_is_replaced_only_on_demand(call, monkeypatch, done_once, tmp_path):
    _, fed = done_once
    monkeypatch.setenv("RT_RENDER_DEVICES", str(tmp_path / "devices"))
    monkeypatch.setattr("firmware_bridge.opening.make_source", lambda *_: Worn(fed))
    key, store = device_key("hbf1", "cap-1"), DeviceStore()
    stored = Remembered(Mounting(), None, "cap", "2026-11-20T10:00:00+00:00", 0.01)
    store.save(key, stored)
    monkeypatch.setattr("firmware_bridge.stages.calibration.GOOD_SPREAD_DEG", -1.0)
    code, out, _ = call("calibrate", "hbf1")
    assert code == 1 and "the stored calibration of 2026-11-20 is better" in out and "--yes" in out
    assert store.load(key) == stored
    assert call("calibrate", "hbf1", "--yes")[0] == 0 and store.load(key) != stored


def test_bytes_played_to_a_port_are_listened_to_as_said(call, tmp_path):
    file, port = tmp_path / "a.rtraw", free_udp_port()
    for dialect, hint in (("hbf1", f"hbf1:udp:127.0.0.1:{port}"), ("osc-iem", f"osc:{port} --osc-dialect iem")):
        file.unlink(missing_ok=True)
        writer = RawRecordingWriter(file)
        writer.begin("somewhere", dialect, b"")
        writer.write(b"/x", 0.0)
        writer.close()
        code, out, _ = call("replay", file, "--out", f"udp:127.0.0.1:{port}", "--seconds", "0.1")
        assert code == 0 and f"--tracker {hint}\n" in out
