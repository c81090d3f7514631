"""What holds for every dialect of the table."""

import math
import random
from dataclasses import replace
from itertools import pairwise
from math import dist

import pytest
from dialect_tools import (
    PLANTED,
    angle_deg,
    fed,
    is_stream,
    motions,
    moving_head,
    planted_storm,
    random_states,
    spoken,
    storm,
)

from firmware_bridge.dialect import Check
from firmware_bridge.dialects.table import DIALECTS, find_dialect
from firmware_bridge.errors import BridgeError
from firmware_bridge.stages.trust import TrustGate

EACH = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
STREAMS = pytest.mark.parametrize(
    "dialect", [dialect for dialect in DIALECTS.values() if is_stream(dialect)], ids=lambda dialect: dialect.name
)
CHECKED = pytest.mark.parametrize(
    "dialect",
    [dialect for dialect in DIALECTS.values() if is_stream(dialect) and dialect.check is not Check.NONE],
    ids=lambda dialect: dialect.name,
)
GYRO_STEP_RAD_S, ACCEL_STEP_M_S2 = 0.003, 0.03
"""No dialect has coarser steps (Supperware and MIDI have no rates at all)."""
FLUSH = b"\0" * 2048
"""Whatever a decoder still waits for after a damaged length, it has seen now."""


def same_measurement(motion, state):
    """Whether a motion tells what was measured, as far as it tells anything."""
    if motion.quat_wxyz is not None and angle_deg(motion.quat_wxyz, state.quat_world_from_head) > 0.2:
        return False
    if motion.gyro_rad_s is not None and dist(motion.gyro_rad_s, state.gyro_rad_s) > GYRO_STEP_RAD_S:
        return False
    return motion.accel_m_s2 is None or dist(motion.accel_m_s2, state.accel_m_s2) < ACCEL_STEP_M_S2


def what_it_says(motion):
    """What may not be made up: everything but what only describes the device."""
    return motion.quat_wxyz, motion.gyro_rad_s, motion.accel_m_s2, motion.seq, motion.device_time_s


@EACH
def test_what_the_virtual_device_measures_is_what_the_decoder_tells(dialect):
    states = random_states(200, dialect.rate_hz, seed=11)
    told = motions(fed(dialect.make_decoder(), spoken(dialect, states)))
    # A decoder may need a cycle to learn what comes in one, and say the first measurement twice or not at all.
    assert abs(len(states) - len(told)) <= 2
    n = min(len(states), len(told))
    for motion, state in zip(told[-n:], states[-n:], strict=True):
        assert motion.quat_wxyz is not None or (motion.gyro_rad_s is not None and motion.accel_m_s2 is not None)
        assert same_measurement(motion, state), (motion, state)


TELL_A_LENGTH = {
    "adafruit",
    "bno055",
    "bno08x-shtp",
    "hbf1",
    "metamotion",
    "microstrain",
    "mrheadtracker",
    "nvsonic",
    "slimevr",
    "supperware",
    "waves-nx",
    "witmotion",
    "ximu3",
    "xsens",
}
"""Those whose virtual device sends quaternions; the others send angles, rotation vectors or raw values."""


@EACH
def test_a_quaternion_that_is_not_of_unit_length_tells_how_long_it_was(dialect):
    short = [
        replace(state, quat_world_from_head=tuple(0.993 * part for part in state.quat_world_from_head))
        for state in random_states(40, dialect.rate_hz, seed=3)
    ]
    told = motions(fed(dialect.make_decoder(), spoken(dialect, short)))
    want = 0.993 if dialect.name in TELL_A_LENGTH else 1.0
    assert len(told) >= 38
    for motion in told[2:]:
        assert motion.norm == pytest.approx(want, abs=1e-3)
        assert motion.quat_wxyz is None or math.hypot(*motion.quat_wxyz) == pytest.approx(1.0, abs=1e-9)


