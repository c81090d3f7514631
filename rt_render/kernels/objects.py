"""Objects into the field: mono signals, each with a place, encoded by gains that glide.

Every 64 frames, a knot, the gains of all channels are brought nearer to those of the objects' places; in between they
ramp. A knot does not depend on the block size, so all block sizes give the same samples. The glide is two equal
smoothers in a row, 90 % after 16 ms: no step and no kink where an object jumps. It acts on the gains, not on the
place: an object that jumps fades over, and does not sweep through what lies between. Paths are read so far ahead as
the glide holds back.
"""

import math

import numpy as np
from numba.np.numpy_support import carray

from firmware_bridge.atomics import load_acquire_i64
from rt_render.kernels.harmonics import harmonics_rt
from rt_render.kernels.jit import rt_jit
from rt_render.kernels.simd import as_pointer, clean, fma, load16, load_f32, splat16, splat_load16, store, store_f32
from rt_render.kernels.state import AIR_STEPS, MAX_OBJECTS, TARGETS, field_offset

OBJECT_KNOT_FRAMES = 64
AIR_STEPS_PER_OCTAVE = 8
"""Entries of the table of the air for each doubling of a metre and what an object is further than the reference."""

_OBJECTS = field_offset("objects")
_LANE_BYTES = 4 * MAX_OBJECTS
_TILE_BYTES = 64 * MAX_OBJECTS
"""Gains lie in tiles of sixteen channels; in a tile each object has a row."""


def _offset(name: str) -> int:
    fields = TARGETS.fields
    assert fields is not None
    return int(fields[name][1])


_X, _Y, _Z, _DISTANCE = _offset("x"), _offset("y"), _offset("z"), _offset("distance")
_GAIN, _WEIGHTS = _offset("gain"), _offset("weights")


@rt_jit
def _look_up_place(track, time_s, place):
    """Write x, y, z and the distance that a path has at a time; `place`: address of the first of four rows of lanes.

    Between key frames it goes along the great circle, the distance linearly; outside it holds, or begins again.
    """
    rows = carray(as_pointer(track), (1 << 40, 5), np.float64)
    n, period_s = int(rows[0, 0]), rows[0, 1]
    if period_s > 0.0:
        time_s -= math.floor(time_s / period_s) * period_s
    low, high = 1, n
    while low < high:
        middle = (low + high + 1) // 2
        if rows[middle, 0] <= time_s:
            low = middle
        else:
            high = middle - 1
    a = rows[low]
    b = rows[min(low + 1, n)]
    t = 0.0
    if b[0] > a[0]:
        t = min(1.0, max(0.0, (time_s - a[0]) / (b[0] - a[0])))
    towards = min(1.0, max(-1.0, a[1] * b[1] + a[2] * b[2] + a[3] * b[3]))
    angle = math.acos(towards)
    share_a, share_b = 1.0 - t, t
    if angle > 1e-4:
        s = math.sin(angle)
        share_a, share_b = math.sin((1.0 - t) * angle) / s, math.sin(t * angle) / s
    for i in range(3):
        store_f32(place + i * _LANE_BYTES, np.float32(share_a * a[1 + i] + share_b * b[1 + i]))
    store_f32(place + 3 * _LANE_BYTES, np.float32((1.0 - t) * a[4] + t * b[4]))


