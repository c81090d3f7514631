"""A real audio server: what PortAudio plays into JACK is, sample by sample, what the engine renders."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jack_server import what_is_missing

MISSING = what_is_missing()
pytestmark = [pytest.mark.jack, pytest.mark.skipif(MISSING is not None, reason=MISSING or "")]


def run(*options: str) -> dict[str, dict[str, object]]:
    here = Path(__file__).parent
    answer = subprocess.run(
        [sys.executable, str(here / "jack_run.py"), *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=here.parent,
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def check_recording(report: dict[str, object]) -> None:
    assert report["foreign_blocks"] == 0
    assert report["gaps"] <= report["xruns"]
    assert report["equal_blocks"] >= 0.9 * report["blocks"]


def test_what_jack_records_equals_the_offline_render_but_for_its_xruns_and_comes_when_its_blocks_say():
    report = run("--seconds", "5")["recorded"]
    check_recording(report)
    # JACK's latency is in it and nothing else: a period more or less would be 2.7 ms
    assert abs(report["said_late_ms"][1]) < 1.0


def test_a_held_interpreter_lock_takes_nothing_from_what_jack_records():
    check_recording(run("--seconds", "3", "--hold-lock")["recorded"])


def test_playing_returns_after_the_server_was_killed_and_never_jumps_back():
    report = run("--kills", "2")["killed"]
    assert report["began_on_jack"]
    assert report["losses"] == report["returns"] == report["played_on"] == 2
    assert report["jumps_back"] == 0


def test_live_input_returns_after_the_server_was_killed():
    report = run("--kills", "1", "--live")["killed"]
    assert report["began_on_jack"]
    assert report["losses"] == report["returns"] == report["played_on"] == 1
    assert report["frames"] > 0 and report["live"]["lost_frames"] == 0
    assert report["live"]["input_to_ears_s"] is not None
