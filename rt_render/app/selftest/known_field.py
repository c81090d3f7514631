"""A broadband plane wave without end: noise of one period whose spectrum is flat, so that one period tells all."""

import numpy as np
from numpy.typing import NDArray

from rt_render.ambisonics.encoding import encode_plane_wave
from rt_render.app.selftest.trials import SOURCES

LEVEL_RMS = 0.05


class KnownField:
    """A source of the plane wave of one place at a time (`io.source.Source`); `face` changes the place, any thread.

    The period is `n_period` frames, a power of two; every bin of its spectrum but the first and the last has the
    same magnitude and a random phase from a fixed seed.
    """

    n_frames: int | None = None
    title = "known field"

    def __init__(self, order: int, fs_hz: int, n_period: int) -> None:
        self.order, self.fs_hz, self.n_period = order, fs_hz, n_period
        self.notes: list[str] = []
        phase = np.random.default_rng(7).uniform(0.0, 2.0 * np.pi, n_period // 2 + 1)
        spectrum = np.exp(1j * phase)
        spectrum[[0, -1]] = 0.0
        signal = np.fft.irfft(spectrum)
        scale = LEVEL_RMS / np.sqrt(np.mean(signal**2))
        self._signal, self._spectrum = scale * signal, scale * spectrum
        self._at = 0
        self.face("front")

    def face(self, source: str) -> None:
        """Let the sound come from one of `SOURCES` from the next read on."""
        azimuth_rad, elevation_rad = np.radians(SOURCES[source])
        self._field = encode_plane_wave(self._signal, self.order, azimuth_rad, elevation_rad).astype(np.float32)

    def read(self, n_frames: int) -> NDArray[np.float32]:
        """Return the next frames (n_frames, n_sh). Reader thread."""
        frames = self._field[(self._at + np.arange(n_frames)) % self.n_period]
        self._at += n_frames
        return frames

    def seek(self, frame: int) -> None:
        """Go on at this frame."""
        self._at = frame

    def close(self) -> None:
        """Hold nothing."""

    def responses(self, heard: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the ear responses (2, n_period) from one period of what was heard (n_period, 2), wherever in the
        period it begins: the responses are turned about by as much, both alike."""
        spectrum = np.fft.rfft(heard.T)
        spectrum[:, 1:-1] /= self._spectrum[1:-1]
        spectrum[:, [0, -1]] = 0.0
        return np.fft.irfft(spectrum)
