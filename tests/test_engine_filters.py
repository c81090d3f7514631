"""Filter sets swapped while sound runs: faded from one delay line, old memory freed on the control side."""

import numpy as np
import pytest
from engine_tools import convolve_direct, make_engine, noise_field, noise_filters, run_blocks

from rt_render.errors import ConfigurationError


def test_a_swap_fades_between_the_two_convolutions_of_one_field():
    a, b = noise_filters(1, 100, seed=1), noise_filters(1, 100, seed=9)
    field = noise_field(6400, 1)
    engine = make_engine(1, 64, a)
    engine.ring.write(field)
    engine.ring.set_end()
    before = run_blocks(engine, 40)
    engine.publish_filters(b)
    after = run_blocks(engine, 60)
    with_a, with_b = convolve_direct(field, a)[:6400], convolve_direct(field, b)[:6400]
    fade = 960
    mix = np.clip(np.arange(60 * 64) / fade, 0, 1)[:, None]
    expected = np.concatenate([with_a[:2560], with_a[2560:] * (1 - mix) + with_b[2560:] * mix])
    assert np.abs(np.concatenate([before, after]) - expected).max() < 1e-6


def test_old_sets_are_freed():
    engine = make_engine(1, 64)
    engine.ring.write(noise_field(60000, 1))
    for seed in range(20):
        engine.publish_filters(noise_filters(1, 100, seed))
        run_blocks(engine, 20)
    for _ in range(2):  # out of sight, then a block later out of memory
        engine.snapshot()
        run_blocks(engine, 1)
    engine.snapshot()
    assert len(engine._filters.packed) == 1


def test_a_set_published_while_another_is_being_taken_is_neither_lost_nor_freed_early():
    """The block function is stopped between reading `filters_next` and taking it: replayed with its own exchange."""
    engine = make_engine(1, 64)
    engine.ring.write(noise_field(60000, 1))
    run_blocks(engine, 2)
    engine.publish_filters(noise_filters(1, 100, 7))
    seen_by_audio = int(engine._s["filters_next"])
    engine._s["begun"] += 1  # the audio thread is inside a block
    engine.publish_filters(noise_filters(1, 100, 8))
    engine.publish_filters(noise_filters(1, 100, 9))
    newest = int(engine._s["filters_next"])
    assert seen_by_audio in engine._filters.packed, "still needed by the block under way"
    assert newest != seen_by_audio, "an exchange against the old value fails and leaves the new one"
    engine._s["begun"] -= 1
    run_blocks(engine, 40)
    assert int(engine._s["filters"]) == newest


def test_sets_published_faster_than_they_fade_end_with_the_last():
    field = noise_field(12800, 1)
    engine = make_engine(1, 64)
    engine.ring.write(field)
    engine.ring.set_end()
    for seed in range(6):
        engine.publish_filters(noise_filters(1, 100, seed))
        run_blocks(engine, 1)
    last = noise_filters(1, 100, 99)
    engine.publish_filters(last)
    out = run_blocks(engine, 100)
    start = 6 * 64
    expected = convolve_direct(field, last)[start : start + 6400]
    assert np.abs(out[4000:] - expected[4000:]).max() < 1e-6


@pytest.mark.parametrize("around", [2880, 2900, 2930])
def test_a_set_that_waits_for_its_frame_is_half_faded_there_to_half_a_block(around):
    a, b = np.zeros((2, 2, 4, 1))
    b[:, 0] = 0.5
    engine = make_engine(1, 64, a)
    engine.ring.write(np.ones((6400, 4), np.float32))
    engine.ring.set_end()
    engine.publish_filters(b, around_frame=around)
    out = run_blocks(engine, 100)[:, 0]
    assert abs(np.flatnonzero(out >= 0.25)[0] - around) <= 33
    assert np.allclose(out[: around - 480 - 32], 0.0, atol=1e-6)
    assert np.allclose(out[around + 480 + 64 : 6400], 0.5, atol=1e-6)


def test_another_set_takes_the_place_of_one_that_waits_and_a_frame_that_is_past_is_now():
    a, b, c = (np.full((2, 4, 1), gain) * np.eye(4)[0][:, None] for gain in (0.1, 0.2, 0.4))
    engine = make_engine(1, 64, a)
    engine.ring.write(np.ones((6400, 4), np.float32))
    engine.publish_filters(b, around_frame=5000)
    run_blocks(engine, 20)
    engine.publish_filters(c, around_frame=100)
    out = run_blocks(engine, 60)[:, 0]
    assert out[0] < 0.11 and np.allclose(out[960:], 0.4)


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        (np.zeros((2, 9, 100)), "order 1"),
        (np.zeros((3, 4, 100)), "2 ears"),
        (np.zeros((2, 4, 10000)), "taps"),
        (np.full((2, 4, 100), np.nan), "not finite"),
    ],
)
def test_filters_that_do_not_fit_are_refused_in_words(filters, words):
    with pytest.raises(ConfigurationError, match=words):
        make_engine(1, 64).publish_filters(filters)
