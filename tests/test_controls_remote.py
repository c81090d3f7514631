"""The desk over OSC: what a program sends changes the session, and what changes is told to those who asked."""

import socket
import time

import pytest
import remote_storm

import rt_render
from firmware_bridge.osc.encoder import message_datagram
from firmware_bridge.osc.wire import parse_packet
from rt_render.app.controls.desk_remote import MAX_SUBSCRIBERS
from rt_render.app.controls.table import CONTROLS
from rt_render.app.rate import MAX_KEPT, Rate, RateOfEach
from rt_render.app.remote import Remote
from rt_render.app.remote_guard import ADMITTED_S, MAX_HOSTS, PACKETS_PER_S, STRANGERS_PER_S, Guard, is_this_machine
from rt_render.app.session import Session
from rt_render.app.settings_file import load_settings
from rt_render.errors import ConfigurationError

QUICK = {"device": "virtual", "tracker": "none", "method": "ls", "head": "sphere", "taps": 64, "order": 1}
TOKEN = "open-sesame"


class Program:
    """A program beside the session, as a mixing desk or a phone would be."""

    def __init__(self, session):
        self._session = session
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.02)
        self.port = self._socket.getsockname()[1]

    def send(self, address, *arguments):
        self._socket.sendto(message_datagram(address, *arguments), ("127.0.0.1", self._session.remote.port))

    def hear(self, wanted, timeout_s=5.0):
        """Return the arguments of the next message of an address, while the session works."""
        give_up_s = time.monotonic() + timeout_s
        while time.monotonic() < give_up_s:
            self._session.desk.work(self._session)
            try:
                (message,) = parse_packet(self._socket.recv(4096))
            except TimeoutError:
                continue
            if message.address == wanted:
                return message.arguments
        return None

    def close(self):
        self._socket.close()


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def sounding():
    said = []
    with Session(load_settings(None, {**QUICK, "remote_port": free_port()}), on_message=said.append) as session:
        session.said = said
        yield session


@pytest.fixture
def program(sounding):
    program = Program(sounding)
    yield program
    program.send("/unsubscribe")
    program.close()


def test_everything_is_told_only_so_often_however_it_is_asked_for(program, sounding, monkeypatch):
    sent = []
    monkeypatch.setattr(sounding.remote, "send", lambda place, address, *arguments: sent.append((place, address)))
    place = ("127.0.0.1", 40100)
    for _ in range(100):
        sounding.remote.take(message_datagram("/state"), place)
        sounding.remote.take(message_datagram("/subscribe"), place)
    sounding.remote.take(message_datagram("/unsubscribe"), place)
    told = [address for to, address in sent if to == place]
    assert 5 <= told.count("/rt/late") <= 10 and told.count("/refused") > 100
    sounding.remote.take(message_datagram("/state"), ("127.0.0.1", 40101))
    assert (("127.0.0.1", 40101), "/rt/late") in sent


def test_a_ping_is_answered_with_the_version(program):
    program.send("/ping")
    assert program.hear("/pong") == (rt_render.__version__,)


def test_a_subscriber_is_told_how_all_stands_and_then_every_change(program, sounding):
    sounding.set_gain_db(-3.0)
    sounding.desk.work(sounding)
    program.send("/subscribe")
    assert program.hear("/rt/gain_db") == (-3.0,)
    assert program.hear("/rt/underruns") == (0,)
    program.send("/rt/gain_db", -12.5)
    assert program.hear("/rt/gain_db") == (-12.5,) and sounding.gain_db == -12.5
    program.send("/rt/muted", 1)
    assert program.hear("/rt/muted") == (1,) and sounding.muted
    program.send("/rt/recentre")
    assert program.hear("/rt/recentre") == ()
    sounding.set_muted(False)  # by whoever
    assert program.hear("/rt/muted") == (0,)


def test_of_blind_versions_a_subscriber_is_told_the_letter_and_nothing_else(sounding, monkeypatch):
    told, place = [], ("127.0.0.1", 40102)
    monkeypatch.setattr(sounding.remote, "send", lambda to, *message: told.append(message) if to == place else None)

    def send(address, *arguments):
        sounding.remote.take(message_datagram(address, *arguments), place)
        sounding.desk.work(sounding)

    send("/subscribe")
    send("/rt/compare_blind", 1)
    told.clear()
    for letter in "BCA":
        send("/rt/compare", letter)
    assert told == [("/rt/compare", letter) for letter in "BCA"]
    told.clear()
    for name, value in {
        "tracking": 0,
        "head": "kemar",
        "order": "0",
        "prediction": "off",
        "extra_latency_ms": 9.0,
    }.items():
        send(f"/rt/{name}", value)
    assert len(told) == 5 and all(address == "/refused" and "blind" in why for address, _, why in told)
    send("/unsubscribe")
    send("/rt/compare_blind", 0)


