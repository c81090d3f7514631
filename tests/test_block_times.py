"""How long blocks took, as a line and a table, and in the live view of eighty columns."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from rt_render.app.block_times import block_times_markdown, disturbances, sparkline
from rt_render.app.budget import Budget, Spread
from rt_render.app.budget_words import EXPLAINED, budget_line
from rt_render.app.live_view import view_of
from rt_render.app.session import Session
from rt_render.app.settings_file import load_settings
from rt_render.app.words import summary
from rt_render.engine.snapshot import BLOCK_TIME_BINS_S


def histogram(**blocks_by_bin):
    """Bins, given as b12=3: three blocks in bin 12."""
    counts = {int(name[1:]): n for name, n in blocks_by_bin.items()}
    return tuple((up_to_s, counts.get(k, 0)) for k, up_to_s in enumerate(BLOCK_TIME_BINS_S))


def test_the_line_reaches_from_the_shortest_block_to_the_longest_and_the_most_stand_highest():
    line = sparkline(histogram(b40=1, b42=1000, b43=1000, b47=30))
    assert line == f"▁█·▄ up to {1e6 * BLOCK_TIME_BINS_S[41]:.0f} to {1e6 * BLOCK_TIME_BINS_S[47]:.0f} µs"
    assert sparkline(histogram(b3=1)).startswith("▁ ")
    assert sparkline(histogram()) == "no block yet"


def test_the_longest_line_fits_a_terminal():
    assert len(sparkline(tuple((up_to_s, 7) for up_to_s in BLOCK_TIME_BINS_S))) <= 80 - 8 - 2


def test_the_table_has_all_blocks():
    page = block_times_markdown(histogram(b40=250, b41=250, b43=250, b60=250))
    rows = [line.split("|")[1:-1] for line in page.splitlines() if "µs" in line]
    assert sum(int(row[1]) for row in rows) == 1000 and len(rows) == 6
    assert [int(row[1]) for row in rows] == [750, 0, 0, 0, 0, 250] and rows[0][2].strip() == "75.000 %"
    assert float(rows[0][0].split()[0]) == pytest.approx(1e6 * BLOCK_TIME_BINS_S[43], abs=0.5)
    assert block_times_markdown(histogram()) == ""


def test_stale_poses_and_clock_jumps_stand_beside_what_was_missed():
    engine = SimpleNamespace(late_blocks=2, underruns=1, stale_blocks=3, clock_jumps=4)
    assert disturbances(engine) == "2 missed, 1 underrun, 3 stale poses, 4 clock jumps"


def a_budget():
    parts = {name: Spread(11.1, 22.2, 33.3) for name in EXPLAINED}
    return Budget(parts, *[Spread(77.7, 88.8, 99.9)] * 3, 60.0, Spread(5.0, 5.0, 5.0), 100)


def test_eighty_columns_show_the_whole_budget_and_words_stay_whole(monkeypatch):
    wanted = {"device": "virtual", "tracker": "simulated", "method": "ls", "head": "sphere", "order": 1}
    with Session(load_settings(None, wanted), seconds=0.2) as session:
        monkeypatch.setattr(session.budget, "recent", lambda now_s: a_budget())
        monkeypatch.setattr(session.budget, "whole", a_budget)
        status = session.status()
        console = Console(width=80, file=io.StringIO())
        console.print(view_of(session, status))
    lines = console.file.getvalue().splitlines()
    first = next(k for k, line in enumerate(lines) if line.strip().startswith("motion"))
    last = next(k for k, line in enumerate(lines) if line.strip().startswith("position"))
    assert " ".join(" ".join(lines[first:last]).split()) == f"motion {budget_line(a_budget())}"
    assert last - first > 1 and max(len(line.rstrip()) for line in lines) <= 80
    assert all(f"{name} 11.1" in budget_line(a_budget()) for name in ("tracker", "wait", "easing", "device", "extra"))
    closing = summary(session.ended_with(status))
    assert f" Motion to sound: {budget_line(a_budget())}." in closing
