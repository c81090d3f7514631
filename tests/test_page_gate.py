"""Who may come in, how fast, and what is understood: pure rules."""

import json
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rt_render.app.settings import Web
from rt_render.app.web.gate import Gate
from rt_render.app.web.messages import encode, read_wish
from rt_render.app.web.pace import Pace
from rt_render.app.web.place import needs_token
from rt_render.app.web.roles import Role, visitors_token

HERE, OPEN = Gate("127.0.0.1", ""), Gate("0.0.0.0", "a-right-token", ["booth.museum.example"])


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:9999", "[::1]:8765", "LOCALHOST", "127.3.2.1"])
def test_names_of_this_machine_lead_to_it(host):
    assert HERE.refusal([host], []) is None


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "192.168.1.5:8765", "localhost.evil.example", "127.0.0.1.evil.example", "", "a@localhost"),
        *("[::1", "localhost:x", "localhost/x", "localhost:99999", "127.1", "0x7f.1"),
    ],
)
def test_other_names_do_not(host):
    assert HERE.refusal([host], []) is not None


@pytest.mark.parametrize("host", ["192.168.1.5:8765", "[fe80::1]:80", "localhost:8765", "Booth.museum.example:8765"])
def test_opened_to_the_network_numbers_and_own_names_lead_to_it(host):
    assert OPEN.refusal([host], []) is None


@pytest.mark.parametrize("host", ["evil.example", "museum.example", "1.2.3.4.evil.example:8765"])
def test_opened_to_the_network_names_of_others_still_do_not(host):
    assert OPEN.refusal([host], []) is not None


def test_a_request_has_one_host():
    assert HERE.refusal([], []) and HERE.refusal(["localhost", "localhost"], [])


def test_an_origin_must_be_the_page_itself():
    assert HERE.refusal(["localhost:8765"], ["http://localhost:8765"]) is None
    assert HERE.refusal(["localhost:8765"], ["https://LOCALHOST:8765"]) is None
    for other in ("http://localhost", "http://127.0.0.1:8765", "null", "", "file://", "http://localhost:8765/x"):
        assert HERE.refusal(["localhost:8765"], [other])
    assert HERE.refusal(["localhost:8765"], ["http://localhost:8765", "http://evil.example"])


def test_a_token_is_needed_where_others_come_in():
    hosts = ("127.0.0.1", "localhost", "::1", "0.0.0.0", "192.168.1.2", "::")
    assert [needs_token(Web(web_host=host)) for host in hosts] == [False, False, False, True, True, True]
    assert all(needs_token(Web(web_host=host, web_visitors=True)) for host in hosts), "or who is a visitor?"


def test_a_token_is_known_as_a_whole():
    for query in ("?token=a-right-token", "?x=1&token=a-right-token"):
        assert OPEN.role(f"/ws{query}") is Role.OPERATOR
    for query in ("", "?token=", "?token=a-right-toke", "?token=a-right-token%00", "?" + "&".join(["token=1"] * 50)):
        assert OPEN.role(f"/ws{query}") is None
    assert HERE.role("/ws") is HERE.role("/ws?token=x") is Role.OPERATOR


def test_a_visitor_is_known_by_a_token_of_its_own_or_on_this_machine_by_none():
    token = visitors_token("a-right-token")
    assert token not in ("a-right-token", visitors_token("a-right-tokem")) and len(token) == 24
    network = Gate("0.0.0.0", "a-right-token", visitors=token)
    assert network.role("/ws?token=a-right-token") is Role.OPERATOR
    assert network.role(f"/ws?token={token}") is Role.VISITOR
    assert network.role("/ws") is network.role("/ws?token=x") is network.role(f"/ws?token={token}0") is None
    here = Gate("127.0.0.1", "a-right-token", visitors="")
    assert here.role("/ws?token=a-right-token") is Role.OPERATOR and here.role("/ws") is Role.VISITOR
    assert here.role("/ws?token=x") is None


def test_a_burst_passes_and_then_so_many_a_second():
    pace = Pace(per_s=10.0, burst=3)
    assert [pace.wait_s(100.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert pace.wait_s(100.0) == pytest.approx(0.1)
    assert pace.wait_s(100.1) == pytest.approx(0.1)
    assert pace.wait_s(200.0) == 0.0


@given(st.text() | st.binary() | st.recursive(st.none() | st.floats() | st.integers(), st.lists).map(json.dumps))
def test_whatever_a_client_sends_is_a_wish_or_a_sentence(message):
    assert (why := read_wish(message).why) and why.endswith(".")


@given(
    st.text(max_size=20), st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
def test_a_wish_is_read_as_it_was_meant(name, value):
    wish = read_wish(json.dumps({"type": "set", "name": name, "value": value, "id": 3}))
    assert (wish.name, wish.id, wish.why) == (name, 3, None)
    assert wish.value == value or wish.value == float(value)


@pytest.mark.parametrize(
    "message",
    [
        *(
            "[" * 4000,
            '{"a":' * 600,
            "9" * 4000,
            "NaN",
            "null",
            '{"type":"set"}',
            '{"type":"set","id":true,"name":"x"}',
        ),
        *('{"type":"set","id":1}', '{"type":"set","id":1,"name":["x"]}', '{"type":"set","id":1.5,"name":"x"}'),
        *('{"type":"set","id":1,"name":"x","value":[1]}', '{"type":"set","id":1,"name":"x","value":NaN}'),
        *('{"type":"set","id":99999999999999999999,"name":"x"}', '{"type":"get","id":1,"name":"x"}', "\ud800", b"{}"),
    ],
)
def test_what_is_no_wish_is_told(message):
    assert read_wish(message).why.endswith(".")


def test_a_whole_number_of_any_length_is_one_that_can_be_compared():
    wish = read_wish('{"type":"set","id":1,"name":"x","value":-%s}' % ("9" * 3000))
    assert wish.value == -inf


def test_numbers_that_json_does_not_know_become_null():
    assert json.loads(encode({"a": [nan, 1.5, {"b": -inf}], "c": (1, "x")})) == {
        "a": [None, 1.5, {"b": None}],
        "c": [1, "x"],
    }
