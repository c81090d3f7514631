"""The terminal tells what the page tells: where sound comes from, versions, visits."""

import io
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from rt_render.ambisonics.encoding import encode_plane_wave
from rt_render.app.around import N_CELLS, RULER, around, bars
from rt_render.app.budget_words import motion_line
from rt_render.app.live_rows import compare_text, in_short, visit_text
from rt_render.app.live_view import plain_line, view_of
from rt_render.app.session import Session
from rt_render.app.settings_file import load_settings
from rt_render.app.watch.far_rows import far_line, far_rows
from rt_render.app.web.energy_map import EnergyMap

SLOTS = [{"name": name, "title": name.title(), "about": ""} for name in ("tracked", "untracked", "stereo")]
COMPARE = {"slots": SLOTS, "active": "untracked", "blind": False}


def drawn(azimuth_deg, yaw_deg=0.0):
    field = encode_plane_wave(0.1 * np.ones(128), 3, np.radians(azimuth_deg), 0.0).astype(np.float32)
    energy = EnergyMap(3)
    energy.take(field, (1.0, 0.0, 0.0, 0.0), 0.0)
    return bars(energy.levels_db(), yaw_deg)


def place_of(word):
    return RULER.index(word) + len(word) / 2


@pytest.mark.parametrize(("azimuth_deg", "word"), [(0, "ahead"), (90, "left"), (-90, "right")])
def test_the_highest_bar_stands_over_the_word_for_where_the_sound_comes_from(azimuth_deg, word):
    line = drawn(azimuth_deg).plain
    highest = [k + 0.5 for k, bar in enumerate(line) if bar == "█"]
    assert highest and abs(np.mean(highest) - place_of(word)) <= 1.0


def test_what_comes_from_behind_stands_at_both_ends():
    line = drawn(180).plain
    assert line[0] == line[-1] == "█" and "█" not in line[10:30]


@pytest.mark.parametrize(("yaw_deg", "word"), [(0, "ahead"), (90, "left"), (-90, "right"), (450, "left")])
def test_the_cell_that_the_head_faces_is_marked(yaw_deg, word):
    faced = [span.start for span in drawn(0, yaw_deg).spans if span.style == "reverse"]
    assert len(faced) == 1 and abs(faced[0] + 0.5 - place_of(word)) <= 1.0


@pytest.mark.parametrize("yaw_deg", [180.0, -180.0, 179.99, -179.99, 0.0])
def test_no_heading_is_beside_the_line(yaw_deg):
    line = drawn(30, yaw_deg)
    assert len(line.plain) == N_CELLS == len(RULER) and [s.style for s in line.spans].count("reverse") == 1


def test_silence_is_an_empty_line():
    assert bars(EnergyMap(1).levels_db(), 0.0).plain.strip() == ""


def test_the_version_that_is_heard_is_marked_by_signs_and_not_by_colour_alone():
    assert "[2 untracked]" in compare_text({"compare": COMPARE}).plain
    assert "[1" not in compare_text({"compare": COMPARE}).plain


def test_blind_versions_show_their_letters_only():
    slots = [{"name": name, "title": f"Version {name}", "about": ""} for name in "AB"]
    text = compare_text({"compare": {"slots": slots, "active": "B", "blind": True}}).plain
    assert text.startswith("blind:") and "[2 B]" in text


def test_without_tracking_no_motion_is_said_to_become_sound():
    status = SimpleNamespace(tracking=False, follows_head=False, budget=None)
    assert motion_line(status) == "tracking is off: the sound turns with the head"
    status.tracking = True
    assert motion_line(status) == "the sound of this version turns with the head"
    status.follows_head = True
    assert motion_line(status) == "no pose was heard yet"


def test_without_versions_and_visits_nothing_is_said_of_them():
    assert compare_text({}) is None and compare_text({"compare": None}) is None
    assert visit_text({}) is None and in_short({}) == ""


def test_a_visit_is_told_with_its_number_and_how_long_it_lasts():
    state = {"visit": {"number": 12, "since_s": 83.0}, "resting": False, "compare": COMPARE}
    assert visit_text(state) == "number 12, for 1:23.0"
    assert in_short(state) == "  version untracked  visit 12"


def test_headphones_that_lie_still_are_told_of():
    assert "lie still" in visit_text({"visit": None, "resting": True})
    assert in_short({"visit": None, "resting": True}) == "  resting"
    assert visit_text({"visit": None, "resting": False}) == "nobody yet"


def test_all_lines_of_a_booth_fit_a_terminal_of_eighty_columns():
    settings = load_settings(
        None, {"device": "virtual", "tracker": "none", "method": "ls", "head": "sphere", "order": 1}
    )
    with Session(settings, seconds=0.4) as session:
        session.desk.add_part("visit", lambda: {"number": 3, "since_s": 5.0})
        session.desk.add_part("compare", lambda: COMPARE)
        session.desk.work(session)
        surroundings = session.surroundings()
        around(surroundings)
        console = Console(width=80, file=io.StringIO())
        console.print(view_of(session, session.status(), around(surroundings)))
    shown = console.file.getvalue()
    labels = [line.split()[0] for line in shown.splitlines() if line[:8].strip()]
    assert labels[:5] == ["playing", "visit", "compare", "around", "head"]
    assert RULER in shown and "number 3" in shown and "…" not in shown


def plain_of(view):
    console = Console(width=120, file=io.StringIO())
    console.print(view)
    return console.file.getvalue()


def test_blind_no_terminal_tells_what_one_ear_gets_more_than_the_other():
    """As a head turns the level moves from ear to ear in a version that follows it, and in no other."""
    settings = load_settings(
        None, {"device": "virtual", "tracker": "none", "method": "ls", "head": "sphere", "order": 1}
    )
    here, lines, far, far_lines = [], [], [], []
    with Session(settings, seconds=0.4) as session:
        for compare, far_levels in ((COMPARE, [-8.0, -20.0]), (COMPARE | {"blind": True}, [-10.7])):
            session.desk.add_part("compare", lambda compare=compare: compare)
            session.desk.work(session)
            status, state = session.status(), session.desk.state()
            pose = {"q": [1, 0, 0, 0], "levels": dict.fromkeys(("rms_db", "peak_db"), far_levels)}
            far.append(plain_of(far_rows(state, pose, [])))
            far_lines.append(far_line(state, pose))
            for rms in ((0.4, 0.1), (0.1, 0.4)):
                engine = replace(status.engine, rms=rms, peak=rms)
                moment = replace(status, engine=engine)
                here.append(plain_of(view_of(session, moment)))
                lines.append(plain_line(moment, state))
    assert here[0] != here[1] and lines[0] != lines[1] and "  -8/-20 dB  " in lines[0]
    assert here[2] == here[3] and lines[2] == lines[3] and "  -11 dB  " in lines[2]
    assert "  -8/-20 dB  " in far_lines[0] and "  -11 dB  " in far_lines[1]
    for text, ears in ((here[0], 2), (here[2], 0), (far[0], 2), (far[1], 0)):
        assert len(re.findall(r"^ +(?:left|right) ", text, re.MULTILINE)) == ears
        assert bool(re.search(r"^ +ears ", text, re.MULTILINE)) is not bool(ears)
