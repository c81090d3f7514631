"""/recentre for trackers that are not OSC themselves."""

import socket
import time

import pytest
from pythonosc.osc_message_builder import OscMessageBuilder
from udp_tools import free_port

from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.notices import Notices
from firmware_bridge.opening import open_thread
from firmware_bridge.osc.remote import MAX_PER_LOOK, OscRemote
from firmware_bridge.settings import make_settings


def send(port, address, *arguments):
    message = OscMessageBuilder(address)
    for argument in arguments:
        message.add_arg(argument)
    send_bytes(port, message.build().dgram)


def send_bytes(port, *datagrams):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for datagram in datagrams:
            sender.sendto(datagram, ("127.0.0.1", port))


@pytest.fixture
def port():
    return free_port()


def test_a_request_is_heard_once(port):
    remote = OscRemote("127.0.0.1", port, Notices(lambda text: None))
    assert not remote.asks_to_recentre(0.0)
    send(port, "/recentre")
    assert remote.asks_to_recentre(1.0)
    assert not remote.asks_to_recentre(2.0)
    send(port, "/rt-render/recentre", 1)
    assert remote.asks_to_recentre(3.0)
    remote.close()


def test_buttons_let_go_poses_and_rubbish_ask_for_nothing(port):
    remote = OscRemote("127.0.0.1", port, Notices(lambda text: None))
    remote.asks_to_recentre(0.0)
    send(port, "/recentre", 0)
    send(port, "/ypr", 10.0, 0.0, 0.0)
    send_bytes(port, b"\xff" * 300, b"")
    assert not remote.asks_to_recentre(1.0)
    remote.close()


def test_a_flood_of_requests_is_read_in_portions_and_recentres_seldom(port):
    remote = OscRemote("127.0.0.1", port, Notices(lambda text: None))
    remote.asks_to_recentre(0.0)
    send_bytes(port, *[OscMessageBuilder("/recentre").build().dgram] * (4 * MAX_PER_LOOK))
    assert [remote.asks_to_recentre(1.0 + 0.01 * look) for look in range(3)] == [True, False, False]
    remote.close()


def test_a_port_in_use_is_told_once_and_taken_when_free(port):
    told = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", port))
        remote = OscRemote("127.0.0.1", port, Notices(told.append))
        for now_s in (0.0, 1.0, 6.0, 12.0):
            assert not remote.asks_to_recentre(now_s)
    assert len(told) == 1 and str(port) in told[0]
    remote.asks_to_recentre(20.0)
    send(port, "/recentre")
    assert remote.asks_to_recentre(21.0)
    remote.close()


def test_a_bridge_that_listens_to_a_serial_port_hears_the_request(port):
    mailbox = PoseMailbox.private()
    settings = make_settings(tracker="serial:/dev/no-such-port", osc_port=port)
    with open_thread(settings, mailbox):
        give_up_s = time.monotonic() + 10.0
        while mailbox.recentre_count() == 0 and time.monotonic() < give_up_s:
            send(port, "/recentre")
            time.sleep(0.02)
    assert mailbox.recentre_count() > 0