@rt_jit
def _aim_at_group_rt(state, table, address, group, time_s):
    """Bring the gains that sixteen objects shall have at a time into `object_target`."""
    first = 16 * group
    lanes = 4 * first
    place = state.object_place + lanes
    for row, offset in ((0, _X), (1, _Y), (2, _Z), (3, _DISTANCE)):
        store(place + row * _LANE_BYTES, load16(address + offset + lanes))
    for i in range(16):
        if table.tracks[first + i] != 0:
            _look_up_place(table.tracks[first + i], time_s, place + 4 * i)
    loudness = place + 4 * _LANE_BYTES
    for i in range(16):
        distance_m = load_f32(place + 3 * _LANE_BYTES + 4 * i)
        nearest_m = max(distance_m, np.float32(state.object_reference_m))
        gain = load_f32(address + _GAIN + lanes + 4 * i) * np.float32(state.object_reference_m) / nearest_m
        store_f32(loudness + 4 * i, gain)
        far_m = nearest_m - np.float32(state.object_reference_m)
        at = min(AIR_STEPS - 1.001, AIR_STEPS_PER_OCTAVE * math.log2(1.0 + far_m))
        k = int(at)
        low, high = load_f32(state.object_air_table + 4 * k), load_f32(state.object_air_table + 4 * k + 4)
        store_f32(state.object_air_to + lanes + 4 * i, low + np.float32(at - k) * (high - low))

    rows = state.object_harmonics
    harmonics_rt(rows, state.order, place, place + _LANE_BYTES, place + 2 * _LANE_BYTES)
    gains = load16(loudness)
    for n in range(state.order + 1):
        weighted = gains * load16(address + _WEIGHTS + n * _LANE_BYTES + lanes)
        for channel in range(n * n, (n + 1) * (n + 1)):
            store(rows + 64 * channel, load16(rows + 64 * channel) * weighted)
    for channel in range(state.n_sh):
        column = state.object_target + (channel // 16) * _TILE_BYTES + first * 64 + (channel % 16) * 4
        for i in range(16):
            store_f32(column + 64 * i, load_f32(rows + 64 * channel + 4 * i))


@rt_jit
def _aim_rt(state, address, time_s):
    """Bring the gains that the objects shall have at a time into `object_target`, where anything changed."""
    targets = load_acquire_i64(address + _OBJECTS)
    table = carray(as_pointer(targets), (1,), TARGETS)[0]
    changed = table.number != state.objects_seen
    state.objects_seen = table.number
    for group in range((state.n_objects + 15) // 16):
        moves = changed
        for i in range(16 * group, 16 * group + 16):
            moves = moves or table.tracks[i] != 0
        if moves:
            _aim_at_group_rt(state, table, targets, group, time_s)


@rt_jit
def _glide_rt(state):
    """Go on from where the gains are by a knot towards the target, and from one filter of the air to the next."""
    share = splat16(np.float32(1.0 - state.object_keep))
    slope = splat16(np.float32(1.0 / OBJECT_KNOT_FRAMES))
    used = state.n_objects * 64
    for tile in range((state.n_sh + 15) // 16):
        for o in range(tile * _TILE_BYTES, tile * _TILE_BYTES + used, 64):
            middle, end = load16(state.object_middle + o), load16(state.object_end + o)
            store(state.object_start + o, end)
            middle = clean(fma(share, load16(state.object_target + o) - middle, middle))
            moved = clean(fma(share, middle - end, end))
            store(state.object_middle + o, middle)
            store(state.object_end + o, moved)
            store(state.object_step + o, (moved - end) * slope)


@rt_jit
def _settle_rt(state):
    """Take the gains of the target over at once, and let the air be as it is there: a beginning."""
    for o in range(0, (state.n_sh + 15) // 16 * _TILE_BYTES, 64):
        target = load16(state.object_target + o)
        store(state.object_middle + o, target)
        store(state.object_end + o, target)
    for o in range(0, _LANE_BYTES, 64):
        store(state.object_air_from + o, load16(state.object_air_to + o))
        store(state.object_air_memory + o, splat16(np.float32(0.0)))


@rt_jit
def _next_knot_rt(state, address, frame):
    for o in range(0, _LANE_BYTES, 64):
        store(state.object_air_from + o, load16(state.object_air_to + o))
    if state.object_fresh != 0:
        state.objects_seen = 0
        _aim_rt(state, address, frame / state.fs_hz)
        _settle_rt(state)
        state.object_fresh = 0
    _aim_rt(state, address, (frame + OBJECT_KNOT_FRAMES) / state.fs_hz + state.object_lag_s)
    _glide_rt(state)


@rt_jit
def _through_air_rt(state, source, position, n_frames):
    """Bring frames of all objects through the low-pass of their distance into `object_rows`, 64 lanes a frame."""
    slope = splat16(np.float32(1.0 / OBJECT_KNOT_FRAMES))
    stride = 4 * state.n_objects
    for lanes in range(0, stride, 64):
        start = load16(state.object_air_from + lanes)
        step = (load16(state.object_air_to + lanes) - start) * slope
        y = load16(state.object_air_memory + lanes)
        for s in range(n_frames):
            keep = fma(step, splat16(np.float32(position + s)), start)
            x = load16(source + s * stride + lanes)  # lanes behind the last object: what lies there, heard by nobody
            y = fma(keep, y - x, x)
            store(state.object_rows + s * _LANE_BYTES + lanes, y)
        store(state.object_air_memory + lanes, clean(y))


@rt_jit
def _mix_rt(out, out_stride, rows, start, step, position, n_objects, n_frames):
    """Write one tile of channels: out[s] = sum over objects of (start + (position + s) step) row[s]."""
    zero = splat16(np.float32(0.0))
    for s in range(0, n_frames, 4):
        a0 = a1 = a2 = a3 = zero
        b0 = b1 = b2 = b3 = zero
        x = rows
        for o in range(0, 64 * n_objects, 64):
            gain, slope = load16(start + o), load16(step + o)
            x0, x1 = splat_load16(x), splat_load16(x + _LANE_BYTES)
            x2, x3 = splat_load16(x + 2 * _LANE_BYTES), splat_load16(x + 3 * _LANE_BYTES)
            a0, b0 = fma(gain, x0, a0), fma(slope, x0, b0)
            a1, b1 = fma(gain, x1, a1), fma(slope, x1, b1)
            a2, b2 = fma(gain, x2, a2), fma(slope, x2, b2)
            a3, b3 = fma(gain, x3, a3), fma(slope, x3, b3)
            x += 4
        at = np.float32(position + s)
        store(out, fma(b0, splat16(at), a0))
        store(out + out_stride, fma(b1, splat16(at + np.float32(1.0)), a1))
        store(out + 2 * out_stride, fma(b2, splat16(at + np.float32(2.0)), a2))
        store(out + 3 * out_stride, fma(b3, splat16(at + np.float32(3.0)), a3))
        out += 4 * out_stride
        rows += 4 * _LANE_BYTES


@rt_jit
def encode_objects_rt(state, address):
    """Encode the block at `state.taken`, (block_size, n_objects), into the field at `state.clean`. Audio thread."""
    done = 0
    while done < state.block_size:
        position = state.object_frame
        if position == 0:
            _next_knot_rt(state, address, state.frame + done)
        n_frames = min(state.block_size - done, OBJECT_KNOT_FRAMES - position)
        _through_air_rt(state, state.taken + 4 * done * state.n_objects, position, n_frames)
        out, stride = state.clean + 4 * done * state.n_sh, 4 * state.n_sh
        # from the last tile down: what spills over a frame's last channel is overwritten by the next frame's first
        for tile in range((state.n_sh - 1) // 16, -1, -1):
            o = tile * _TILE_BYTES
            _mix_rt(
                out + 64 * tile,
                stride,
                state.object_rows,
                state.object_start + o,
                state.object_step + o,
                position,
                state.n_objects,
                n_frames,
            )
        state.object_frame = (position + n_frames) % OBJECT_KNOT_FRAMES
        done += n_frames