def test_a_program_may_listen_at_another_port_of_its_own_host_and_at_no_other_host(program, sounding):
    other = Program(sounding)
    program.send("/subscribe", "127.0.0.1", other.port)
    assert other.hear("/rt/playing") == (1,)
    program.send("/unsubscribe", other.port)
    program.send("/subscribe", "192.0.2.1", 9000)
    address, why = program.hear("/refused")
    assert address == "/subscribe" and why.startswith("changes are told to the host that asks")
    other.close()


def test_there_is_a_most_of_subscribers(program, sounding):
    for port in range(40001, 40001 + MAX_SUBSCRIBERS):
        program.send("/subscribe", port)
    program.send("/subscribe")
    assert "subscribers already" in program.hear("/refused")[1]
    for port in range(40001, 40001 + MAX_SUBSCRIBERS):
        program.send("/unsubscribe", port)
    program.send("/subscribe")
    assert program.hear("/rt/playing") is not None


@pytest.mark.parametrize(
    ("address", "arguments", "why"),
    [
        ("/rt/gain_db", (99.0,), "allowed is a number from -60 to 24 dB."),
        ("/rt/gain_db", ("loud",), "gain_db = loud cannot be used"),
        ("/rt/gain_db", (1.0, 2.0), "it wants one value, got 2."),
        ("/rt/next", (), "it needs a playlist."),
        ("/subscribe", (0,), "allowed is 1 to 65535."),
        ("/subscribe", (1.5,), "it wants a port"),
    ],
)
def test_what_is_refused_is_answered_with_the_reason_and_changes_nothing(program, sounding, address, arguments, why):
    before = sounding.gain_db
    program.send(address, *arguments)
    refused, reason = program.hear("/refused")
    assert refused == address and why in reason and sounding.gain_db == before


def test_every_control_has_an_address(sounding):
    for control in CONTROLS:
        counts = sounding.remote.counts
        before = counts.unknown
        sounding.remote.take(message_datagram(f"/rt/{control.name}", "\x7f"))
        assert counts.unknown == before


# who may speak


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "localhost"])
def test_these_are_this_machine(host):
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "fe80::1%eth0", "example.org", "::ffff:10.0.0.1", ""])
def test_and_these_are_not(host):
    assert not is_this_machine(host)


def test_a_stranger_is_heard_once_it_has_said_the_token_and_until_it_was_silent_for_an_hour():
    guard = Guard(TOKEN)
    assert not guard.knows("10.0.0.7", 0.0)
    for wrong in (None, "", "open-sesamf", 7, TOKEN.encode(), "é"):
        assert not guard.admit("10.0.0.7", wrong, 0.0)
    assert guard.admit("10.0.0.7", TOKEN, 0.0)
    assert guard.knows("10.0.0.7", ADMITTED_S) and not guard.knows("10.0.0.8", 1.0)
    assert not guard.knows("10.0.0.7", 2 * ADMITTED_S + 1)
    assert not Guard(None).admit("10.0.0.7", None, 0.0)


def test_only_so_many_hosts_are_let_in():
    guard = Guard(TOKEN)
    hosts = [f"10.0.0.{n}" for n in range(MAX_HOSTS + 1)]
    for host in hosts:
        guard.admit(host, TOKEN, 0.0)
    assert [guard.knows(host, 1.0) for host in hosts] == [False] + [True] * MAX_HOSTS


def test_packets_that_come_too_fast_are_left_out_and_strangers_do_not_take_the_room_of_others():
    guard = Guard(TOKEN)
    assert sum(guard.hears("10.0.0.7", 0.0) for _ in range(1000)) == 10
    assert sum(guard.hears("127.0.0.1", 0.0) for _ in range(10_000)) == PACKETS_PER_S
    assert sum(guard.hears("127.0.0.1", 0.1) for _ in range(10_000)) == pytest.approx(PACKETS_PER_S / 10, abs=1)


def test_junk_of_strangers_does_not_keep_a_right_token_out():
    remote = Remote("0.0.0.0", 0, lambda text: None, TOKEN)
    remote.add("/rt/muted", lambda number, arguments: None)
    for n in range(3 * int(STRANGERS_PER_S)):
        remote.take(message_datagram("/rt/muted", 1), (f"10.1.{n % 100}.7", 5000))
        remote.take(message_datagram("/token", "wrong-token"), ("10.0.0.8", 5000))
        remote.take(message_datagram("/rt/muted", 1), ("10.0.0.7", 5000))
    assert remote.counts.unheard > STRANGERS_PER_S and not remote.counts.done
    remote.take(message_datagram("/token", TOKEN), ("10.0.0.7", 5000))
    remote.take(message_datagram("/rt/muted", 1), ("10.0.0.7", 5000))
    assert remote.counts.done == 1


