"""The page's server: what clients get, what they may ask for, and who is turned away."""

import json
import socket
import time
from contextlib import ExitStack, closing
from threading import Event, Thread

import pytest

pytest.importorskip("websockets", reason="needs the Python package websockets")

from page_tools import POSE, REVEALED, SENDER, ask, next_of, served
from websockets.exceptions import ConnectionClosed, InvalidStatus

from rt_render.app.web import server as server_module
from rt_render.app.web.page_files import page_files
from rt_render.app.web.place import link, listen
from rt_render.errors import DeviceError


def farewell(client):
    """Return the code with which the server ends a client, and the messages before it."""
    messages = []
    try:
        while True:
            messages.append(client.recv(10))
    except ConnectionClosed as closed:
        return closed.rcvd.code, messages


@pytest.fixture
def page():
    with served() as page:
        yield page


def test_a_client_is_greeted_then_told_how_all_stands_and_then_the_pose(page):
    with page.client() as client:
        hello, state, pose = (json.loads(client.recv(10)) for _ in range(3))
    assert (hello["type"], hello["title"], hello["version"]) == ("hello", "test", "1")
    assert {control["name"] for control in hello["controls"]} == set(page.desk.values)
    assert state == {"type": "state", **page.desk.state()}
    assert pose == POSE


def test_what_a_client_asks_for_goes_to_the_desk_and_is_answered_by_its_number(page):
    with page.client() as client:
        assert ask(client, "gain_db", -3, number=5) == {"type": "done", "id": 5}
        assert ask(client, "recentre", None, number=6) == {"type": "done", "id": 6}
        refused = ask(client, "gain_db", 100)
    assert page.desk.asked == [("gain_db", -3.0, "page"), ("recentre", True, "page")]
    assert refused["type"] == "refused" and "-60 to 24" in refused["why"]


def test_a_change_is_told_to_every_client_and_new_controls_are_introduced(page):
    with page.client() as first, page.client() as second:
        for client in (first, second):
            next_of(client, "state")
        page.desk.change("gain_db", -12.0)
        for client in (first, second):
            while next_of(client, "state")["values"]["gain_db"] != -12.0:
                pass
        page.desk.change("tracking", True)
        for client in (first, second):
            assert "tracking" in {control["name"] for control in next_of(client, "hello")["controls"]}


def test_a_visitor_has_no_set_up_and_an_operator_at_the_same_time_has_all():
    with served(token="right", visitors="") as page, page.client() as visitor, page.client("?token=right") as operator:
        names = [{one["name"] for one in next_of(client, "hello")["controls"]} for client in (visitor, operator)]
        values = [set(next_of(client, "state")["values"]) for client in (visitor, operator)]
        assert names == values == [set(page.desk.values) - {"prediction"}, set(page.desk.values)]
        refused = ask(visitor, "prediction", "learnt")
        assert refused["why"].startswith("prediction belongs to the set-up, which visitors leave to the operator")
        assert ask(visitor, "muted", True)["type"] == ask(operator, "prediction", "learnt")["type"] == "done"
        assert page.desk.asked == [("muted", True, "page"), ("prediction", "learnt", "page")]
        page.desk.values["order"] = "3"  # of the set-up: news for one of them only
        page.desk.change("muted", True)
        assert "order" in {one["name"] for one in next_of(operator, "hello")["controls"]}
        assert "order" not in {one["name"] for one in next_of(visitor, "hello")["controls"]}


def test_a_visitor_gets_answers_and_reveals_but_no_sentence_address_or_path_of_the_operators():
    with served(token="right", visitors="") as page, page.client() as visitor, page.client("?token=right") as operator:
        told, all_of_it = (next_of(client, "state") for client in (visitor, operator))
    assert "/home/booth" in str(all_of_it["messages"]) and all_of_it["tracker"]["text"].startswith(SENDER)
    assert told["messages"] == [REVEALED] and told["glitches"][0]["text"] == "no new pose"
    assert told["tracker"]["text"] == "100 poses/s, 4 ms old"
    assert "/home/booth" not in str(told) and SENDER not in str(told)


def test_who_says_a_wrong_token_is_no_visitor_either():
    with (
        served(token="right", visitors="") as page,
        page.client("?token=wrong") as stranger,
        pytest.raises(ConnectionClosed),
    ):
        stranger.recv(10)


def test_a_client_that_comes_before_the_session_is_greeted_once_it_is_there(page):
    page.desk.ready = False
    with page.client() as client:
        with pytest.raises(TimeoutError):
            client.recv(0.2)
        page.desk.ready = True
        assert next_of(client, "hello")


