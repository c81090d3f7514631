"""The virtual card: same samples as offline, same time as a clock, honest about what it missed."""

import ctypes
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from engine_tools import make_engine, noise_field, run_to_end

from rt_render.engine.engine import Engine
from rt_render.io.virtual_card import VirtualCard
from rt_render.kernels.state import STATE


def play_through(engine: Engine, field: np.ndarray) -> np.ndarray:
    engine.ring.write(field)
    engine.ring.set_end()
    captured = []
    with VirtualCard(engine, capture=True):
        while not engine.snapshot().ended:
            captured.append(engine.read_capture())
            time.sleep(0.02)
    captured.append(engine.read_capture())
    return np.concatenate(captured)


def without_missed_slots(captured: np.ndarray, missed: int, block_size: int = 128) -> np.ndarray:
    """Take out as many wholly silent blocks, the first ones, as slots were missed."""
    blocks = captured.reshape(-1, block_size, 2)
    silent = np.flatnonzero(~blocks.any(axis=(1, 2)))[:missed]
    return np.delete(blocks, silent, axis=0).reshape(-1, 2)


def test_captures_what_offline_rendering_gives_bit_for_bit():
    field = noise_field(24000, 2)
    times, quats = np.arange(0, 0.5, 0.01), np.random.default_rng(5).standard_normal((50, 4))
    engines = [make_engine(2, 128) for _ in range(2)]
    for engine in engines:
        engine.follow_timeline(times, quats)
    captured = play_through(engines[0], field)
    heard = without_missed_slots(captured, engines[0].snapshot().missed_slots)
    offline = run_to_end(engines[1], field)
    assert np.array_equal(heard[: len(offline)], offline)


def test_keeps_the_time_of_the_clock():
    engine = make_engine(1, 128)
    start_s = time.monotonic()
    with VirtualCard(engine):
        time.sleep(0.5)
        elapsed_s = time.monotonic() - start_s
        snapshot = engine.snapshot()
    slots = snapshot.calls + snapshot.missed_slots
    # it never runs ahead of the clock, and what lies behind is counted as missed
    assert slots * 128 / 48000 <= elapsed_s + 2 * 128 / 48000
    assert slots >= 10


def test_a_block_that_is_late_leaves_a_silent_slot_and_comes_behind_it():
    engine = make_engine(1, 128, np.stack([np.eye(4)[0], np.eye(4)[0]])[:, :, None])
    field = np.full((12800, 4), 0.25, np.float32)
    prompt = engine._call
    late_call = 40
    calls = []

    def sometimes_late(state: int, out: int) -> None:
        calls.append(0)
        prompt(state, out)
        if len(calls) == late_call:
            time.sleep(0.05)

    slow = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(sometimes_late)
    engine._s["process_block"] = ctypes.cast(slow, ctypes.c_void_p).value
    captured = play_through(engine, field)
    snapshot = engine.snapshot()
    assert snapshot.late_blocks >= 1
    assert snapshot.missed_slots >= int(0.05 * 48000 / 128) - 1
    blocks = captured.reshape(-1, 128, 2)
    assert not blocks[late_call - 1].any() or snapshot.late_blocks > 1
    heard = without_missed_slots(captured, snapshot.missed_slots)
    assert np.allclose(heard[: len(field)], 0.25, atol=1e-6)


def test_stops_and_starts_again_where_it_was():
    engine = make_engine(1, 128)
    engine.ring.write(noise_field(40000, 1))
    frames = []
    for _ in range(3):
        with VirtualCard(engine):
            time.sleep(0.05)
        frames.append(engine.snapshot().frame)
    assert 0 < frames[0] < frames[1] < frames[2]


def test_a_full_capture_is_counted_and_never_overwritten():
    engine = make_engine(1, 128)
    engine.prepare_capture(0.05)
    engine.ring.write(noise_field(40000, 1))
    with VirtualCard(engine, capture=True):
        time.sleep(0.2)
    assert engine.snapshot().capture_lost > 0
    offline = make_engine(1, 128)
    expected = run_to_end(offline, noise_field(40000, 1))
    first = engine.read_capture()
    if engine.snapshot().missed_slots == 0:
        assert np.array_equal(first, expected[: len(first)])


def test_all_state_fields_are_eight_bytes_wide():
    fields = STATE.fields
    for name in STATE.names:
        assert fields[name][0].base.itemsize == 8
        assert fields[name][1] % 8 == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not number threads for the asking")
def test_the_thread_that_plays_is_known_to_the_operating_system():
    engine = make_engine()
    with VirtualCard(engine):
        give_up_s = time.monotonic() + 5.0
        while engine.snapshot().calls == 0:
            assert time.monotonic() < give_up_s, "nothing played"
            time.sleep(0.005)
        numbers = {path.name for path in Path("/proc/self/task").iterdir()}
        assert str(engine.thread_id) in numbers - {str(threading.get_native_id())}
