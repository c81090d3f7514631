"""Uniformly partitioned overlap-save convolution (UPOLS) of all channels to two ears.

Two real channels travel as one complex lane: z = x1 + j x2, so X1 = (Z[k] + Z*[n-k]) / 2 and
X2 = (Z[k] - Z*[n-k]) / 2j. Both ears come back as one complex signal, left + j right. With
G = H_left + j H_right per channel, its spectrum is a sum over lanes of

    Y[k] = Z[k] A[k] + conj(Z[n-k]) B[k],   A = (G1 - j G2) / 2,   B = (G1 + j G2) / 2,

so spectra are never unpacked and there is one inverse FFT (`pack_filters` makes A and B).
Partitioning: Wefers 2014, "Partitioned convolution algorithms for real-time auralization", ch. 5.

Lanes are cut in chunks of 4 or 8: one chunk's FFT stays in the first-level cache. A frequency-domain delay
line (FDL) holds per partition and chunk a real and an imaginary plane of `n + 4` rows; row n repeats row 0,
so that the mirrored bin n - k exists for every k. Chunk i carries the channels from 2 chunk i on, so that filters of
a lower order need the first chunks only.
"""

import numpy as np

from rt_render.kernels.fft import fft_stages_rt, radix4_4, radix4_8
from rt_render.kernels.jit import rt_jit
from rt_render.kernels.simd import (
    REVERSE_GROUPS,
    STORE_GROUP_SUMS,
    fma,
    fnma,
    load4,
    load16,
    load_f32,
    splat16,
    store,
    store_f32,
)

PLANE_PAD_ROWS = 4


def plane_floats(n: int, chunk: int) -> int:
    """Return the size of one plane of the delay line in floats."""
    return (n + PLANE_PAD_ROWS) * chunk