@EACH
def test_clock_and_counter_rise_rightly_over_their_wraps(dialect):
    start_s = (dialect.clock_wrap_s or 0.05) - 10.0 / dialect.rate_hz
    states = random_states(40, dialect.rate_hz, 3, (dialect.seq_wrap or 20) - 20, max(start_s, 0.0))
    decoder = dialect.make_decoder()
    told = motions(fed(decoder, spoken(dialect, states)))
    assert decoder.counts.lost == 0
    # The clock's own steps, and what a float of this size can hold.
    tolerance_s = 1.1e-3 + 2.0 * math.ulp(start_s)
    for before, after in pairwise(told):
        if dialect.seq_wrap is not None:
            assert (after.seq - before.seq) % dialect.seq_wrap == 1 and 0 <= after.seq < dialect.seq_wrap
        if dialect.clock_wrap_s is not None and after.device_time_s is not None:
            assert 0.0 <= after.device_time_s <= dialect.clock_wrap_s
            step_s = (after.device_time_s - before.device_time_s) % dialect.clock_wrap_s
            assert step_s == pytest.approx(1.0 / dialect.rate_hz, abs=tolerance_s)
    if dialect.seq_wrap is None:
        assert all(motion.seq is None for motion in told)
    if dialect.clock_wrap_s is None:
        assert all(motion.device_time_s is None for motion in told)


@EACH
def test_a_head_that_moves_naturally_is_soon_trusted(dialect):
    states = moving_head(400, dialect.rate_hz, seed=5)
    gate = TrustGate(dialect.check)
    decoder = dialect.make_decoder()
    admitted = [
        gate.admit(motion, state.time_s)
        for state, piece in zip(states, spoken(dialect, states), strict=True)
        for motion in motions(decoder.feed(piece))
    ]
    assert gate.trusted and all(admitted[110:]), gate.why


@STREAMS
def test_a_stream_gives_the_same_messages_however_it_is_split(dialect):
    stream = b"".join(spoken(dialect, random_states(30, dialect.rate_hz, seed=2)))
    whole = dialect.make_decoder().feed(stream)
    assert len(motions(whole)) >= 28
    byte_by_byte = dialect.make_decoder()
    assert fed(byte_by_byte, [stream[k : k + 1] for k in range(len(stream))]) == whole
    chance = random.Random(4)
    for _ in range(20):
        cuts = sorted(chance.choices(range(len(stream)), k=12))
        pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
        assert fed(dialect.make_decoder(), pieces) == whole


