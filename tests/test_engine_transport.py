"""Play, pause, seek, starve: always under a fade, never a frame lost."""

import time

import numpy as np
import pytest
from engine_tools import make_engine, noise_field, run_blocks, run_to_end

from rt_render.engine.plan import Plan
from rt_render.io.virtual_card import VirtualCard

W_TO_LEFT = np.stack([np.eye(4)[0], np.eye(4)[0]])[:, :, None]


def counting_field(n_frames: int) -> np.ndarray:
    """Return a field whose W is a slow ramp, so that every output frame tells its place."""
    field = np.zeros((n_frames, 4), np.float32)
    field[:, 0] = np.linspace(0.1, 0.8, n_frames)
    return field


def test_a_fresh_beginning_is_not_faded():
    out = run_to_end(make_engine(1, 64, W_TO_LEFT), counting_field(1000))
    assert np.isclose(out[0, 0], 0.1, rtol=1e-6)


def test_nothing_sounds_before_the_source_has_delivered():
    engine = make_engine(1, 64, W_TO_LEFT)
    assert np.all(run_blocks(engine, 5) == 0.0)
    assert engine.snapshot().underruns == 0
    engine.ring.write(counting_field(5000))
    assert np.isclose(run_blocks(engine, 1)[0, 0], 0.1, rtol=1e-6)


def test_pause_fades_holds_the_place_and_goes_on_there():
    field = counting_field(40000)
    engine = make_engine(1, 64, W_TO_LEFT)
    engine.ring.write(field)
    engine.ring.set_end()
    run_blocks(engine, 20)
    engine.pause()
    fading = run_blocks(engine, 10)[:, 0]
    assert np.abs(np.diff(fading)).max() < 0.01
    assert fading[-1] == 0.0
    held = engine.snapshot().frame
    assert np.all(run_blocks(engine, 50) == 0.0)
    assert engine.snapshot().frame == held
    engine.play()
    resumed = run_blocks(engine, 20)[:, 0]
    assert np.abs(np.diff(resumed)).max() < 0.01
    full = resumed[-64:]
    start = held + 20 * 64 - 64
    assert np.allclose(full, field[start : start + 64, 0], atol=1e-6)


def test_an_empty_ring_fades_counts_once_and_loses_nothing():
    field = counting_field(6000)
    engine = make_engine(1, 64, W_TO_LEFT)
    engine.ring.write(field[:3000])
    out = [run_blocks(engine, 80)]
    snapshot = engine.snapshot()
    assert snapshot.underruns == 1
    assert np.all(out[0][-64:] == 0.0)
    taken = engine.ring.total_read
    engine.ring.write(field[3000:])
    engine.ring.set_end()
    out.append(run_blocks(engine, 100))
    heard = np.concatenate(out)[:, 0]
    assert np.abs(np.diff(heard[: 60 * 64])).max() < 0.01
    # behind the fade-in the ramp goes on exactly where it stopped
    start = np.flatnonzero(out[1][:, 0])[0] // 64 * 64
    assert np.allclose(out[1][start + 320 : start + 640, 0], field[taken + 320 : taken + 640, 0], atol=1e-6)
    assert engine.snapshot().ended


