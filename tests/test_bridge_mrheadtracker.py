"""MrHeadTracker's control changes: never a torn quaternion."""

from itertools import pairwise

import pytest
from dialect_tools import angle_deg, random_states

from firmware_bridge.dialects.mrheadtracker import SWEEPS_OF_ANGLES, MrHeadTrackerDecoder, MrHeadTrackerDevice

IDENTITY = bytes.fromhex("B0 30 7F B0 10 7F B0 31 00 B0 11 40 B0 32 00 B0 12 40 B0 33 00 B0 13 40")
VECTOR = bytes.fromhex("B0 30 4B B0 10 7D B0 31 1F B0 11 41 B0 32 0D B0 12 46 B0 33 20 B0 13 50")


def test_the_identity_is_looking_ahead():
    (motion,) = MrHeadTrackerDecoder().feed(IDENTITY)
    assert motion.quat_wxyz == (1.0, 0.0, 0.0, 0.0)


def test_the_vector_gives_its_numbers_in_the_frame_x_back_y_right():
    (motion,) = MrHeadTrackerDecoder().feed(VECTOR)
    w, x, y, z = motion.quat_wxyz
    assert (w, -x, -y, z) == pytest.approx((0.96228, 0.01941, 0.09534, 0.25391), abs=5e-5)


@pytest.mark.parametrize("angles", [False, True])
def test_both_modes_come_back_as_they_were_sent(angles):
    device, decoder = MrHeadTrackerDevice(angles), MrHeadTrackerDecoder()
    states = random_states(100, 50.0, seed=3)
    told = [motion for state in states for motion in decoder.feed(device.encode(state))]
    # That a fourth number never comes must first be seen.
    n_unheard = SWEEPS_OF_ANGLES if angles else 0
    assert len(told) == len(states) - n_unheard
    for motion, state in zip(told, states[n_unheard:], strict=True):
        assert angle_deg(motion.quat_wxyz, state.quat_world_from_head) < 0.1
    assert decoder.counts.dropped == 0


def test_no_sweep_is_ever_mixed_from_two():
    device = MrHeadTrackerDevice()
    states = random_states(12, 50.0, seed=4)
    sweeps = [device.encode(state) for state in states]
    for first, second in pairwise(range(12)):
        for at in range(0, 24, 3):
            for n_gone in (3, 6, 9):
                decoder = MrHeadTrackerDecoder()
                stream = sweeps[first] + sweeps[second]
                told = decoder.feed(stream[:at] + stream[at + n_gone :] + sweeps[0])
                sent = [states[k].quat_world_from_head for k in (first, second, 0)]
                assert len(told) >= 1
                for motion in told:
                    assert min(angle_deg(motion.quat_wxyz, quat) for quat in sent) < 0.1


def test_a_quaternion_whose_last_number_is_lost_a_few_times_is_not_taken_for_angles():
    device, decoder = MrHeadTrackerDevice(), MrHeadTrackerDecoder()
    whole = [device.encode(state) for state in random_states(4, 50.0, seed=5)]
    for sweep in [sweep[:18] for sweep in whole[:SWEEPS_OF_ANGLES]]:
        assert decoder.feed(sweep) == []
    assert len(decoder.feed(whole[3] * 2)) >= 2


def test_running_status_clock_bytes_and_other_messages_are_understood():
    running = bytes(byte for k, byte in enumerate(VECTOR) if k % 3 or k == 0)
    expected = MrHeadTrackerDecoder().feed(VECTOR)
    assert MrHeadTrackerDecoder().feed(running) == expected
    mixed = b"\x90\x40\x7f" + VECTOR[:4] + b"\xf8" + VECTOR[4:9] + b"\xb0\x07\x64" + VECTOR[9:] + b"\xf0\x30\x10\xf7"
    decoder = MrHeadTrackerDecoder()
    assert decoder.feed(mixed) == expected
    assert [motion for byte in mixed for motion in MrHeadTrackerDecoder().feed(bytes((byte,)))] == []
    one_by_one = MrHeadTrackerDecoder()
    assert [motion for byte in mixed for motion in one_by_one.feed(bytes((byte,)))] == expected


def test_channels_are_not_mixed():
    decoder = MrHeadTrackerDecoder()
    assert decoder.feed(VECTOR[:12] + b"\xb1" + VECTOR[13:]) == []
    assert decoder.counts.damaged >= 1
    assert len(decoder.feed(VECTOR)) == 1


def test_a_sweep_that_is_no_quaternion_is_implausible():
    decoder = MrHeadTrackerDecoder()
    assert decoder.feed(IDENTITY[:5] + b"\x40" + IDENTITY[6:]) == []
    assert decoder.counts.implausible == 1
