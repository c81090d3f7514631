"""Many complex FFTs side by side: Stockham radix 4, split real and imaginary planes, lanes contiguous.

A plane of `n` points and `lanes` transforms is laid out [point, lane]. In every stage the points that share
a twiddle factor are, with all their lanes, one contiguous run, so the inner loop is straight vector code.
Van Loan 1992, "Computational Frameworks for the Fast Fourier Transform", sec. 1.7 (Stockham autosort).
Forward transforms use exp(-j...); the inverse is the forward one with real and imaginary planes swapped.
"""

import numpy as np

from rt_render.kernels.jit import rt_jit
from rt_render.kernels.simd import LOAD, SPLAT_LOAD, fma, fnma, store


def twiddle_table(n: int) -> np.ndarray:
    """Return the twiddle factors of all radix-4 stages of an n-point FFT, n a power of two.

    float32 (k,): per stage (sizes n, n/4, ...) and per p < size/4 six numbers, re and im of w^p, w^2p, w^3p
    with w = exp(-2 pi j / size). A last radix-2 stage needs none.
    """
    stages = [np.zeros(0)]
    while n >= 4:
        p = np.arange(n // 4)[:, None] * np.array([1, 2, 3])
        w = np.exp(-2j * np.pi * p / n)
        stages.append(np.stack([w.real, w.imag], axis=-1).reshape(-1))
        n //= 4
    return np.concatenate(stages).astype(np.float32)


def _make_radix4(width):
    load, splat_load = LOAD[width], SPLAT_LOAD[width]

    @rt_jit
    def radix4(out_re, out_im, out_gap, re, im, gap, gap2, w, run):
        """Butterfly a run (bytes) of points that share the six twiddle numbers at `w`.

        The four inputs lie at 0, gap, gap2, gap2 + gap behind `re` and `im`; the outputs `out_gap` apart.
        """
        w1r, w1i = splat_load(w), splat_load(w + 4)
        w2r, w2i = splat_load(w + 8), splat_load(w + 12)
        w3r, w3i = splat_load(w + 16), splat_load(w + 20)
        for o in range(0, run, 4 * width):
            ar, ai = load(re + o), load(im + o)
            br, bi = load(re + gap + o), load(im + gap + o)
            cr, ci = load(re + gap2 + o), load(im + gap2 + o)
            dr, di = load(re + gap2 + gap + o), load(im + gap2 + gap + o)
            sr, si = ar + cr, ai + ci
            tr, ti = br + dr, bi + di
            ur, ui = ar - cr, ai - ci
            vr, vi = br - dr, bi - di
            store(out_re + o, sr + tr)
            store(out_im + o, si + ti)
            xr, xi = ur + vi, ui - vr
            store(out_re + out_gap + o, fnma(xi, w1i, xr * w1r))
            store(out_im + out_gap + o, fma(xi, w1r, xr * w1i))
            xr, xi = sr - tr, si - ti
            store(out_re + 2 * out_gap + o, fnma(xi, w2i, xr * w2r))
            store(out_im + 2 * out_gap + o, fma(xi, w2r, xr * w2i))
            xr, xi = ur - vi, ui + vr
            store(out_re + 3 * out_gap + o, fnma(xi, w3i, xr * w3r))
            store(out_im + 3 * out_gap + o, fma(xi, w3r, xr * w3i))

    return radix4


def _make_last4(width):
    load = LOAD[width]

    @rt_jit
    def last4(out_re, out_im, re, im, gap):
        """Butterfly the last radix-4 stage, in which all twiddles are one."""
        for o in range(0, gap, 4 * width):
            ar, ai = load(re + o), load(im + o)
            br, bi = load(re + gap + o), load(im + gap + o)
            cr, ci = load(re + 2 * gap + o), load(im + 2 * gap + o)
            dr, di = load(re + 3 * gap + o), load(im + 3 * gap + o)
            sr, si = ar + cr, ai + ci
            tr, ti = br + dr, bi + di
            ur, ui = ar - cr, ai - ci
            vr, vi = br - dr, bi - di
            store(out_re + o, sr + tr)
            store(out_im + o, si + ti)
            store(out_re + gap + o, ur + vi)
            store(out_im + gap + o, ui - vr)
            store(out_re + 2 * gap + o, sr - tr)
            store(out_im + 2 * gap + o, si - ti)
            store(out_re + 3 * gap + o, ur - vi)
            store(out_im + 3 * gap + o, ui + vr)

    return last4


def _make_last2(width):
    load = LOAD[width]

    @rt_jit
    def last2(out_re, out_im, re, im, gap):
        """Butterfly a last radix-2 stage."""
        for o in range(0, gap, 4 * width):
            ar, ai = load(re + o), load(im + o)
            br, bi = load(re + gap + o), load(im + gap + o)
            store(out_re + o, ar + br)
            store(out_im + o, ai + bi)
            store(out_re + gap + o, ar - br)
            store(out_im + gap + o, ai - bi)

    return last2


radix4_4, radix4_8, radix4_16 = _make_radix4(4), _make_radix4(8), _make_radix4(16)
_last4_4, _last4_8, _last4_16 = _make_last4(4), _make_last4(8), _make_last4(16)
_last2_4, _last2_8, _last2_16 = _make_last2(4), _make_last2(8), _make_last2(16)


@rt_jit
def fft_stages_rt(out_re, out_im, spare_re, spare_im, in_re, in_im, w, n, s, lanes):
    """Run the Stockham stages of size n, n/4, ... to the end, on planes of n * s points.

    Addresses of float32 planes: the result lands in `out`, `spare` is overwritten, the input is kept. `s`
    counts the transforms already split off: 1 to begin with, 4 behind a first radix-4 stage. `w` points at
    the first stage's twiddles; `lanes` is a multiple of 4. Audio thread.
    """
    src_re, src_im = in_re, in_im
    stages_left = 0
    size = n
    while size > 1:
        size = size // 4 if size >= 4 else 1
        stages_left += 1
    while n > 1:
        # alternate between the two planes so that the last stage writes to `out`
        to_out = stages_left % 2 == 1
        dst_re = out_re if to_out else spare_re
        dst_im = out_im if to_out else spare_im
        run = 4 * s * lanes
        if n == 2:
            if run % 64 == 0:
                _last2_16(dst_re, dst_im, src_re, src_im, run)
            elif run % 32 == 0:
                _last2_8(dst_re, dst_im, src_re, src_im, run)
            else:
                _last2_4(dst_re, dst_im, src_re, src_im, run)
            n = 1
        elif n == 4:
            if run % 64 == 0:
                _last4_16(dst_re, dst_im, src_re, src_im, run)
            elif run % 32 == 0:
                _last4_8(dst_re, dst_im, src_re, src_im, run)
            else:
                _last4_4(dst_re, dst_im, src_re, src_im, run)
            n = 1
        else:
            m = n // 4
            gap = m * run
            for p in range(m):
                i, o = p * run, 4 * p * run
                if run % 64 == 0:
                    radix4_16(dst_re + o, dst_im + o, run, src_re + i, src_im + i, gap, 2 * gap, w + 24 * p, run)
                elif run % 32 == 0:
                    radix4_8(dst_re + o, dst_im + o, run, src_re + i, src_im + i, gap, 2 * gap, w + 24 * p, run)
                else:
                    radix4_4(dst_re + o, dst_im + o, run, src_re + i, src_im + i, gap, 2 * gap, w + 24 * p, run)
            w += 24 * m
            n = m
        s *= 4
        stages_left -= 1
        src_re, src_im = dst_re, dst_im
