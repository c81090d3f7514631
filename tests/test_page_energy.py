"""Where the sound comes from, as the page shows it: against plane waves whose direction is known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from engine_tools import make_engine, noise_field
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.quaternion import from_yaw_pitch_roll_deg
from rt_render.ambisonics.harmonics import real_sh_sn3d
from rt_render.ambisonics.rotation import head_field_rotation
from rt_render.app.web.energy_map import ELEVATIONS_DEG, FLOOR_DB, N_AZIMUTH, EnergyMap
from rt_render.app.web.pose_teller import PoseTeller
from rt_render.app.web.surroundings import Surroundings

UPRIGHT = (1.0, 0.0, 0.0, 0.0)


def wave(order, azimuth_deg, elevation_deg, level_db=0.0, n=512):
    """A plane wave of noise in the world, (n, n_sh)."""
    signal = np.random.default_rng(3).standard_normal(n)
    signal *= 10 ** (level_db / 20) / np.sqrt(np.mean(signal**2))
    return signal[:, None] * real_sh_sn3d(order, np.radians(azimuth_deg), np.radians(elevation_deg))


def heard(order, quat, *waves):
    """The levels that a map shows of waves to a head that is turned, rows × azimuths."""
    shown = EnergyMap(order)
    field = sum(waves) @ head_field_rotation(order, quat).T
    shown.take(field.astype(np.float32), quat, 1.0)
    return np.reshape(shown.levels_db(), (len(ELEVATIONS_DEG), N_AZIMUTH))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, N_AZIMUTH - 1),
    st.sampled_from(range(len(ELEVATIONS_DEG))),
    st.tuples(*[st.floats(-180, 180)] * 3),
    st.sampled_from([1, 2, 3, 5]),
)
def test_a_wave_is_loudest_where_it_comes_from_however_the_head_is_turned(column, row, angles_deg, order):
    quat = from_yaw_pitch_roll_deg(*angles_deg)
    levels = heard(order, quat, wave(order, 360 * column / N_AZIMUTH, ELEVATIONS_DEG[row], -20.0))
    assert levels[row, column] == pytest.approx(-20.0, abs=0.1)
    assert levels.max() <= -19.9


def test_left_is_a_quarter_round_and_the_first_row_is_below():
    levels = heard(3, UPRIGHT, wave(3, 90, -60))
    assert levels[0, N_AZIMUTH // 4] == levels.max()
    assert levels[-1, 3 * N_AZIMUTH // 4] < levels[0, 3 * N_AZIMUTH // 4] < levels.max() - 3


def test_two_sources_are_two_places():
    levels = heard(3, UPRIGHT, wave(3, 60, 0), np.roll(wave(3, -90, 0, -6.0), 100, axis=0))[3]
    assert levels[12] > levels[0] + 6 and levels[54] > levels[0]


def test_a_field_of_order_0_comes_from_everywhere():
    levels = heard(0, UPRIGHT, wave(0, 30, 0, -10.0))
    assert np.ptp(levels) == 0.0 and levels[0, 0] == pytest.approx(-10.0, abs=0.1)


def test_silence_has_a_floor_and_sound_fades_to_it():
    shown = EnergyMap(1)
    assert set(shown.levels_db()) == {FLOOR_DB}
    shown.take(wave(1, 0, 0).astype(np.float32), UPRIGHT, 1.0)
    for k in range(1, 60):
        shown.take(np.zeros((128, 4), np.float32), UPRIGHT, 1.0 + 0.1 * k)
    assert set(shown.levels_db()) == {FLOOR_DB}


def test_the_head_is_shown_where_the_field_does_not_follow_it_and_blind_versions_look_alike():
    left, shown = (0.5**0.5, 0.0, 0.0, 0.5**0.5), []
    for head, blind in ((None, False), (left, False), (left, True)):
        engine, out = make_engine(1, 64), np.zeros((64, 2), np.float32)
        engine.ring.write(wave(1, 0, 0).astype(np.float32))
        teller = PoseTeller(Surroundings(engine, lambda head=head: head, lambda blind=blind: blind))
        for _ in range(3):
            engine.process(out)
        message = teller.message(1.0)
        loudest_deg = int(np.argmax(message["energy"])) % N_AZIMUTH * 360 / N_AZIMUTH
        shown.append((message["q"][3], (loudest_deg + 20) // 90))
    assert shown == [(0.0, 0), (0.70711, 1), (0.70711, 0)]


def test_an_engine_that_plays_is_shown_and_one_that_rests_fades():
    engine, out = make_engine(2, 64), np.zeros((64, 2), np.float32)
    engine.ring.write(noise_field(6400, 2))
    teller, messages = PoseTeller(Surroundings(engine)), []
    for k in range(6):
        engine.process(out)
        messages.append(teller.message(1.0 + 0.03 * k))
    assert [message["energy"] is None for message in messages] == [False, True, True] * 2
    assert max(messages[3]["energy"]) > -40 and len(messages[3]["q"]) == 4
    rested = [teller.message(2.0 + 0.1 * k) for k in range(60)]
    assert max(rested[-3]["energy"]) == FLOOR_DB


def test_blind_what_one_ear_gets_more_than_the_other_is_not_told():
    """As a head turns the level moves from ear to ear in a version that follows it, and in no other."""
    heard, told = make_engine(1, 64).snapshot(), {}
    for blind in (False, True):
        for rms in ((0.4, 0.1), (0.1, 0.4)):
            around = SimpleNamespace(
                blind=blind,
                look=lambda now_s, rms=rms: (replace(heard, rms=rms, peak=rms), UPRIGHT),
                levels_db=list,
            )
            told.setdefault(blind, []).append(PoseTeller(around).message(1.0)["levels"])
    kinds, mean_db = ("rms_db", "peak_db"), [-10.7]  # 10 lg of (0.16 + 0.01) / 2
    assert told[False] == [dict.fromkeys(kinds, each) for each in ([-8.0, -20.0], [-20.0, -8.0])]
    assert told[True] == [dict.fromkeys(kinds, mean_db)] * 2
