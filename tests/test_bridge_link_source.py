"""A link and a dialect: nothing is written too early, who began anew is asked again, one sender is believed."""

import contextlib
import random
import socket
import struct
import time

import pytest
from udp_tools import HOST, SaysTooLong, free_port

from firmware_bridge.dialects.bno08x_shtp_device import ShtpDevice
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Motion
from firmware_bridge.notices import Notices
from firmware_bridge.opening import make_source
from firmware_bridge.settings import make_settings
from firmware_bridge.source import Heard, SourceHealth
from firmware_bridge.sources.auto_source import AutoSource, serial_places
from firmware_bridge.sources.open_source import serial_source, udp_source
from firmware_bridge.sources.senders import MAX_STRANGERS, Sender, Strangers
from firmware_bridge.stages.trust import TrustGate
from firmware_bridge.transports import serial_port
from firmware_bridge.transports.link import Piece

pytest.importorskip("pty", reason="this system has no pseudo-terminals")
from pty_tools import Playing, Wearable, poll_until, stream, turning_head

SPEAKING = [one for one in DIALECTS.values() if one.transport == "serial" and one.talk is not None]


def quietly(text):
    """Stand in for a person who does not listen."""


@pytest.fixture
def ports(tmp_path, monkeypatch):
    wearables = [Wearable(tmp_path / name) for name in ("one", "two", "three")]
    listed = [serial_port.SerialPort(str(wearable.link), "", "") for wearable in wearables]
    monkeypatch.setattr(serial_port, "serial_ports", lambda: listed)
    yield wearables
    for wearable in wearables:
        wearable.unplug()


@pytest.mark.parametrize("dialect", SPEAKING, ids=lambda dialect: dialect.name)
def test_a_dialect_without_a_port_writes_to_no_port_that_has_not_spoken_it(ports, dialect):
    source = AutoSource(Notices(quietly), lambda: serial_places(dialect))
    end_s = time.monotonic() + 0.4
    while time.monotonic() < end_s:
        for wearable in ports:
            wearable.send(b"I am something else\r\n")
        source.poll(0.03)
    source.close()
    assert all(wearable.written_by_host() == b"" for wearable in ports)


def test_a_dialect_without_a_port_is_found_and_only_then_spoken_to(ports):
    player = Playing(ports[1], DIALECTS["witmotion"])
    other = Playing(ports[2], DIALECTS["razor"])
    source = AutoSource(Notices(quietly), lambda: serial_places(DIALECTS["witmotion"], 115200))
    poll_until(source, lambda: source.dialect is not None)
    assert source.dialect is DIALECTS["witmotion"] and "two" in source.name
    player.stop()
    other.stop()
    poll_until(source, lambda: False, 0.1)
    assert ports[1].written_by_host().startswith(DIALECTS["witmotion"].talk.opening[0])
    source.close()
    assert ports[0].written_by_host() == ports[2].written_by_host() == b""


@pytest.mark.parametrize("name", ["bno055", "hedrot", "bno08x-shtp"])
def test_a_device_that_waits_to_be_asked_must_be_named_with_its_port(name):
    with pytest.raises(BridgeError, match=f"name its port, such as {name}:/dev/ttyUSB0"):
        make_source(make_settings(tracker=name), Notices(quietly))


def test_a_named_port_is_not_written_to_at_speeds_that_may_be_wrong(ports):
    source = serial_source(str(ports[0].link), Notices(quietly), DIALECTS["witmotion"])
    for _ in range(10):
        ports[0].send(b"\xf0\x0f" * 8)
        source.poll(0.03)
    assert not source.say(b"anybody?") and ports[0].written_by_host() == b""
    for frame in stream(DIALECTS["witmotion"], 10):
        ports[0].send(frame)
    poll_until(source, lambda: source.health().connected)
    poll_until(source, lambda: False, 0.05)
    assert ports[0].written_by_host().startswith(DIALECTS["witmotion"].talk.opening[0])
    source.close()


