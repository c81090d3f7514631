"""A long run in short: nothing is lost, nothing grows, and every late block has its time and cause."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from rt_render.app.benchmarks import ONLY_BY_NAME, PARTS, report, run
from rt_render.app.benchmarks.soak import SoakWatch
from rt_render.errors import ConfigurationError


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_twenty_seconds_of_everything_leave_nothing_unaccounted():
    told = []
    results = run(["soak"], told.append, minutes=1 / 3, order=5)
    soak = results["soak"]
    assert soak["non_finite"] == 0 and soak["unaccounted"] == 0 and soak["torn_reads"] == 0
    counts = soak["glitches"]["counts"]
    assert counts["late_block"] == soak["late_blocks"] and soak["glitches"]["events_lost"] == 0
    assert all(glitch["at"] and glitch["likely"] for glitch in soak["glitches"]["listed"])
    # what was heard, and what passed in silence, is all of the time
    assert soak["seconds_heard"] > 19.0 and soak["capture_lost"] == soak["trace_lost"] == 0
    assert soak["poses"] > 1000 and soak["order"] == 5
    assert sum(row["blocks"] for row in soak["block_time"]["histogram"]) == soak["blocks"]
    if soak["memory_mb"]:
        assert soak["memory_growth_mb"] < 10.0, "the interpreter's own pools are still filling in twenty seconds"
    assert soak["log_mb"] > 0.1
    text = report(results)
    assert "0 of them without time and cause (required 0) ok" in text and told


def test_a_sample_that_is_none_and_memory_that_grows_are_seen():
    watch = SoakWatch(60.0, lambda text: None)
    heard = np.zeros((100, 2), np.float32)
    heard[3, 1] = np.nan
    heard[4, 0] = np.inf
    watch.drain(SimpleNamespace(engine=SimpleNamespace(read_capture=lambda: heard)))
    assert watch.non_finite == 2 and watch.frames == 100
    watch.memory_mb = [100.0 + k for k in range(40)]
    assert watch.memory() == {"begin": 101.5, "half": 121.5, "end": 137.5}
    watch.memory_mb = []
    assert watch.memory() == {}


@pytest.mark.parametrize("minutes", [0.0, 1e9])
def test_a_length_that_cannot_be_used_is_refused_with_the_range(minutes):
    with pytest.raises(ConfigurationError, match=r"allowed is a number, 0\.1 to 1440\."):
        run(["soak"], minutes=minutes)


def test_the_soak_runs_only_when_it_is_named():
    assert set(ONLY_BY_NAME) < set(PARTS)
