"""Live input: what a sound card has recorded goes through a matrix, or a stage, into the sample ring.

It runs in the card's call, just before the blocks that this call plays are pulled: a frame waits for nothing but the
block adapter. Where calls are no whole blocks, silence goes first: as much as the adapter renders early for calls of
the first one's size, or a block less a frame, which serves calls of any size, where the host promised none.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.numpy_support import carray

from firmware_bridge.atomics import store_release_i64
from rt_render.kernels.jit import rt_jit
from rt_render.kernels.simd import as_pointer, fma, load16, load_f32, splat16, splat_load16, store, store_f32
from rt_render.kernels.state import EVENT_INPUT_LOST, FLAG_NON_FINITE, field_offset
from rt_render.kernels.trace import event_rt

_I, _F = np.int64, np.float64
INPUT = np.dtype(
    [
        ("n_channels", _I),  # of the card's frames
        ("n_mixed", _I),  # that the matrix brings: the ring's, or those that the stage takes
        ("columns", _I),  # of the matrix, `n_mixed` rounded up to 16
        ("matrix", _I),  # (n_channels, columns) float32
        ("frame", _I),  # room for one frame of the card
        ("stage", _I),  # address of void(int64 state, int64 in, int64 out, int64 n_frames), or 0
        ("stage_state", _I),
        ("mixed", _I),  # room for `STAGE_FRAMES` frames that the stage takes
        ("told_s", _F),  # in: from converter to converter, as PortAudio told it when the stream was opened
        ("fixed_calls", _I),  # in: 1 where all calls have one size; 0 from the first that has another
        ("call_frames", _I),  # size of the first call
        ("primed", _I),  # in: 0 at a stream's begin
        ("latency_s", _F),  # out: from the converter of the input to that of the output, stage left out
        ("padded_frames", _I),  # out: silence that stood in for what was missing
        ("lost_frames", _I),  # out: that found no room
        ("lost_calls", _I),  # out: calls whose input was missing, or lost in part
    ],
    align=True,
)
STAGE_FRAMES = 256

_RING_WRITTEN = field_offset("ring_written")
_INPUT_UNDERFLOW, _INPUT_OVERFLOW, _OUTPUT_UNDERFLOW = 1, 2, 4
_FOLLOW_S = 0.5
_MAX_LATENCY_S = 10.0
_INFINITE = np.float32(np.inf)


@intrinsic
def call_stage(typingctx, function, state, frames, out, n_frames):
    """Call a stage at an address: void(int64 state, int64 in, int64 out, int64 n_frames)."""

    def codegen(context, builder, signature, args):
        pointer = ir.FunctionType(ir.VoidType(), [ir.IntType(64)] * 4).as_pointer()
        builder.call(builder.inttoptr(args[0], pointer), args[1:])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), codegen


@rt_jit
def _note_latency_rt(live, state, times, n_frames, waiting_frames):
    """Follow slowly how long it takes from converter to converter; `waiting_frames` lie between."""
    seen_s = live.told_s
    if times != 0:
        stream = carray(as_pointer(times), (3,), np.float64)
        if stream[0] > 0.0 and 0.0 < stream[2] - stream[0] < _MAX_LATENCY_S:
            seen_s = stream[2] - stream[0]
    seen_s += waiting_frames / state.fs_hz
    share = 1.0 if live.primed == 0 else min(1.0, n_frames / (_FOLLOW_S * state.fs_hz))
    live.latency_s += share * (seen_s - live.latency_s)


@rt_jit
def _missing_frames_rt(live, state, n_frames):
    """Return how many frames are missing to serve a call of so many, itself brought in, and those that follow."""
    waiting = state.ring_written - state.ring_read
    blocks = (max(0, n_frames - state.adapter_left) + state.block_size - 1) // state.block_size
    missing = blocks * state.block_size - waiting - n_frames
    settles = live.primed == 0
    if settles:
        live.call_frames = n_frames
    elif live.fixed_calls != 0 and n_frames != live.call_frames:  # one gap now, and none at later changes
        live.fixed_calls = 0
        settles = True
    if settles:
        even = 1
        if live.fixed_calls != 0:
            even = min(n_frames & -n_frames, state.block_size)  # the greatest common divisor with a power of two
        # what waits before a call, in ring and adapter, stays as it is from call to call
        missing = max(missing, state.block_size - even - waiting - state.adapter_left)
    return max(0, missing)


@rt_jit
def _append_silence_rt(state, n_frames):
    written, zero = state.ring_written, np.float32(0.0)
    for s in range(n_frames):
        row = state.ring + 4 * state.n_in * ((written + s) % state.ring_frames)
        for o in range(0, 4 * state.n_in, 4):
            store_f32(row + o, zero)
    state.ring_written = written + n_frames


@rt_jit
def _mix_rt(live, state, out, frames, n_frames):
    """Write frames times the matrix to `out`; behind each frame up to 15 floats are written over too."""
    n_bad = 0
    for s in range(n_frames):
        bad = 0
        for o in range(0, 4 * live.n_channels, 4):
            x = load_f32(frames + o)
            if not abs(x) < _INFINITE:  # would spread through the matrix, times 0 as well
                x = np.float32(0.0)
                bad = 1
            store_f32(live.frame + o, x)
        n_bad += bad
        for tile in range(0, 4 * live.n_mixed, 64):
            total = splat16(np.float32(0.0))
            weights = live.matrix + tile
            for o in range(0, 4 * live.n_channels, 4):
                total = fma(splat_load16(live.frame + o), load16(weights), total)
                weights += 4 * live.columns
            store(out + tile, total)
        out += 4 * live.n_mixed
        frames += 4 * live.n_channels
    if n_bad > 0:
        state.non_finite += n_bad
        state.flags_next |= FLAG_NON_FINITE


@rt_jit
def _append_rt(live, state, frames, n_frames):
    """Bring frames into the ring, piece by piece where it wraps and where a stage takes no more."""
    done = 0
    while done < n_frames:
        row = state.ring_written % state.ring_frames
        n = min(n_frames - done, state.ring_frames - row)
        out = state.ring + 4 * state.n_in * row
        source = frames + 4 * live.n_channels * done
        if live.stage == 0:
            _mix_rt(live, state, out, source, n)
        else:
            n = min(n, STAGE_FRAMES)
            _mix_rt(live, state, live.mixed, source, n)
            call_stage(live.stage, live.stage_state, live.mixed, out, n)
        state.ring_written += n
        done += n


@rt_jit
def take_live_rt(live_address, state, address, frames, n_frames, times, flags):
    """Bring what a call of the card has recorded, or silence for what is missing, into the ring. Audio thread.

    `live_address`: of an `INPUT`; `frames`: n_channels interleaved float32, or 0. The ring has no other writer.
    """
    live = carray(as_pointer(live_address), (1,), INPUT)[0]
    if n_frames == 0:
        return
    if frames == 0 or flags & (_INPUT_UNDERFLOW | _INPUT_OVERFLOW) != 0:
        live.lost_calls += 1
        if flags & _OUTPUT_UNDERFLOW == 0:  # else it is told already, as JACK's xruns are
            event_rt(state, address, EVENT_INPUT_LOST, live.lost_calls)
    missing = _missing_frames_rt(live, state, n_frames)
    waiting = state.ring_written - state.ring_read + missing
    if waiting + n_frames + state.block_size > state.ring_frames:
        live.lost_frames += n_frames
        return
    _append_silence_rt(state, missing)
    if live.primed != 0:
        live.padded_frames += missing
        live.latency_s += missing / state.fs_hz
    _note_latency_rt(live, state, times, n_frames, waiting + state.adapter_left)
    live.primed = 1
    if frames == 0:
        _append_silence_rt(state, n_frames)
    else:
        _append_rt(live, state, frames, n_frames)
    store_release_i64(address + _RING_WRITTEN, state.ring_written)
