"""The output stage: never too loud, never non-finite, otherwise not there."""

import numpy as np
import pytest
from engine_tools import make_engine, noise_field, run_blocks, run_to_end
from hypothesis import given, settings
from hypothesis import strategies as st

from rt_render.errors import ConfigurationError

CEILING = 10 ** (-1 / 20)
THROUGH = np.stack([np.eye(4)[0], np.eye(4)[1]])[:, :, None]  # left ear W, right ear Y


def through(field: np.ndarray, gain_db: float = 0.0) -> np.ndarray:
    engine = make_engine(1, 64, THROUGH)
    engine.set_gain_db(gain_db)
    engine._s["gain"] = engine._s["gain_target"]
    return run_to_end(engine, field.astype(np.float32))[: len(field)]


def test_below_the_ceiling_the_gain_is_exactly_one():
    t = np.arange(9600) / 48000
    field = np.zeros((9600, 4), np.float32)
    field[:, 0] = 0.5 * np.sin(2 * np.pi * 997 * t)
    out = through(field)[:, 0]
    window = np.hanning(len(out))
    spectrum = np.abs(np.fft.rfft((out.astype(np.float64)) * window))
    reference = np.abs(np.fft.rfft(field[:, 0].astype(np.float64) * window))
    assert np.abs(out - field[:, 0]).max() < 4 * np.finfo(np.float32).eps
    harmonics = [round(997 * k * len(out) / 48000) for k in range(2, 20)]
    assert np.abs(spectrum[harmonics] - reference[harmonics]).max() / reference.max() < 1e-7


@pytest.mark.parametrize("level", [2.0, 32.0, 1e30])
def test_nothing_passes_the_ceiling(level):
    rng = np.random.default_rng(4)
    field = rng.standard_normal((4800, 4)) * level
    out = through(field)
    assert np.abs(out).max() <= CEILING
    assert np.abs(out).max() > 0.85
    assert np.isfinite(out).all()


def test_both_ears_are_limited_alike_and_recover():
    field = np.zeros((96000, 4))
    field[:, 0], field[:, 1] = 0.2, 0.1
    field[100:110, 0] = 8.0
    out = through(field)
    during = out[112]
    assert during[0] < 0.05
    assert during[0] / during[1] == pytest.approx(2.0, rel=1e-5)
    gain_80_ms_later = out[109 + 3840, 0] / 0.2
    floor = CEILING / 8.0
    assert gain_80_ms_later == pytest.approx(1 - (1 - floor) * np.exp(-1), abs=0.01)
    assert out[-1, 0] == pytest.approx(0.2, rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 255),
            st.integers(0, 3),
            st.sampled_from([np.nan, np.inf, -np.inf, 1e30, -1e38, 1e-40, -1e-45]),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_bad_input_is_cleaned_and_gone_one_block_after_the_filters(spoils):
    field = noise_field(1024, 1)
    clean, n_taps = run_to_end(make_engine(1, 64), field), 100
    spoiled = field.copy()
    for frame, channel, value in spoils:
        spoiled[frame, channel] = value
    engine = make_engine(1, 64)
    out = run_to_end(engine, spoiled)
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= CEILING
    n_bad = int(np.sum(~np.isfinite(spoiled).all(axis=1)))
    assert engine.snapshot().non_finite == n_bad
    behind = 256 + n_taps + 64
    if engine.snapshot().limited_blocks == 0:
        assert np.abs(out[behind:] - clean[behind:]).max() < 1e-4


def test_gain_changes_without_a_step():
    engine = make_engine(1, 64, THROUGH)
    field = np.zeros((48000, 4), np.float32)
    field[:, 0] = 0.5
    engine.ring.write(field)
    engine.ring.set_end()
    before = run_blocks(engine, 10)
    engine.set_gain_db(-20)
    ramp = run_blocks(engine, 300)
    assert np.allclose(before[:, 0], 0.5, rtol=1e-6)
    assert np.abs(np.diff(ramp[:, 0])).max() < 0.5 / 1000
    assert ramp[-1, 0] == pytest.approx(0.05, rel=1e-5)
    engine.set_gain_db(-np.inf)
    assert run_blocks(engine, 400)[-1, 0] == 0.0


def test_a_gain_that_would_hurt_is_refused():
    with pytest.raises(ConfigurationError, match=r"100.0 dB.*24"):
        make_engine().set_gain_db(100.0)


def test_silence_after_sound_is_exactly_silent():
    field = np.concatenate([noise_field(640, 1), np.zeros((2048, 4), np.float32)])
    assert np.all(run_to_end(make_engine(1, 64), field)[640 + 200 :] == 0.0)


def test_meters_show_the_level_and_fall_to_zero():
    engine = make_engine(1, 64, THROUGH)
    field = np.zeros((48000, 4), np.float32)
    field[:24000, 0] = 0.5
    engine.ring.write(field)
    engine.ring.set_end()
    run_blocks(engine, 374)
    loud = engine.snapshot()
    assert loud.peak[0] == pytest.approx(0.5)
    assert loud.rms[0] == pytest.approx(0.5, rel=0.2)
    assert loud.peak[1] < 1e-7
    run_blocks(engine, 20000)
    assert engine.snapshot().rms == (0.0, 0.0)
