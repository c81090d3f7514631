"""The command line: what is written, what is refused, and in which words."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sofa_writer import write_sofa

import rt_render
from rt_render.app import api, cli
from rt_render.hrtf.heads import sphere_head
from rt_render.io.sound_card import DeviceInfo

QUICK = ["--method", "ls", "--taps", "64", "--head", "sphere"]


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "rt_render", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    """Run the command line within this process; return exit code, output and error output."""
    monkeypatch.chdir(tmp_path)

    def call_it(*arguments):
        monkeypatch.setattr(sys, "argv", ["rt-render", *map(str, arguments)])
        monkeypatch.setattr(cli.signal, "signal", lambda *_: None)
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main()
        captured = capsys.readouterr()
        return left.value.code or 0, captured.out, captured.err

    return call_it


@pytest.fixture
def field(tmp_path):
    path = tmp_path / "field.wav"
    noise = np.random.default_rng(1).normal(0, 0.1, (4800, 4))
    soundfile.write(path, noise, 48000, subtype="FLOAT")
    return path


def test_a_demo_on_the_virtual_card_writes_sound_picture_and_report(tmp_path):
    done = run("demo", "--seconds", 2, "--device", "virtual", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert {path.name for path in tmp_path.iterdir()} == {"demo.wav", "demo.png", "demo.md"}
    sound, fs_hz = soundfile.read(tmp_path / "demo.wav")
    assert fs_hz == 48000 and sound.shape[1] == 2 and len(sound) >= 2 * fs_hz
    assert soundfile.info(tmp_path / "demo.wav").subtype == "FLOAT"
    assert 0.01 < np.abs(sound).max() < 0.9
    assert (tmp_path / "demo.png").read_bytes()[:4] == b"\x89PNG"
    report = (tmp_path / "demo.md").read_text()
    for said in ("virtual sound card", "simulated head", "Missed blocks", "0 frames beyond the block", "Highest peak"):
        assert said in report
    assert "played" in done.stdout and "demo.wav" in done.stdout

    again = run("demo", "--seconds", 2, "--device", "virtual", cwd=tmp_path)
    assert again.returncode == 2
    assert again.stderr == (
        "rt-render: demo.wav, demo.png and demo.md exist already: choose another name, or overwrite with --force.\n"
    )


def test_module_and_version_and_help(tmp_path):
    helped = run("--help", cwd=tmp_path)
    assert helped.returncode == 0 and helped.stderr == ""
    for command in ("demo", "play", "render", "design", "devices", "bench", "check-sofa", "doctor"):
        assert command in helped.stdout


def test_the_version_is_that_of_the_package(call):
    assert call("--version") == (0, f"rt-render {rt_render.__version__}\n", "")
    pyproject = Path(__file__).parent.parent / "pyproject.toml"
    assert f'version = "{rt_render.__version__}"' in pyproject.read_text()


@pytest.mark.parametrize("command", ["demo", "play", "render", "design", "check-sofa", "bench"])
def test_every_command_has_help_with_an_example(call, command):
    code, out, _ = call(command, "--help")
    assert code == 0 and "Example" in out and f"rt-render {command}" in " ".join(out.split())


def test_render_writes_the_file_with_its_tail_and_refuses_to_overwrite(call, field):
    code, out, err = call("render", field, "-o", "ears.wav", *QUICK)
    assert (code, err) == (0, "") and "ears.wav written, highest peak" in out
    assert soundfile.info("ears.wav").frames == 4800 + 63
    code, _, err = call("render", field, "-o", "ears.wav", *QUICK)
    assert code == 2 and "ears.wav exists already" in err
    assert call("render", field, "-o", "ears.wav", "--force", *QUICK)[0] == 0


def test_the_scene_is_rendered_for_as_long_as_is_said(call):
    assert call("render", "scene", "-o", "s.wav", "--seconds", 0.5, "--order", 1, *QUICK)[0] == 0
    assert soundfile.info("s.wav").frames == 24000 + 63


def test_design_exports_filters_that_numpy_reads(call):
    code, out, _ = call("design", "-o", "d.npz", "--order", 2, *QUICK)
    assert code == 0 and "order 2" in out
    with np.load("d.npz") as data:
        assert data["filters"].shape == (2, 9, 64) and data["filters"].dtype == np.float32
        assert data["fs_hz"] == 48000
    assert call("design", "-o", "d.npz", "--order", 2, *QUICK)[0] == 2


def test_play_ends_by_itself_and_tells_how_it_went(call, field):
    code, out, err = call("play", field, "--device", "virtual", "--tracker", "none", "--record", "kept.wav", *QUICK)
    assert (code, err) == (0, "")
    assert "0:00.1 played" in out and "highest peak" in out
    assert np.abs(soundfile.read("kept.wav")[0]).max() > 0.001


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["play", "no.wav"], "no.wav does not exist; check the name and the folder"),
        (["render", "no.wav", "-o", "o.wav"], "no.wav does not exist; check the name and the folder"),
        (["render", "scene", "-o", "o.mp3", "--seconds", "1"], "o.mp3: allowed endings are"),
        (["render", "scene", "-o", "x/o.wav", "--seconds", "1"], "there is no folder x; make it first"),
        (["play", "--order", "9"], "order = 9 cannot be used"),
        (["play", "--order", "1.5"], "order = 1.5 cannot be used"),
        (["play", "--gain", "loud"], 'gain_db = "loud" cannot be used'),
        (["play", "--rate", "8000"], "fs_hz = 8000 cannot be used: allowed is 44100"),
        (["play", "--device", "virtual", "--tracker", "magic"], "unknown head tracker 'magic'"),
        (["play", "--head", "no.sofa"], "no.sofa"),
        (["play", "--head", "nobody"], "head 'nobody'"),
        (["play", "--config", "no.toml"], "no.toml: No such file"),
        (["demo", "--seconds", "0"], "a demo of 0 s cannot be made: choose 0.5 to 600 seconds."),
        (["demo", "--out", "demo.mp3"], "give it a name that ends in .wav"),
        (["check-sofa", "no.sofa"], "no.sofa"),
        (["playy"], "No such command 'playy'"),
        (["play", "--nothing"], "No such option"),
    ],
)
def test_a_mistake_is_one_sentence_on_the_error_output(call, arguments, sentence):
    if arguments[0] in ("render", "play"):
        arguments = [*arguments, *(QUICK[:4] if "--head" in arguments else QUICK)]
    code, _, err = call(*arguments)
    assert code == 2
    assert sentence in err and err.startswith("rt-render: ") and err.count("\n") == 1
    assert "Traceback" not in err


def test_a_bad_pose_file_is_told_with_its_line(call, field, tmp_path):
    (tmp_path / "poses.csv").write_text("time_s,w,x,y,z\n0,1,0,0,0\n0,1,0,0,0\n")
    code, _, err = call("render", field, "-o", "o.wav", "--poses", "poses.csv", *QUICK)
    assert code == 2 and "poses.csv, line 3: time 0 s does not rise" in err
    assert not Path("o.wav").exists() and not Path("o.wav.partial").exists()


def test_check_sofa_draws_a_good_head_and_refuses_a_silent_one_with_exit_code_1(call, tmp_path):
    head = sphere_head(fs_hz=48000)
    write_sofa(tmp_path / "good.sofa", head)
    code, out, _ = call("check-sofa", "good.sofa")
    assert code == 0 and "can be used" in out
    assert Path("good.png").read_bytes()[:4] == b"\x89PNG"
    assert call("check-sofa", "good.sofa")[0] == 2  # the picture is there

    write_sofa(tmp_path / "silent.sofa", replace(head, hrirs=0 * head.hrirs))
    code, out, _ = call("check-sofa", "silent.sofa", "--json", "--plot", "s.png")
    verdict = json.loads(out)
    assert code == 1 and verdict["refused"] and verdict["findings"]
    code, _, err = call("play", "--head", "silent.sofa", "--device", "virtual", "--tracker", "none")
    assert code == 2 and "all filters are silent" in err


def test_something_unexpected_asks_for_a_report_and_shows_a_traceback_only_with_debug(call, monkeypatch):
    def break_down():
        raise ZeroDivisionError("dividing")

    monkeypatch.setattr(api, "devices", break_down)
    code, _, err = call("devices")
    assert code == 3 and "please report it" in err and "ZeroDivisionError: dividing" in err
    with pytest.raises(ZeroDivisionError):
        call("--debug", "devices")


def test_an_interrupt_leaves_with_130(call, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "devices", interrupted)
    assert call("devices")[0] == 130


@pytest.mark.skipif(find_spec("rt_render.io.machine") is None, reason="machine facts are not there")
def test_doctor_tells_in_words_and_in_json(call):
    code, out, err = call("doctor", "--json")
    assert (code, err) == (0, "")
    findings = json.loads(out)
    assert findings and {"name", "ok", "text", "fix"} <= set(findings[0])
    assert call("doctor")[0] == 0


def test_a_benchmark_prints_one_json_object_and_an_unknown_one_is_told(call):
    code, out, err = call("bench", "latency", "--json")
    assert code == 0 and json.loads(out)["algorithmic_latency_frames"] == 0
    code, _, err = call("bench", "nothing")
    assert code == 2 and "there is no benchmark 'nothing'" in err


def test_devices_are_listed_in_json_with_the_rates_they_take(call, monkeypatch):
    card = DeviceInfo(3, "Phones", "ALSA", 2, (44100, 48000), True)
    monkeypatch.setattr(api, "devices", lambda: [card])
    code, out, _ = call("devices", "--json")
    assert code == 0 and json.loads(out)[0]["rates_hz"] == [44100, 48000]
    assert "3  Phones (ALSA), 2 channels, 44.1, 48 kHz  (default)" in call("devices")[1]


def test_the_public_interface_has_at_most_ten_names_and_all_are_there():
    assert len(rt_render.__all__) <= 10
    for name in rt_render.__all__:
        assert getattr(rt_render, name) is not None
    with pytest.raises(AttributeError):
        rt_render.nothing  # noqa: B018
