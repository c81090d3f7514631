import pytest

from firmware_bridge.notices import Notices
from firmware_bridge.one_sender import RELEASE_S, RELEASE_SAME_HOST_S, OneSender

FIRST, SECOND, ELSEWHERE = ("10.0.0.1", 1), ("10.0.0.1", 2), ("10.0.0.2", 1)


@pytest.fixture
def heard():
    return []


@pytest.fixture
def trust(heard):
    return OneSender(Notices(heard.append))


def sends(trust, sender, now_s, n_packets=1):
    for _ in range(n_packets):
        if not trust.admits(sender, now_s):
            return False
        trust.believe(sender, now_s)
    return True


def test_a_sender_that_goes_on_is_kept_until_it_is_silent(trust, heard):
    assert sends(trust, FIRST, 0.0, n_packets=2)
    assert not sends(trust, SECOND, RELEASE_SAME_HOST_S)
    assert heard[-1].endswith("ignored until that one is silent for 0.25 s")
    assert sends(trust, SECOND, RELEASE_SAME_HOST_S + 0.01)


def test_another_host_waits_longer_even_for_a_sender_of_one_packet(trust, heard):
    assert sends(trust, FIRST, 0.0)
    assert not sends(trust, ELSEWHERE, RELEASE_S)
    assert heard[-1].endswith("ignored until that one is silent for 5 s")
    assert sends(trust, ELSEWHERE, RELEASE_S + 0.01) and trust.sender == ELSEWHERE


def test_ports_of_one_packet_give_way_at_once(trust, heard):
    assert all(sends(trust, ("10.0.0.1", 1000 + k), 0.001 * k) for k in range(100))
    assert heard == []


@pytest.mark.parametrize("n_senders", [2, 3, 5])
def test_senders_that_all_go_on_do_not_take_turns(trust, n_senders):
    senders = [("10.0.0.1", port) for port in range(n_senders)]
    for sender in senders * 20:
        sends(trust, sender, 0.0)
    admitted = [sender for sender in senders * 3 if trust.admits(sender, 0.01)]
    assert len(set(admitted)) == 1 and len(admitted) == 3


def test_a_pose_that_nobody_was_trusted_for_makes_its_sender_the_trusted_one(trust):
    assert trust.admits(FIRST, 0.0) and trust.sender is None
    assert trust.believe(FIRST, 0.0) and trust.sender == FIRST
    assert not trust.believe(FIRST, 0.1)
