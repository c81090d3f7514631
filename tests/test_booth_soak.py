"""A booth in short: visitors come and go, faults befall it, and the log is right."""

import os
import re
import sys

import numpy as np
import pytest

from rt_render.app.benchmarks import ONLY_BY_NAME, report, run
from rt_render.app.benchmarks.booth_faults import FAULTS
from rt_render.app.benchmarks.booth_ledger import Ledger, wrong_with_visits
from rt_render.app.benchmarks.booth_soak import AT_MOST
from rt_render.app.benchmarks.memory_trend import MemoryTrend
from rt_render.errors import ConfigurationError

MINUTES = float(os.environ.get("RT_RENDER_BOOTH_MINUTES", "0.25"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="faults are made with /proc and signals")
def test_visitors_and_faults_come_and_go_and_all_is_well_again():
    told = []
    results = run(["booth-soak"], told.append, minutes=MINUTES)
    soak = results["booth_soak"]
    # how long it takes, and what a busy machine misses, is judged by an hour
    assert set(soak["missed"]) <= {"longest_down_s", "calm_missed_share"}, (soak["failed"], soak["wrong"])
    assert sum(times["n"] for times in soak["faults"].values()) >= 3
    assert soak["beginnings"] >= 2 and soak["calm_blocks"] > 1000
    assert soak["pick_ups"] >= 2 and soak["visits"] >= soak["pick_ups"] - soak["beginnings"]
    assert soak["log_lines"] > 5 and told
    words = report(results)
    assert re.search(rf"underruns +{soak['underruns']} \(required 0\) ok", words)
    assert ("not judged in so short a run" in words) == (MINUTES < 40)


def beat(**more):
    usual = {"level": 0.1, "memory_mb": 200.0, "underruns": 0, "missed": 0, "blocks": 10, "visit": None}
    return {"kind": "beat", **usual, **more}


VISIT = {"number": 1, "since_s": 9.0}


def test_the_ledger_sums_lives():
    ledger = Ledger()
    for life in range(2):
        ledger.take(life * 100.0, {"kind": "opens"})
        ledger.take(life * 100.0 + 50.0, beat(underruns=1, missed=2, blocks=5))
        ledger.take(life * 100.0 + 60.0, beat(underruns=2, missed=3))
    ledger.close_life()
    assert (ledger.lives, ledger.underruns, ledger.missed, ledger.blocks) == (2, 4, 6, 20)
    assert (ledger.calm_missed, ledger.calm_blocks, ledger.longest_life_s) == (6, 20, 10.0)
    assert ledger.growth_mb_per_hour is None


def test_gaps_and_silence_count_unless_a_recovery_was_under_way_at_that_time():
    ledger = Ledger()
    ledger.take(0.0, beat())
    ledger.recovery_begins()
    ledger.take(1.0, beat(missed=5, blocks=20, level=0.0, visit=VISIT))
    ledger.recovery_ends(1.1)
    ledger.take(1.2, beat(missed=6, blocks=30, level=0.0, visit=VISIT))
    assert (ledger.calm_missed, ledger.calm_blocks, ledger.silent_beats) == (0, 10, 0)
    ledger.take(2.2, beat(missed=8, blocks=40, level=0.0, visit=VISIT))
    ledger.take(2.4, beat(missed=8, blocks=50, level=0.0, visit={"number": 1, "since_s": 0.5}))
    ledger.take(2.6, beat(missed=8, blocks=60, level=0.0))
    assert (ledger.calm_missed, ledger.calm_blocks, ledger.silent_beats) == (2, 40, 1)


def grown(hours, mb_per_hour, start_mb=lambda at_s: 0.0):
    trend = MemoryTrend()
    for at_s in np.arange(0.0, 3600.0 * hours, 10.0):
        trend.take(at_s, 200.0 + mb_per_hour * at_s / 3600.0 + start_mb(at_s))
    return trend


@pytest.mark.parametrize("hours", [0.3, 1.0, 168.0])
def test_a_leak_is_seen_per_hour_and_a_start_that_settles_is_none(hours):
    assert grown(hours, 5.0).growth_mb_per_hour() == pytest.approx(5.0, rel=0.01)
    settles = grown(hours, 0.0, lambda at_s: 30.0 * min(1.0, at_s / (1000.0 * hours)))
    assert settles.growth_mb_per_hour() == pytest.approx(0.0, abs=1e-9)
    assert grown(0.2, 5.0).growth_mb_per_hour() is None
    assert len(grown(hours, 5.0)._mb) <= 1000


def test_a_leak_of_one_life_is_kept_when_the_next_one_is_short():
    ledger = Ledger()
    for at_s in range(0, 1200, 5):
        ledger.take(at_s, beat(memory_mb=200.0 + at_s / 360.0))
    ledger.take(1300.0, {"kind": "opens"})
    ledger.take(1310.0, beat())
    ledger.close_life()
    assert ledger.growth_mb_per_hour == pytest.approx(10.0, rel=0.05)


def test_what_a_fault_must_leave_in_the_log_is_missed_where_it_is_not_there():
    killed = next(fault for fault in FAULTS if fault.name == "program killed")
    right = [
        {"event": "begins_anew", "why": "its program ended by itself (signal 9)"},
        {"event": "plays", "down_s": 2.0},
    ]
    assert killed.missing_in(right) == []
    assert len(killed.missing_in([right[0], {"event": "plays", "down_s": None}])) == 1
    assert all(fault.logged for fault in FAULTS if fault.told != "nothing")


def visit(*numbers):
    return [{"event": kind, "number": n} for n in numbers for kind in ("visit_begins", "visit_ends")]


def test_visits_that_are_missing_doubled_or_without_an_end_are_seen():
    assert wrong_with_visits(visit(1, 2, 3), 3) == []
    assert wrong_with_visits(visit(1, 3), 3)[0] == "visit 3 follows visit 1"
    assert wrong_with_visits(visit(1, 2), 3) == ["2 visits, and the headphones were picked up 3 times"]
    no_end = [{"event": "visit_begins", "number": 1}, {"event": "visit_begins", "number": 2}]
    assert wrong_with_visits(no_end, 2) == ["visit 1 has no end"]
    anew = [*visit(1), {"event": "begins_anew"}, *visit(2)]
    assert wrong_with_visits(anew, 1) == [] and wrong_with_visits([no_end[0], anew[2]], 1) == ["visit 1 has no end"]
    assert wrong_with_visits([{"event": "visit_ends", "number": 1}], 0)[0] == "an end of visit 1 that had not begun"
    assert wrong_with_visits([{"event": "lines_lost", "lines": 4}], 0) == ["4 lines were lost"]


@pytest.mark.parametrize("length", [{"minutes": 0.1}, {"days": 40.0}])
def test_a_length_that_cannot_be_used_is_refused_and_it_runs_only_by_name(length):
    with pytest.raises(ConfigurationError, match=r"allowed is a number, 0\.25 to 44640, or days, up to 31\."):
        run(["booth-soak"], **length)
    assert "booth-soak" in ONLY_BY_NAME and {"underruns", "log_wrong", "not_recovered"} < set(AT_MOST)
