"""The output stage: fade, gain, a limiter linked over both ears, a hard clamp, meters.

Below the ceiling the limiter's gain is exactly 1, so the stage then only scales. Attack is instant (no
sample passes above the ceiling), release is exponential.
"""

import math

import numpy as np

from rt_render.kernels.jit import rt_jit
from rt_render.kernels.simd import (
    fma,
    lane_max,
    lane_sum,
    larger_size,
    load16,
    load_f32,
    splat16,
    store_f32,
    store_interleaved,
)

_GAIN_IS_THERE = 1e-4
"""Relative distance (0.0009 dB) at which a gain ramp ends on its target."""
_LIMITER_IS_OPEN = 1.0 - 1e-6


@rt_jit
def _next_gain(gain, target, keep):
    following = target + (gain - target) * keep
    if abs(following - target) <= _GAIN_IS_THERE * max(target, 1e-3):
        return target
    return following


@rt_jit
def _smooth(level):
    return level * level * (3.0 - 2.0 * level)


@rt_jit
def blend_rt(left, right, old_left, old_right, n_frames, start_frame, fade_frames):
    """Fade from the old filters' ears to the new ones', in place, from `start_frame` of the fade on."""
    for s in range(n_frames):
        mix = np.float32(min(1.0, (start_frame + s) / fade_frames))
        _blend_frame(left + 4 * s, old_left + 4 * s, mix)
        _blend_frame(right + 4 * s, old_right + 4 * s, mix)


@rt_jit
def _blend_frame(new, old, mix):
    a, b = load_f32(old), load_f32(new)
    store_f32(new, a + (b - a) * mix)


@rt_jit
def output_rt(out, left, right, state, fade_step):
    """Write one block of interleaved ears, faded, scaled, limited, never above the ceiling, never non-finite.

    `out`: address of block_size stereo float32 frames; `left`, `right`: addresses of planes. `fade_step` per
    frame moves `state.fade` within 0..1. Modifies fade, gain, limiter and meters of the state. Audio thread.
    """
    gain_end = _next_gain(state.gain, state.gain_target, state.gain_keep)
    at_rest = fade_step == 0.0 and state.fade == 1.0 and gain_end == state.gain and state.limiter == 1.0
    if at_rest and _scale_rt(out, left, right, state):
        return
    _shape_rt(out, left, right, state, fade_step, gain_end)


@rt_jit
def _scale_rt(out, left, right, state):
    """Write a block that only needs its gain; return False, nothing but `out` changed, if it needs limiting."""
    gain = splat16(np.float32(state.gain))
    zero = splat16(np.float32(0.0))
    peak_left = peak_right = power_left = power_right = zero
    for o in range(0, 4 * state.block_size, 64):
        a, b = load16(left + o) * gain, load16(right + o) * gain
        store_interleaved(out + 2 * o, a, b)
        peak_left, peak_right = larger_size(peak_left, a), larger_size(peak_right, b)
        power_left, power_right = fma(a, a, power_left), fma(b, b, power_right)
    square_left, square_right = lane_sum(power_left), lane_sum(power_right)
    highest_left, highest_right = lane_max(peak_left), lane_max(peak_right)
    highest = max(highest_left, highest_right)
    # a NaN hides from a maximum, not from a sum
    if highest > state.ceiling or not square_left + square_right < np.inf:
        return False
    _meter(state, 0, highest_left, square_left / state.block_size, state.meter_keep)
    _meter(state, 1, highest_right, square_right / state.block_size, state.meter_keep)
    state.highest_peak = max(state.highest_peak, highest)
    return True


@rt_jit
def _shape_rt(out, left, right, state, fade_step, gain_end):
    """Write a block frame by frame: fade, gain ramp, limiter with instant attack, clamp."""
    n_frames = state.block_size
    gain = state.gain
    gain_step = (gain_end - gain) / n_frames
    fade = state.fade
    ceiling = state.ceiling
    limiter = state.limiter
    lowest = limiter
    release = state.release_keep
    clamp = np.float32(ceiling)
    power_left = power_right = 0.0
    peak_left = peak_right = np.float32(0.0)
    for s in range(n_frames):
        gain += gain_step
        fade = min(1.0, max(0.0, fade + fade_step))
        level = np.float32(gain * _smooth(fade))
        a = load_f32(left + 4 * s) * level
        b = load_f32(right + 4 * s) * level
        loudest = max(abs(a), abs(b))
        if not loudest < np.inf:
            a = b = loudest = np.float32(0.0)
        if limiter < 1.0:
            limiter = 1.0 - (1.0 - limiter) * release
            if limiter > _LIMITER_IS_OPEN:
                limiter = 1.0
        if loudest * limiter > ceiling:
            limiter = ceiling / loudest
            lowest = min(lowest, limiter)
        if limiter < 1.0:
            a = min(clamp, max(-clamp, np.float32(a * limiter)))
            b = min(clamp, max(-clamp, np.float32(b * limiter)))
        store_f32(out + 8 * s, a)
        store_f32(out + 8 * s + 4, b)
        power_left += a * a
        power_right += b * b
        peak_left = max(peak_left, abs(a))
        peak_right = max(peak_right, abs(b))
    state.gain = gain_end
    state.fade = fade
    state.limiter = limiter
    state.lowest_limiter = min(state.lowest_limiter, lowest)
    if lowest < 1.0:
        state.limited_blocks += 1
    keep = state.meter_keep
    _meter(state, 0, peak_left, power_left / n_frames, keep)
    _meter(state, 1, peak_right, power_right / n_frames, keep)
    state.highest_peak = max(state.highest_peak, max(peak_left, peak_right))


@rt_jit
def _meter(state, ear, peak, power, keep):
    held = state.peak[ear] * keep
    held = peak if peak > held else held
    mean = power + (state.mean_square[ear] - power) * keep
    # exact zeros instead of denormals once it is silent
    state.peak[ear] = held if held > 1e-9 else 0.0
    state.mean_square[ear] = mean if mean > 1e-18 else 0.0


@rt_jit
def silence_rt(out, state):
    """Write one block of silence and let the meters and the limiter fall."""
    for s in range(2 * state.block_size):
        store_f32(out + 4 * s, np.float32(0.0))
    state.limiter = 1.0
    state.gain = state.gain_target
    _meter(state, 0, 0.0, 0.0, state.meter_keep)
    _meter(state, 1, 0.0, 0.0, state.meter_keep)


@rt_jit
def histogram_bin_rt(block_ns, n_bins, per_octave):
    """Return the bin of a block time: quarter octaves from 62.5 ns upwards."""
    if block_ns < 63:
        return 0
    return min(n_bins - 1, int(per_octave * math.log2(block_ns / 62.5)))
