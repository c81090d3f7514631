import math
import socket
import threading
import time

import pytest

from firmware_bridge.osc.detection import OscDetector, listen_for_osc
from firmware_bridge.osc.dialects import DIALECTS, find_dialect
from firmware_bridge.osc.encoder import datagrams
from firmware_bridge.quaternion import from_yaw_pitch_roll_deg

HOST = "127.0.0.1"


def heads(n):
    return [
        tuple(from_yaw_pitch_roll_deg(90 * math.sin(0.1 * k), 25 * math.cos(0.07 * k), 9.0).tolist()) for k in range(n)
    ]


def detected(packets, rate_hz=100.0):
    detector = OscDetector()
    for k, packet in enumerate(packets):
        detector.feed(packet, k / rate_hz)
    return detector.heard(9000, "10.0.0.7")


@pytest.mark.parametrize("name", DIALECTS)
def test_whatever_is_sent_its_dialect_is_among_those_that_are_named(name):
    heard = detected([data for quat in heads(30) for data in datagrams(find_dialect(name), quat)])
    assert name in heard.dialects and heard.addresses[0] in find_dialect(name).rows
    assert ("choose" in heard.text) == (len(heard.dialects) > 1)
    assert heard.rate_hz == pytest.approx(100.0)


def test_an_address_of_one_program_names_that_alone():
    heard = detected(datagrams(find_dialect("adm-osc"), heads(1)[0]))
    assert heard.dialects == ("adm-osc",)
    assert heard.text == "10.0.0.7 sends /adm/lis/ypr: dialect adm-osc" and heard.rate_hz is None


def test_an_address_of_many_programs_is_never_guessed_from_its_numbers():
    heard = detected([data for quat in heads(50) for data in datagrams(find_dialect("ear"), quat)])
    assert {"default", "sparta", "sparta-binauraliser", "ssa", "commercial", "ear", "headitude"} <= set(heard.dialects)
    assert "understand it; choose the one that means the sending program" in heard.text


def test_what_else_a_program_sends_does_not_hide_its_dialect():
    battery = b"/battery\0\0\0\0,f\0\0\x3f\x80\0\0"
    packets = [data for quat in heads(20) for data in (*datagrams(find_dialect("virtuoso"), quat), battery)]
    heard = detected(packets)
    assert heard.dialects == ("virtuoso",) and heard.addresses == ("/Virtuoso/quat", "/battery")


def test_osc_of_no_dialect_and_no_osc_are_told_apart():
    assert detected([b"/volume\0,f\0\0\x3f\x80\0\0"]).text == "10.0.0.7 sends /volume: no dialect understands it"
    heard = detected([bytes(48)])
    assert heard.text == "10.0.0.7 sends no OSC" and heard.dialects == () and heard.n_bytes == 48


def test_a_flood_of_addresses_is_kept_short():
    heard = detected([f"/a{k:05d}".ljust(8, "\0").encode() + b",\0\0\0" for k in range(3000)])
    assert heard.n_packets == 3000 and len(heard.addresses) <= 12


def test_ports_are_listened_to_at_once_and_one_in_use_is_said():
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with taken, sender:
        taken.bind((HOST, 0))
        ports = [taken.getsockname()[1], *free_ports(3)]
        stop = threading.Event()

        def send():
            while not stop.wait(0.01):
                sender.sendto(datagrams(find_dialect("mach1"), heads(1)[0])[0], (HOST, ports[1]))
                sender.sendto(datagrams(find_dialect("nuendo"), heads(1)[0])[0], (HOST, ports[2]))

        thread = threading.Thread(target=send)
        thread.start()
        begin_s = time.monotonic()
        found = {one.port: one for one in listen_for_osc(0.4, ports)}
        assert time.monotonic() - begin_s >= 0.4
        stop.set()
        thread.join()
    assert "mach1" in found[ports[1]].dialects and "nuendo" in found[ports[2]].dialects
    assert found[ports[1]].sender == HOST and found[ports[1]].n_packets > 3
    assert "is in use" in found[ports[0]].text and found[ports[0]].sender == "" and ports[3] not in found


def free_ports(n):
    probes = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(n)]
    for probe in probes:
        probe.bind((HOST, 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
