"""Keys, words and lines of the live view."""

import io
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time

import pytest
import soundfile
from rich.console import Console

from firmware_bridge.commands.terminal import say
from rt_render.app.controls.keys import KEYS, SHORT_HELP, handle_keys, long_help
from rt_render.app.controls.table import CONTROLS
from rt_render.app.live_view import LiveView, meter, view_of
from rt_render.app.session import Session
from rt_render.app.settings_file import load_settings
from rt_render.app.words import clock, decibels, plural


class FakeSession:
    """Stands where a session does, with a desk that notes what is asked of it."""

    def __init__(self):
        self.asked, self.desk = [], self
        self.gain_db, self.muted, self.playing, self.tracking = 23.5, False, True, False

    def ask(self, name, value, who):
        self.asked.append((name, value, who))
        if name == "gain_db":
            self.gain_db = value

    def work(self, session):
        pass


def test_each_key_asks_the_desk_for_one_thing():
    session = FakeSession()
    assert handle_keys("rm tn", session, lambda: None)
    wanted = [("recentre", None), ("muted", True), ("playing", False), ("tracking", True), ("next", None)]
    assert session.asked == [(*each, "keys") for each in wanted]


def test_every_key_is_for_a_control_that_there_is():
    assert {key.control for key in KEYS.values()} <= {control.name for control in CONTROLS}


def test_volume_keys_work_with_and_without_shift_and_stop_at_the_range():
    session = FakeSession()
    assert handle_keys("+=-_", session, lambda: None)
    assert [value for _, value, _ in session.asked] == [24.0, 24.0, 23.0, 22.0]


def test_quit_stops_there_and_help_is_shown_and_unknown_keys_do_nothing():
    session, shown = FakeSession(), []
    assert not handle_keys("x?\x1bq+", session, lambda: shown.append(1))
    assert shown == [1] and session.asked == []


def test_help_names_every_key():
    for key in KEYS.values():
        assert f"  {key.shown} " in long_help()
    for word in ("recentre", "mute", "pause", "tracking", "quit", "help"):
        assert word in SHORT_HELP


def test_a_sentence_is_broken_between_words_at_a_terminals_edge_and_nowhere_when_piped():
    words = "the block size is met by smaller blocks, which adds some latency"
    for terminal in (True, False):
        console = Console(width=24, file=io.StringIO(), force_terminal=terminal, color_system=None)
        say(console, words, "")
        lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
        assert " ".join(lines) == f"{words}."
        assert (max(map(len, lines)) <= 24) == terminal and (len(lines) == 1) != terminal


def test_the_help_is_a_list_without_a_full_stop():
    console = Console(width=80, file=io.StringIO())
    LiveView(console)._help()
    assert console.file.getvalue().splitlines() == long_help().splitlines()


def test_numbers_are_said_as_people_read_them():
    assert (clock(0), clock(62.54), clock(59.96)) == ("0:00.0", "1:02.5", "1:00.0")
    assert (decibels(1.0), decibels(0.1), decibels(0.0)) == ("0.0 dBFS", "-20.0 dBFS", "silence")
    assert (plural(1, "block"), plural(0, "block")) == ("1 block", "0 blocks")


@pytest.mark.parametrize("levels", [(0.0, 0.0), (1e-9, 1e-3), (0.1, 0.5), (1.0, 1.0), (3.0, 9.0)])
def test_a_meter_is_as_wide_whatever_the_level(levels):
    assert len(meter(*levels).plain) == 40 + len("  -60 dB")


PLAY = "play --device virtual --tracker none --method ls --taps 64 --head sphere --order 1".split()  # noqa: SIM905