@EACH
def test_a_reset_forgets_half_a_frame(dialect):
    pieces = spoken(dialect, moving_head(30, dialect.rate_hz))
    decoder = dialect.make_decoder()
    fed(decoder, pieces[:10])
    decoder.feed(pieces[10][: len(pieces[10]) // 2])
    n_lost = decoder.counts.lost
    decoder.reset()
    assert len(motions(fed(decoder, pieces[20:]))) >= 8
    assert decoder.counts.lost == n_lost


@EACH
def test_random_bytes_move_nobody(dialect):
    done = storm(dialect, 200_000, seed=1)
    assert done.n_passed == 0
    if dialect.check is Check.CRC16:
        assert done.n_accepted == 0
    assert done.max_pending <= getattr(dialect.make_decoder(), "max_frame_bytes", 0)


@pytest.mark.parametrize("name", [name for name in PLANTED if name in DIALECTS])
def test_random_sums_let_no_more_through_than_chance(name):
    done = planted_storm(DIALECTS[name], 20_000, seed=1)
    assert done.n_accepted <= max(3.0 * done.n_expected, 3.0), done


def test_every_dialect_with_an_8_bit_sum_is_in_the_storm():
    assert {dialect.name for dialect in DIALECTS.values() if dialect.check is Check.SUM8} <= set(PLANTED)


def damaged_streams(pieces, k):
    """The stream with piece k cut, shortened, spliced with another and with every byte changed."""
    before, frame, after = b"".join(pieces[:k]), pieces[k], b"".join(pieces[k + 1 :])
    for at in range(len(frame)):
        yield before + frame[:at] + after
        yield before + frame[at:] + after
        yield before + frame[:at] + frame[at + 1 :] + after
        yield before + frame[:at] + pieces[1][at:] + after
        for flip in (0x01, 0x80, 0xFF):
            yield before + frame[:at] + bytes([frame[at] ^ flip]) + frame[at + 1 :] + after


@CHECKED
def test_damage_costs_a_frame_and_its_neighbour_at_most(dialect):
    k, n = 6, 14
    pieces = spoken(dialect, random_states(n, dialect.rate_hz, seed=8))
    clean = [motions(fed(dialect.make_decoder(), pieces[:count])) for count in (n, k + 2)]
    must = [motion.quat_wxyz for motion in clean[0][len(clean[1]) :]]
    sent = {what_it_says(motion) for motion in clean[0]}
    assert len(must) >= n - k - 3
    for stream in damaged_streams(pieces, k):
        told = motions(dialect.make_decoder().feed(stream + FLUSH))
        assert [motion.quat_wxyz for motion in told][-len(must) :] == must
        if dialect.check is Check.CRC16:
            assert {what_it_says(motion) for motion in told} <= sent


@CHECKED
def test_what_follows_a_damaged_frame_is_not_held_back(dialect):
    pieces = spoken(dialect, random_states(8, dialect.rate_hz, seed=8))
    for at in range(len(pieces[5])):
        for flip in (0x01, 0x40, 0x80, 0xFF):
            decoder = dialect.make_decoder()
            fed(decoder, [*pieces[:5], pieces[5][:at] + bytes([pieces[5][at] ^ flip]) + pieces[5][at + 1 :]])
            # The next frame may go with this one where its end was what broke.
            assert motions(fed(decoder, pieces[6:])), (at, flip)


@EACH
def test_no_damage_raises_or_stays(dialect):
    pieces = spoken(dialect, random_states(14, dialect.rate_hz, seed=8))
    if is_stream(dialect):
        for stream in damaged_streams(pieces, 6):
            decoder = dialect.make_decoder()
            decoder.feed(stream)
            assert len(decoder._pending) <= decoder.max_frame_bytes
        return
    decoder = dialect.make_decoder()
    for frame in pieces[:4]:
        for at in range(len(frame)):
            decoder.feed(frame[:at])
            decoder.feed(frame[at:])
            decoder.feed(frame[:at] + bytes([frame[at] ^ 0xFF]) + frame[at + 1 :])
        decoder.feed(frame * 3)
        decoder.feed(frame + b"\0" * 3000)
    assert len(motions(fed(decoder, pieces[4:]))) >= 8


@STREAMS
def test_a_stream_joined_at_any_byte_is_understood_from_the_next_frame_on(dialect):
    pieces = spoken(dialect, moving_head(40, dialect.rate_hz, seed=1))
    stream = b"".join(pieces)
    n_whole = len(motions(dialect.make_decoder().feed(stream)))
    n_needed = n_whole - (2 if dialect.check is not Check.NONE else 6)
    for cut in range(len(pieces[0]) + len(pieces[1])):
        assert len(motions(dialect.make_decoder().feed(stream[cut:] + FLUSH[:64]))) >= n_needed - 1, cut


def test_an_unknown_name_is_answered_with_all_names():
    assert all(find_dialect(name) is dialect and dialect.name == name for name, dialect in DIALECTS.items())
    with pytest.raises(BridgeError, match=r"unknown dialect 'tin-can': allowed are .*hbf1.*\.$"):
        find_dialect("tin-can")


@EACH
def test_the_row_of_the_table_makes_sense(dialect):
    assert dialect.about and dialect.verified and dialect.rate_hz > 0.0
    assert dialect.bauds and all(baud > 0 for baud in dialect.bauds)
    assert set(dialect.uncertain) <= {"yaw", "pitch", "roll"}
    assert dialect.make_ping is None or isinstance(dialect.make_ping(1), bytes)
    assert dialect.make_decoder().counts.dropped == 0
