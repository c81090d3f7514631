"""`firmware-bridge`: help, mistakes, and the commands that look."""

import json
import os
import pty
import signal
import subprocess
import time
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
from cli_tools import PROGRAM, run
from imu_tools import own_recording, write_imu_recording

from firmware_bridge.commands import look
from firmware_bridge.commands.cli import _COMMANDS
from firmware_bridge.commands.places import Place
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.errors import BridgeError
from firmware_bridge.settings import make_settings
from firmware_bridge.virtual.imu import TYPICAL_IMU


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


def open_files(process):
    return [str(link.resolve()) for link in Path(f"/proc/{process}/fd").iterdir()]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks into /proc for what is open")
def test_an_interrupted_detect_tells_what_it_has_and_ends_at_once(tmp_path):
    master, slave = pty.openpty()
    ttyname = os.ttyname(slave)
    try:
        command = [*PROGRAM, "detect", ttyname, "--osc", "--seconds", "500", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            while ttyname not in open_files(child.pid):  # it says nothing before it is done
                assert child.poll() is None
                time.sleep(0.02)
            time.sleep(0.3)
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=20)
    finally:
        os.close(master)
        os.close(slave)
    assert child.returncode == 130 and not err
    assert "silent" in json.loads(out)[0]["heard"]


def test_errors_name_the_option_as_it_was_typed_and_lists_split_at_commas(call):
    code, _, err = call("run", "simulated:1", "--hold=-4")
    assert code == 2 and err == "firmware-bridge: --hold -4.0 cannot be used: allowed is 0 to 3600 s.\n"
    code, _, err = call("monitor", "simulated:1", "--invert", "yaw,up")
    assert code == 2 and "--invert 'up' cannot be used" in err
    code, out, _ = call("monitor", "simulated:1", "--gestures", "hold, double-nod", "--seconds", "0.3")
    assert code == 0 and "hold still" in out


def test_options_become_the_settings_of_their_names_and_what_is_not_given_stays_as_it_is(call, monkeypatch):
    chosen = []

    def refuse(settings, *_):
        chosen.append(settings)
        raise BridgeError("enough.")

    monkeypatch.setattr("firmware_bridge.commands.live._open", refuse)
    options = ["--no-mounting", "--all-angles", "--auto-recentre", 1, "--hold", 2, "--ease", 3, "-o", "sparta"]
    more = ["--record", "a.rtraw", "--invert", "yaw,roll", "--gestures", "hold", "--osc-port", 9100]
    for arguments in ((), (*options, *more)):
        assert call("run", "none", "--mailbox", "box", *arguments)[2] == "firmware-bridge: enough.\n"
    plain, all_set = chosen
    assert plain == make_settings(tracker="none")
    wanted = {"mounting": False, "yaw_only": False, "auto_recentre_deg_per_s": 1.0, "hold_s": 2.0, "ease_s": 3.0}
    wanted |= {"outputs": ("sparta",), "record_raw": Path("a.rtraw"), "invert": ("yaw", "roll")}
    assert all_set == make_settings(tracker="none", gestures=("hold",), osc_port=9100, **wanted)
