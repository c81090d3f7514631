"""A program that runs is watched from another terminal, by what its page tells."""

import io
import re
import socket
import threading
import time
from contextlib import closing, suppress
from types import SimpleNamespace

import pytest

pytest.importorskip("websockets", reason="needs the Python package websockets")

from page_tools import POSE, WritingDesk, served
from rich.console import Console

from rt_render.app import api
from rt_render.app.booth.state_files import kept_token
from rt_render.app.commands_watch import link_of
from rt_render.app.watch import page_link
from rt_render.app.watch.far_keys import wish_of
from rt_render.app.watch.far_view import FarView
from rt_render.app.watch.page_link import PageLink
from rt_render.app.web.gate import Gate
from rt_render.app.web.place import listen
from rt_render.app.web.server import PageServer
from rt_render.errors import ConfigurationError, DeviceError

QUICK = {"method": "ls", "taps": 64, "head": "sphere", "device": "virtual", "tracker": "simulated", "remote_port": 0}


def until(page, true, seconds=10.0):
    end_s = time.monotonic() + seconds
    while not true() and time.monotonic() < end_s:
        page.look(0.05)
    return true()


def shown_of(link, terminal, seconds=15.0):
    """Watch for long enough to see all rows; return what was shown."""
    paper, end_s = io.StringIO(), time.monotonic() + seconds
    console = Console(file=paper, force_terminal=terminal, width=160)
    with PageLink(link) as page, FarView(console) as view:
        while time.monotonic() < end_s and view(page):
            if page.energy and page.state["budget"] and (not terminal or "motion" in paper.getvalue()):
                break
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", paper.getvalue())


def test_a_running_program_is_seen_from_another_terminal_and_in_plain_lines():
    said, shown, done = [], {}, threading.Event()

    def look(link):
        try:
            shown["terminal"], shown["plain"] = shown_of(link, True), shown_of(link, False)
        finally:
            done.set()

    def take(text):
        said.append(text)
        if found := re.search(r"http://\S+/", text):
            threading.Thread(target=look, args=(found[0],), daemon=True).start()

    api.play("scene", web=True, web_port=0, on_message=take, watch=lambda _: not done.is_set(), seconds=40.0, **QUICK)
    rows = dict(re.findall(r"^ *(\w+) {2,}(.*\S)", shown["terminal"], re.MULTILINE))
    assert {"playing", "compare", "around", "head", "tracker", "left", "right", "block", "motion", "position"} <= set(
        rows
    )
    assert "order" in rows["playing"] and "sphere" in rows["playing"] and "poses/s" in rows["tracker"]
    assert "virtual" in rows["latency"] and "[1 tracked]" in rows["compare"] and "dB" in rows["position"]
    line = shown["plain"].splitlines()[0]
    for words in ("yaw", "missed", "poses/s", "version tracked", "motion to sound", "0:"):
        assert words in line


STATE = {
    "values": {"gain_db": 23.5, "muted": False, "playing": True, "tracking": True, "position_s": 5.0, "compare": "A"},
    "compare": {"slots": [{"name": name} for name in "AB"], "active": "B", "blind": True},
    "position_s": 5.0,
    "length_s": 60.0,
    "lap": None,
}


@pytest.mark.parametrize(
    ("key", "wish"),
    [
        *(("r", ("recentre", None)), ("n", ("next", None)), ("P", ("previous", None))),
        *(("m", ("muted", True)), (" ", ("playing", False)), ("t", ("tracking", False))),
        *(("+", ("gain_db", 24.0)), ("=", ("gain_db", 24.0)), ("-", ("gain_db", 22.5)), ("_", ("gain_db", 22.5))),
        *(("[", ("position_s", 0.0)), ("]", ("position_s", 15.0))),
        *(("a", ("compare", "A")), ("2", ("compare", "B")), ("3", None), ("x", None), ("?", None)),
    ],
)
def test_each_key_asks_for_what_it_does_in_the_programs_own_terminal(key, wish):
    assert wish_of(key, STATE) == wish


def test_a_key_for_what_is_not_there_asks_for_nothing():
    visitor = {**STATE, "values": {"gain_db": 0.0}, "compare": None}
    assert [wish_of(key, visitor) for key in "mta1"] == [None] * 4
    nameless = {**STATE, "compare": STATE["compare"] | {"active": "C"}}
    assert wish_of("a", nameless) == ("compare", "A"), "a version that is just left out"
    assert wish_of("]", {**STATE, "position_s": 59.9}) is None, "it would be over"
    assert wish_of("]", {**STATE, "position_s": 59.9, "lap": 1}) == ("position_s", 69.9)


def test_keys_reach_the_program_and_what_it_refuses_is_said():
    paper = io.StringIO()
    with served() as here, PageLink(f"127.0.0.1:{here.port}") as page:
        view = FarView(Console(file=paper, width=200))
        view._show = lambda page: None
        assert until(page, lambda: page.state)
        typed = ["?", "t", "++m"]
        view._keys = SimpleNamespace(pressed=lambda: typed.pop() if typed else "")
        page.ask("nothing", 1)
        end_s = time.monotonic() + 10.0
        while view(page) and time.monotonic() < end_s and (typed or len(here.desk.asked) < 3 or not paper.getvalue()):
            pass
        typed.append("q")
        assert not view(page)
        assert here.desk.asked == [("gain_db", 1.0, "page"), ("gain_db", 2.0, "page"), ("muted", True, "page")]
    assert "there is no control 'nothing'." in paper.getvalue() and "recentre: where you look now" in paper.getvalue()


