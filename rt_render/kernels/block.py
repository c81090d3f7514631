"""The per-block order of work: read, clean, encode objects, tap, follow the pose, rotate, convolve, put out, count.

`process_block` is compiled once; sound card, virtual card and offline rendering all call its address.
"""

import numpy as np
from numba import cfunc, types
from numba.core.ccallback import CFunc
from numba.np.numpy_support import carray

from firmware_bridge.atomics import exchange_if_equal_i64, load_acquire_i64, store_release_i64
from firmware_bridge.mailbox_kernels import POSE_NUMBER
from rt_render.kernels.clock import monotonic_ns_rt
from rt_render.kernels.convolve import forward_rt, inverse_rt, multiply_rt
from rt_render.kernels.jit import kernel_source_hash, rt_jit
from rt_render.kernels.objects import encode_objects_rt
from rt_render.kernels.output import blend_rt, histogram_bin_rt, output_rt, silence_rt
from rt_render.kernels.pose import plan_path_rt
from rt_render.kernels.quaternions import advance_rt, step_between_rt
from rt_render.kernels.replay import replay_order_rt, replay_rt
from rt_render.kernels.rotate import KNOT_FRAMES, apply_ramp_rt, build_matrix_rt
from rt_render.kernels.simd import (
    as_pointer,
    clean,
    lane_sum,
    load16,
    load_f32,
    non_finite,
    splat16,
    store,
)
from rt_render.kernels.state import (
    EVENT_LONG_BLOCK,
    FLAG_CLEARED,
    FLAG_FILTERS_FADE,
    FLAG_FROZEN,
    FLAG_LIMITED,
    FLAG_NON_FINITE,
    FLAG_PATH_BEGINS,
    FLAG_STALE,
    FLAG_UNDERRUN,
    HISTOGRAM_BINS_PER_OCTAVE,
    N_HISTOGRAM_BINS,
    SET_CHUNKS,
    SET_FRAME,
    SET_ORDER,
    STATE,
    field_offset,
)
from rt_render.kernels.tap import clean_field_rt, tap_rt
from rt_render.kernels.trace import event_rt, tell_changes_rt, trace_rt

_RING_WRITTEN, _RING_READ = field_offset("ring_written"), field_offset("ring_read")
_RING_END = field_offset("ring_end")
_FILTERS_NEXT, _WORDS = field_offset("filters_next"), field_offset("words")
_PLAYING, _BEGUN = field_offset("playing"), field_offset("begun")
_FROZEN, _BLOCKS = field_offset("frozen"), field_offset("blocks")
_INFINITE = np.float32(np.inf)


@rt_jit
def _frames_not_finite_rt(frames, n_frames, n_channels):
    """Return how many frames hold a sample that is not finite; an encoder spreads one over all its frame's channels."""
    n_bad = 0
    for _ in range(n_frames):
        for o in range(0, 4 * n_channels, 4):
            if not abs(load_f32(frames + o)) < _INFINITE:
                n_bad += 1
                break
        frames += 4 * n_channels
    return n_bad


@rt_jit
def _take_input_rt(state, address):
    """Bring the next block of the ring, cleaned, to `state.taken`; behind the end bring silence."""
    n_floats = state.block_size * state.n_in
    end = load_acquire_i64(address + _RING_END)
    if end >= 0 and state.ring_read >= end:
        zero = splat16(np.float32(0.0))
        for o in range(0, 4 * n_floats, 64):
            store(state.taken + o, zero)
        state.tail_frames += state.block_size
        if state.tail_frames >= state.n_partitions * state.block_size:
            state.ended = 1
        return
    source = state.ring + 4 * state.n_in * (state.ring_read % state.ring_frames)
    bad = splat16(np.float32(0.0))
    for o in range(0, 4 * n_floats, 64):
        v = load16(source + o)
        bad = bad + non_finite(v)
        store(state.taken + o, clean(v))
    if lane_sum(bad) > 0:  # before the reader may write over them
        state.non_finite += _frames_not_finite_rt(source, state.block_size, state.n_in)
    store_release_i64(address + _RING_READ, state.ring_read + state.block_size)


@rt_jit
def _skip_input_rt(state, address):
    """Leave out a block of live input: what comes during a pause is gone when it ends."""
    if load_acquire_i64(address + _RING_WRITTEN) - state.ring_read >= state.block_size:
        store_release_i64(address + _RING_READ, state.ring_read + state.block_size)


@rt_jit
def _needed_order_rt(state, address):
    """Return the highest order of the filters in use, fading away and waiting."""
    order = load_acquire_i64(state.filters + SET_ORDER)
    if state.filters_old != 0:
        order = max(order, load_acquire_i64(state.filters_old + SET_ORDER))
    following = load_acquire_i64(address + _FILTERS_NEXT)
    if following != 0:
        order = max(order, load_acquire_i64(following + SET_ORDER))
    return order


