"""The record that `engine.panorama` prepares and the native panorama works on: their whole contract.

Every field is 8 bytes wide. `width_rad` and `height` are written by the control side at any time; the rest is fixed, or
the audio thread's own. Addresses are byte addresses of float32 buffers, if not said otherwise.
"""

import numpy as np

FEEDS_A_SIDE = 3
"""Front side, back and above: the last is the one that `height` feeds."""
N_FEEDS = 2 * FEEDS_A_SIDE

_I, _F = np.int64, np.float64
PANORAMA = np.dtype(
    [
        ("width_rad", _F),  # in: azimuth of what is panned hard left
        ("height", _F),  # in: 0 to 1
        ("width_now", _F),
        ("height_now", _F),
        ("settings_keep", _F),  # a hop's smoothing of the two
        ("order", _I),
        ("n_sh", _I),
        ("columns", _I),  # n_sh rounded up to 16
        ("fft_frames", _I),
        ("hop", _I),
        ("lanes", _I),  # complex lanes of the inverse FFT: `order` + 1 of harmonics, three of feeds, padded
        ("plane_bytes", _I),  # from a plane of lanes to the next: padded, so that they do not share cache lines
        ("count", _I),  # frames of the hop that have come in and gone out
        ("n_bands", _I),
        ("band_starts", _I),  # int64 (n_bands + 1,), bins
        ("covariance", _I),  # float64 (n_bands, 3): left, right, real part of the cross power
        ("covariance_keep", _F),  # a hop's smoothing
        ("history", _I),  # (2, fft_frames): the newest frames, left and right
        ("window", _I),  # (fft_frames,): analysis
        ("window_out", _I),  # (fft_frames,): synthesis, with the inverse FFT's factor
        ("spectrum", _I),  # (2, fft_frames): real and imaginary plane of left + j right
        ("spare", _I),  # two planes of lanes, of which the forward FFT needs 6 fft_frames floats
        ("harmonics", _I),  # (2, lanes): a band's cosines and sines of multiples of its azimuth
        ("field", _I),  # two planes (fft_frames, lanes): spectra of the circular harmonics and the feeds
        ("turned", _I),  # two planes: the same as signals
        ("overlap", _I),  # two planes: their overlapped sum, the first `hop` frames are whole
        ("rotors", _I),  # (N_FEEDS, fft_frames / 2 + 1, 2): what a bin of ambience is multiplied with, re and im
        ("heard", _I),  # complex128 (fft_frames / 2 + 1, 2, 2, 2): horizon and above, x and y, left and right ambience
        ("directions", _I),  # (3, 16): x, y, z of the feeds, then the front
        ("shapes", _I),  # (n_sh, 16): the harmonics of these directions
        ("encoding", _I),  # (2 (order + 1) + N_FEEDS, columns): cosines and sines in turns, then feeds
        ("encoding_made", _I),
        ("ready", _I),  # (hop, columns): the field that goes out
        ("twiddles", _I),
        ("twiddles_columns", _I),
        ("twiddles_16", _I),
        ("twiddles_between", _I),
    ]
)