def test_each_has_a_rate_and_all_together_have_one_and_few_are_remembered():
    rate = RateOfEach(3.0, 1000.0)
    assert [rate.allows("a", 0.0) for _ in range(4)] == [True] * 3 + [False]
    assert rate.allows("b", 0.0) and rate.allows("a", 0.4)
    for n in range(2000):
        rate.allows(n, 0.4)
    assert len(rate._each) == MAX_KEPT and not rate.allows("c", 0.4)


def test_a_stranger_changes_nothing_before_the_token_not_even_in_one_bundle_with_it():
    done, said = [], []
    remote = Remote("0.0.0.0", 0, said.append, TOKEN)
    remote.add("/rt/muted", lambda number, arguments: done.append(arguments))
    stranger = ("10.0.0.7", 5000)
    remote.take(message_datagram("/rt/muted", 1), stranger)
    remote.take(message_datagram("/token", "open-sesamE"), stranger)
    remote.take(message_datagram("/rt/muted", 1), stranger)
    assert not done and remote.counts.strangers == 3 and "did not say the token" in said[0] and len(said) == 1
    remote.take(message_datagram("/token", TOKEN), stranger)
    remote.take(message_datagram("/rt/muted", 1), stranger)
    remote.take(message_datagram("/rt/muted", 0), ("10.0.0.8", 5000))
    assert done == [(1,)]


def test_a_port_for_the_network_is_not_opened_without_a_token():
    said = []
    remote = Remote("0.0.0.0", free_port(), said.append)
    remote.add("/a", lambda number, arguments: None)
    remote.start()
    assert remote.port is None and "remote_token" in said[0]


@pytest.mark.parametrize("token", ["short", "with a space in it", "ümlaute-hier", "x" * 201])
def test_a_token_that_is_no_token_is_refused(token):
    with pytest.raises(ConfigurationError, match="8 to 200"):
        load_settings(None, {"remote_token": token})


def test_escapes_in_an_address_do_not_reach_the_terminal():
    said = []
    Remote("127.0.0.1", 0, said.append).take(message_datagram("/\x1b[2J\x07" + "x" * 500))
    assert said[0].startswith("OSC /\\x1b[2J\\x07xxx") and len(said[0]) < 130 and said[0].isprintable()


# a storm


@pytest.fixture
def guarded():
    settings = load_settings(None, {**QUICK, "remote_port": 0, "remote_token": remote_storm.TOKEN})
    said = []
    with Session(settings, on_message=said.append) as session:
        session.said = said
        yield session


def test_of_thousands_of_hostile_packets_none_changes_anything_and_nothing_piles_up(guarded, monkeypatch):
    monkeypatch.setattr(Rate, "allows", lambda self, now_s: True)  # so that all of them are looked at
    session, remote = guarded, guarded.remote
    before = remote_storm.standing(session)
    memory = []
    for seed in (1, 2, 3, 4):
        for packet in remote_storm.of_this_machine(1500, seed):
            remote.take(packet)
        for packet, place in remote_storm.of_strangers(1500, seed):
            remote.take(packet, place)
        session.desk.work(session)
        assert remote_storm.standing(session) == before
        memory.append(remote_storm.memory_kb())
    counts = remote.counts
    assert counts.strangers >= 6000 and counts.refused > 500 and counts.unknown > 500 and counts.damaged > 500
    assert len(session.said) < 50 and not any("did not work" in text for text in session.said)
    assert memory[-1] - memory[0] < 4000
    assert session.desk.ask("gain_db", -3.0) is None


def test_the_same_packets_do_something_where_they_may(guarded, monkeypatch):
    monkeypatch.setattr(Rate, "allows", lambda self, now_s: True)
    stranger = ("10.0.0.7", 5000)
    guarded.remote.take(message_datagram("/token", remote_storm.TOKEN), stranger)
    for packet, _ in remote_storm.of_strangers(50):
        guarded.remote.take(packet, stranger)
    before = remote_storm.standing(guarded)
    guarded.desk.work(guarded)
    assert remote_storm.standing(guarded) != before and guarded.muted


@pytest.mark.parametrize("own", ["127.0.0.1", "127.0.0.2"])
def test_a_change_is_never_told_to_the_remote_itself_which_would_do_it_again_for_ever(sounding, monkeypatch, own):
    refused = []
    monkeypatch.setattr(sounding.remote, "answer", lambda address, *arguments: refused.append(arguments))
    port = sounding.remote.port
    for arguments in ((port,), (own, port)):
        sounding.remote.take(message_datagram("/subscribe", *arguments), (own, 40103))
    sounding.remote.take(message_datagram("/subscribe"), (own, port))
    assert refused == [("/subscribe", f"port {port} is where I listen myself: name the one where you do.")] * 3


def test_another_machine_may_listen_at_the_port_that_is_the_remotes_here(sounding):
    assert not sounding.remote.is_own(("192.0.2.200", sounding.remote.port))
    assert not sounding.remote.is_own(("127.0.0.1", sounding.remote.port + 1))
