"""What is heard is told: dialects by their bytes alone, ports one and all, and a source that takes what is there."""

import math
import random
import socket
import struct
import threading
import time

import pytest
from udp_tools import HOST, free_port

from firmware_bridge.dialects.razor import RazorDevice
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.dialects.vectornav_device import VectornavDevice
from firmware_bridge.messages import Motion
from firmware_bridge.notices import Notices
from firmware_bridge.raw_recording import read_raw_recording
from firmware_bridge.source import Heard, SourceHealth
from firmware_bridge.sources import detect, identification
from firmware_bridge.sources.auto_source import AutoSource
from firmware_bridge.sources.detect import detect_ports
from firmware_bridge.sources.identification import BaudSearch, Identification, serial_dialects
from firmware_bridge.sources.open_source import serial_source
from firmware_bridge.transports.link import Piece
from firmware_bridge.transports.serial_port import SerialPort

pytest.importorskip("pty", reason="this system has no pseudo-terminals")
from pty_tools import Playing, Wearable, heard_within, poll_until, turning_head

SERIAL = serial_dialects()
RATE_HZ = 100.0


def spoken(dialect, n_frames, seed=0):
    """What a device says, asked as its host would ask it, with the times at which that comes."""
    device, chance = dialect.make_device(), random.Random(seed)
    talk = dialect.talk
    for words in talk.opening if talk is not None else ():
        device.answer(words, 0.0)
    pieces = []
    for k in range(n_frames):
        at_s = k / RATE_HZ
        answer = device.answer(talk.keep_alive, at_s) if talk is not None and talk.keep_alive else b""
        data = answer + device.encode(turning_head(at_s, k))
        if data:
            pieces.append(Piece(data, 50.0 + at_s + chance.random() * 0.002))
    return pieces


