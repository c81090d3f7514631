"""Where poses are sent: targets that come and go, that are limited, that would be heard as the tracker."""

import socket
import time
from contextlib import closing
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_bridge_osc_outputs import P0
from udp_tools import HOST, free_port, listener, readable

from firmware_bridge.bridge import Bridge
from firmware_bridge.errors import BridgeError
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.notices import Notices
from firmware_bridge.opening import make_source
from firmware_bridge.osc.dialects import find_dialect
from firmware_bridge.osc.encoder import datagrams
from firmware_bridge.osc.fudi import SsrOutput, ssr_line
from firmware_bridge.osc.outputs import QUIET_S, LimitedOutput, OscOutput, OutputFan, open_outputs
from firmware_bridge.settings import make_settings


def until(done):
    end_s = time.monotonic() + 5.0
    while not done() and time.monotonic() < end_s:
        time.sleep(0.005)
    assert done()


def test_a_host_that_nobody_knows_yet_holds_up_nobody_and_is_asked_for_again(monkeypatch):
    said, answers = [], []

    def getaddrinfo(host, port, flags=0, **more):
        if flags & socket.AI_NUMERICHOST or not answers:
            raise OSError(socket.EAI_NONAME, "Name or service not known")
        return answers

    with listener() as (heard, port):
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        output = OscOutput(find_dialect("sparta"), "studio.lan", port, Notices(said.append))
        with closing(output):
            output.send(P0, 0.0)
            until(lambda: output.send(P0, 1.0) or said)
            for k in range(80):
                output.send(P0, 1.0 + 0.1 * k)
            (sentence,) = said
            assert sentence.startswith("output host 'studio.lan' is not known (Name or service not known): trying")
            # Plug-ins listen on IPv4, whatever comes first.
            answers += [(socket.AF_INET6, 0, 0, "", ("::1", port, 0, 0)), (socket.AF_INET, 0, 0, "", (HOST, port))]
            until(lambda: output.send(P0, 10.1) or readable(heard))
            assert heard.recv(200) == datagrams(find_dialect("sparta"), P0)[0]


def test_numbers_and_localhost_are_known_at_once():
    for host in (HOST, "localhost"):
        with listener() as (heard, port):
            fan = open_outputs([f"sparta@{host}:{port}"], Notices(pytest.fail))
            fan.send(P0, 0.0)
            assert heard.recv(200) == datagrams(find_dialect("sparta"), P0)[0]
            fan.close()


@pytest.mark.parametrize(
    ("tracker", "output", "osc_host"),
    [("osc", "sparta@127.0.0.2", "0.0.0.0"), ("opentrack:0.0.0.0:4242", "iem@127.0.0.2:4242", "127.0.0.1")],
)
def test_an_output_to_an_own_address_is_refused_where_all_are_listened_to(tracker, output, osc_host):
    with pytest.raises(BridgeError, match="would come back as a head tracker"):
        make_source(make_settings(tracker=tracker, outputs=[output], osc_host=osc_host), Notices(print))
    elsewhere = output.replace("127.0.0.2", "192.0.2.1")
    make_source(make_settings(tracker=tracker, outputs=[elsewhere], osc_host=osc_host), Notices(print)).close()


def test_an_output_that_would_be_heard_as_the_tracker_is_refused():
    for tracker in ("osc", "osc:9000", "auto"):
        with pytest.raises(BridgeError, match=r"would come back as a head tracker.*--osc-port\.$"):
            make_source(make_settings(tracker=tracker, outputs=["sparta"]), Notices(print))
    make_source(make_settings(tracker="osc:9100", outputs=["sparta"]), Notices(print)).close()


class Recorded:
    """An output that remembers what it was given."""

    def __init__(self):
        self.given, self.is_closed = [], False

    def send(self, quat, now_s):
        self.given.append((now_s, quat))

    def close(self):
        self.is_closed = True


@given(
    gaps=st.lists(st.floats(0.0, 0.2), min_size=1, max_size=60),
    rate_hz=st.sampled_from([1.0, 25.0, 40.0, None]),
)
@settings(max_examples=60, deadline=None)
def test_no_more_poses_are_sent_than_the_target_takes_and_the_newest_is_never_held_back(gaps, rate_hz):
    target = Recorded()
    output = LimitedOutput(target, rate_hz)
    now_s = 0.0
    for number, gap_s in enumerate(gaps):
        now_s += gap_s
        output.send(number, now_s)
    period_s = 1.0 / rate_hz if rate_hz else 0.0
    output.flush(now_s + 1.001 * period_s)
    times_s = [at_s for at_s, _ in target.given]
    assert all(later - sooner >= period_s for sooner, later in pairwise(times_s))
    assert target.given[-1][1] == len(gaps) - 1
    numbers = [number for _, number in target.given]
    assert numbers == sorted(set(numbers)) and (rate_hz is not None or len(numbers) == len(gaps))


def test_what_waits_is_sent_before_the_end():
    target = Recorded()
    fan = OutputFan([LimitedOutput(target, 10.0)])
    fan.send(1, 0.0)
    fan.send(2, 0.01)
    fan.close()
    assert [number for _, number in target.given] == [1, 2] and target.is_closed