@rt_jit
def _rotate_rt(state, n_segments, order):
    """Rotate `state.clean` up to an order along the path into the current half of `state.rows`."""
    spacing = state.block_size // n_segments
    knot = min(KNOT_FRAMES, spacing)
    n_steps = spacing // knot
    rises = order > state.rendered_order
    state.rendered_order = order
    if rises:
        state.rendered_blocks = 0
    if state.has_path == 0 or rises:
        q = state.path[0]
        build_matrix_rt(state.matrix_start, state.matrix_scratch, state.matrix_tables, order, q[0], q[1], q[2], q[3])
        state.has_path = 1
    out = state.rows + state.half * state.block_size * state.row_bytes
    source = state.clean
    step, q = state.path_step, state.knot
    for segment in range(n_segments):
        a, b = state.path[segment], state.path[segment + 1]
        still = a[0] == b[0] and a[1] == b[1] and a[2] == b[2] and a[3] == b[3]
        if not still:
            step_between_rt(a, b, n_steps, step)
            for i in range(4):
                q[i] = a[i]
        for k in range(n_steps):
            end = state.matrix_start
            if not still:
                advance_rt(q, step)
                end = state.matrix_end
                if k == n_steps - 1:
                    for i in range(4):
                        q[i] = b[i]  # exactly where the next segment begins
                build_matrix_rt(end, state.matrix_scratch, state.matrix_tables, order, q[0], q[1], q[2], q[3])
            apply_ramp_rt(
                out,
                state.row_bytes,
                state.matrix_start,
                end,
                state.matrix_step,
                source,
                4 * state.n_sh,
                order,
                knot,
            )
            if not still:
                state.matrix_end = state.matrix_start
                state.matrix_start = end
            out += knot * state.row_bytes
            source += knot * 4 * state.n_sh


@rt_jit
def _to_ears_rt(state, ears, filters):
    """Convolve the delay line with one filter set; both ears land in the planes of `ears`."""
    n = 2 * state.block_size
    imaginary = state.spectrum + 4 * (n + 16)
    multiply_rt(
        state.spectrum,
        imaginary,
        state.fdl,
        state.slot_bytes,
        state.newest,
        filters,
        n,
        state.n_partitions,
        state.chunk,
        load_acquire_i64(filters + SET_CHUNKS),
    )
    inverse_rt(
        ears,
        ears + 4 * n,
        state.spare,
        state.spectrum,
        imaginary,
        n,
        state.twiddles_columns,
        state.twiddles_16,
        state.twiddles_between,
    )


@rt_jit
def _convolve_rt(state, address):
    """Push the rotated block into the delay line and bring both ears; fade while filters change."""
    n = 2 * state.block_size
    block_bytes = state.block_size * state.row_bytes
    state.newest = state.newest + 1 if state.newest + 1 < state.n_partitions else 0
    n_sh = (state.rendered_order + 1) * (state.rendered_order + 1)
    forward_rt(
        state.fdl + state.newest * state.slot_bytes,
        state.spare,
        state.rows + (1 - state.half) * block_bytes,
        state.rows + state.half * block_bytes,
        state.row_bytes,
        n,
        state.chunk,
        (n_sh + 2 * state.chunk - 1) // (2 * state.chunk),
        state.twiddles,
    )
    state.half = 1 - state.half
    state.rendered_blocks = min(state.rendered_blocks, state.n_partitions) + 1

    following = load_acquire_i64(address + _FILTERS_NEXT)
    # filters of a higher order wait until the delay line holds that order, as far as they reach back
    if (
        following != 0
        and state.filters_old == 0
        and load_acquire_i64(following + SET_FRAME) <= state.frame + state.block_size // 2
        and load_acquire_i64(following + SET_ORDER) <= state.rendered_order
        and state.rendered_blocks > state.n_partitions
        # taken only if no newer set has been published meanwhile: that one is for the next block then
        and exchange_if_equal_i64(address + _FILTERS_NEXT, following, 0) != 0
    ):
        state.filters_old = state.filters
        state.filters = following
        state.filter_fade_frame = 0
    ears, filters = state.ears, state.filters
    for _ in range(1 if state.filters_old == 0 else 2):
        _to_ears_rt(state, ears, filters)
        ears, filters = state.ears_old, state.filters_old
    if state.filters_old != 0:
        valid = 4 * state.block_size
        blend_rt(
            state.ears + valid,
            state.ears + 4 * n + valid,
            state.ears_old + valid,
            state.ears_old + 4 * n + valid,
            state.block_size,
            state.filter_fade_frame,
            state.filter_fade_frames,
        )
        state.filter_fade_frame += state.block_size
        if state.filter_fade_frame >= state.filter_fade_frames:
            state.filters_old = 0