def run_on_a_terminal(tmp_path, act, *arguments):
    """Run on a pseudo-terminal, `act` with its descriptor and process once lines are drawn; return all."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    process = subprocess.Popen(
        [sys.executable, "-m", "rt_render", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "30"},
        start_new_session=True,
    )
    seen, acted, give_up_s = b"", False, time.monotonic() + 120
    try:
        while time.monotonic() < give_up_s:
            if select.select([master], [], [], 0.1)[0]:
                seen += os.read(master, 65536)
            elif process.poll() is not None:
                break
            if not acted and b"position" in seen:
                acted = True
                act(master, process)
        code = process.wait(timeout=10)
        assert termios.tcgetattr(slave) == before, "the terminal was not put back"
    finally:
        process.kill()
        os.close(master)
        os.close(slave)
    return code, seen.decode(errors="replace")


def test_keys_on_a_terminal_mute_and_quit_and_the_terminal_is_put_back(tmp_path):
    code, seen = run_on_a_terminal(
        tmp_path, lambda master, _: (os.write(master, b"m?"), time.sleep(0.5), os.write(master, b"q")), *PLAY
    )
    assert code == 0
    assert "muted" in seen and "recentre: where you look now is straight ahead" in seen
    assert "played, no block missed" in seen or "missed of" in seen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_fades_out_and_leaves_cleanly_with_a_summary(tmp_path, number):
    code, seen = run_on_a_terminal(
        tmp_path, lambda _, process: process.send_signal(number), *PLAY, "--record", "kept.wav"
    )
    assert code == 130
    assert "highest peak" in seen and "Traceback" not in seen
    assert (tmp_path / "kept.wav").exists()


def test_a_closed_terminal_leaves_the_recording_whole(tmp_path):
    code, _ = run_on_a_terminal(
        tmp_path,
        lambda _, process: (process.send_signal(signal.SIGHUP), process.send_signal(signal.SIGHUP)),
        *PLAY,
        "--record",
        "kept.wav",
    )
    assert code == 130
    assert [path.name for path in tmp_path.iterdir()] == ["kept.wav"]


def test_an_interrupted_demo_finishes_all_its_files(tmp_path):
    code, seen = run_on_a_terminal(
        tmp_path, lambda _, process: process.send_signal(signal.SIGINT), "demo", "--device", "virtual"
    )
    assert code == 130
    assert "highest peak" in seen and "demo.png" in seen and "Traceback" not in seen
    assert {path.name for path in tmp_path.iterdir()} == {"demo.wav", "demo.png", "demo.md"}
    assert soundfile.info(tmp_path / "demo.wav").duration < 9


def test_a_program_in_the_background_leaves_the_terminal_to_its_shell():
    """A shell that has a terminal starts us in a process group of our own; to change the terminal would stop us."""
    script = (
        "import fcntl, os, subprocess, sys, termios\n"
        "os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        "look = 'from firmware_bridge.commands import keys\\nwith keys.open_keys() as k: print(type(k).__name__)'\n"
        "for group in (0, None):\n"
        "    print(subprocess.run([sys.executable, '-c', look], process_group=group, capture_output=True,\n"
        "                         stdin=0, text=True, timeout=20).stdout.strip())\n"
    )
    master, slave = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", script], stdin=slave, capture_output=True, text=True, timeout=60, check=False
    )
    os.close(master)
    os.close(slave)
    assert done.stdout.split() == ["NoKeys", "_TerminalKeys"], done.stderr


def test_a_narrow_terminal_still_shows_what_went_wrong():
    settings = load_settings(
        None, {"device": "virtual", "tracker": "none", "method": "ls", "head": "sphere", "order": 1}
    )
    with Session(settings, seconds=0.2) as session:
        console = Console(width=60, file=io.StringIO())
        console.print(view_of(session, session.status()))
    seen = console.file.getvalue()
    assert "missed, 0 underruns" in seen and "card none (virtual)" in seen


def test_the_live_lines_fit_a_terminal_of_eighty_columns():
    settings = load_settings(
        None, {"device": "virtual", "tracker": "none", "method": "ls", "head": "sphere", "order": 1}
    )
    with Session(settings, seconds=0.2) as session:
        console = Console(width=80, file=io.StringIO())
        console.print(view_of(session, session.status()))
    lines = console.file.getvalue().splitlines()
    labels = [line.split()[0] for line in lines if line[:8].strip()]
    assert labels[:8] == ["playing", "compare", "head", "tracker", "left", "right", "block", "times"]
    assert labels[8:10] == ["latency", "position"]
    assert not any("…" in line for line in lines)