def test_several_targets_hear_the_same_pose_each_in_its_words():
    with listener() as (first, port), listener() as (second, other_port):
        fan = open_outputs([f"sparta@:{port}", f"iem@:{other_port}"], Notices(pytest.fail))
        fan.send(P0, 0.0)
        assert first.recv(200) == datagrams(find_dialect("sparta"), P0)[0]
        assert second.recv(200) == datagrams(find_dialect("iem"), P0)[0]
        fan.close()


def test_a_target_that_is_not_there_is_said_once_and_served_when_it_comes():
    said, port = [], free_port()
    output = OscOutput(find_dialect("sparta"), HOST, port, Notices(said.append))
    with closing(output):
        for k in range(500):
            output.send(P0, 0.01 * k)
        (text,) = said
        assert text.startswith(f"nobody listens for sparta at {HOST}:{port} yet")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind((HOST, port))
            server.settimeout(2.0)
            output.send(P0, 6.0)
            output.send(P0, 6.0)
            assert server.recv(100) == datagrams(find_dialect("sparta"), P0)[0]
        for _ in range(3):
            output.send(P0, 6.0 + 2.0 * QUIET_S)
        assert len(said) == 2


def test_a_network_that_is_not_there_is_said_once_and_costs_no_pose_of_others(monkeypatch):
    said = []
    fan = open_outputs(["sparta@127.0.0.1:9"], Notices(said.append))

    class Broken:
        def connect(self, address):
            raise OSError(101, "Network is unreachable")

        def close(self):
            pass

    (limited,) = fan._outputs
    limited._output.close()
    limited._output._socket = Broken()
    for k in range(100):
        fan.send(P0, 0.01 * k)
    assert said == ["cannot reach sparta at 127.0.0.1:9 (Network is unreachable): trying again with every pose"]
    fan.close()


def test_ssr_is_told_its_reference_in_its_own_axes_scalar_last():
    assert ssr_line(P0) == b"ref offset quat -0.095352 0.019437 0.253917 0.962318;\n"


def test_ssr_is_served_when_it_comes_and_again_when_it_comes_back():
    said, port = [], free_port(socket.SOCK_STREAM)
    output = SsrOutput(HOST, port, Notices(said.append))
    now_s = 0.0
    with closing(output):
        for _ in range(100):
            now_s += 0.05
            output.send(P0, now_s)
        assert said == [f"SSR at {HOST}:{port} is not there (it does not answer): trying again every second"]
        for _ in range(2):
            with socket.create_server((HOST, port)) as server:
                now_s = until_connected(output, server, now_s)
        for _ in range(3):
            time.sleep(0.01)
            output.send(P0, now_s)
    assert [text.split(" ", 3)[3].split(":")[0] for text in said] == [
        "is not there (it does not answer)",
        "is connected",
        "is not there (it closed the connection)",
        "is connected",
        "is not there (it closed the connection)",
    ]


def until_connected(output, server, now_s):
    def send():
        nonlocal now_s
        now_s += 0.1
        output.send(P0, now_s)

    until(lambda: send() or readable(server))
    connection, _ = server.accept()
    with connection:
        until(lambda: readable(connection) or send())
        assert connection.recv(100) == ssr_line(P0)
        connection.sendall(b"hello;\n")
        output.send(P0, now_s)
        assert connection.recv(100) == ssr_line(P0)
    return now_s


class Filling:
    """A socket that counts how often it had no room."""

    def __init__(self, connection):
        self._connection, self.n_full = connection, 0

    def send(self, data):
        try:
            return self._connection.send(data)
        except BlockingIOError:
            self.n_full += 1
            raise

    def __getattr__(self, name):
        return getattr(self._connection, name)


def test_an_ssr_that_does_not_read_gets_whole_lines_only():
    with socket.create_server((HOST, 0)) as server:
        output = SsrOutput(HOST, server.getsockname()[1], Notices(lambda text: None))
        output.send(P0, 0.0)
        connection, _ = server.accept()
        with connection, closing(output):
            n, output._socket = 0, Filling(output._socket)
            while output._socket.n_full < 10 and n < 500_000:
                n += 1
                output.send(P0, 0.001 * n)
            assert output._socket.n_full >= 10
            connection.settimeout(0.2)
            data = b""
            for _ in range(3):
                data += drained(connection)
                output.send(P0, 0.001 * n)
            data += drained(connection)
        lines = data.split(b"\n")
        assert set(lines[:-1]) == {ssr_line(P0)[:-1]} and lines[-1] == b""


def drained(connection):
    data = b""
    try:
        while piece := connection.recv(1 << 20):
            data += piece
    except TimeoutError:
        pass
    return data


def test_a_bridge_gives_its_poses_to_its_outputs_and_flushes_what_waits():
    class Outputs(Recorded):
        flushed = 0

        def flush(self, now_s):
            self.flushed += 1

    from firmware_bridge.device_store import DeviceStore
    from firmware_bridge.memory import Memory
    from firmware_bridge.pose_pipeline import PosePipeline

    values = make_settings(tracker="none")
    outputs = Outputs()
    pipeline = PosePipeline(values, Memory(DeviceStore(), print), print)
    source = make_source(values, Notices(print))
    with Bridge(source, pipeline, PoseMailbox.private(), on_message=print, outputs=outputs):
        end_s = time.monotonic() + 2.0
        while not outputs.flushed and time.monotonic() < end_s:
            time.sleep(0.01)
    assert outputs.flushed and outputs.is_closed