@rt_jit
def _transport_rt(state, address):
    """Decide whether this block plays: return the fade's step a frame, or 2.0 for a silent, frozen block."""
    playing = load_acquire_i64(address + _PLAYING) != 0
    end = load_acquire_i64(address + _RING_END)
    fill = load_acquire_i64(address + _RING_WRITTEN) - state.ring_read
    needed = state.reserve_frames
    if state.starving != 0:
        if end >= 0 or fill >= state.resume_frames:
            state.starving = 0
    elif fill < needed and end < 0 and state.fresh == 0 and (playing or state.fade > 0.0):
        state.starving = 1
        state.underruns += 1
    if state.ended != 0:
        return 2.0
    if state.fresh != 0:
        if not playing or (end < 0 and fill < needed):
            return 2.0
        state.fresh = 0
        state.fade = 1.0
    wanted = playing and state.starving == 0
    if state.fade == 0.0 and not wanted:
        return 2.0
    if end < 0 and fill < state.block_size:
        state.fade = 0.0  # the ring ran dry within one fade: nothing is left to fade with
        return 2.0
    if wanted:
        return 0.0 if state.fade == 1.0 else 1.0 / state.fade_frames
    return -1.0 / state.fade_frames


@rt_jit
def _flags_rt(state, fade_step, had_path, n_bad, n_limited):
    """Return the flags of the block that is being finished."""
    flags = state.flags_next
    state.flags_next = 0
    if state.starving != 0:
        flags |= FLAG_UNDERRUN
    if state.mailbox != 0 and state.pose[POSE_NUMBER] > 0.0 and state.pose_age_s > state.stale_after_s:
        flags |= FLAG_STALE
    if n_bad > 0:
        flags |= FLAG_NON_FINITE
    if n_limited > 0:
        flags |= FLAG_LIMITED
    if state.filters_old != 0:
        flags |= FLAG_FILTERS_FADE
    if fade_step > 1.0:
        return flags | FLAG_FROZEN
    if had_path == 0:
        flags |= FLAG_PATH_BEGINS
    if state.cleared != 0:
        state.cleared = 0
        flags |= FLAG_CLEARED
    return flags


@rt_jit
def process_block_rt(address, out):
    """Render the next block of the engine state at `address` into `out`, block_size stereo float32 frames.

    Writes the whole of `out` every time. Any one thread at a time; never allocates, locks, waits or raises.
    """
    state = carray(as_pointer(address), (1,), STATE)[0]
    number = state.begun + 1
    store_release_i64(address + _BEGUN, number)
    start_ns = monotonic_ns_rt(address + _WORDS)
    start_s = start_ns * 1e-9
    # the card's word holds for one block: nobody listens offline, and to a block that a card did not ask for
    dac_s = state.dac_s
    state.dac_s = 0.0
    state.hear_s = dac_s + state.extra_latency_s if dac_s > 0.0 else 0.0
    state.hear_latency_s = state.hear_s - start_s if dac_s > 0.0 else 0.0
    first_frame, gain, had_path = state.frame, state.gain, state.has_path
    n_bad, n_limited = state.non_finite, state.limited_blocks
    if state.replay == 0:
        fade_step = _transport_rt(state, address)
        n_segments = plan_path_rt(state, start_s)
    else:
        fade_step, n_segments = replay_rt(state)
    fade = state.fade
    if fade_step > 1.0:
        silence_rt(out, state)
        state.has_path = 0  # a frozen block leaves the path: take it up where the head is by then
        if state.live != 0:
            _skip_input_rt(state, address)
    else:
        _take_input_rt(state, address)
        if state.n_objects != 0:
            encode_objects_rt(state, address)
            clean_field_rt(state)
        if state.tap != 0:
            tap_rt(state, address)
        order = _needed_order_rt(state, address) if state.replay == 0 else replay_order_rt(state)
        _rotate_rt(state, n_segments, order)
        _convolve_rt(state, address)
        valid = 4 * state.block_size
        output_rt(out, state.ears + valid, state.ears + 3 * valid, state, fade_step)
        state.frame += state.block_size
    state.frames += state.block_size
    n_bad, n_limited = state.non_finite - n_bad, state.limited_blocks - n_limited
    flags = _flags_rt(state, fade_step, had_path, n_bad, n_limited)
    tell_changes_rt(state, address, flags, n_bad)
    state.flags = flags
    end_ns = monotonic_ns_rt(address + _WORDS)
    state.block_ns = end_ns - start_ns
    if state.block_ns > state.longest_block_ns:
        state.longest_block_ns = state.block_ns
    if dac_s > 0.0 and state.block_ns * 1e-9 * state.fs_hz > state.block_size:
        event_rt(state, address, EVENT_LONG_BLOCK, state.block_ns * 1e-9)
    state.histogram[histogram_bin_rt(state.block_ns, N_HISTOGRAM_BINS, HISTOGRAM_BINS_PER_OCTAVE)] += 1
    if state.trace != 0:
        trace_rt(state, address, start_ns, first_frame, fade, fade_step, gain, n_segments)
    if fade_step > 1.0:
        store_release_i64(address + _FROZEN, number)
    store_release_i64(address + _BLOCKS, number)


def compile_process_block() -> CFunc:
    """Compile, or load from numba's disk cache, the block function: void(int64 state, int64 out)."""
    source_hash = kernel_source_hash()

    @cfunc(
        types.void(types.int64, types.int64),
        cache=True,
        error_model="numpy",
    )
    def process_block(address, out):
        if source_hash != "":
            process_block_rt(address, out)

    return process_block
