"""A file whose name is no text plays like any other, and is shown with U+FFFD for what cannot be read of its name."""

import json
import os
import socket
import sys
import time

import pytest
from playlist_tools import QUICK, noise, write
from pythonosc.osc_message import OscMessage

from firmware_bridge.osc.encoder import message_datagram
from rt_render.app.booth.visit_log import LogPlace, VisitLog, read_events
from rt_render.app.remote import Remote
from rt_render.app.session import Session
from rt_render.app.settings_file import load_settings
from rt_render.app.web.messages import encode
from rt_render.errors import ConfigurationError
from rt_render.io.shown import shown

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="this system has no names but text")

SEEN = ["a_caf\N{REPLACEMENT CHARACTER}", "b_caf\N{REPLACEMENT CHARACTER}"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with two files named in Latin-1, and nothing measured yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    media = tmp_path / "media"
    media.mkdir()
    for letter in ("a", "b"):
        plain = write(media / f"{letter}.wav", noise(20, 1))
        plain.replace(media / os.fsdecode(f"{letter}_caf\xe9.wav".encode("latin-1")))
    return media


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def titles_over_osc(session):
    """Return what the remote control tells of titles."""
    found, give_up_s = {}, time.monotonic() + 10.0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.settimeout(0.5)
        phone.sendto(message_datagram("/state"), ("127.0.0.1", session.remote.port))
        while "/rt/underruns" not in found and time.monotonic() < give_up_s:
            message = OscMessage(phone.recv(4096))
            found[message.address] = message.params
    return [found[f"/rt/{name}_title"][0] for name in ("playing", "next")]


def test_it_plays_and_is_shown_on_page_remote_and_terminal_and_in_the_log(folder, tmp_path):
    said = []
    settings = load_settings(None, {**QUICK, "remote_port": free_port(), "input": str(folder), "loop": True})
    with Session(settings, on_message=said.append) as session:
        give_up_s = time.monotonic() + 20.0
        while session.engine.snapshot().rms[0] == 0.0 or session.status().playlist.number is None:
            assert time.monotonic() < give_up_s, "nothing is heard"
            time.sleep(0.02)
        session.desk.work(session)
        state = json.loads(encode(session.desk.state()).encode())
        status = session.status()
        assert titles_over_osc(session) == SEEN
    assert (state["items"], state["playing_title"], state["next_title"]) == (SEEN, *SEEN)
    assert status.playlist.n_broken == 0
    assert any(SEEN[0] in text for text in said)
    for text in (*said, *state["messages"], status.playlist.text):
        assert text == shown(text)
    log = VisitLog(pytest.fail)
    log.move(place := LogPlace(tmp_path / "log.jsonl", 10_000, 1))
    log.add("plays", title=status.playlist.title)
    log.stop()
    assert read_events(place)[0]["title"] == SEEN[0]


def test_its_loudness_is_kept_and_found_again(folder):
    settings = load_settings(None, {**QUICK, "input": str(folder)})
    for words in (["measuring"], []):
        done = []
        with Session(settings, on_progress=lambda share, text, done=done: done.append(text)) as session:
            assert session.playlist.titles == tuple(SEEN)
            give_up_s = time.monotonic() + 20.0
            while len(list((folder.parent / "cache").rglob("loudness/*.json"))) < 2:
                assert time.monotonic() < give_up_s
                time.sleep(0.02)
        assert [text[:9] for text in done if "loudness" in text][:1] == words


def test_named_by_itself_it_is_refused_with_what_to_do_instead(folder):
    name = str(folder / os.fsdecode(b"a_caf\xe9.wav"))
    with pytest.raises(ConfigurationError, match="no UTF-8; rename it, or name the folder it is in") as caught:
        load_settings(None, {**QUICK, "input": name})
    assert SEEN[0] in str(caught.value)


def test_whatever_text_the_remote_is_given_it_sends_and_does_not_raise():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(5.0)
        remote = Remote("127.0.0.1", free_port(), pytest.fail)
        remote.add("/a", lambda number, arguments: None)
        remote.start()
        try:
            remote.send(phone.getsockname(), "/rt/tracker", "caf\udce9")
            message = OscMessage(phone.recv(4096))
        finally:
            remote.stop()
    assert message.params == ["caf\N{REPLACEMENT CHARACTER}"]
