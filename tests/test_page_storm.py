import pytest

pytest.importorskip("websockets", reason="needs the Python package websockets")

from osc_storm import memory_kb
from page_storm import PER_CONNECTION, TOKEN, storm
from page_tools import ask, served


def test_of_hostile_requests_and_messages_none_changes_anything_and_the_page_stays(monkeypatch):
    from rt_render.app.web import server

    monkeypatch.setattr(server, "MESSAGES_PER_S", 10_000.0)  # the pace has a test of its own
    with served(token=TOKEN) as page:
        storm(page, 400, seed=2)
        before_kb, n_before = memory_kb(), len(page.desk.asked)
        counts = storm(page, 2000)
        assert memory_kb() - before_kb < 8_000
        assert page.said == []
        assert [name for name, _, _ in page.desk.asked[n_before:]] == ["gain_db"] * (2000 // PER_CONNECTION)
        assert counts["honest"] == 2000 // PER_CONNECTION and counts["ws answered"] == counts["ws sent"] > 900
        assert all(counts[f"http {status}"] for status in (101, 400, 403, 404, 426, 431))
        assert counts["http nothing"] < 700
        assert page.get("/")[0] == 200
        with page.client(f"?token={TOKEN}") as client:
            assert ask(client, "muted", True)["type"] == "done"