@pytest.mark.parametrize("path", ["/", *page_files()])
def test_every_file_of_the_page_is_served_whole_and_guarded(page, path):
    status, headers, content = page.get(path)
    assert (status, headers["Content-Type"], content) == (200, *page_files()[path])
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_reader_that_is_slow_gets_a_file_to_its_end(page):
    page.server._files["/big"] = ("text/plain", bytes(8_000_000))
    with closing(socket.create_connection(("127.0.0.1", page.port))) as reader:
        reader.sendall(f"GET /big HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\n\r\n".encode())
        time.sleep(0.3)
        received = b""
        while piece := reader.recv(65536):
            received += piece
    assert received.endswith(b"\r\n\r\n" + bytes(8_000_000))


@pytest.mark.parametrize(
    "path", ["/settings.py", "/static/", "/static/../server.py", "/static/..%2fserver.py", "//etc/passwd", "/static/x"]
)
def test_there_is_nothing_but_the_files_of_the_page(page, path):
    assert page.get(path)[0] == 404


def test_only_get_and_head_are_understood(page):
    assert page.get("/", "HEAD")[::2] == (200, b"")
    assert page.get("/", "DELETE")[0] == 405


def test_another_host_name_and_another_origin_are_turned_away_from_files_and_link(page):
    assert page.get("/", headers={"Host": f"evil.example:{page.port}"})[0] == 403
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{page.port + 1}", "file://"):
        with pytest.raises(InvalidStatus) as refused, page.client(origin=origin):
            pass
        assert refused.value.response.status_code == 403
    with page.client(origin=f"http://127.0.0.1:{page.port}") as client:
        assert ask(client, "muted", True)["type"] == "done"


def test_without_the_token_nothing_is_told_and_nothing_can_be_done(monkeypatch):
    monkeypatch.setattr(server_module, "_WRONG_TOKEN_WAIT_S", 0.05)
    with served(token="right-token") as page:
        for query in ("", "?token=", "?token=wrong-token", "?token=right-token2", "?token=%ff%fe"):
            with page.client(query) as client:
                client.send('{"type":"set","name":"muted","value":true,"id":1}')
                assert farewell(client) == (server_module.WRONG_TOKEN, [])
        assert page.desk.asked == []
        with page.client("?token=right-token") as client:
            assert ask(client, "muted", True)["type"] == "done"


def test_so_many_clients_and_no_more(page, monkeypatch):
    monkeypatch.setattr(server_module, "MAX_CLIENTS", 3)
    with ExitStack() as clients:
        for _ in range(3):
            next_of(clients.enter_context(page.client()), "pose")
        with page.client() as one_more:
            assert farewell(one_more) == (server_module.TOO_MANY, [])
    with page.client() as client:
        assert next_of(client, "hello")


def test_visitors_leave_room_for_operators():
    with served(token="right", visitors="") as page, ExitStack() as clients:
        for _ in range(server_module.MAX_CLIENTS - server_module.KEPT_FOR_OPERATORS):
            next_of(clients.enter_context(page.client()), "hello")
        with page.client() as one_more:
            assert farewell(one_more) == (server_module.TOO_MANY, [])
        for _ in range(server_module.KEPT_FOR_OPERATORS):
            next_of(clients.enter_context(page.client("?token=right")), "hello")
        for query in ("", "?token=right"):
            with page.client(query) as one_more:
                assert farewell(one_more) == (server_module.TOO_MANY, [])


def test_one_machine_takes_only_some_of_the_visitors_places_and_its_operator_gets_in(monkeypatch):
    with served(token="right", visitors="") as page, ExitStack() as clients:
        monkeypatch.setattr(server_module, "is_this_machine", lambda host: False)
        for _ in range(server_module.MAX_VISITORS_OF_ONE_HOST):
            next_of(clients.enter_context(page.client()), "hello")
        with page.client() as one_more:
            assert farewell(one_more) == (server_module.TOO_MANY, [])
        with page.client("?token=right") as operator:
            assert next_of(operator, "hello")
        monkeypatch.setattr(server_module, "is_this_machine", lambda host: True)  # as a client of another host
        with page.client() as other:
            assert next_of(other, "hello")


def test_a_message_that_is_too_long_ends_its_client_and_no_other(page):
    with page.client() as honest, page.client() as vandal:
        vandal.send("x" * 5000)
        assert farewell(vandal)[0] == 1009
        assert ask(honest, "muted", True)["type"] == "done"


def served_again(page):
    """Whether the page is served once what was refused before has gone."""
    for _ in range(100):
        try:
            return page.get("/")[0] == 200
        except OSError:
            time.sleep(0.05)
    return False


