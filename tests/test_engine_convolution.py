"""What the engine plays equals direct convolution, whatever the block size, filter length, order or split."""

import numpy as np
import pytest
from engine_tools import assert_same_signal, convolve_direct, make_engine, noise_field, noise_filters, run_to_end
from hypothesis import given, settings
from hypothesis import strategies as st

from rt_render.ambisonics.rotation import head_field_rotation
from rt_render.app.benchmarks.latency import impulse_delay_frames
from rt_render.conventions import BLOCK_SIZES


@pytest.mark.parametrize("order", range(8))
def test_every_order_equals_direct_convolution_of_the_rotated_field(order):
    filters, field = noise_filters(order, 256), noise_field(1500, order)
    q = np.array([0.6, -0.3, 0.5, 0.4])
    q /= np.linalg.norm(q)
    engine = make_engine(order, 128, filters)
    engine.follow_timeline([0.0], [q])
    assert_same_signal(run_to_end(engine, field), convolve_direct(field @ head_field_rotation(order, q).T, filters))


@pytest.mark.parametrize("block_size", BLOCK_SIZES)
@pytest.mark.parametrize("n_taps", [1, "B-1", "B", "B+1", 300])
def test_every_block_size_and_filter_length(block_size, n_taps):
    n_taps = {"B-1": block_size - 1, "B": block_size, "B+1": block_size + 1}.get(n_taps, n_taps)
    filters, field = noise_filters(1, n_taps), noise_field(3 * block_size + 17, 1)
    assert_same_signal(run_to_end(make_engine(1, block_size, filters), field), convolve_direct(field, filters))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=8), st.integers(0, 3000))
def test_any_split_of_the_input_gives_the_same_samples(pieces, n_frames):
    field = noise_field(n_frames, 2)
    # a ring so short that it wraps; starving fades are impossible, for the ring is filled before every block
    whole = run_to_end(make_engine(2, 64), field)
    pieces = [max(piece, 600) for piece in pieces]
    assert np.array_equal(run_to_end(make_engine(2, 64, ring_s=0.1), field, pieces), whole)


def test_the_same_field_gives_the_same_bits_twice():
    field = noise_field(5000, 3)
    first, second = (run_to_end(make_engine(3, 128), field) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("block_size", BLOCK_SIZES)
def test_an_impulse_comes_out_in_its_own_frame(block_size):
    assert impulse_delay_frames(block_size) == 0