def chunks_of(n_sh: int, chunk: int) -> int:
    """Return how many chunks of lanes carry so many channels, two in a lane."""
    return -(-n_sh // (2 * chunk))


def pack_filters(filters: np.ndarray, block_size: int, n_partitions: int, chunk: int) -> np.ndarray:
    """Transform FIR filters into the order in which `multiply_rt` reads them.

    `filters` (2, n_sh, n_taps) float, ears left, right. Of the 2 chunk channels of a chunk, the first half rides in
    the real parts of its lanes, the second in the imaginary parts. Returns float32
    (n / 2 / g + 1, n_partitions, n_chunks, 8, 16) with n = 2 * block_size, g = 16 / chunk bins a vector: for
    bins k..k+g-1 the planes A re, im, B re, im and the same for their mirrors n-k, n-k-1, ...; the factor
    1 / n of the inverse FFT is in it. Control thread; allocates.
    """
    n, g = 2 * block_size, 16 // chunk
    n_sh, n_taps = filters.shape[1:]
    n_chunks = chunks_of(n_sh, chunk)
    lanes = chunk * n_chunks
    padded = np.zeros((2, 2 * lanes, n_partitions * block_size))
    padded[:, :n_sh, :n_taps] = filters
    partitions = padded.reshape(2, 2 * lanes, n_partitions, block_size)
    spectra = np.fft.fft(partitions[0] + 1j * partitions[1], n, axis=-1) / n
    # 1j * right is complex, but so is the FFT: G[k] = L[k] + j R[k] holds over all n bins
    halves = spectra.reshape(n_chunks, 2, chunk, n_partitions, n)
    g1, g2 = (halves[:, half].reshape(lanes, n_partitions, n) for half in range(2))
    a, b = (g1 - 1j * g2) / 2, (g1 + 1j * g2) / 2
    first = np.arange(n // 2 // g + 1)[:, None] * g + np.arange(g)
    out = np.empty((len(first), n_partitions, n_chunks, 8, 16), np.float32)
    for plane, (values, bins) in enumerate([(a, first), (b, first), (a, -first), (b, -first)]):
        # (lane, partition, group, bin in group) -> (group, partition, chunk of lanes, bin in group, lane)
        picked = values[:, :, bins % n].reshape(n_chunks, chunk, n_partitions, len(first), g)
        picked = picked.transpose(3, 2, 0, 4, 1).reshape(len(first), n_partitions, n_chunks, 16)
        out[:, :, :, 2 * plane] = picked.real
        out[:, :, :, 2 * plane + 1] = picked.imag
    return out


def four_step_twiddles(n: int) -> np.ndarray:
    """Return w^(r c), w = exp(-2 pi j / n), as float32 (2, n / 16, 16): real and imaginary planes."""
    w = np.exp(-2j * np.pi * np.outer(np.arange(n // 16), np.arange(16)) / n)
    return np.stack([w.real, w.imag]).astype(np.float32)


def _make_multiply(chunk):
    g = 16 // chunk
    reverse_groups, store_group_sums = REVERSE_GROUPS[chunk], STORE_GROUP_SUMS[chunk]

    @rt_jit
    def multiply(y_re, y_im, fdl, slot_bytes, newest, filters, n, n_partitions, n_chunks):
        """Sum the lanes of the first chunks, all partitions, times their filters into the spectrum of both ears."""
        plane = 4 * (n + PLANE_PAD_ROWS) * chunk
        zero = splat16(np.float32(0.0))
        f = filters
        for k in range(0, n // 2 + 1, g):
            here = 4 * k * chunk
            there = 4 * (n - k - g + 1) * chunk
            yr = yi = mr = mi = zero
            slot = newest
            for _ in range(n_partitions):
                z = fdl + slot * slot_bytes
                for _ in range(n_chunks):
                    zr, zi = load16(z + here), load16(z + plane + here)
                    xr = reverse_groups(load16(z + there))
                    xi = reverse_groups(load16(z + plane + there))
                    ar, ai, br, bi = load16(f), load16(f + 64), load16(f + 128), load16(f + 192)
                    # z a + conj(x) b
                    yr = fnma(zi, ai, fma(zr, ar, yr))
                    yi = fma(zi, ar, fma(zr, ai, yi))
                    yr = fma(xi, bi, fma(xr, br, yr))
                    yi = fnma(xi, br, fma(xr, bi, yi))
                    # the mirrored bins: x a' + conj(z) b'
                    ar, ai, br, bi = load16(f + 256), load16(f + 320), load16(f + 384), load16(f + 448)
                    mr = fnma(xi, ai, fma(xr, ar, mr))
                    mi = fma(xi, ar, fma(xr, ai, mi))
                    mr = fma(zi, bi, fma(zr, br, mr))
                    mi = fnma(zi, br, fma(zr, bi, mi))
                    f += 512
                    z += 2 * plane
                slot = slot - 1 if slot else n_partitions - 1
            mirrored = 4 * (n - k - g + 1)
            store_group_sums(y_re + mirrored, reverse_groups(mr))
            store_group_sums(y_im + mirrored, reverse_groups(mi))
            store_group_sums(y_re + 4 * k, yr)
            store_group_sums(y_im + 4 * k, yi)

    return multiply


_multiply_4, _multiply_8 = _make_multiply(4), _make_multiply(8)


@rt_jit
def forward_rt(slot, spare, previous, current, row_bytes, n, chunk, n_chunks, twiddles):
    """Transform the last two blocks of the first chunks' channels into a slot of the delay line.

    `previous`, `current`: addresses of blocks of n / 2 rows of channels, `row_bytes` apart. `spare`: 4 * n * chunk
    floats. Audio thread.
    """
    m = n // 4
    run = 4 * chunk
    size, plane = n * run, (n + PLANE_PAD_ROWS) * run
    gap, gap2 = m * row_bytes, current - previous
    z = slot
    for i in range(n_chunks):
        re = previous + 2 * i * run
        im = re + run
        w = twiddles
        o = spare
        for _ in range(m):
            if chunk == 8:
                radix4_8(o, o + size, run, re, im, gap, gap2, w, run)
            else:
                radix4_4(o, o + size, run, re, im, gap, gap2, w, run)
            re += row_bytes
            im += row_bytes
            w += 24
            o += 4 * run
        fft_stages_rt(z, z + plane, spare + 2 * size, spare + 3 * size, spare, spare + size, w, m, 4, chunk)
        for part in range(0, run, 16):
            store(z + size + part, load4(z + part))
            store(z + plane + size + part, load4(z + plane + part))
        z += 2 * plane


@rt_jit
def multiply_rt(y_re, y_im, fdl, slot_bytes, newest, filters, n, n_partitions, chunk, n_chunks):
    """Multiply the delay line with a packed filter set of `n_chunks`: spectrum of left + j right, n bins.

    `y_re`, `y_im`: addresses of n + 16 floats each. Audio thread.
    """
    if chunk == 8:
        _multiply_8(y_re, y_im, fdl, slot_bytes, newest, filters, n, n_partitions, n_chunks)
    else:
        _multiply_4(y_re, y_im, fdl, slot_bytes, newest, filters, n, n_partitions, n_chunks)


@rt_jit
def inverse_rt(out_re, out_im, spare, y_re, y_im, n, twiddles_columns, twiddles_16, twiddles_between):
    """Transform one spectrum of n bins back: four steps with 16 columns (Van Loan 1992, sec. 3.2).

    The planes of one transform are seen as n / 16 rows of 16 lanes: FFTs down the columns, twiddles,
    transposition, FFTs of 16. `spare`: 6 * n floats. Audio thread.
    """
    rows = n // 16
    size = 4 * n
    a_re, a_im, b_re, b_im = spare, spare + size, spare + 2 * size, spare + 3 * size
    # the inverse is the forward transform with the planes swapped, here and at the end
    fft_stages_rt(a_im, a_re, b_im, b_re, y_im, y_re, twiddles_columns, rows, 1, 16)
    for r in range(0, size, 64):
        ar, ai = load16(a_im + r), load16(a_re + r)
        wr, wi = load16(twiddles_between + r), load16(twiddles_between + size + r)
        store(a_im + r, fnma(ai, wi, ar * wr))
        store(a_re + r, fma(ai, wr, ar * wi))
    for r in range(rows):
        for c in range(16):
            store_f32(b_re + 4 * (c * rows + r), load_f32(a_re + 4 * (16 * r + c)))
            store_f32(b_im + 4 * (c * rows + r), load_f32(a_im + 4 * (16 * r + c)))
    fft_stages_rt(out_im, out_re, spare + 4 * size, spare + 5 * size, b_im, b_re, twiddles_16, 16, 1, rows)
