"""`rt-render booth` and `rt-render booth install` on the command line."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rt_render.app import cli
from rt_render.app.booth import keeper
from rt_render.app.booth.only_one import ANOTHER_RUNS
from rt_render.app.booth.state_files import keep_good
from rt_render.app.settings import Settings

BOOTH = Path(__file__).parent.parent / "configs" / "booth.toml"


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def call_it(*arguments):
        monkeypatch.setattr(sys, "argv", ["rt-render", "booth", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main()
        captured = capsys.readouterr()
        return left.value.code or 0, captured.out, captured.err

    return call_it


def test_the_unit_is_written_once_and_the_next_steps_are_told(call, tmp_path):
    code, out, err = call("install", "--config", BOOTH)
    unit = tmp_path / "systemd" / "user" / "rt-render-booth.service"
    assert (code, err) == (0, "") and f"--config {BOOTH}" in unit.read_text()
    for step in ("daemon-reload", "enable --now rt-render-booth.service", "loginctl enable-linger"):
        assert step in out
    code, _, err = call("install", "--config", BOOTH)
    assert code == 2 and "exists already: write it anew with --force." in err.replace("\n", " ")
    assert call("install", "--force")[0] == 0


def test_the_unit_can_be_printed_and_nothing_is_written(call, tmp_path):
    code, out, _ = call("install", "--print")
    assert code == 0 and "[Service]\nType=notify\n" in out and list(tmp_path.iterdir()) == []


def test_a_mistake_in_the_set_up_is_told_before_anything_starts(call, tmp_path, monkeypatch):
    monkeypatch.setattr(keeper.Keeper, "run", lambda self: pytest.fail("it was started"))
    broken = tmp_path / "broken.toml"
    broken.write_text("[booth]\nrest_after_s = 1\n")
    for arguments in (["--config", broken], ["install", "--config", broken]):
        code, _, err = call(*arguments)
        assert code == 2 and "broken.toml, line 2: rest_after_s = 1" in err.replace("\n", " ")


def test_a_booth_that_has_played_starts_with_a_broken_set_up_too_for_its_program_has_the_last_good_one(
    call, tmp_path, monkeypatch
):
    started, broken = [], tmp_path / "broken.toml"
    monkeypatch.setattr(keeper.Keeper, "run", lambda self: started.append(self._command[-1]))
    broken.write_text('[source]\ninput = "~nobody-of-that-name/a.wav"\n')
    code, _, err = call("--config", broken)
    assert code == 2 and "broken.toml cannot be used" in err and started == []
    keep_good(Settings(), broken)
    assert call("--config", broken)[0] == 0 and started == [str(broken)]


def test_a_booth_that_runs_already_is_an_exit_status(call, monkeypatch):
    monkeypatch.setattr(keeper.Keeper, "run", lambda self: ANOTHER_RUNS)
    assert call("--config", BOOTH)[0] == ANOTHER_RUNS not in (0, 1, 2, 3, 130)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
def test_a_booth_whose_words_nobody_reads_any_more_plays_on(tmp_path):
    """As in `rt-render booth | head -1`."""
    program = (
        "from rt_render.app import cli\nfrom rt_render.app.booth import keeper\n"
        "import pathlib, sys\n"
        "def run(self):\n"
        "    for n in range(20): self._say(f'sentence {n}')\n"
        f"    pathlib.Path({str(tmp_path / 'played')!r}).write_text('on')\n"
        "    return 0\n"
        "keeper.Keeper.run = run\nsys.argv = ['rt-render', 'booth']\ncli.main()\n"
    )
    booth = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    booth.stdout.close()
    assert booth.wait(60) == 0 and booth.stderr.read() == b"" and (tmp_path / "played").read_text() == "on"
    booth.stderr.close()


def test_the_keeper_gets_the_set_up(call, monkeypatch):
    started = []
    monkeypatch.setattr(keeper.Keeper, "run", lambda self: started.append(self._command[-1]))
    assert call("--config", BOOTH)[0] == 0 and started == [str(BOOTH)]
