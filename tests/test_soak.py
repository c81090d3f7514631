"""A long run in short: nothing is lost, nothing grows, and every late block has its time and cause."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from rt_render.app.benchmarks import ONLY_BY_NAME, PARTS, report, run
from rt_render.app.benchmarks.soak import AT_LEAST, AT_MOST, missed_of
from rt_render.app.benchmarks.soak_log import read_log
from rt_render.app.benchmarks.soak_watch import SoakWatch
from rt_render.errors import ConfigurationError
from rt_render.io.pose_log_file import Done, PoseLogWriter
from rt_render.kernels.state import FLAG_FROZEN, trace_dtype


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_twenty_seconds_of_everything_leave_nothing_unaccounted():
    told = []
    results = run(["soak"], told.append, minutes=1 / 3, order=5)
    soak = results["soak"]
    assert soak["non_finite"] == 0 and soak["unaccounted"] == 0 and soak["torn_reads"] == 0
    counts = soak["glitches"]["counts"]
    assert counts["late_block"] == soak["late_blocks"] and soak["glitches"]["events_lost"] == 0
    assert all(glitch["at"] and glitch["likely"] for glitch in soak["glitches"]["listed"])
    # what a busy machine or twenty seconds cannot show is judged by an hour
    assert set(soak["missed"]) <= {"memory_growth_mb", "poses_heard_share"} and soak["ok"] == (not soak["missed"])
    assert soak["log_wrong"] == 0 and soak["log"]["blocks"] == soak["blocks"] and not soak["log"]["wrong"]
    # what was heard, and what passed in silence, is all of the time
    assert soak["seconds_heard"] > 19.0 and soak["capture_lost"] == soak["trace_lost"] == 0
    assert soak["poses"] > 1000 and soak["log"]["poses_heard"] > 1000 and soak["order"] == 5
    assert sum(row["blocks"] for row in soak["block_time"]["histogram"]) == soak["blocks"]
    if soak["memory_mb"]:
        assert soak["memory_growth_mb"] < 10.0, "the interpreter's own pools are still filling in twenty seconds"
    assert soak["log"]["mb"] > 0.1
    text = report(results)
    assert "0 of them without time and cause (required 0) ok" in text
    assert sum("of 0.3 minutes" in line for line in told) >= 5


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


def test_the_verdict_wants_every_figure_as_required_and_measured():
    good = dict.fromkeys(AT_MOST, 0) | dict.fromkeys(AT_LEAST, 1.0)
    assert missed_of(good) == []
    for name, limit in AT_MOST.items():
        assert missed_of(good | {name: limit + 1}) == missed_of(good | {name: None}) == [name]
    assert missed_of(good | {"poses_heard_share": 0.89}) == ["poses_heard_share"]
    assert {"capture_lost", "trace_lost", "events_lost", "non_finite", "memory_growth_mb", "log_wrong"} < set(AT_MOST)


WHOLE = Done(0, 2)


def log_of(path, blocks, done=WHOLE):
    rows = np.zeros(len(blocks), trace_dtype(128))
    rows["block"], rows["consumed"] = blocks, 128
    rows["pose_number"] = 5 + np.arange(len(blocks)) // 2
    rows["flags"][-10:] = FLAG_FROZEN
    writer = PoseLogWriter(path, {"version": "1"}, rows.dtype)
    for piece in (rows[:30], rows[30:], done):
        if piece is not None:
            writer.write(piece)
    writer.close()
    return writer.path


def test_a_log_is_held_against_what_the_engine_counted(tmp_path):
    engine = SimpleNamespace(blocks=100, frame=12800, missed_slots=2)
    path = log_of(tmp_path / "whole.rtlog", np.arange(1, 101))
    sums = read_log(path)
    assert sums.wrong(engine) == [] and sums.poses_heard == 45 and sums.blocks == 100 and sums.mb > 0.0
    for counted in ({"blocks": 101}, {"frame": 12799}, {"missed_slots": 3}):
        assert len(sums.wrong(SimpleNamespace(**(vars(engine) | counted)))) == 1
    gone = read_log(log_of(tmp_path / "gap.rtlog", np.delete(np.arange(1, 102), 50)))
    assert gone.wrong(engine) == ["blocks are missing or out of their row at 1 place"]
    assert read_log(log_of(tmp_path / "open.rtlog", np.arange(1, 101), None)).wrong(engine) == ["the log has no end"]
    lossy = read_log(log_of(tmp_path / "lossy.rtlog", np.arange(1, 101), Done(7, 2))).wrong(engine)
    assert len(lossy) == 1 and "7 lost blocks" in lossy[0]


def test_a_damaged_or_absent_log_is_wrong_and_no_error(tmp_path):
    engine = SimpleNamespace(blocks=100, frame=12800, missed_slots=2)
    path = log_of(tmp_path / "cut.rtlog", np.arange(1, 101))
    content = bytearray(path.read_bytes())
    content[len(content) * 2 // 3] ^= 0xFF
    path.write_bytes(content)
    assert "cut or damaged" in read_log(path).wrong(engine)[0]
    assert len(read_log(tmp_path / "none.rtlog").wrong(engine)) == 4
    (tmp_path / "other.rtlog").write_bytes(b"RIFF")
    assert "is no pose log" in read_log(tmp_path / "other.rtlog").wrong(engine)[0]


@pytest.mark.parametrize("minutes", [0.0, 1e9])
def test_a_length_that_cannot_be_used_is_refused_with_the_range(minutes):
    with pytest.raises(ConfigurationError, match=r"allowed is a number, 0\.1 to 1440\."):
        run(["soak"], minutes=minutes)


def test_the_soak_runs_only_when_it_is_named():
    assert set(ONLY_BY_NAME) < set(PARTS)
