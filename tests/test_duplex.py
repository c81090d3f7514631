"""Live input through a real JACK server: every frame, in order, as late as is claimed; and how a run is judged."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jack_server import JackServer, what_is_missing

from rt_render.app.benchmarks.counted import COUNT_STEP, COUNT_TO, Counted
from rt_render.app.benchmarks.duplex import run
from rt_render.errors import ConfigurationError

MISSING = what_is_missing()
needs_jack = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")
HERE = Path(__file__).parent


def counts(first, n):
    return (((first - 1 + np.arange(n)) % COUNT_TO + 1) * COUNT_STEP).astype(np.float32)


def taken(samples, pieces=(1000,)):
    counted, at, i = Counted(), 0, 0
    while at < len(samples):
        counted.take(samples[at : at + pieces[i % len(pieces)]])
        at, i = at + pieces[i % len(pieces)], i + 1
    return counted


@given(st.integers(1, COUNT_TO), st.integers(1, 3000), st.lists(st.integers(1, 500), min_size=1, max_size=4))
def test_an_undisturbed_count_has_no_break_wherever_it_begins(first, n, pieces):
    counted = taken(np.concatenate([np.zeros(7, np.float32), counts(first, n)]), pieces)
    assert (counted.n_frames, counted.breaks, counted.drift_frames) == (n, [], 0)


@given(st.integers(1, COUNT_TO), st.integers(1, 999), st.integers(1, 300), st.lists(st.integers(1, 500), min_size=1))
def test_frames_that_are_missing_or_come_twice_are_breaks_and_drift(first, at, n, pieces):
    count = counts(first, 2000)
    missing = taken(np.concatenate([count[:at], count[at + n :]]), pieces)
    assert missing.breaks == [(at, n)] and missing.drift_frames == n
    back = min(n, at)
    twice = taken(np.concatenate([count[:at], count[at - back :]]), pieces)
    assert twice.breaks == [(at, -back)] and twice.drift_frames == -back


def test_silence_in_the_place_of_frames_is_a_break_without_drift_also_across_pieces():
    count = counts(1, 2000)
    count[500:628] = 0.0
    for pieces in ((2000,), (510, 100), (500, 64)):
        counted = taken(count, pieces)
        assert counted.breaks == [(500, None)] and counted.drift_frames == 0


@pytest.mark.parametrize("minutes", [0.0, -1.0, 1e9])
def test_a_length_outside_of_what_is_allowed_is_refused(minutes):
    with pytest.raises(ConfigurationError, match="minutes = "):
        run(print, minutes=minutes)


@needs_jack
@pytest.mark.jack
@pytest.mark.parametrize("block_size", [128, 256])
def test_through_jack_nothing_is_lost_and_the_round_trip_is_what_is_claimed(block_size):
    code = (
        "import json; from rt_render.app.benchmarks.duplex import run\n"
        f"print(json.dumps(run(lambda text: None, 0.06, {block_size})))"
    )
    with JackServer() as server:
        answer = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | server.environment,
            cwd=HERE.parent,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)["duplex"]
    assert found["whole"] and found["no_drift"] and found["frames"] > 48000, found
    assert found["clicks"] > 5 and found["converters_frames"] > 0
    # a block of two periods waits for its second: the block adapter
    assert found["inside_frames"] == block_size - 128
    assert found["round_trip_frames"] == pytest.approx(found["claimed_frames"], abs=0.5)


@needs_jack
@pytest.mark.jack
def test_live_input_is_played_logged_with_its_field_and_heard_again(tmp_path):
    command = [sys.executable, "-m", "rt_render"]
    asked = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 120, "check": False}
    play = (
        "play live --seconds 1 --tracker none --head sphere --method ls --order 2 --record ears.wav --field field.wav"
    )
    with JackServer() as server:
        env = os.environ | server.environment | {"PYTHONPATH": str(HERE.parent)}
        listed = subprocess.run([*command, "devices"], env=env, **asked)
        played = subprocess.run([*command, *play.split(), "--log", "live.rtlog", "--json"], env=env, **asked)
    assert "records 2 channels" in listed.stdout
    assert played.returncode == 0, played.stderr
    told = json.loads(played.stdout)
    assert told["live_input"]["input_to_ears_s"] == pytest.approx(256 / 48000, abs=1e-4)
    assert told["played_s"] >= 1.0 and told["underruns"] == 0
    again = subprocess.run([*command, "render", "--poses", "live.rtlog", "-o", "again.wav"], env=env, **asked)
    assert again.returncode == 0 and "bit for bit" in again.stdout, again.stdout + again.stderr
