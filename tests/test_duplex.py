"""Live input through a real JACK server: every frame, in order, as late as is claimed; and how a run is judged."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jack_server import JackServer, what_is_missing

from rt_render.app.benchmarks.counted import COUNT_STEP, COUNT_TO, Counted
from rt_render.app.benchmarks.duplex import _figures, run
from rt_render.app.benchmarks.duplex_verdict import Verdict, judge
from rt_render.app.benchmarks.duplex_words import duplex_in_words
from rt_render.engine.plan import Plan
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
@settings(deadline=None, max_examples=50)
def test_an_undisturbed_count_has_no_break_wherever_it_begins(first, n, pieces):
    counted = taken(np.concatenate([np.zeros(7, np.float32), counts(first, n)]), pieces)
    assert (counted.n_frames, counted.jumps, counted.silences, counted.drift_frames) == (n, [], [], 0)


@given(st.integers(1, COUNT_TO), st.integers(1, 999), st.integers(1, 300), st.lists(st.integers(1, 500), min_size=1))
@settings(deadline=None, max_examples=50)
def test_frames_that_are_missing_or_come_twice_are_breaks_and_drift(first, at, n, pieces):
    count = counts(first, 2000)
    missing = taken(np.concatenate([count[:at], count[at + n :]]), pieces)
    assert missing.jumps == [(at, n)] and missing.drift_frames == n
    back = min(n, at)
    twice = taken(np.concatenate([count[:at], count[at - back :]]), pieces)
    assert twice.jumps == [(at, -back)] and twice.drift_frames == -back


def test_silence_in_the_place_of_frames_is_a_break_without_drift_also_across_pieces():
    count = counts(1, 2000)
    count[500:628] = 0.0
    for pieces in ((2000,), (510, 100), (500, 64)):
        counted = taken(count, pieces)
        assert counted.silences == [(500, 128)] and not counted.jumps and counted.drift_frames == 0
    assert taken(count[:600]).silences == [(500, 100)]


def with_gap(at, n, silent=False):
    """A count of 48000 frames from which n are gone, or silent, at a place."""
    count = counts(1, 48_000)
    if not silent:
        return np.concatenate([count[:at], count[at + n :]])
    count[at : at + n] = 0.0
    return count


@pytest.mark.parametrize(
    ("samples", "missed", "words"),
    [
        (with_gap(1000, 1), 0, "1 frames lost at frame 1000"),
        (with_gap(1000, 1), 50, "1 frames lost at frame 1000"),
        (with_gap(1000, 127), 50, "127 frames lost at frame 1000"),
        (np.concatenate([counts(1, 500), counts(499, 500)]), 50, "2 frames come twice at frame 500"),
        (with_gap(1000, 100, silent=True), 50, "100 frames of silence at frame 1000"),
        (with_gap(1000, 128), 0, "a drift of 128 frames"),
        (with_gap(1000, 256), 1, "a drift of 256 frames"),
        (with_gap(1024, 1280, silent=True), 5, "1280 frames of silence, and the missed periods have 640"),
        (with_gap(20_000, 28_000, silent=True), 5, "28000 frames of silence"),
        (np.zeros(1000, np.float32), 5, "no frame came through"),
    ],
)
def test_a_lost_frame_is_found_whatever_jack_missed(samples, missed, words):
    verdict = judge(taken(samples), 128, missed)
    assert not (verdict.whole and verdict.no_drift)
    assert any(words in what for what in verdict.unexplained), verdict.unexplained


@pytest.mark.parametrize(
    ("samples", "missed"),
    [(counts(5, 5000), 0), (with_gap(1000, 128), 1), (with_gap(1000, 256), 2), (with_gap(1000, 128, silent=True), 1)],
)
def test_whole_periods_that_jack_missed_are_explained(samples, missed):
    assert judge(taken(samples), 128, missed) == Verdict(whole=True, no_drift=True, unexplained=[])


def test_a_lost_frame_is_told_in_words():
    counted = taken(with_gap(1000, 1))
    live = SimpleNamespace(input_to_ears_s=256 / 48000, lost_calls=0, padded_frames=0)
    engine = SimpleNamespace(plan=Plan(1, 128, 48000, 1), tap_lost=0)
    told = {"clicks_out": [0], "clicks_in": [0], "capture_frames": 128, "playback_frames": 128, "period_frames": 128}
    told |= {"xruns": 3, "missed_periods": 0}
    figures = _figures(engine, SimpleNamespace(live=live, host_frames=(128, 128)), counted, told, 1.0)
    assert figures["equal"] and not figures["whole"] and not figures["no_drift"] and not figures["ok"]
    assert "unexplained: 1 frames lost at frame 1000" in duplex_in_words(figures)


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
