"""A session with its page: from the command's options to a browser's link, and what the network may reach of it."""

import re
import threading
from contextlib import closing

import pytest

pytest.importorskip("websockets", reason="needs the Python package websockets")

from page_tools import ask, next_of
from websockets.sync.client import connect

from rt_render.app import api
from rt_render.app.benchmarks.page_clients import Client
from rt_render.app.settings_file import load_settings
from rt_render.app.web import web_page
from rt_render.app.web.place import listen
from rt_render.app.web.roles import visitors_token
from rt_render.app.web.web_page import WebPage
from rt_render.errors import ConfigurationError, DeviceError

QUICK = {"method": "ls", "taps": 64, "head": "sphere", "device": "virtual", "tracker": "simulated", "remote_port": 0}


def test_a_session_is_seen_and_controlled_by_its_page_while_it_plays():
    """The main thread plays, as it does in life; another is the browser."""
    said, seen, done = [], {}, threading.Event()

    def browse(url):
        with connect(url.replace("http", "ws") + "ws", proxy=None, compression=None) as page:
            seen["hello"] = next_of(page, "hello")
            seen["pose"] = next_of(page, "pose")
            seen["refused"] = ask(page, "gain_db", 99)
            seen["done"] = ask(page, "gain_db", -17)
            state = next_of(page, "state")
            while state["values"]["gain_db"] != -17.0:
                state = next_of(page, "state")
            seen["state"] = state
        done.set()

    def take(text):
        said.append(text)
        if found := re.search(r"http://\S+/", text):
            threading.Thread(target=browse, args=(found[0],), daemon=True).start()

    api.play("scene", web=True, web_port=0, on_message=take, watch=lambda _: not done.is_set(), seconds=20.0, **QUICK)
    assert done.is_set(), said
    assert {"gain_db", "muted", "playing", "recentre", "tracking"} <= {c["name"] for c in seen["hello"]["controls"]}
    assert seen["hello"]["energy_grid"] == {"n_azimuth": 72, "elevations_deg": [-60, -40, -20, 0, 20, 40, 60]}
    assert sum(v * v for v in seen["pose"]["q"]) == pytest.approx(1.0, abs=1e-3)
    assert seen["refused"]["type"] == "refused" and seen["done"]["type"] == "done"
    assert {"tracker", "card", "block", "budget", "glitches", "messages"} <= set(seen["state"])
    assert sum("http://" in text for text in said) == 1
    assert not any("http://" in text for text in seen["state"]["messages"]), "the link is for who started it alone"


def test_a_port_in_use_is_told_before_anything_takes_time(monkeypatch):
    monkeypatch.setattr("rt_render.app.session.Session.__init__", lambda *_, **__: pytest.fail("a session was made"))
    with closing(listen("127.0.0.1", 0)) as taken, pytest.raises(DeviceError, match="in use by another program"):
        api.play("scene", web=True, web_port=taken.getsockname()[1], seconds=1.0, **QUICK)


def test_without_the_library_the_next_step_is_told(monkeypatch):
    monkeypatch.setattr(web_page, "find_spec", lambda name: None)
    with pytest.raises(DeviceError, match=r"pip install 'rt-render\[web\]'"):
        WebPage(load_settings(None, {"web": True}).web, print).__enter__()


def test_without_being_asked_for_there_is_no_page(monkeypatch):
    monkeypatch.setattr(web_page, "listen", lambda *_: pytest.fail("a port was opened"))
    with WebPage(load_settings().web, pytest.fail) as page:
        page.show(None)
    assert page.link == ""


def test_opened_to_the_network_the_link_has_a_token_that_is_new_each_time():
    settings = load_settings(None, {"web": True, "web_port": 0, "web_host": "0.0.0.0"}).web
    links = []
    for _ in range(2):
        with WebPage(settings, print) as page:
            links.append(page.link)
    tokens = [re.search(r"#token=([A-Za-z0-9_-]{16})$", link)[1] for link in links]
    assert tokens[0] != tokens[1]


def test_a_token_of_the_set_up_stays_so_that_pages_come_back():
    settings = load_settings(None, {"web": True, "web_port": 0, "web_token": "booth-one"}).web
    with WebPage(settings, print) as page:
        assert page.link.endswith("#token=booth-one")


def test_visitors_have_a_link_of_their_own_and_on_this_machine_one_without_a_token():
    links = []
    for host in ("127.0.0.1", "0.0.0.0"):
        wanted = {"web": True, "web_port": 0, "web_host": host, "web_token": "booth-one", "web_visitors": True}
        with WebPage(load_settings(None, wanted).web, print) as page:
            assert page.link.endswith("#token=booth-one")
            links.append(page.visitors_link)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", links[0])
    assert links[1].endswith(f"#token={visitors_token('booth-one')}")
    with WebPage(load_settings(None, {"web": True, "web_port": 0, "web_visitors": True}).web, print) as page:
        assert "#token=" in page.link, "the operator of a booth on this machine is known by a token too"


@pytest.mark.parametrize("token", ["short", "with space", "ümlaut-token", "a" * 65])
def test_a_token_that_is_too_easy_or_no_link_is_refused(token):
    with pytest.raises(ConfigurationError, match="8 to 64 letters"):
        load_settings(None, {"web_token": token})


def test_a_page_of_the_benchmark_counts_whole_messages():
    frames = b"".join(
        bytes([0x81, *head]) + bytes(size)
        for size, head in ((5, [5]), (300, [126, 1, 44]), (70_000, [127, *b"\0\0\0\0\0\1\x11\x70"]))
    )
    client = object.__new__(Client)
    client.n_messages, client._data = 0, b""
    pieces = [frames[i : i + 37] for i in range(0, len(frames), 37)]
    client.socket = type("Pieces", (), {"recv": lambda self, n: pieces.pop(0)})()
    while pieces:
        client.read()
    assert client.n_messages == 3 and client._data == b""
