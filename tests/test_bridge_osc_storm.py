from collections import Counter

import pytest
from osc_storm import KINDS, hostile_packets, memory_kb, over_a_socket
from udp_tools import free_port

from firmware_bridge.notices import Notices
from firmware_bridge.osc.decoder import OscDecoder
from firmware_bridge.osc.dialects import DIALECTS, find_dialect
from firmware_bridge.osc.source import OscSource


def test_of_a_hundred_thousand_hostile_packets_none_becomes_a_pose_and_all_are_counted():
    decoder, poses, seen = OscDecoder(find_dialect(None)), Counter(), Counter()
    packets = list(hostile_packets(10_000))
    seen.update(kind for kind, _ in packets)
    before_kb = memory_kb()
    for number in range(10):
        for kind, packet in packets if number == 0 else hostile_packets(10_000, seed=number + 1):
            refused = decoder.counts.refused
            poses[kind] += decoder.feed(packet, 0.001 * number) is not None
            poses[f"{kind}, not counted"] += decoder.counts.refused == refused
        poses["overdue"] += len(decoder.overdue(1e3 * (number + 1)))
    assert not +poses, +poses
    assert min(seen.values()) > 400 and len(seen) == len(KINDS)
    assert memory_kb() - before_kb < 8_000


def test_over_a_socket_the_believed_tracker_goes_on_and_nothing_else_becomes_a_pose():
    heard = []
    port = free_port()
    source = OscSource("127.0.0.1", port, None, Notices(heard.append))
    source.poll(0.0)
    n_honest, n_given, n_others = over_a_socket(source, port, 2000)
    source.close()
    assert (n_given, n_others) == (n_honest, 0)
    assert source.health().dropped == 2000
    assert len(heard) < 12 and any("could not be used, " in text for text in heard)


@pytest.mark.parametrize("name", DIALECTS)
def test_no_dialect_takes_a_pose_from_hostile_packets(name):
    decoder = OscDecoder(find_dialect(name))
    for number, (kind, packet) in enumerate(hostile_packets(1000, seed=99)):
        assert decoder.feed(packet, 0.1 * number) is None and decoder.overdue(0.1 * number + 0.05) == [], kind