def n_motions(source, seconds):
    heard = []
    poll_until(source, lambda: False, seconds, heard)
    return sum(isinstance(one.message, Motion) for one in heard)


@pytest.mark.parametrize("name", ["bno055", "bno08x-shtp", "hedrot"])
def test_a_device_that_began_anew_behind_its_adapter_is_asked_again(ports, name):
    make = (lambda: ShtpDevice(())) if name == "bno08x-shtp" else DIALECTS[name].make_device
    player = Playing(ports[0], DIALECTS[name], device=make())
    source = serial_source(str(ports[0].link), Notices(quietly), DIALECTS[name])
    assert n_motions(source, 0.8) > 10
    player.device = make()
    poll_until(source, lambda: False, 0.5)
    assert n_motions(source, 1.5) > 10
    player.stop()
    source.close()


def test_a_chip_that_says_it_was_reset_is_asked_again_at_once(ports):
    source = serial_source(str(ports[0].link), Notices(quietly), DIALECTS["bno08x-shtp"])
    poll_until(source, lambda: False, 0.7)
    device = ShtpDevice(())
    device.answer(ports[0].written_by_host(), 0.0)
    ports[0].send(device.encode(turning_head(0.0, 0)))
    source.poll(0.1)
    assert ports[0].written_by_host() == b""
    # A header of five bytes on channel 1 and the one word "reset complete", framed as SHTP over UART is.
    ports[0].send(bytes.fromhex("7E 01 05 00 01 00 01 7E"))
    poll_until(source, lambda: False, 0.2)
    assert len(ports[0].written_by_host()) > 20
    source.close()


def test_the_opening_is_said_less_and_less_often_to_a_device_that_never_answers(ports, monkeypatch):
    monkeypatch.setattr("firmware_bridge.sources.talker.AGAIN_S", (0.1, 0.1, 0.4, 10.0))
    source = serial_source(str(ports[0].link), Notices(quietly), DIALECTS["razor"], 57600)
    opening = DIALECTS["razor"].talk.opening
    poll_until(source, lambda: False, 1.3)
    assert ports[0].written_by_host().count(opening[0]) == 4
    source.close()


@pytest.fixture
def place():
    return HOST, free_port()


@pytest.fixture
def senders():
    made = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(7)]
    for one in made:
        one.bind(("127.0.0.1", 0))
        one.settimeout(2.0)
    yield made
    for one in made:
        one.close()


def test_a_sender_of_rubbish_that_came_first_does_not_lock_the_real_one_out(place, senders):
    texts, chance = [], random.Random(1)
    source = udp_source(DIALECTS["opentrack"], Notices(texts.append), port=place[1])
    source.poll(0.0)
    tracker, *others = senders
    heard, gate = [], TrustGate(DIALECTS["opentrack"].check)
    for k in range(200):
        for other in others if k % 5 == 0 else ():
            turns = chance.uniform(-170, 170), chance.uniform(-80, 80), chance.uniform(-170, 170)
            other.sendto(struct.pack("<6d", 0, 0, 0, *turns), place)
        if k > 20:
            tracker.sendto(struct.pack("<6d", 0, 0, 0, 0.1 * k, 0.0, 0.0), place)
        time.sleep(0.008)
        heard += source.poll(0.0)
    poll_until(source, lambda: False, 0.1, heard)
    assert source.health().sender == f"127.0.0.1:{tracker.getsockname()[1]}"
    admitted = [gate.admit(one.message, one.arrival_s) for one in heard]
    assert sum(admitted) > 50 and len(heard) > 150, "what came before it was believed is not lost"
    source.close()


def test_rubbish_is_told_as_such(place, senders):
    texts, chance = [], random.Random(1)
    source = udp_source(DIALECTS["opentrack"], Notices(texts.append), port=place[1])
    end_s = time.monotonic() + 4.0
    while not any("is not believed" in text for text in texts) and time.monotonic() < end_s:
        senders[0].sendto(struct.pack("<6d", 0, 0, 0, *(chance.uniform(-80, 80) for _ in range(3))), place)
        assert source.poll(0.05) == []
    assert "brings no motion of opentrack so far: 127.0.0.1:" in texts[-1]
    source.close()


