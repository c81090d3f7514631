"""The two native callers of the block function: PortAudio's callback and the virtual card's loop.

Both call it by the address in the state, so that all paths run the very same compiled code.
"""

import ctypes

import numpy as np
from llvmlite import ir
from numba import cfunc, types
from numba.core.ccallback import CFunc
from numba.extending import intrinsic
from numba.np.numpy_support import carray

from firmware_bridge.atomics import load_acquire_i64, store_release_i64
from rt_render.kernels.clock import monotonic_ns_rt, sleep_until_ns
from rt_render.kernels.jit import kernel_source_hash, rt_jit
from rt_render.kernels.live_input import take_live_rt
from rt_render.kernels.simd import as_address, as_pointer, load_f32, store_f32
from rt_render.kernels.state import (
    EVENT_CLOCK_JUMP,
    EVENT_HOST_UNDERFLOW,
    EVENT_LATE_BLOCK,
    EVENT_MISSED_SLOTS,
    EVENT_NO_HOST_TIME,
    FLAG_HOST_UNDERFLOW,
    FLAG_LATE,
    LINK,
    STATE,
    field_offset,
)
from rt_render.kernels.stream_clock import dac_time_rt
from rt_render.kernels.thread_id import thread_id_rt
from rt_render.kernels.trace import event_rt
from rt_render.kernels.turn import enter_rt, leave_rt

_WORDS, _STOP = field_offset("words"), field_offset("stop")
_CAPTURE_WRITTEN, _CAPTURE_READ = field_offset("capture_written"), field_offset("capture_read")
_LAST_CALL = field_offset("last_call_ns")
_OUTPUT_UNDERFLOW = 4
_ULONG = types.uint64 if ctypes.sizeof(ctypes.c_ulong) == 8 else types.uint32
"""C's unsigned long, which PortAudio counts frames in: 32 bits on Windows."""
_STEREO_BYTES = 8


@intrinsic
def call_block(typingctx, function, state, out):
    """Call the block function at an address: void(int64 state, int64 out)."""

    def codegen(context, builder, signature, args):
        i64 = ir.IntType(64)
        # numba's C callbacks are plain C functions of these types
        pointer = ir.FunctionType(ir.VoidType(), [i64, i64]).as_pointer()
        builder.call(builder.inttoptr(args[0], pointer), args[1:])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), codegen


@rt_jit
def _copy_frames(out, source, n_frames):
    for o in range(0, n_frames * _STEREO_BYTES, 4):
        store_f32(out + o, load_f32(source + o))


@rt_jit
def _silence_frames(out, n_frames):
    for o in range(0, n_frames * _STEREO_BYTES, 4):
        store_f32(out + o, np.float32(0.0))


@rt_jit
def _capture_rt(state, address, source, slots):
    """Append blocks of silence, then a block (or none, `source` 0), to the capture ring, or count them lost."""
    n = state.block_size
    blocks = slots + (1 if source != 0 else 0)
    written = state.capture_written
    if written + blocks * n - load_acquire_i64(address + _CAPTURE_READ) > state.capture_frames:
        state.capture_lost += blocks * n
        state.capture_start_s += blocks * n / state.fs_hz
        return
    for i in range(blocks):
        at = state.capture + _STEREO_BYTES * (written % state.capture_frames)
        if i < slots:
            _silence_frames(at, n)
        else:
            _copy_frames(at, source, n)
        written += n
    store_release_i64(address + _CAPTURE_WRITTEN, written)


@rt_jit
def deliver_rt(address, out, n_frames, dac_s):
    """Deliver any number of stereo frames: whole blocks straight into `out`, the rest through the adapter.

    What the adapter holds over was rendered up to a block early; nothing is lost or repeated. `dac_s`: when the
    first frame is converted. Audio thread.
    """
    state = carray(as_pointer(address), (1,), STATE)[0]
    block_bytes = state.block_size * _STEREO_BYTES
    while n_frames > 0:
        left = state.adapter_left
        if left > 0:
            taken = min(left, n_frames)
            _copy_frames(out, state.adapter + block_bytes - left * _STEREO_BYTES, taken)
            state.adapter_left = left - taken
        elif n_frames >= state.block_size:
            taken = state.block_size
            state.dac_s = dac_s
            call_block(state.process_block, address, out)
            if state.capture != 0:
                _capture_rt(state, address, out, 0)
        else:
            taken = 0
            state.dac_s = dac_s
            call_block(state.process_block, address, state.adapter)
            state.adapter_left = state.block_size
            if state.capture != 0:
                _capture_rt(state, address, state.adapter, 0)
        out += taken * _STEREO_BYTES
        n_frames -= taken
        dac_s += taken / state.fs_hz


