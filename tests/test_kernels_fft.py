"""The FFT kernel against NumPy's, at every size and number of lanes that engines use."""

import numpy as np
import pytest

from rt_render.kernels.fft import fft_stages_rt, twiddle_table


def transform(x: np.ndarray) -> np.ndarray:
    n, lanes = x.shape
    planes = [np.ascontiguousarray(part, np.float32) for part in (x.real, x.imag)]
    out = np.zeros((4, n, lanes), np.float32)
    table = twiddle_table(n)
    addresses = [plane.ctypes.data for plane in (*out, *planes)]
    fft_stages_rt(*addresses, table.ctypes.data, n, 1, lanes)
    return out[0] + 1j * out[1]


@pytest.mark.parametrize("n", [4, 8, 16, 32, 64, 128, 512, 4096])
@pytest.mark.parametrize("lanes", [4, 8, 16])
def test_agrees_with_numpy(n, lanes):
    rng = np.random.default_rng(n + lanes)
    x = rng.standard_normal((n, lanes)) + 1j * rng.standard_normal((n, lanes))
    expected = np.fft.fft(x, axis=0)
    error = np.abs(transform(x) - expected).max() / np.abs(expected).max()
    assert error < np.log2(n) * np.finfo(np.float32).eps


def test_keeps_energy():
    x = np.random.default_rng(0).standard_normal((256, 8)) * (1 + 0.5j)
    assert np.isclose(np.sum(np.abs(transform(x)) ** 2), 256 * np.sum(np.abs(x) ** 2), rtol=1e-5)
