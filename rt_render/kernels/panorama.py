"""Stereo becomes a space around the head: primaries where they pan, ambience to the sides, the back and above.

Sine-windowed frames overlap by three quarters. Per band what comes from one direction and what from all around is told
apart (`primary_ambient`). A primary on the horizon is cosines and sines of multiples of its azimuth, so 2 order + 1
signals carry it into any order. Each ambience goes to three directions of its side, by phases that differ from feed to
feed (`engine.panorama_design`). The centre keeps its phase: a voice stays itself.
"""

import numpy as np
from numba import cfunc, types
from numba.core.ccallback import CFunc
from numba.np.numpy_support import carray

from rt_render.kernels.convolve import inverse_rt
from rt_render.kernels.fft import fft_stages_rt
from rt_render.kernels.harmonics import harmonics_rt
from rt_render.kernels.jit import kernel_source_hash, rt_jit
from rt_render.kernels.panorama_state import N_FEEDS, PANORAMA
from rt_render.kernels.primary_ambient import measure_band_rt, split_band_rt
from rt_render.kernels.simd import (
    as_pointer,
    fma,
    load4,
    load16,
    load_f32,
    splat16,
    splat_load4,
    splat_load16,
    store,
    store_f32,
)


@rt_jit
def _cleaned_rt(x):
    size = abs(x)
    if not (size > np.float32(1e-15) and size < np.float32(np.inf)):
        return np.float32(0.0)
    return min(max(x, np.float32(-32.0)), np.float32(32.0))


@rt_jit
def _transform_rt(state):
    """Window the newest frames and transform left + j right."""
    n = state.fft_frames
    re, im = state.turned, state.turned + 4 * n
    for o in range(0, 4 * n, 64):
        w = load16(state.window + o)
        store(re + o, w * load16(state.history + o))
        store(im + o, w * load16(state.history + 4 * n + o))
    # the forward transform is the inverse one with the planes swapped
    inverse_rt(
        state.spectrum + 4 * n,
        state.spectrum,
        state.spare,
        im,
        re,
        n,
        state.twiddles_columns,
        state.twiddles_16,
        state.twiddles_between,
    )


@rt_jit
def _split_rt(state):
    starts = carray(as_pointer(state.band_starts), (state.n_bands + 1,), np.int64)
    covariance = carray(as_pointer(state.covariance), (state.n_bands, 3), np.float64)
    for band in range(state.n_bands):
        begin, end = starts[band], starts[band + 1]
        measure_band_rt(covariance[band], state.spectrum, state.fft_frames, begin, end, state.covariance_keep)
        split_band_rt(state.field, state.harmonics, state.spectrum, covariance[band], state, begin, end)


@rt_jit
def _overlap_rt(state):
    """Transform all lanes back and add them to the overlapped sum, which moves on by a hop."""
    n, row, plane = state.fft_frames, 4 * state.lanes, state.plane_bytes
    turned, field, spare = state.turned, state.field, state.spare
    fft_stages_rt(
        turned + plane,
        turned,
        spare + plane,
        spare,
        field + plane,
        field,
        state.twiddles,
        n,
        1,
        state.lanes,
    )
    still = (n - state.hop) * row
    step = state.hop * row
    for p in range(2):
        turned, overlap = state.turned + p * plane, state.overlap + p * plane
        for k in range(n):
            w = splat_load4(state.window_out + 4 * k)
            for o in range(k * row, (k + 1) * row, 16):
                v = w * load4(turned + o)
                if o < still:
                    v = v + load4(overlap + step + o)
                store(overlap + o, v)


@rt_jit
def _make_encoding_rt(state):
    """Write how much of each circular harmonic and each feed a channel of the field takes."""
    order, shapes = state.order, state.shapes
    row = 4 * state.columns
    directions = state.directions
    harmonics_rt(shapes, order, directions, directions + 64, directions + 128)
    for m in range(order + 1):
        for n in range(m, order + 1):
            of_front = load_f32(shapes + 64 * (n * n + n + m) + 4 * N_FEEDS)
            store_f32(state.encoding + 2 * m * row + 4 * (n * n + n + m), of_front)
            if m > 0:
                store_f32(state.encoding + (2 * m - 1) * row + 4 * (n * n + n - m), of_front)
    feeds = state.encoding + 2 * (order + 1) * row
    for feed in range(N_FEEDS):
        for channel in range(state.n_sh):
            store_f32(feeds + feed * row + 4 * channel, load_f32(shapes + 64 * channel + 4 * feed))
    state.encoding_made = 1


@rt_jit
def _encode_rt(state):
    """Write the whole frames of the overlapped sum as the field's channels."""
    hop, row = state.hop, 4 * state.lanes
    width = 4 * state.columns
    cosines, sines = state.overlap, state.overlap + state.plane_bytes
    for k in range(hop):
        for column in range(0, width, 64):
            v = splat16(np.float32(0.0))
            e = state.encoding + column
            for lane in range(state.order + 1 + N_FEEDS // 2):
                v = fma(load16(e), splat_load16(cosines + k * row + 4 * lane), v)
                v = fma(load16(e + width), splat_load16(sines + k * row + 4 * lane), v)
                e += 2 * width
            store(state.ready + k * width + column, v)


@rt_jit
def _hop_rt(state):
    """Make the next hop of the field, and make room for the next of stereo."""
    if state.encoding_made == 0:
        _make_encoding_rt(state)
    keep = state.settings_keep
    state.width_now = state.width_rad + keep * (state.width_now - state.width_rad)
    state.height_now = state.height + keep * (state.height_now - state.height)
    _transform_rt(state)
    _split_rt(state)
    _overlap_rt(state)
    _encode_rt(state)
    n, hop = state.fft_frames, state.hop
    for side in range(2):
        history = state.history + 4 * n * side
        for o in range(0, 4 * (n - hop), 64):
            store(history + o, load16(history + 4 * hop + o))


@rt_jit
def panorama_rt(address, stereo, out, n_frames):
    """Turn the next frames of stereo into as many of the field, `fft_frames` later. Audio thread.

    `address` of a `PANORAMA`; `stereo` of (n_frames, 2), `out` of (n_frames, n_sh) float32. Non-finite and vanishing
    samples count as 0. Any split of the calls gives the same frames; all work is done where a hop is full.
    """
    state = carray(as_pointer(address), (1,), PANORAMA)[0]
    width = 4 * state.columns
    newest = state.history + 4 * (state.fft_frames - state.hop)
    for k in range(n_frames):
        place = newest + 4 * state.count
        store_f32(place, _cleaned_rt(load_f32(stereo + 8 * k)))
        store_f32(place + 4 * state.fft_frames, _cleaned_rt(load_f32(stereo + 8 * k + 4)))
        row = state.ready + state.count * width
        for channel in range(0, 4 * state.n_sh, 4):
            store_f32(out + channel, load_f32(row + channel))
        out += 4 * state.n_sh
        state.count += 1
        if state.count == state.hop:
            state.count = 0
            _hop_rt(state)


def compile_panorama() -> CFunc:
    """Compile, or load from numba's disk cache: void(int64 state, int64 in, int64 out, int64 n_frames)."""
    source_hash = kernel_source_hash()

    @cfunc(types.void(types.int64, types.int64, types.int64, types.int64), cache=True, error_model="numpy")
    def panorama(address, stereo, out, n_frames):
        if source_hash != "":
            panorama_rt(address, stereo, out, n_frames)

    return panorama