def test_a_source_slower_than_real_time_pauses_now_and_then_but_does_not_pulse():
    engine = make_engine(1, 64, W_TO_LEFT)
    engine.ring.write(np.full((12000, 4), 0.5, np.float32))
    out, owed = [], 0.0
    for _ in range(10 * 48000 // 64):
        owed += 0.8 * 64
        engine.ring.write(np.full((int(owed), 4), 0.5, np.float32))
        owed -= int(owed)
        out.append(run_blocks(engine, 1)[:, 0])
    sounds = np.abs(np.concatenate(out)) > 0.0
    turns = np.flatnonzero(np.diff(sounds)) + 1
    lengths = np.diff([0, *turns])
    assert sounds[0] and lengths[0::2].min() > 48000 and lengths[1::2].min() > 9600  # a second of sound, 0.2 s of none
    assert engine.snapshot().underruns <= 8


def test_the_end_of_a_stream_resumes_at_once_what_starved():
    engine = make_engine(1, 64, W_TO_LEFT)
    engine.ring.write(counting_field(3000))
    run_blocks(engine, 80)
    engine.ring.write(counting_field(500))
    assert not run_blocks(engine, 20).any()
    engine.ring.set_end()
    assert run_blocks(engine, 5).any()


def test_seeking_fades_in_at_the_new_place():
    engine = make_engine(1, 64, W_TO_LEFT)
    engine.ring.write(counting_field(40000))
    run_blocks(engine, 10)
    engine.pause()
    run_blocks(engine, 10)
    assert engine.snapshot().silent
    engine.reset(frame=20000)
    engine.ring.write(counting_field(40000)[20000:])
    engine.ring.set_end()
    engine.play()
    out = run_blocks(engine, 10)
    assert out[0, 0] < 0.001
    assert np.abs(np.diff(out[:, 0])).max() < 0.01
    assert engine.snapshot().frame == 20000 + 640
    assert np.allclose(out[-64:, 0], counting_field(40000)[20000 + 576 : 20000 + 640, 0], atol=1e-6)


def test_reset_to_the_beginning_plays_the_same_samples_again():
    field = noise_field(3000, 1)
    engine = make_engine(1, 64)
    first = run_to_end(engine, field)
    engine.reset()
    assert np.array_equal(run_to_end(engine, field), first)


def test_an_empty_source_ends_in_silence():
    out = run_to_end(make_engine(1, 64), np.zeros((0, 4), np.float32))
    assert np.all(out == 0.0)


def test_seeking_while_a_card_plays_lands_on_the_very_frame_and_counts_no_underrun():
    field = counting_field(60000)
    engine = make_engine(1, 64, W_TO_LEFT)
    engine.ring.write(field[:30000])
    with VirtualCard(engine):
        for target in range(1000, 21000, 1000):
            engine.play()
            engine.pause()  # at once: the first block of the fade-in may be under way
            give_up_s = time.monotonic() + 5
            while not engine.snapshot().silent:
                assert time.monotonic() < give_up_s
            engine.reset(frame=target)
            time.sleep(0.002)
            snapshot = engine.snapshot()
            assert snapshot.frame == target
            assert engine.ring.total_read == 0
            engine.ring.write(field[target : target + 20000])
    assert engine.snapshot().underruns == 0


@pytest.mark.parametrize("block_size", [32, 512, 2048])
@pytest.mark.parametrize("ring_s", [0.05, 0.2])
def test_the_smallest_rings_play_and_resume(block_size, ring_s):
    engine = make_engine(1, block_size, W_TO_LEFT, ring_s=ring_s)
    engine.ring.write(counting_field(engine.ring.free_frames()))
    run_blocks(engine, 1 + engine.ring.capacity_frames // block_size)
    assert engine.snapshot().underruns == 1
    taken = engine.ring.total_read
    assert taken > 0
    engine.ring.write(counting_field(engine.ring.free_frames()))
    run_blocks(engine, 2)
    assert engine.ring.total_read > taken


@pytest.mark.parametrize("block_size", [32, 256, 2048])
@pytest.mark.parametrize("fs_hz", [44100, 96000])
def test_half_a_ring_is_enough_to_resume_and_a_quarter_of_a_second_where_it_holds_that(block_size, fs_hz):
    for ring_s in (0.05, 0.3, 2.0):
        plan = Plan(1, block_size, fs_hz, 64, ring_s=ring_s)
        assert 2 * plan.reserve_frames <= plan.resume_frames <= plan.ring_frames // 2 - block_size
    assert plan.resume_frames == round(0.25 * fs_hz)
