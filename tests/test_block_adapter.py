"""The native callback and its block adapter: any host sizes give the samples of fixed blocks, one caller at a time."""

import ctypes
import threading
import time

import numpy as np
import pytest
from card_tools import call_card

from rt_render.conventions import BLOCK_SIZES
from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.errors import ConfigurationError
from rt_render.io.sound_card import adapter_latency_frames, engine_block_size
from rt_render.kernels.state import LINK, field_offset
from rt_render.kernels.turn import pass_turn

N_FRAMES = 24_000
UNTOUCHED = np.float32(77.0)


def make_engine(block_size: int = 128) -> Engine:
    rng = np.random.default_rng(5)
    engine = Engine(Plan(1, block_size, 48000, 64), 0.05 * rng.standard_normal((2, 4, 64)))
    engine.ring.write(0.1 * rng.standard_normal((N_FRAMES, 4)).astype(np.float32))
    engine.ring.set_end()
    return engine


def make_link(engine: Engine, stream: int = 1) -> np.ndarray:
    link = np.zeros(1, LINK)
    link["state"], link["stream"] = engine.address, stream
    return link


def call(link: np.ndarray, n_frames: int) -> np.ndarray:
    """One call of the sound card, in a buffer with a guard behind it."""
    out = np.full((n_frames + 16, 2), UNTOUCHED)
    assert call_card(None, out.ctypes.data, n_frames, None, 0, link.ctypes.data) == 0
    assert np.all(out[n_frames:] == UNTOUCHED)
    return out[:n_frames]


def in_fixed_blocks(block_size: int) -> np.ndarray:
    engine = make_engine(block_size)
    blocks = []
    for _ in range(N_FRAMES // block_size):
        out = np.empty((block_size, 2), np.float32)
        engine.process(out)
        blocks.append(out)
    return np.concatenate(blocks)


def check_sizes(sizes: list[int], block_size: int = 128) -> None:
    engine = make_engine(block_size)
    link = make_link(engine)
    assert pass_turn(engine.address, 0, 1)
    played = np.concatenate([call(link, n) for n in sizes])
    expected = in_fixed_blocks(block_size)
    n = min(len(played), len(expected))
    assert n > 4 * block_size
    np.testing.assert_array_equal(played[:n], expected[:n])


@pytest.mark.parametrize("n_frames", [1, 2, 31, 64, 96, 127, 128, 129, 192, 441, 480, 1000, 4999])
def test_calls_of_one_size_play_what_fixed_blocks_play(n_frames):
    check_sizes([n_frames] * -(-6000 // n_frames))


@pytest.mark.parametrize("seed", range(12))
def test_calls_of_any_changing_sizes_play_what_fixed_blocks_play(seed):
    rng = np.random.default_rng(seed)
    highest = [5, 300, 5000][seed % 3]
    sizes = rng.integers(1, highest, endpoint=True, size=max(8, 12_000 // highest))
    check_sizes([int(n) for n in sizes], BLOCK_SIZES[seed % 5])


def test_a_call_for_nothing_changes_nothing():
    check_sizes([100, 0, 100, 0, 0, 1000, 56])


def test_the_adapter_renders_no_earlier_than_it_says():
    for n_frames in (96, 192, 441, 480):
        engine = make_engine()
        link = make_link(engine)
        pass_turn(engine.address, 0, 1)
        early = []
        for i in range(1, 200_000 // n_frames // 10):
            call(link, n_frames)
            early.append(engine.snapshot().frames - i * n_frames)
        assert max(early) == adapter_latency_frames(128, n_frames)


def test_block_sizes_of_the_engine_go_straight_through():
    for size in BLOCK_SIZES:
        assert engine_block_size(size) == (size, 0)
        assert adapter_latency_frames(size, size) == 0


@pytest.mark.parametrize("n_frames", range(33, 2048, 61))
def test_other_sizes_cost_at_most_an_eighth_or_the_least_there_is(n_frames):
    block, added = engine_block_size(n_frames)
    least = min(adapter_latency_frames(b, n_frames) for b in BLOCK_SIZES if b <= n_frames)
    assert block <= n_frames and added == adapter_latency_frames(block, n_frames)
    assert added == least or 8 * added <= n_frames


@pytest.mark.parametrize("n_frames", [0, 31, 2049, -128])
def test_sizes_out_of_range_are_refused_with_the_range(n_frames):
    with pytest.raises(ConfigurationError, match="32 to 2048"):
        engine_block_size(n_frames)


def test_a_stream_whose_turn_it_is_not_gets_silence_and_moves_nothing():
    engine = make_engine()
    mine, lost = make_link(engine, 1), make_link(engine, 2)
    pass_turn(engine.address, 0, 1)
    first = call(mine, 200)
    before = engine.snapshot()
    assert not call(lost, 300).any()
    assert engine.snapshot() == before and lost["calls"][0] == 1
    second = call(mine, 312)
    np.testing.assert_array_equal(np.concatenate([first, second]), in_fixed_blocks(128)[:512])


def test_the_turn_passes_only_from_its_owner_and_never_out_of_a_block():
    engine = make_engine()
    assert pass_turn(engine.address, 0, 1)
    assert not pass_turn(engine.address, 0, 2)
    assert not pass_turn(engine.address, 2, 3)
    inside = np.int64(-1)  # as a callback of stream 1 has it while it plays
    word = (ctypes.c_int64).from_address(engine.address + field_offset("owner"))
    word.value = inside
    assert not pass_turn(engine.address, 1, 0)
    word.value = 1
    assert pass_turn(engine.address, 1, 0)


def test_two_cards_that_call_at_once_never_play_together():
    engine = make_engine()
    expected = in_fixed_blocks(128)
    n_blocks = len(expected) // 128
    played: dict[int, list[np.ndarray]] = {1: [], 2: []}
    stop = threading.Event()

    def play(stream: int) -> None:
        link = make_link(engine, stream)
        while not stop.is_set():
            out = call(link, 128)
            if out.any():
                played[stream].append(out)
                time.sleep(0.001)  # leave the others time to act, or one plays it all at a stretch

    threads = [threading.Thread(target=play, args=(stream,)) for stream in played]
    pass_turn(engine.address, 0, 1)
    for thread in threads:
        thread.start()
    owner = 1
    while (before := engine.snapshot().blocks) < n_blocks:
        while engine.snapshot().blocks == before:  # each plays before it gives way
            time.sleep(0)
        while not pass_turn(engine.address, owner, 3 - owner):
            pass
        owner = 3 - owner
    stop.set()
    for thread in threads:
        thread.join()
    heard = {out.tobytes(): out for blocks in played.values() for out in blocks}
    assert all(played.values())
    for i in range(n_blocks):
        assert expected[128 * i : 128 * i + 128].tobytes() in heard
