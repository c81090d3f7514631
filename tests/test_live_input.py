"""Live input as the native callback takes it: through the matrix into the ring, late by the block adapter alone."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from live_tools import LiveCard, recorded

from rt_render.engine.live_input import LiveInput
from rt_render.engine.panorama import Panorama
from rt_render.io.sound_card import adapter_latency_frames
from rt_render.kernels.state import EVENT_INPUT_LOST, EVENT_UNDERRUN_BEGIN


def lag_of(field, frames):
    """By how many frames the field is late, in which frames follow silence."""
    lag = int(np.argmax(field[:, 0] != 0.0))
    assert not field[:lag].any()
    np.testing.assert_array_equal(field[lag:], frames[: len(field) - lag])
    return lag


@pytest.mark.parametrize("n_frames", [32, 48, 64, 96, 100, 128, 441, 480, 1024])
def test_each_frame_comes_through_once_and_late_by_the_adapter_alone(n_frames):
    card = LiveCard(np.eye(4))
    frames = recorded(max(6000, 5 * n_frames), 4)
    field = card.play(frames, [n_frames])
    late = adapter_latency_frames(64, n_frames)
    assert lag_of(field, frames) == late
    status = card.live.status()
    assert status.input_to_ears_s == pytest.approx(late / 48000)
    assert (status.padded_frames, status.lost_frames, status.lost_calls) == (0, 0, 0)


@settings(deadline=None, max_examples=25)
@given(sizes=st.lists(st.integers(1, 700), min_size=1, max_size=6), block_size=st.sampled_from([32, 64, 256]))
@example(sizes=[1024, 37], block_size=128)
def test_calls_of_changing_sizes_wait_once_lose_nothing_and_leave_no_gap(sizes, block_size):
    card = LiveCard(np.eye(4), block_size=block_size, fixed_calls=False)
    frames = recorded(max(4000, 3 * sum(sizes)), 4)
    field = card.play(frames, sizes)
    assert lag_of(field, frames) == block_size - 1
    status = card.live.status()
    assert status.padded_frames == 0 and status.input_to_ears_s == pytest.approx((block_size - 1) / 48000)
    played = len(field) - (block_size - 1)
    assert len(frames) - played - card.engine.ring.fill_frames < max(sizes)


def test_a_host_that_breaks_its_word_about_sizes_costs_one_gap_and_the_claim_stays_true():
    card = LiveCard(np.eye(4), block_size=128)
    frames = recorded(20_000, 4)
    before = card.play(frames[:2048], [1024])
    after = card.play(frames[2048:], [37, 500, 1024, 3, 64])
    np.testing.assert_array_equal(before, frames[:2048])
    assert lag_of(after, frames[2048:]) == 127, "silence at the first call of another size, and never again"
    status = card.live.status()
    assert status.padded_frames == 127 and status.input_to_ears_s == pytest.approx(127 / 48000)


def test_a_matrix_leads_any_channel_anywhere():
    matrix = np.random.default_rng(3).standard_normal((3, 16))
    card = LiveCard(matrix, order=3)
    frames = recorded(2048, 3)
    field = card.play(frames, [64])
    np.testing.assert_allclose(field, frames @ matrix, atol=1e-6)


def test_channels_that_lead_nowhere_do_not_matter():
    matrix = np.zeros((7, 4))
    matrix[[5, 2], [0, 3]] = 1.0
    frames = recorded(1024, 7)
    field = LiveCard(matrix).play(frames, [128])
    np.testing.assert_array_equal(field[:, 0], frames[:, 5])
    np.testing.assert_array_equal(field[:, 3], frames[:, 2])
    assert not field[:, 1:3].any()


def test_sixty_four_channels_are_sixty_four_objects():
    card = LiveCard(np.eye(64), n_objects=64)
    frames = recorded(6400, 64)
    field = card.play(frames, [64])
    # all begin in front at full level
    np.testing.assert_allclose(field[640:, 0], frames[640 : len(field)].sum(axis=1), rtol=1e-4)
    np.testing.assert_allclose(field[640:, 1], 0.0, atol=1e-5)


def test_the_ring_wraps_without_a_seam():
    card = LiveCard(np.eye(4))
    frames = recorded(3 * card.engine.ring.capacity_frames + 1000, 4)
    assert lag_of(card.play(frames, [500]), frames) == adapter_latency_frames(64, 500)


def test_a_stage_makes_the_field_of_two_channels_as_it_does_of_a_file():
    frames = recorded(12_000, 2)
    card = LiveCard(np.eye(2), order=2, stage=Panorama(2, 48000))
    field = card.play(frames, [300])
    lag = adapter_latency_frames(64, 300)
    expected = Panorama(2, 48000).process(frames)
    assert np.abs(expected).max() > 0.05
    np.testing.assert_array_equal(field[lag:], expected[: len(field) - lag])
    stage = Panorama(2, 48000)
    assert card.live.status().input_to_ears_s == pytest.approx((lag + stage.latency_frames) / 48000)


def test_what_came_during_a_pause_is_gone_when_it_ends():
    card, frames = LiveCard(np.eye(4)), recorded(40 * 64, 4)
    card.play(frames[:640], [64])
    card.engine.pause()
    paused = card.play(frames[640:1920], [64])
    assert 0 < len(paused) <= 8 * 64, "it fades out, and then nothing is left"
    card.engine.play()
    np.testing.assert_array_equal(card.play(frames[1920:], [64]), frames[1920:])
    assert card.engine.snapshot().underruns == 0


def test_it_fades_in():
    card = LiveCard(np.eye(4), block_size=256)
    out = card.call(recorded(256, 4), 256)
    assert abs(out[0]).max() < 0.01 * abs(out[-1]).max()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_spoil_no_other_channel(bad):
    card, frames = LiveCard(np.eye(4)), recorded(640, 4)
    broken = frames.copy()
    broken[100, 2:] = bad
    frames[100, 2:] = 0.0
    np.testing.assert_array_equal(card.play(broken, [64]), frames)
    assert card.engine.snapshot().non_finite == 1, "one frame"


def test_a_call_without_input_is_silent_counted_and_told_once():
    card, frames = LiveCard(np.eye(4)), recorded(640, 4)
    card.play(frames, [64])
    card.call(None, 64)
    card.call(frames[:64], 64, flags=2)
    card.call(frames[:64], 64, flags=2 + 4)
    field = card.engine.read_tap()
    assert not field[:64].any()
    np.testing.assert_array_equal(field[64:128], frames[:64])
    assert card.live.status().lost_calls == 3
    told = card.engine.drain_events()["kind"]
    assert list(told).count(EVENT_INPUT_LOST) == 2, "with an underflow of the output too it is told already"
    assert EVENT_UNDERRUN_BEGIN not in told


def test_the_claimed_latency_is_from_converter_to_converter_and_through_the_adapter():
    card, frames = LiveCard(np.eye(4), told_s=0.03), recorded(96, 4)
    card.call(frames, 96)
    assert card.live.status().input_to_ears_s == pytest.approx(0.03 + 32 / 48000)
    card.live.begin(0.03, fixed_calls=True)
    times = np.array([100.0, 100.004, 100.011])
    for _ in range(10):
        card.call(frames, 96, times=times)
    card.engine.set_extra_latency(0.1)
    assert card.live.status().input_to_ears_s == pytest.approx(0.011 + 32 / 48000 + 0.1)


def test_another_stream_begins_anew_without_what_the_one_before_left():
    card, frames = LiveCard(np.eye(4)), recorded(6400, 4)
    card.play(frames[:960], [96])
    card.live.begin(0.0, fixed_calls=True)
    np.testing.assert_array_equal(card.play(frames[960:1600], [64]), frames[960:1600])


def test_a_matrix_of_another_shape_is_refused():
    engine = LiveCard(np.eye(4)).engine
    for shape in ((2, 3), (0, 4), (4,)):
        with pytest.raises(ValueError, match="must be"):
            LiveInput(engine, np.zeros(shape))
    with pytest.raises(ValueError, match="another field"):
        LiveInput(engine, np.eye(2), Panorama(2, 48000))