@pytest.mark.parametrize("dialect", SERIAL, ids=lambda dialect: dialect.name)
def test_every_serial_dialect_is_known_by_its_bytes(dialect):
    first, *rest = spoken(dialect, 60)
    listening = Identification(SERIAL)
    verdict = listening.feed(Piece(first.data[len(first.data) // 2 :], first.arrival_s))
    for piece in rest:
        verdict = listening.feed(piece)
    assert verdict is not None and verdict.dialect is dialect
    assert verdict.share > 0.9 and verdict.n_frames > 50
    assert verdict.rate_hz == pytest.approx(RATE_HZ, rel=0.05)


@pytest.mark.parametrize("dialect", SERIAL, ids=lambda dialect: dialect.name)
def test_two_frames_prove_nothing(dialect):
    listening = Identification(SERIAL)
    assert all(listening.feed(piece) is None for piece in spoken(dialect, 2))


@pytest.mark.parametrize("seed", range(3))
def test_noise_speaks_no_dialect(seed):
    chance = random.Random(seed)
    listening = Identification(SERIAL)
    for k in range(300):
        assert listening.feed(Piece(chance.randbytes(115), 50.0 + k * 0.01)) is None


def test_lines_of_some_other_device_speak_no_dialect():
    listening = Identification(SERIAL)
    for k in range(200):
        words = f"temp={20 + k % 7},hum=40;{k},1.0,0.0,0.0\r\n#ok\r\n"
        assert listening.feed(Piece(words.encode(), 50.0 + k * 0.01)) is None


def floats(k):
    """Three slow numbers of no meaning, as many a logger sends them."""
    return struct.pack(
        "<3f", 0.3 + math.sin(k * 0.01), -0.2 + 0.5 * math.cos(k * 0.013), 9.8 + 0.05 * math.sin(k * 0.02)
    )


@pytest.mark.parametrize(
    "spoken_at",
    [floats, lambda k: VectornavDevice(binary=True).encode(turning_head(k / RATE_HZ, k))[4:]],
    ids=["floats", "a foreign frame with floats in it"],
)
def test_floats_without_a_beginning_identify_nobody(spoken_at):
    listening = Identification(SERIAL)
    for k in range(300):
        assert listening.feed(Piece(spoken_at(k), 50.0 + k / RATE_HZ)) is None


def test_a_binary_razor_is_understood_where_it_is_named():
    razor = DIALECTS["razor"]
    search = BaudSearch((razor,), (57600,), 0.0, is_named=True)
    pieces = [Piece(RazorDevice(binary=True).encode(turning_head(k / RATE_HZ, k)), k / RATE_HZ) for k in range(60)]
    assert search.feed(pieces).dialect is razor
    assert BaudSearch((razor,), (57600,), 0.0).feed(pieces) is None


def test_all_messages_heard_while_listening_are_kept_with_their_times():
    pieces = spoken(DIALECTS["razor"], 40)
    listening = Identification(SERIAL)
    verdict = [listening.feed(piece) for piece in pieces][-1]
    motions = [one for one in verdict.heard if isinstance(one.message, Motion)]
    assert [one.arrival_s for one in motions] == [piece.arrival_s for piece in pieces]


def test_speeds_are_tried_in_turn_and_a_promising_one_longer():
    search = BaudSearch(SERIAL, (115200, 57600), 0.0)
    assert search.turn(2.0) is None, "a board that boots is waited for"
    assert search.turn(3.1) == 57600
    search.feed([Piece(b"\xff" * 20, 3.2)])
    assert search.turn(3.5) is None
    assert search.turn(3.8) == 115200 and search.n_rounds == 1
    for piece in spoken(DIALECTS["razor"], 10):
        assert search.feed([piece]) is None
    assert search.turn(4.9) is None, "what is understood but not yet believed is listened to further"
    assert search.turn(8.0) == 57600


def test_a_flood_is_not_looked_at_without_end(monkeypatch):
    monkeypatch.setattr(identification, "MAX_BYTES_PER_SPEED", 1000)
    listening = Identification(SERIAL)
    listening.feed(Piece(random.Random(0).randbytes(1000), 1.0))
    assert all(listening.feed(piece) is None for piece in spoken(DIALECTS["hbf1"], 20))


def test_ports_are_told_with_what_they_speak(tmp_path, monkeypatch):
    monkeypatch.setattr(detect, "RATE_S", 0.4)
    monkeypatch.setattr(identification, "BOOT_S", 0.3)
    wearables = {name: Wearable(tmp_path / name) for name in ("ht", "razor", "mute", "other")}
    players = [Playing(wearables["ht"], DIALECTS["hbf1"]), Playing(wearables["razor"], DIALECTS["razor"])]
    ports = [SerialPort(str(wearable.link), "a port", "") for wearable in wearables.values()]
    ports.append(SerialPort(str(tmp_path / "gone"), "", ""))
    stop = threading.Event()

    def chatter():
        while not stop.wait(0.02):
            wearables["other"].send(b"hello world\r\n")

    other = threading.Thread(target=chatter)
    other.start()
    told = []
    found = {one.place.rpartition("/")[2]: one for one in detect_ports(told.append, 2.5, ports)}
    stop.set()
    other.join()
    for player in players:
        player.stop()
    assert {one.place for one in told} == {port.device for port in ports}
    assert (found["ht"].dialect, found["razor"].dialect) == ("hbf1", "razor")
    assert found["ht"].baud == 115200 and found["ht"].rate_hz == pytest.approx(100.0, rel=0.3)
    waiting = "silent; bno08x-shtp, bno055 and hedrot wait to be asked: name the dialect and the port"
    assert found["mute"].heard == waiting and found["mute"].dialect is None
    assert found["other"].heard == "bytes, but of no known dialect" and found["other"].n_bytes > 0
    assert found["gone"].heard == "is not there: plug the head tracker in or name another port"
    assert all(wearable.written_by_host() == b"" for wearable in wearables.values())
    for wearable in wearables.values():
        wearable.unplug()


def test_datagrams_of_a_device_at_its_port_are_told():
    place = HOST, free_port()
    stop = threading.Event()

    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not stop.wait(0.01):
                sender.sendto(bytes(48), place)

    assert detect._listen_to_udp("127.0.0.1", place[1], "opentrack", 0.05).heard == "silent"
    thread = threading.Thread(target=send)
    thread.start()
    found = detect._listen_to_udp("0.0.0.0", place[1], "opentrack", 1.0)
    stop.set()
    thread.join()
    assert (found.place, found.heard, found.dialect) == (f"UDP port {place[1]}", "speaks opentrack", "opentrack")


def test_a_tracker_that_only_calls_for_a_host_is_told_and_not_answered():
    place = HOST, free_port()
    device, stop = DIALECTS["slimevr"].make_device(), threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:

        def call():
            while not stop.wait(0.02):
                sender.sendto(device.encode(turning_head(0.0, 0)), place)

        thread = threading.Thread(target=call)
        thread.start()
        found = detect._listen_to_udp("127.0.0.1", place[1], "slimevr", 0.3)
        stop.set()
        thread.join()
        sender.setblocking(False)
        with pytest.raises(BlockingIOError):
            sender.recv(100)
    assert found.dialect == "slimevr" and found.heard.startswith("a slimevr tracker calls for a host: name it")


class Ports:
    """Pseudo-terminals that come and go, as places for an AutoSource."""

    def __init__(self, folder):
        self.folder = folder
        self.there = []

    def __call__(self):
        return {name: self._make(name) for name in self.there}

    def _make(self, name):
        return lambda notices: serial_source(str(self.folder / name), notices)


def test_auto_waits_for_a_tracker_and_takes_it(tmp_path):
    texts, ports = [], Ports(tmp_path)
    source = AutoSource(Notices(texts.append), ports)
    assert source.poll(0.0) == [] and source.dialect is None and not source.health().connected
    assert "plug the head tracker in" in texts[0]
    mute, wearable = Wearable(tmp_path / "mute"), Wearable(tmp_path / "tracker")
    ports.there = ["mute", "tracker"]
    player = Playing(wearable, DIALECTS["hbf1"])
    heard = heard_within(source, 20)
    assert source.dialect is DIALECTS["hbf1"] and source.health().connected
    seqs = [one.message.seq for one in heard if isinstance(one.message, Motion)]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert "tracker" in source.name and any("hbf1" in text for text in texts)
    assert mute.written_by_host() == b""
    player.stop()
    source.close()
    mute.unplug()
    wearable.unplug()


def test_auto_finds_the_tracker_again_at_another_port(tmp_path, monkeypatch):
    monkeypatch.setattr("firmware_bridge.sources.auto_source.LOST_S", 0.3)
    ports = Ports(tmp_path)
    source = AutoSource(Notices(lambda text: None), ports, record=tmp_path / "all.rtraw")
    for name, dialect in (("one", "hbf1"), ("two", "witmotion")):
        wearable = Wearable(tmp_path / name)
        ports.there = [name]
        player = Playing(wearable, DIALECTS[dialect])
        poll_until(source, lambda dialect=dialect: source.dialect is DIALECTS[dialect])
        assert source.dialect is DIALECTS[dialect] and name in source.name
        heard_within(source, 5)
        player.stop()
        wearable.unplug()
    source.close()
    recording = read_raw_recording(tmp_path / "all.rtraw")
    assert recording.dialect == "hbf1" and recording.place.endswith("one")
    assert sum(not record.data for record in recording.records) >= 2, "both connections are in it"


class Scripted:
    """A source that hears a motion whenever it is polled while it is on."""

    dialect, device_id, exact_times = None, "", False

    def __init__(self, name, dialect=None):
        self.name, self.dialect, self.on, self.n_closed = name, dialect, False, 0

    def poll(self, timeout_s):
        time.sleep(min(timeout_s, 0.005))
        return [Heard(Motion(), time.monotonic())] if self.on else []

    def health(self):
        return SourceHealth(self.on, self.name, 0)

    def say(self, data):
        return False

    def close(self):
        self.n_closed += 1


def test_of_several_trackers_the_preferred_dialect_is_taken_and_that_is_said():
    texts = []
    first, second = Scripted("a razor", DIALECTS["razor"]), Scripted("an hbf1", DIALECTS["hbf1"])
    first.on = second.on = True
    source = AutoSource(Notices(texts.append), lambda: {"one": lambda _: first, "two": lambda _: second})
    assert source.poll(0.01)
    assert source.dialect is DIALECTS["hbf1"] and first.n_closed == 1
    assert texts == ["an hbf1 is used; one would do, too: name it to have that"]


def test_other_sources_count_too_and_silence_opens_the_search_again(monkeypatch):
    monkeypatch.setattr("firmware_bridge.sources.auto_source.SILENT_S", 0.05)
    texts = []
    osc, port = Scripted("OSC"), Scripted("a port", DIALECTS["hbf1"])
    source = AutoSource(Notices(texts.append), lambda: {"port": lambda _: port}, others=[osc])
    osc.on = True
    assert source.poll(0.01) and source.name == "OSC" and source.dialect is None
    osc.on, port.on = False, True
    poll_until(source, lambda: source.name == "a port", 2.0)
    assert source.name == "a port" and "OSC is silent: listening everywhere again" in texts
    assert not source.say(b"")
    source.close()
    assert port.n_closed and osc.n_closed
