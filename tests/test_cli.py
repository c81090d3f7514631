"""The command line: what is written, what is refused, and in which words."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rich.text import Text
from sofa_writer import write_sofa
from typer.main import get_command

import rt_render
from rt_render.app import api, cli
from rt_render.app.early_checks import card_rate_hz, find_card
from rt_render.app.option_names import option_of
from rt_render.app.settings import Choices
from rt_render.errors import DeviceError
from rt_render.hrtf.heads import sphere_head
from rt_render.io import card_keeper, sound_card
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
        monkeypatch.setattr(signal, "signal", lambda *_: None)
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


@pytest.mark.parametrize("command", ["demo", "play", "render", "design", "devices", "check-sofa", "doctor", "bench"])
def test_every_command_has_help_with_an_example(call, command):
    code, out, _ = call(command, "--help")
    assert code == 0 and "Example" in out and f"rt-render {command}" in " ".join(out.split())


def test_help_shows_the_names_of_tables_in_their_brackets(call):
    for command, names in (("play", ("[[item]]", "[[speaker]]")), ("render", ("[[item]]", "[[speaker]]"))):
        shown = call(command, "--help")[1]
        assert all(name in shown for name in names), command


def test_no_help_text_is_taken_for_styles():
    """Rich takes what is in brackets for a style and shows nothing of it."""
    for name, command in get_command(cli.app).commands.items():
        for parameter in command.params:
            text = getattr(parameter, "help", None) or ""
            assert Text.from_markup(text).plain == text.replace("\\[", "["), f"{name} {parameter.name}"


def test_each_setting_that_is_wrong_is_told_with_an_option_that_its_command_has(call):
    options = {
        name: {option for parameter in command.params for option in parameter.opts}
        for name, command in get_command(cli.app).commands.items()
    }
    played = options["play"] | {"INPUT"}
    only_in_a_set_up = {key for key in Choices.__annotations__ if option_of(key) not in played}
    assert only_in_a_set_up == {
        *("fusion", "mounting", "invert", "yaw_only", "gestures", "auto_recentre_deg_per_s", "hold_s", "ease_s"),
        *("outputs", "record_raw", "remote_token", "web_token", "web_visitors", "web_names"),
        *("compare", "compare_blind", "compare_log"),
    }
    taken = {option for option in played if option.startswith("--")} - {"--help", "--config", "--seconds", "--quiet"}
    named = {option_of(key) for key in Choices.__annotations__}
    other_names = {"--fs", "--sofa", "--json"}
    assert taken - named <= other_names, "an option that no setting is told with"


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["--panorama-width", "5"], "--panorama-width"),
        (["--panorama-height", "5"], "--panorama-height"),
        (["--crossfade-s", "99"], "--crossfade-s"),
        (["--loudness-lufs", "3"], "--loudness-lufs"),
        (["--lfe-db", "99"], "--lfe-db"),
        (["--extra-latency-ms", "-1"], "--extra-latency-ms"),
        (["--input-channels", "x"], "--input-channels"),
    ],
)
def test_a_wrong_value_names_the_option_that_help_shows(call, arguments, option):
    code, _, err = call("play", *arguments)
    assert code == 2 and f"See {option} in `rt-render play --help`." in err


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
        (["play", "no.wav"], 'input cannot be used: there is no file no.wav; allowed is "scene", "live" or'),
        (["render", "no.wav", "-o", "o.wav"], "See INPUT in `rt-render render --help`."),
        (["render", "scene", "-o", "o.mp3", "--seconds", "1"], "o.mp3: allowed endings are"),
        (["render", "scene", "-o", "x/o.wav", "--seconds", "1"], "there is no folder x; make it first"),
        (["play", "--order", "9"], "order = 9 cannot be used: allowed is"),
        (["play", "--seconds", "nan"], "seconds = nan cannot be used: allowed is a number, 0.1 or more."),
        (["play", "--seconds", "-1"], "seconds = -1.0 cannot be used"),
        (["play", "--rate", "high"], "'--rate' / '--fs': a whole number is needed. See `rt-render play --help`."),
        (["play", "--poses", "no.csv"], "poses cannot be used: there is no file no.csv; allowed is the path"),
        (["play", "--poses", "a.csv", "--tracker", "osc"], "leave out one of them. See --poses in"),
        (["play", "--osc-dialect", "bogus"], 'osc_dialect = "bogus" cannot be used: allowed is one of default, sparta'),
        (["play", "--record", "o.mp3"], "o.mp3: allowed endings are"),
        (["play", "--device", "no such card"], "sound card"),
        (["design", "-o", "d"], "d cannot be written: give it a name that ends in .npz."),
        (["design", "-o", "d.npz", "--order", "auto"], "a decoder alone has none: choose 0 to 7."),
        (["play", "--order", "1.5"], "order = 1.5 cannot be used"),
        (["play", "--gain", "loud"], "or -60 to 24 dB. See --gain in `rt-render play --help`."),
        (["play", "--ceiling", "3"], "ceiling_db = 3.0 cannot be used: allowed is -40 to 0 dBFS. See --ceiling"),
        (["play", "--rate", "8000"], "fs_hz = 8000 cannot be used: allowed is 44100"),
        (
            ["play", "--device", "virtual", "--tracker", "magic"],
            'tracker = "magic" cannot be used: allowed is osc[:PORT], auto, serial',
        ),
        (["play", "--head", "no.sofa"], "no.sofa"),
        (["play", "--head", "nobody"], "head cannot be used: there is no file nobody; allowed is"),
        (["play", "--config", "no.toml"], "no.toml: No such file"),
        (["demo", "--seconds", "0"], "seconds = 0.0 cannot be used: allowed is a number, 0.5 to 600."),
        (["demo", "--out", "demo.flac"], "give it a name that ends in .wav"),
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


@pytest.mark.parametrize("role", ["input", "poses", "eq", "config"])
def test_what_is_read_is_never_written_even_with_force(call, field, tmp_path, role):
    """Another name of the same file is no way around."""
    paths = {name: tmp_path / name for name in ("poses.wav", "eq.wav", "config.wav")}
    paths["poses.wav"].write_text("time_s,w,x,y,z\n0,1,0,0,0\n")
    soundfile.write(paths["eq.wav"], np.eye(1, 64)[0], 48000, subtype="FLOAT")
    paths["config.wav"].write_text("")
    more = ["--poses", "poses.wav", "--headphone-eq", "eq.wav", "--config", "config.wav", *QUICK]
    victim = field if role == "input" else paths[f"{role}.wav"]
    before = victim.read_bytes()
    (tmp_path / "other.wav").symlink_to(victim)
    code, _, err = call("render", field, "-o", "other.wav", "--force", *more)
    assert code == 2 and "other.wav is read, so it cannot be written too" in err
    code, _, err = call("play", field, "--record", victim, "--force", "--device", "virtual", *more)
    assert code == 2 and "is read, so it cannot be written too" in err
    assert victim.read_bytes() == before


def test_a_summary_tells_what_was_cleaned_and_limited(call, tmp_path):
    loud = np.full((9600, 4), 8.0)
    loud[100, 0] = np.nan
    soundfile.write(tmp_path / "loud.wav", loud, 48000, subtype="FLOAT")
    _, out, _ = call("render", "loud.wav", "-o", "ears.wav", *QUICK)
    assert "the limiter held back" in out and " dB at most; 1 frame of the source was not finite." in out
    _, out, _ = call("play", "loud.wav", "--device", "virtual", "--tracker", "none", "--quiet", *QUICK)
    assert "0:00.2 played" in out and " dB at most; 1 frame of the source was not finite." in out


def test_every_block_that_was_recorded_is_told_of_those_that_fade_out_too(tmp_path):
    looks = iter([True] * 4)
    status = api.play(
        watch=lambda _: next(looks, False),
        device="virtual",
        tracker="none",
        head="sphere",
        method="ls",
        order=1,
        block_size=64,
        record=tmp_path / "kept.wav",
    )
    engine = status.engine
    assert engine.silent and soundfile.info(tmp_path / "kept.wav").frames == 64 * (engine.blocks + engine.missed_slots)


def test_a_share_that_is_not_finite_is_told_and_a_file_of_nothing_else_is_an_error_that_leaves_no_file(call, tmp_path):
    field = np.full((4800, 4), 0.1)
    field[:1200] = np.inf
    soundfile.write(tmp_path / "part.wav", field, 48000, subtype="FLOAT")
    code, out, err = call("render", "part.wav", "-o", "ears.wav", *QUICK)
    assert (code, err) == (0, "") and '25.0 % of the frames of "part" hold NaN or infinity, silent in its stead.' in out

    soundfile.write(tmp_path / "none.wav", field * np.nan, 48000, subtype="FLOAT")
    code, out, err = call("render", "none.wav", "-o", "none_ears.wav", *QUICK)
    assert code == 2 and "written" not in out
    assert err == "rt-render: none.wav holds no sound: every frame of it is NaN or infinite; export it anew.\n"
    assert not list(tmp_path.glob("none_ears*"))


def test_a_block_that_is_no_power_of_two_is_met_by_smaller_ones_live_and_offline_and_that_is_said(call, field):
    for command in (
        ["render", field, "-o", "ears.wav"],
        ["play", field, "--device", "virtual", "--tracker", "none", "--quiet"],
    ):
        code, out, _ = call(*command, "--block", 100, *QUICK)
        assert code == 0 and "blocks of 100 frames are met by blocks of 32: on a sound card this adds up to 28" in out


def test_without_a_card_the_virtual_one_plays_and_what_keeps_the_sound_is_said(call, field, monkeypatch):
    monkeypatch.setattr(sound_card, "list_devices", lambda **_: [])
    arguments = ["play", field, "--tracker", "none", "--quiet", *QUICK]
    code, out, _ = call(*arguments)
    assert code == 0
    assert "No sound card was found: the virtual one plays in real time, unheard; `--record FILE` keeps" in out
    assert "unheard; kept.wav keeps the sound." in call(*arguments, "--record", "kept.wav")[1]


def test_a_card_that_refuses_the_rate_is_an_error_and_not_played_around(call, field, monkeypatch):
    card = DeviceInfo(3, "Phones", "JACK", 2, (48000,), True)
    monkeypatch.setattr(sound_card, "list_devices", lambda **_: [card])
    monkeypatch.setattr(sound_card, "find_device", lambda device=None: card)

    def refuse(*_, **__):
        raise DeviceError("sound card Phones (JACK) does not play at 44100 Hz: use 48000 Hz (`--rate`).")

    monkeypatch.setattr(card_keeper, "SoundCard", refuse)
    monkeypatch.setattr(card_keeper, "look_again", lambda: None)
    code, out, err = call("play", field, "--rate", 44100, "--tracker", "none", "--quiet", *QUICK)
    assert code == 2 and err.endswith("use 48000 Hz (`--rate`).\n") and "virtual" not in out


@pytest.mark.parametrize(("rates", "chosen"), [((44100,), 44100), ((44100, 48000, 96000), 48000), ((), 48000)])
def test_a_demo_takes_the_rate_of_the_card(monkeypatch, rates, chosen):
    card = DeviceInfo(3, "Phones", "JACK", 2, rates, True)
    monkeypatch.setattr(sound_card, "list_devices", lambda **_: [card])
    monkeypatch.setattr(sound_card, "find_device", lambda device=None: card)
    assert card_rate_hz(find_card("auto", None, lambda _: None)) == chosen
    assert card_rate_hz("virtual") == 48000


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
    drawn_at = Path("good.png").stat().st_mtime_ns
    code, out, _ = call("check-sofa", "good.sofa")
    assert code == 0 and "can be used" in out and "not drawn, for good.png exists already" in out
    assert Path("good.png").stat().st_mtime_ns == drawn_at
    assert call("check-sofa", "good.sofa", "--force")[0] == 0
    assert Path("good.png").stat().st_mtime_ns > drawn_at

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
        call("devices", "--debug")


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


def test_the_public_functions_are_the_ten_commands():
    commands = {command.name or command.callback.__name__ for command in cli.app.registered_commands}
    assert len(rt_render.__all__) <= 10
    assert {name.replace("_", "-") for name in rt_render.__all__} <= commands
    assert all(callable(getattr(rt_render, name)) for name in rt_render.__all__)
    with pytest.raises(AttributeError):
        rt_render.nothing  # noqa: B018
