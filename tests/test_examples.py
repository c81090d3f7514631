"""The examples run on a machine without a sound card and a tracker, and what they claim holds."""

import os
import re
import subprocess
import sys
from pathlib import Path

import soundfile

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name, folder):
    """Run an example as a person does, in a folder of its own; return what it says."""
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / f"{name}.py", folder],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "MPLCONFIGDIR": str(folder)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def numbers(text):
    return [float(found) for found in re.findall(r"[-+]?\d+(?:\.\d+)?", text)]


def test_every_example_has_a_test_here():
    tested = Path(__file__).read_text()
    assert [path.stem for path in EXAMPLES.glob("*.py") if f'run("{path.stem}"' not in tested] == []


def test_a_world_that_stands_still_lies_ahead_once_the_head_faces_it(tmp_path):
    said = run("still_world", tmp_path)
    tracked = numbers(said.splitlines()[1])[0]
    untracked = numbers(said.splitlines()[2])[0]
    assert abs(tracked) < 2 and untracked > 8
    assert (tmp_path / "still_world.png").stat().st_size > 10_000


def test_a_higher_order_comes_nearer_to_the_measured_ears(tmp_path):
    rows = [numbers(line) for line in run("what_order_brings", tmp_path).splitlines()[1:]]
    assert [row[:2] for row in rows] == [[1, 4], [3, 16], [7, 64]]
    assert rows[0][2] > rows[1][2] > rows[2][2] and rows[0][3] > rows[1][3] > rows[2][3]
    assert (tmp_path / "what_order_brings.png").stat().st_size > 10_000


def test_an_audio_loop_of_ones_own_plays_all_of_its_field(tmp_path):
    said = run("own_audio_loop", tmp_path)
    ears, fs_hz = soundfile.read(tmp_path / "own_audio_loop.wav")
    assert fs_hz == 48000 and len(ears) == 128 * numbers(said)[0]
    first, last = ears[fs_hz // 2 : fs_hz], ears[3 * fs_hz : 7 * fs_hz // 2]
    assert (first[:, 0] ** 2).sum() > 2 * (first[:, 1] ** 2).sum(), "the voice goes over the left first"
    assert (last[:, 1] ** 2).sum() > 2 * (last[:, 0] ** 2).sum()


def test_a_tracker_of_ones_own_turns_the_head_and_is_told_in_words(tmp_path):
    said = run("own_tracker", tmp_path)
    assert re.search(r"says: you look \d+° to the (left|right)", said)
    assert re.search(r"\d+ poses sent, \d+ blocks rendered", said)
    assert (tmp_path / "own_tracker.png").stat().st_size > 10_000


def test_another_program_at_the_controls_is_told_what_became_of_its_wishes(tmp_path):
    told = run("remote_desk", tmp_path)
    for line in ("/pong", "/rt/gain_db -6.0", "/rt/tracking 0", "/rt/order 1", "/rt/recentre"):
        assert f"    {line}" in told
    assert "/refused /rt/gain_db" in told and "allowed is a number from -60 to 24 dB." in told
