"""What of stereo comes from one direction, and what from all around: least squares, band by band.

Model (Faller 2006, "Multiple-Loudspeaker Playback of Stereo Signals", JAES 54:1051): in each band left and right are
one primary signal by a pair of panning gains u, and ambience of equal power that has nothing in common. With the
larger and smaller eigenvalue a, b of the smoothed covariance and y = u . (left, right), the least squares estimates are
(1 - b / a) y and what is left of both channels. Each is scaled to the power that the model gives it, as Faller does;
`kept_fold` then keeps the power of a fold. What is out of phase is ambience.
"""

import math

import numpy as np
from numba.np.numpy_support import carray

from rt_render.kernels.jit import rt_jit
from rt_render.kernels.kept_fold import keep_fold_rt
from rt_render.kernels.panorama_state import FEEDS_A_SIDE, N_FEEDS
from rt_render.kernels.simd import as_pointer, fma, fnma, load4, load_f32, splat4, store, store_f32

UP_SHARE = 0.36
"""Of the ambience's power, what comes from above at a height of 1: more would be missed by a pair of microphones."""
_SILENCE = 1e-24
"""Power of a band below which its covariance is 0."""
_LEAST_SHARE = 1e-3
"""Bound of what ambience is scaled up by: 30 dB, so that no rounding is heard."""


@rt_jit
def measure_band_rt(covariance, spectrum, n, begin, end, keep):
    """Smooth a band's covariance (3 float64) on by bins `begin` to `end` of left + j right. Audio thread."""
    left = right = cross = 0.0
    for k in range(begin, end):
        m = n - k if k else 0
        a, b = load_f32(spectrum + 4 * k), load_f32(spectrum + 4 * (n + k))
        c, d = load_f32(spectrum + 4 * m), load_f32(spectrum + 4 * (n + m))
        # twice the spectra of left and right, as in `split_band_rt`
        lr, li, rr, ri = a + c, b - d, b + d, c - a
        left += lr * lr + li * li
        right += rr * rr + ri * ri
        cross += lr * rr + li * ri
    total = 0.0
    for i, power in enumerate((left, right, cross)):
        smoothed = keep * covariance[i] + (1.0 - keep) * 0.25 * power
        covariance[i] = smoothed
        if i < 2:
            total += smoothed
    if total < _SILENCE:
        for i in range(3):
            covariance[i] = 0.0


@rt_jit
def split_band_rt(field, harmonics, spectrum, covariance, state, begin, end):
    """Write the spectra of a band: its primary in circular harmonics, its ambience in feeds. Audio thread.

    `field`, `harmonics`, `spectrum`: addresses as in `PANORAMA`.
    """
    n, lanes, order = state.fft_frames, state.lanes, state.order
    left, right, cross = covariance[0], covariance[1], max(covariance[2], 0.0)
    radius = 0.5 * math.sqrt((left - right) ** 2 + 4.0 * cross * cross)
    larger = 0.5 * (left + right) + radius
    share = 1.0  # of the ambience: smaller over larger eigenvalue
    if larger > 0.0:
        share = max(0.5 * (left + right) - radius, 0.0) / larger
    pan = 0.5 * math.atan2(2.0 * cross, left - right)  # 0 left, pi/4 centre, pi/2 right
    u_left, u_right = math.cos(pan), math.sin(pan)
    gain = math.sqrt(1.0 - share)
    azimuth = state.width_now * (1.0 - 4.0 / math.pi * pan)
    for m in range(order + 1):
        store_f32(harmonics + 4 * m, np.float32(gain * math.cos(m * azimuth)))
        if m < order:
            store_f32(harmonics + 4 * (lanes + m), np.float32(gain * math.sin((m + 1) * azimuth)))
    primary = 1.0 - share
    gain_left = 1.0 / math.sqrt(max(1.0 - u_left * u_left * primary, _LEAST_SHARE))
    gain_right = 1.0 / math.sqrt(max(1.0 - u_right * u_right * primary, _LEAST_SHARE))
    # both ambiences, of the primary's estimate y and of what is at right angles to it, z
    left_y, left_z = gain_left * u_left * share, -gain_left * u_right
    right_y, right_z = gain_right * u_right * share, gain_right * u_left
    ahead, aside = gain * math.cos(azimuth), gain * math.sin(azimuth)
    up = UP_SHARE * state.height_now
    level_gain, up_gain = math.sqrt(1.0 - up), math.sqrt(up)
    heard = carray(as_pointer(state.heard), (n // 2 + 1, 2, 2, 2), np.complex128)
    ul, ur = np.float32(u_left), np.float32(u_right)
    plane, row = state.plane_bytes, 4 * lanes
    half = np.float32(0.5)
    for k in range(begin, end):
        m = n - k if k else 0
        a, b = load_f32(spectrum + 4 * k), load_f32(spectrum + 4 * (n + k))
        c, d = load_f32(spectrum + 4 * m), load_f32(spectrum + 4 * (n + m))
        lr, li, rr, ri = half * (a + c), half * (b - d), half * (b + d), half * (c - a)
        yr, yi = ul * lr + ur * rr, ul * li + ur * ri
        here, there = field + k * row, field + m * row
        vr, vi = splat4(yr), splat4(yi)
        # lanes carry two real signals each, as c + j s; the mirrored bins are theirs conjugated
        for o in range(0, row, 16):
            c4, s4 = load4(harmonics + o), load4(harmonics + row + o)
            store(here + o, fnma(s4, vi, c4 * vr))
            store(here + plane + o, fma(s4, vr, c4 * vi))
            store(there + o, fma(s4, vi, c4 * vr))
            store(there + plane + o, fnma(c4, vi, s4 * vr))
        zr, zi = ul * rr - ur * lr, ul * ri - ur * li
        of_left_y, of_left_z, of_right_y, of_right_z = keep_fold_rt(
            heard[k], level_gain, up_gain, ahead, aside, left_y, left_z, right_y, right_z, share
        )
        y, z = complex(yr, yi), complex(zr, zi)
        left_ambience, right_ambience = of_left_y * y + of_left_z * z, of_right_y * y + of_right_z * z
        for feed in range(0, N_FEEDS, 2):
            ar, ai = _turned_rt(state, feed, k, level_gain, up_gain, left_ambience, right_ambience)
            br, bi = _turned_rt(state, feed + 1, k, level_gain, up_gain, left_ambience, right_ambience)
            o = 4 * (order + 1 + feed // 2)
            store_f32(here + o, ar - bi)
            store_f32(here + plane + o, ai + br)
            store_f32(there + o, ar + bi)
            store_f32(there + plane + o, br - ai)


@rt_jit
def _turned_rt(state, feed, k, level_gain, up_gain, left, right):
    """Return a feed's bin: its side's ambience by the feed's rotor and gain."""
    gain = up_gain if feed % FEEDS_A_SIDE == FEEDS_A_SIDE - 1 else level_gain
    ambience = left if feed < FEEDS_A_SIDE else right
    rotor = state.rotors + 8 * (feed * (state.fft_frames // 2 + 1) + k)
    turned = gain * ambience * complex(load_f32(rotor), load_f32(rotor + 4))
    return np.float32(turned.real), np.float32(turned.imag)
