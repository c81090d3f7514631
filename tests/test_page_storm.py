import pytest

pytest.importorskip("websockets", reason="needs the Python package websockets")

from osc_storm import memory_kb
from page_storm import MAX_GROWTH_KB, PER_CONNECTION, TOKEN, storm, wrong_with
from page_tools import ask, served


def test_of_hostile_requests_and_messages_none_changes_anything_and_the_page_stays(monkeypatch):
    from rt_render.app.web import server

    monkeypatch.setattr(server, "MESSAGES_PER_S", 10_000.0)  # the pace has a test of its own
    with served(token=TOKEN) as page:
        storm(page, 400, seed=2)
        memory, n_before = [memory_kb()], len(page.desk.asked)
        counts = storm(page, 2000)
        memory.append(memory_kb())
        assert wrong_with(counts, page.desk.asked[n_before:], page.said, memory, 2000 // PER_CONNECTION) == []
        assert counts["ws sent"] > 900
        assert all(counts[f"http {status}"] for status in (101, 400, 403, 404, 426, 431))
        assert counts["http nothing"] < 700
        assert page.get("/")[0] == 200
        with page.client(f"?token={TOKEN}") as client:
            assert ask(client, "muted", True)["type"] == "done"


def test_a_storm_that_changed_something_or_grew_is_told():
    right = {"honest": 2, "ws answered": 9, "ws sent": 9}
    asked = [("gain_db", -1.0, "page")] * 2
    assert wrong_with(right, asked, [], [1000, 1000 + MAX_GROWTH_KB], 2) == []
    assert wrong_with(right, [*asked, ("muted", True, "page")], [], [0, 0], 2) == ["1 changes by who may not"]
    assert wrong_with(right, asked, ["it failed"], [0, MAX_GROWTH_KB + 1], 2)[0] == "the page failed 1 times"
    assert len(wrong_with({**right, "honest": 1, "ws answered": 8}, asked, [], [0, 0], 2)) == 2
