"""One signal becomes another of the same spectrum that has little in common with it: all-pass filters in a row.

Schroeder 1962, "Natural Sounding Artificial Reverberation", JAES 10:219: v[n] = x[n] + g v[n - d],
y[n] = v[n - d] - g v[n]. Delays of some milliseconds: a click stays one sound.
"""

from rt_render.kernels.jit import rt_jit
from rt_render.kernels.simd import clean, fma, fnma, load16, splat_load16, store


@rt_jit
def allpass_rt(signal, line, line_frames, delay, gain, n_frames):
    """Filter a signal in place. Audio thread.

    `line`: the section's memory of `line_frames` + n_frames floats, `gain`: where g is; `delay`: 16 to `line_frames`
    frames; `line_frames` and `n_frames` are multiples of 16.
    """
    g = splat_load16(gain)
    new = line + 4 * line_frames
    for o in range(0, 4 * n_frames, 64):
        delayed = load16(new - 4 * delay + o)
        v = clean(fma(g, delayed, load16(signal + o)))
        store(new + o, v)
        store(signal + o, fnma(g, v, delayed))
    for o in range(0, 4 * line_frames, 64):
        store(line + o, load16(line + 4 * n_frames + o))