def test_a_tracker_that_calls_for_a_host_is_answered_before_and_after_it_began_anew(place, senders):
    slimevr, tracker = DIALECTS["slimevr"], senders[0]
    source = udp_source(slimevr, Notices(quietly), port=place[1])
    source.poll(0.0)
    tracker.setblocking(False)
    for _ in range(2):
        device, n_heard = slimevr.make_device(), 0
        for k in range(200):
            with contextlib.suppress(BlockingIOError):
                tracker.sendto(device.answer(tracker.recv(100), 0.01 * k), place)
            tracker.sendto(device.encode(turning_head(0.01 * k, k)), place)
            time.sleep(0.01)
            n_heard += sum(isinstance(one.message, Motion) for one in source.poll(0.0))
        assert n_heard > 50
    source.close()


def test_of_many_strangers_those_that_say_least_make_room():
    strangers = Strangers(lambda name: Sender(name, DIALECTS["opentrack"].make_decoder(), DIALECTS["opentrack"].check))
    datagram = struct.pack("<6d", 0, 0, 0, 1.0, 0.0, 0.0)

    def hear(name, at_s):
        sender = strangers.of(Piece(datagram, at_s, name))
        new = sender.hear(Piece(datagram, at_s, name))
        sender.proves_itself(new)
        return sender

    real = hear("real", 0.0)
    for k in range(1, 200):
        assert hear("real", 0.01 * k) is real
        hear(f"stray {k}", 0.01 * k)
    assert len(strangers._there) == MAX_STRANGERS and strangers.counts().frames == 399
    for k in range(MAX_STRANGERS):
        hear(f"later {k}", 10.0)
        hear(f"later {k}", 10.0)
    assert hear("real", 10.0) is not real, "who was silent for long counts least"


def test_a_datagram_that_is_too_long_for_windows_is_no_lost_link(place, senders):
    source = udp_source(DIALECTS["opentrack"], Notices(quietly), port=place[1])
    source.poll(0.0)

    source._link._socket = SaysTooLong(source._link._socket)
    for data in (bytes(5000), *[struct.pack("<6d", 0, 0, 0, 0.0, 0.0, 0.0)] * 110):
        senders[0].sendto(data, place)
    heard = []
    poll_until(source, lambda: len(heard) >= 100, 2.0, heard)
    assert len(heard) >= 100
    source.close()


class Scripted:
    """A source that hears a motion whenever it is polled while it is on."""

    device_id, exact_times, dialect = "", False, None

    def __init__(self, name):
        self.name, self.on, self.is_open, self.n_polls = name, True, True, 0

    def poll(self, timeout_s):
        self.n_polls += 1
        time.sleep(min(timeout_s, 0.005))
        return [Heard(Motion(), time.monotonic())] if self.on else []

    def health(self):
        return SourceHealth(self.on, self.name, 0, None, self.is_open)

    def say(self, data):
        return False

    def close(self):
        pass


def test_auto_keeps_to_a_sender_that_is_silent_while_the_head_is_still(monkeypatch):
    monkeypatch.setattr("firmware_bridge.sources.auto_source.LOST_S", 0.05)
    texts, osc, port = [], Scripted("OSC"), Scripted("a port")
    port.on = False
    source = AutoSource(Notices(texts.append), lambda: {"port": lambda _: port}, others=[osc])
    assert source.poll(0.01) and source.name == "OSC"
    n_polls, osc.on = port.n_polls, False
    poll_until(source, lambda: False, 0.3)
    assert port.n_polls == n_polls and source.name == "OSC"
    osc.is_open = False
    poll_until(source, lambda: port.n_polls > n_polls, 1.0)
    assert port.n_polls > n_polls and any("listening everywhere again" in text for text in texts)
