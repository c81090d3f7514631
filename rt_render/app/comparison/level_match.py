"""How much louder or softer a version must be to be as loud as what it is compared with, in what plays now."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rt_render.hrtf.decoder import diffuse_field_gain

N_FRAMES = 4096
"""Of a look at the field."""
_KEEP = 0.97
"""Of what was measured before, at each look: some thirty looks count."""
_FURTHEST = 2.0
"""The programme moves a gain so far at most from that in a diffuse field: 6 dB."""
_SILENCE = 1e-9
"""Mean square of the field's W below which a look tells nothing."""
# ITU-R BS.1770, with the analogue prototypes of De Man 2018
_SHELF_HZ, _SHELF_Q, _SHELF_HIGH, _SHELF_BAND = (
    1681.974450955533,
    0.7071752369554196,
    1.584864701130855,
    1.258720930232562,
)
_PASS_HZ, _PASS_Q = 38.13547087602444, 0.5003270373238773


class LevelMatch:
    """Weighs a field by what each version's filters make of it at both ears, loudness as BS.1770 has it.

    The head looks ahead for this: what is heard louder or softer because it turned is no fault of a version. Until
    the field was looked at, versions are as loud as the reference in a diffuse field. One thread at a time.
    """

    def __init__(self, fs_hz: int) -> None:
        self._fs_hz = fs_hz
        self._window = np.hanning(N_FRAMES).astype(np.float32)[:, None]
        self._weights = k_weights(np.fft.rfftfreq(N_FRAMES, 1.0 / fs_hz), fs_hz)
        self._answers: list[NDArray[np.complex64]] = []
        self._energy = np.zeros(0)
        self._diffuse = np.zeros(0)
        self._index: dict[str, int] = {}

    def compare(self, reference: NDArray[np.floating], versions: Mapping[str, NDArray[np.floating]]) -> None:
        """Begin anew with filters (2, n_sh, n_taps) for ACN/SN3D: the reference's, and those of versions by name."""
        sets = [reference, *versions.values()]
        self._index = {name: number for number, name in enumerate(versions, start=1)}
        self._answers = [(np.fft.rfft(each, N_FRAMES) * self._weights).astype(np.complex64) for each in sets]
        self._energy = np.zeros(len(sets))
        self._diffuse = np.array([diffuse_field_gain(each, self._fs_hz) for each in sets])

    def take(self, field: NDArray[np.float32]) -> None:
        """Let a stretch of the field (`N_FRAMES`, n_sh), ACN/SN3D in the frame of the world, count."""
        power = np.square(field[:, 0], dtype=np.float64).mean()
        if not (self._answers and _SILENCE < power < np.inf and np.isfinite(field).all()):
            return
        spectra = np.fft.rfft(field * self._window, axis=0).T.astype(np.complex64)
        found = [_energy_at_ears(answers, spectra) for answers in self._answers]
        self._energy = _KEEP * self._energy + found

    def gain_lin(self, name: str) -> float:
        """Return the factor for a version's filters that makes it as loud as the reference."""
        number = self._index[name]
        gain = self._diffuse[0] / self._diffuse[number]
        if self._energy.min() > 0.0:
            measured = np.sqrt(self._energy[0] / self._energy[number])
            gain = np.clip(measured, gain / _FURTHEST, gain * _FURTHEST)
        return float(gain)


def _energy_at_ears(answers: NDArray[np.complex64], spectra: NDArray[np.complex64]) -> float:
    ears = np.einsum("ecf,cf->ef", answers, spectra[: answers.shape[1]])
    return float(np.square(np.abs(ears), dtype=np.float64).sum())


def k_weights(frequency_hz: NDArray[np.floating], fs_hz: int) -> NDArray[np.float64]:
    """Return the gain of BS.1770's K-weighting as digital filters have it, up to half the sample rate."""

    def at(corner_hz: float) -> NDArray[np.complex128]:
        warped = np.tan(np.pi * np.minimum(frequency_hz, 0.4999 * fs_hz) / fs_hz) / np.tan(np.pi * corner_hz / fs_hz)
        return np.asarray(1j * warped, np.complex128)

    s = at(_SHELF_HZ)
    shelf = (_SHELF_HIGH * s * s + _SHELF_BAND / _SHELF_Q * s + 1.0) / (s * s + s / _SHELF_Q + 1.0)
    s = at(_PASS_HZ)
    return np.asarray(np.abs(shelf * s * s / (s * s + s / _PASS_Q + 1.0)), np.float64)