def test_a_page_that_goes_and_comes_back_is_told_once_each(monkeypatch):
    monkeypatch.setattr(page_link, "TRY_EVERY_S", 0.05)
    paper = io.StringIO()
    with served() as first:
        page = PageLink(f"127.0.0.1:{first.port}").open()
        view = FarView(Console(file=paper, width=200))
        view._show = lambda page: None
        assert until(page, lambda: page.pose) and view(page) and page.trouble is None
    while page.trouble is None:
        assert view(page)
    assert view(page)
    again = PageServer(
        listen("127.0.0.1", first.port),
        Gate("127.0.0.1", ""),
        WritingDesk(),
        lambda now_s: POSE,
        greeting={},
        on_message=pytest.fail,
    )
    again.start()
    end_s = time.monotonic() + 10.0
    while page.trouble and time.monotonic() < end_s:
        view(page)
    view(page)
    page.close()
    again.stop()
    told = paper.getvalue().splitlines()
    assert "tried again every second." in told[0] and told[-1] == "the page answers again." and len(told) <= 3


class Tunnel:
    """What `ssh -L` is: it takes every connection, and ends it at once while nobody listens at the other end."""

    def __init__(self, port):
        self.far_port, self.closed_at_once = port, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.far_port))
            except OSError:
                near.close()
                self.closed_at_once += 1
                continue
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one, other):
        with suppress(OSError):
            while some := one.recv(65536):
                other.sendall(some)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def test_through_a_tunnel_a_program_that_begins_anew_is_waited_for(monkeypatch):
    monkeypatch.setattr(page_link, "TRY_EVERY_S", 0.05)
    with served() as first, closing(Tunnel(first.port)) as tunnel:
        page = PageLink(f"127.0.0.1:{tunnel.port}").open()
        assert until(page, lambda: page.state)
        first.server.stop()
        assert until(page, lambda: tunnel.closed_at_once > 2)
        assert page.trouble.startswith("no page answers behind 127.0.0.1:")
        with served() as again:
            tunnel.far_port = again.port
            assert until(page, lambda: page.trouble is None)
        page.close()
    with closing(Tunnel(first.port)) as tunnel, pytest.raises(DeviceError, match="is no page of rt-render"):
        PageLink(f"127.0.0.1:{tunnel.port}").open()


def test_a_token_that_is_missing_or_wrong_is_told_with_the_next_step():
    with served(token="the-right-one") as here:
        link = f"http://127.0.0.1:{here.port}/"
        for wrong in ("", "#token=another-one"):
            page = PageLink(link + wrong).open()
            with pytest.raises(
                DeviceError, match=r"wants its token: name the whole link .* or the set-up with --config"
            ):
                page.look(5.0)
            page.close()
        with PageLink(f"{link}#token=the-right-one") as page:
            assert until(page, lambda: page.pose and page.state) and page.state["values"]["playing"] is True


def test_nobody_there_a_stranger_and_what_is_no_link_are_told():
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(
        DeviceError, match=rf"no page answers at 127\.0\.0\.1:{port} \(.*refused.*\): start the program"
    ):
        PageLink(f"http://127.0.0.1:{port}/").open()
    with served() as here:
        here.server._gate.refusal = lambda hosts, origins: "This address is not known here."
        with pytest.raises(DeviceError, match=r"does not let this program in: This address is not known here\."):
            PageLink(f"127.0.0.1:{here.port}").open()
    for link in ("https://booth/", "http://", "http://booth:a/", "ftp://booth"):
        with pytest.raises(ConfigurationError, match="is no link to a page"):
            PageLink(link)


def test_what_answers_and_is_no_page_is_told():
    with closing(socket.create_server(("127.0.0.1", 0))) as other:

        def answer():
            client, _ = other.accept()
            client.recv(4096)
            client.sendall(b"SSH-2.0-OpenSSH\r\n")
            client.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(DeviceError, match="is no page of rt-render"):
            PageLink(f"127.0.0.1:{other.getsockname()[1]}").open()
        thread.join()


def test_the_link_of_a_set_up_has_its_port_and_the_token_that_its_booth_keeps(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    config = tmp_path / "mine.toml"
    assert link_of(None) == "http://127.0.0.1:8765/"
    config.write_text('[web]\nweb = true\nweb_host = "0.0.0.0"\nweb_port = 9000\n')
    assert link_of(config) == "http://127.0.0.1:9000/"
    token = kept_token(config)
    assert link_of(config) == f"http://127.0.0.1:9000/#token={token}"
    config.write_text('[web]\nweb_host = "::"\nweb_token = "the-own-one"\n')
    assert link_of(config) == "http://[::1]:8765/#token=the-own-one"
    config.write_text("[web]\nweb_port = 0\n")
    with pytest.raises(ConfigurationError, match="name the link that the program told"):
        link_of(config)
