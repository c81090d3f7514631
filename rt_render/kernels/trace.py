"""What the audio thread leaves behind of every block, and of what went wrong: two rings that never make it wait.

A full ring keeps what is in it and counts what is lost.
"""

import numpy as np
from numba.np.numpy_support import carray

from firmware_bridge.atomics import load_acquire_i64, store_release_i64
from firmware_bridge.mailbox_kernels import POSE_NUMBER, POSE_TIME
from rt_render.kernels.clock import monotonic_ns_rt
from rt_render.kernels.jit import rt_jit
from rt_render.kernels.simd import as_pointer
from rt_render.kernels.state import (
    EVENT,
    EVENT_NON_FINITE,
    EVENT_STALE_BEGIN,
    EVENT_STALE_END,
    EVENT_UNDERRUN_BEGIN,
    EVENT_UNDERRUN_END,
    FLAG_NON_FINITE,
    FLAG_STALE,
    FLAG_UNDERRUN,
    MAX_KNOTS,
    SET_NUMBER,
    TRACE,
    field_offset,
)

_WORDS = field_offset("words")
_TRACE_WRITTEN, _TRACE_READ = field_offset("trace_written"), field_offset("trace_read")
_EVENTS_WRITTEN, _EVENTS_READ = field_offset("events_written"), field_offset("events_read")
_RING_WRITTEN = field_offset("ring_written")
_EVENT_BYTES, _TRACE_BYTES = EVENT.itemsize, TRACE.itemsize


@rt_jit
def event_rt(state, address, kind, amount):
    """Append an event of now, of the block that began last. Audio thread, or a card's."""
    written = state.events_written
    if written - load_acquire_i64(address + _EVENTS_READ) >= state.events_capacity:
        state.events_lost += 1
        return
    at = state.events + _EVENT_BYTES * (written % state.events_capacity)
    event = carray(as_pointer(at), (1,), EVENT)[0]
    event.time_s = monotonic_ns_rt(address + _WORDS) * 1e-9
    event.kind = kind
    event.amount = amount
    event.block = state.begun
    store_release_i64(address + _EVENTS_WRITTEN, written + 1)


@rt_jit
def tell_changes_rt(state, address, flags, n_bad):
    """Append the events that tell a block's flags from those of the block before; `n_bad`: frames not finite."""
    changed = flags ^ state.flags
    if changed & (FLAG_UNDERRUN | FLAG_STALE | FLAG_NON_FINITE) == 0:
        return
    if changed & FLAG_UNDERRUN != 0:
        fill = load_acquire_i64(address + _RING_WRITTEN) - state.ring_read
        event_rt(state, address, EVENT_UNDERRUN_BEGIN if flags & FLAG_UNDERRUN != 0 else EVENT_UNDERRUN_END, fill)
    if changed & FLAG_STALE != 0:
        event_rt(state, address, EVENT_STALE_BEGIN if flags & FLAG_STALE != 0 else EVENT_STALE_END, state.pose_age_s)
    if changed & flags & FLAG_NON_FINITE != 0:
        event_rt(state, address, EVENT_NON_FINITE, n_bad)


@rt_jit
def trace_rt(state, address, begin_ns, first_frame, fade, fade_step, gain, n_segments):
    """Append the row of the block that is being finished, its counters and flags set already. Audio thread.

    `first_frame`, `fade`, `gain`: as the block began with them.
    """
    written = state.trace_written
    if written - load_acquire_i64(address + _TRACE_READ) >= state.trace_capacity:
        state.trace_lost += 1
        return
    at = state.trace + state.trace_bytes * (written % state.trace_capacity)
    row = carray(as_pointer(at), (1,), TRACE)[0]
    row.block = state.begun
    row.stream = abs(state.owner)
    row.begin_s = begin_ns * 1e-9
    row.block_ns = state.block_ns
    row.hear_s = state.hear_s
    row.pose_time_s = state.pose[POSE_TIME] if state.mailbox != 0 else 0.0
    row.pose_number = int(state.pose[POSE_NUMBER]) if state.mailbox != 0 else 0
    row.ahead_s = state.ahead_s
    row.flags = state.flags
    row.transport = state.transport
    row.order = state.rendered_order
    row.frame = first_frame
    row.consumed = state.frame - first_frame
    row.fade = fade
    row.fade_step = fade_step
    row.gain_begin = gain
    row.gain = state.gain
    row.limiter = state.limiter
    row.filter_set = load_acquire_i64(state.filters + SET_NUMBER)
    row.filter_fade_frame = state.filter_fade_frame
    row.missed_slots = state.missed_slots
    row.mean_square[0] = state.mean_square[0]
    row.mean_square[1] = state.mean_square[1]
    knots = carray(as_pointer(at + _TRACE_BYTES), (MAX_KNOTS, 4), np.float64)
    for k in range(n_segments + 1):
        for i in range(4):
            knots[k, i] = state.path[k, i]
    store_release_i64(address + _TRACE_WRITTEN, written + 1)
