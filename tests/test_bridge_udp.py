"""Datagrams over loopback: one sender at a time, ports that are taken, answers to whom was heard."""

import socket
import struct
import time
from dataclasses import replace

import pytest
from udp_tools import free_port

from firmware_bridge.decoder import Counts
from firmware_bridge.dialect import Talk, Transport
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Motion, Told
from firmware_bridge.notices import Notices
from firmware_bridge.sources import link_source
from firmware_bridge.sources.open_source import udp_source
from firmware_bridge.transports.link import LinkError
from firmware_bridge.transports.udp_port import UdpLink


class Sixteen:
    """Decoder of a made-up dialect: 16 bytes are a quaternion, everything else is damaged."""

    def __init__(self):
        self.counts = Counts()

    def feed(self, data):
        if len(data) != 16:
            self.counts.damaged += 1
            return []
        self.counts.frames += 1
        return [Motion(struct.unpack("<4f", data))]

    def reset(self):
        pass


TALK = Talk(opening=(b"hello",), keep_alive=b"still here", keep_alive_s=0.05, closing=b"bye")
DIALECT = replace(
    DIALECTS["hbf1"], name="sixteen", transport=Transport.UDP, make_decoder=Sixteen, udp_port=4242, talk=TALK
)
AHEAD = struct.pack("<4f", 1.0, 0.0, 0.0, 0.0)


@pytest.fixture
def sender():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        one.settimeout(2.0)
        yield one


@pytest.fixture
def place():
    return ("127.0.0.1", free_port())


@pytest.fixture
def texts():
    return []


@pytest.fixture
def source(place, texts):
    one = udp_source(DIALECT, Notices(texts.append), port=place[1])
    one.poll(0.0)
    yield one
    one.close()


def test_datagrams_become_messages_and_the_sender_is_named(source, sender, place):
    for _ in range(3):
        sender.sendto(AHEAD, place)
    heard = source.poll(0.5)
    heard = [*heard, *source.poll(0.1)]
    assert len(heard) == 3 and heard[0].message.quat_wxyz == (1.0, 0.0, 0.0, 0.0)
    assert source.health().connected and source.health().sender == f"127.0.0.1:{sender.getsockname()[1]}"
    assert source.device_id == "127.0.0.1"


def test_only_the_sender_that_was_locked_on_is_heard(source, sender, place, texts):
    for _ in range(2):
        sender.sendto(AHEAD, place)
        source.poll(0.5)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for _ in range(5):
            stranger.sendto(struct.pack("<4f", 0.0, 0.0, 0.0, 1.0), place)
            sender.sendto(AHEAD, place)
    heard = [one for _ in range(5) for one in source.poll(0.05)]
    assert [one.message.quat_wxyz for one in heard] == [(1.0, 0.0, 0.0, 0.0)] * 5
    assert any("ignored" in text for text in texts)


def test_rubbish_locks_on_to_nobody(source, sender, place):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for _ in range(5):
            stranger.sendto(b"rubbish", place)
    for _ in range(2):
        sender.sendto(AHEAD, place)
    heard = [one for _ in range(10) for one in source.poll(0.02)]
    assert len(heard) == 2 and source.health().dropped == 5


def test_a_device_is_greeted_once_it_was_heard_kept_awake_and_taken_leave_of(source, sender, place):
    assert not source.say(b"anybody?")
    sender.sendto(AHEAD, place)
    end_s = time.monotonic() + 0.3
    while time.monotonic() < end_s:
        source.poll(0.02)
    source.close()
    said = []
    while not said or said[-1] != b"bye":
        said.append(sender.recv(100))
    assert said[0] == b"hello" and said.count(b"hello") == 1
    assert 3 <= said.count(b"still here") <= 7


def test_a_device_that_began_anew_and_calls_is_greeted_again(source, sender, place, monkeypatch):
    monkeypatch.setattr(link_source, "REGREET_S", 0.05)
    ahead = Motion((1.0, 0.0, 0.0, 0.0))
    monkeypatch.setattr(Sixteen, "feed", lambda self, data: [Told("event")] if data == b"anybody?" else [ahead])
    for data in (AHEAD, b"anybody?", b"anybody?"):
        sender.sendto(data, place)
        source.poll(0.2)
        source.poll(0.01)
        time.sleep(0.06)
    source.close()
    said = [sender.recv(100)]
    while said[-1] != b"bye":
        said.append(sender.recv(100))
    assert said.count(b"hello") == 3


def test_a_port_in_use_says_whom_to_look_for_and_is_tried_again(place, sender):
    texts = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(place)
        source = udp_source(DIALECT, Notices(texts.append), port=place[1])
        assert source.poll(0.0) == []
        assert f"UDP port {place[1]} at 127.0.0.1 is in use, perhaps by another receiver of sixteen" in texts[0]
        assert "ss -lunp" in texts[0] and texts[0].endswith("trying again")
    end_s = time.monotonic() + 3.0
    heard = []
    while not heard and time.monotonic() < end_s:
        sender.sendto(AHEAD, place)
        heard += source.poll(0.05)
    assert heard
    source.close()


def test_places_that_cannot_be_are_refused(texts):
    with pytest.raises(BridgeError, match="1 to 65535"):
        UdpLink("127.0.0.1", 0, Notices(texts.append))
    with pytest.raises(BridgeError, match="no usual UDP port"):
        udp_source(replace(DIALECT, udp_port=None), Notices(texts.append))
    elsewhere = UdpLink("192.0.2.1", 4242, Notices(texts.append))
    with pytest.raises(LinkError, match="choose another address"):
        elsewhere.open(0.0)


def test_the_usual_port_is_the_dialects_own():
    assert udp_source(DIALECT, Notices(print)).name == "UDP port 4242 at 127.0.0.1"