@rt_jit
def _tell_times_rt(state, address, link):
    """Bring what a stream's time line has to tell into the state of the engine it plays."""
    state.thread_id = link.thread_id
    state.device_latency_s = link.call_latency_s
    if link.jump_s != 0.0:
        state.clock_jumps += 1
        event_rt(state, address, EVENT_CLOCK_JUMP, link.jump_s)
        link.jump_s = 0.0
    if link.no_time == 1:
        event_rt(state, address, EVENT_NO_HOST_TIME, link.latency_s)
        link.no_time = 2


@rt_jit
def sound_card_rt(link_address, frames, out, n_frames, times, flags):
    """Serve one call of the sound card and note its size, time, latency and flags. Audio thread.

    `frames`: what the card has recorded, for a stream with an input; else 0.

    A stream whose turn it is not gets silence: a lost card that calls again must not play beside the next.
    """
    link = carray(as_pointer(link_address), (1,), LINK)[0]
    address = link.state
    link.calls += 1
    if link.calls == 1:
        link.thread_id = thread_id_rt()
    state = carray(as_pointer(address), (1,), STATE)[0]
    dac_s = dac_time_rt(link, link_address, times, n_frames, flags & _OUTPUT_UNDERFLOW != 0, state.fs_hz)
    if enter_rt(address, link.stream) == 0:
        _silence_frames(out, n_frames)
        return
    _tell_times_rt(state, address, link)
    if flags & _OUTPUT_UNDERFLOW != 0:
        state.card_flags += 1
        state.flags_next |= FLAG_HOST_UNDERFLOW
        event_rt(state, address, EVENT_HOST_UNDERFLOW, state.card_flags)
    if n_frames > state.host_frames_high:
        state.host_frames_high = n_frames
    if state.host_frames_low == 0 or n_frames < state.host_frames_low:
        state.host_frames_low = n_frames
    if link.input != 0:
        take_live_rt(link.input, state, address, frames, n_frames, times, flags)
    deliver_rt(address, out, n_frames, dac_s)
    state.calls += 1
    store_release_i64(address + _LAST_CALL, monotonic_ns_rt(address + _WORDS))
    leave_rt(address, link.stream)


@rt_jit
def virtual_card_rt(address, out):
    """Play at the true block rate until told to stop: one block per slot, on an absolute schedule.

    Slot k runs from t0 + k T to t0 + (k + 1) T; its block must be ready at the end. A slot without a ready
    block passes in silence, as on a card; the block that was late goes out in the slot after. The schedule
    does not slip. `out`: one block of stereo frames. The virtual card's own thread.
    """
    state = carray(as_pointer(address), (1,), STATE)[0]
    words = address + _WORDS
    block_ns = state.block_size * 1e9 / state.fs_hz
    block_s = state.block_size / state.fs_hz
    start_ns = monotonic_ns_rt(words)
    # what is rendered in a slot is converted from its end on
    first_dac_s = start_ns * 1e-9 + block_s + state.virtual_latency_s
    state.device_latency_s = block_s + state.virtual_latency_s
    state.capture_start_s = first_dac_s - state.capture_written / state.fs_hz
    state.thread_id = thread_id_rt()
    slot = 0
    while load_acquire_i64(address + _STOP) == 0:
        sleep_until_ns(words, start_ns + int(slot * block_ns))
        state.dac_s = first_dac_s + slot * block_s
        call_block(state.process_block, address, out)
        now_ns = monotonic_ns_rt(words)
        # the slot in which this block was ready; its own, when in time
        ready = max(slot, int((now_ns - start_ns) / block_ns))
        missed = ready - slot
        if missed > 0:
            state.late_blocks += 1
            state.missed_slots += missed
            state.flags_next |= FLAG_LATE
            event_rt(state, address, EVENT_LATE_BLOCK, (now_ns - start_ns - (slot + 1) * block_ns) * 1e-9)
            event_rt(state, address, EVENT_MISSED_SLOTS, missed)
        if state.capture != 0:
            _capture_rt(state, address, out, missed)
        slot = ready + 1
        state.calls += 1
        store_release_i64(address + _LAST_CALL, now_ns)


def compile_sound_card() -> CFunc:
    """Compile, or load from cache, PortAudio's stream callback; its user data is a `LINK`'s address."""
    source_hash = kernel_source_hash()
    signature = types.int32(types.voidptr, types.voidptr, _ULONG, types.voidptr, _ULONG, types.voidptr)

    @cfunc(signature, cache=True, error_model="numpy")
    def sound_card(input_frames, output, n_frames, times, flags, user):
        if source_hash != "":
            sound_card_rt(
                as_address(user),
                as_address(input_frames),
                as_address(output),
                types.int64(n_frames),
                as_address(times),
                types.int64(flags),
            )
        return 0

    return sound_card


def compile_virtual_card() -> CFunc:
    """Compile, or load from cache, the virtual card's loop: void(int64 state, int64 out)."""
    source_hash = kernel_source_hash()

    @cfunc(
        types.void(types.int64, types.int64),
        cache=True,
        error_model="numpy",
    )
    def virtual_card(address, out):
        if source_hash != "":
            virtual_card_rt(address, out)

    return virtual_card
