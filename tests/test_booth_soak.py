"""A booth in short: visitors come and go, faults befall it, and the log is right."""

import os
import sys

import pytest

from rt_render.app.benchmarks import ONLY_BY_NAME, report, run
from rt_render.app.benchmarks.booth_ledger import LONG_LIFE, Ledger, wrong_with_visits
from rt_render.app.benchmarks.booth_soak import AT_MOST
from rt_render.errors import ConfigurationError

MINUTES = float(os.environ.get("RT_RENDER_BOOTH_MINUTES", "0.25"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="faults are made with /proc and signals")
def test_visitors_and_faults_come_and_go_and_all_is_well_again():
    told = []
    results = run(["booth-soak"], told.append, minutes=MINUTES)
    soak = results["booth_soak"]
    # how long it takes, and how much memory a start still needs, is judged by an hour
    assert set(soak["missed"]) <= {"longest_down_s", "memory_growth_mb"}, (soak["failed"], soak["wrong"])
    assert soak["pick_ups"] >= 1 and soak["visits"] >= soak["pick_ups"] - soak["beginnings"]
    assert soak["log_lines"] > 5 and told
    assert f"underruns            {soak['underruns']} (required 0) ok" in report(results)


def beat(**more):
    usual = {"level": 0.1, "memory_mb": 200.0, "underruns": 0, "missed": 0, "blocks": 10, "visit": None}
    return {"kind": "beat", **usual, **more}


def test_the_ledger_sums_lives_and_sees_silence_and_growth():
    ledger = Ledger()
    for life in range(2):
        ledger.take({"kind": "opens"})
        for k in range(40 * LONG_LIFE):
            ledger.take(beat(memory_mb=200.0 + 0.01 * k * life, underruns=2, missed=3))
    ledger.take(beat(visit={"number": 1, "since_s": 9.0}, level=0.0, underruns=2, missed=3))
    ledger.take(beat(visit={"number": 1, "since_s": 0.5}, level=0.0, underruns=2, missed=3))
    ledger.close_life()
    assert (ledger.lives, ledger.underruns, ledger.missed, ledger.blocks) == (2, 4, 6, 20)
    assert ledger.silent_beats == 1 and 1.0 < ledger.growth_mb < 3.0


def visit(*numbers):
    return [{"event": kind, "number": n} for n in numbers for kind in ("visit_begins", "visit_ends")]


def test_visits_that_are_missing_doubled_or_without_an_end_are_seen():
    assert wrong_with_visits(visit(1, 2, 3), 3) == []
    assert wrong_with_visits(visit(1, 3), 3)[0] == "visit 3 follows visit 1"
    assert wrong_with_visits(visit(1, 2), 3) == ["2 visits, and the headphones were picked up 3 times"]
    no_end = [{"event": "visit_begins", "number": 1}, {"event": "visit_begins", "number": 2}]
    assert wrong_with_visits(no_end, 2) == ["visit 1 has no end"]
    anew = [no_end[0], {"event": "begins_anew"}, no_end[1]]
    assert wrong_with_visits(anew, 1) == []
    assert wrong_with_visits([{"event": "visit_ends", "number": 1}], 0)[0] == "an end of visit 1 that had not begun"
    assert wrong_with_visits([{"event": "lines_lost", "lines": 4}], 0) == ["4 lines were lost"]


@pytest.mark.parametrize("length", [{"minutes": 0.1}, {"days": 40.0}])
def test_a_length_that_cannot_be_used_is_refused_and_it_runs_only_by_name(length):
    with pytest.raises(ConfigurationError, match=r"allowed is a number, 0\.25 to 44640, or days, up to 31\."):
        run(["booth-soak"], **length)
    assert "booth-soak" in ONLY_BY_NAME and {"underruns", "log_wrong", "not_recovered"} < set(AT_MOST)