def test_connections_that_say_nothing_leave_room_for_honest_ones(page, monkeypatch):
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 20)
    with page.client() as client, ExitStack() as idle:
        next_of(client, "pose")
        for _ in range(100):
            idle.enter_context(closing(socket.create_connection(("127.0.0.1", page.port))))
        next_of(client, "pose")
        idle.close()
        assert served_again(page)


def test_one_machine_that_says_nothing_takes_no_more_than_its_share(page, monkeypatch):
    monkeypatch.setattr(server_module, "is_this_machine", lambda host: False)
    with ExitStack() as idle:
        for _ in range(server_module.MAX_OF_ONE_HOST):
            idle.enter_context(closing(socket.create_connection(("127.0.0.1", page.port))))
        with pytest.raises(OSError):
            page.get("/")
        monkeypatch.setattr(server_module, "is_this_machine", lambda host: True)  # as a connection of another host
        assert page.get("/")[0] == 200
        monkeypatch.setattr(server_module, "is_this_machine", lambda host: False)
        idle.close()
        assert served_again(page)


def test_a_client_that_does_not_read_costs_no_memory(page):
    big = {"type": "pose", "energy": [0.5] * 20_000}
    page.server._tell_pose = lambda now_s: big
    with page.client(max_queue=1, close_timeout=0.1) as lazy, page.client() as honest:
        for _ in range(60):
            next_of(honest, "pose")
        (stuck,) = [one for one in page.server._clients if one.remote_address[1] == lazy.socket.getsockname()[1]]
        assert stuck.transport.get_write_buffer_size() < 65536 + 2 * 100_000


def test_a_server_that_fails_says_so_and_comes_back_at_the_same_port():
    fails = [True]

    def tell_pose(now_s):
        if fails.pop() if fails else False:
            raise ZeroDivisionError("a fault in the page")
        return POSE

    with served(tell_pose=tell_pose) as page:
        with page.client() as client:
            assert farewell(client)[0] == 1001
        with page.client() as client:
            assert next_of(client, "pose") == POSE
        assert len(page.said) == 1 and "a fault in the page" in page.said[0]
        assert page.said[0].endswith("sound is not touched.")


def test_a_server_that_has_stopped_said_good_bye_and_freed_its_port(page):
    with page.client() as client:
        next_of(client, "pose")
        page.server.stop()
        assert farewell(client)[0] == 1001
    assert not page.desk.listeners
    listen("127.0.0.1", page.port).close()
    page.server.stop()


def test_a_page_that_hangs_does_not_hold_up_the_end(monkeypatch):
    monkeypatch.setattr(server_module, "_STOP_TIMEOUT_S", 0.1)
    hung, goes_on = Event(), Event()

    def tell_pose(now_s):
        hung.set()
        goes_on.wait(60.0)
        return POSE

    with served(tell_pose=tell_pose) as page:
        with page.client():
            assert hung.wait(10.0)
            stopping = Thread(target=page.server.stop, daemon=True)
            stopping.start()
            stopping.join(10.0)
            stopped = not stopping.is_alive()
            goes_on.set()
        assert stopped


def test_a_connection_that_a_browser_keeps_in_reserve_does_not_hold_up_the_end(monkeypatch):
    monkeypatch.setattr(server_module, "_OPEN_TIMEOUT_S", 60.0)
    with served() as page, closing(socket.create_connection(("127.0.0.1", page.port))) as idle:
        page.get("/")
        stopping = Thread(target=page.server.stop, daemon=True)
        stopping.start()
        stopping.join(30.0)
        assert not stopping.is_alive() and idle.recv(1) == b""


def test_a_port_in_use_is_told_with_the_next_that_is_free():
    with closing(listen("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(DeviceError) as told:
            listen("127.0.0.1", port)
    words = str(told.value)
    assert words.startswith(f"port {port} of 127.0.0.1 is in use by another program; ")
    offered = int(words.removesuffix(".").rsplit(" ", 1)[1])
    assert offered > port and f"{offered} is free: web_port = {offered} in [web], or --web-port" in words
    listen("127.0.0.1", offered).close()


def test_an_address_that_is_none_of_this_machine_is_told():
    with pytest.raises(DeviceError, match=r"cannot be served at 192\.0\.2\.77 port 8765 .*--web-host"):
        listen("192.0.2.77", 8765)


def test_a_link_is_one_that_a_browser_opens():
    assert link("127.0.0.1", 8765, "") == "http://127.0.0.1:8765/"
    assert link("::1", 1, "a-b") == "http://[::1]:1/#token=a-b"
    assert "0.0.0.0" not in link("0.0.0.0", 8765, "t")
