"""Heads that come with the project: the measured default, and a rigid sphere as an honest fallback."""

from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from scipy.special import eval_legendre, roots_legendre, spherical_jn, spherical_yn

from rt_render.ambisonics.harmonics import spherical_to_cartesian
from rt_render.hrtf.bands import bin_frequencies_hz
from rt_render.hrtf.equalise import diffuse_field_equalised
from rt_render.hrtf.hrir_set import HrirSet

HEAD_NAMES = ("kemar", "kemar-df", "sphere")
"""Heads that need no file: KEMAR as measured, KEMAR with its diffuse field equalised, a rigid sphere."""
_SPEED_OF_SOUND_M_S = 343.0


def built_in_head(name: str, fs_hz: float) -> HrirSet:
    """Return one of `HEAD_NAMES`; raises ValueError for another name. Any thread.

    The measured head comes at its own rate (the design resamples), the computed one at `fs_hz`.
    """
    if name == "kemar":
        return kemar()
    if name == "kemar-df":
        return diffuse_field_equalised(kemar())
    if name == "sphere":
        return sphere_head(fs_hz=fs_hz)
    raise ValueError(f"head {name!r}: allowed are {', '.join(HEAD_NAMES)}")


@lru_cache(maxsize=1)
def kemar() -> HrirSet:
    """Return MIT's KEMAR dummy head as measured: 710 directions at 1.4 m, 512 taps, 44.1 kHz, 1.0 full scale.

    The right ear is the mirror image of the measured left one, exactly. Nothing was measured below -40
    degrees of elevation. Any thread; treat the arrays as read-only.

    Gardner, Martin 1994, "HRTF Measurements of a KEMAR Dummy-Head Microphone", MIT Media Lab TR 280.
    """
    with (files("rt_render.hrtf") / "data" / "kemar.npz").open("rb") as file, np.load(file) as data:
        left = data["left_int16"] / 32768.0
        azimuth_rad, elevation_rad = np.deg2rad(data["azimuth_deg"]), np.deg2rad(data["elevation_deg"])
        fs_hz, distance_m = float(data["fs_hz"]), float(data["distance_m"])
    one_ear = HrirSet("KEMAR", left[:, None], azimuth_rad, elevation_rad, fs_hz)
    right = left[one_ear.nearest(-azimuth_rad, elevation_rad)]
    return HrirSet(
        name="MIT KEMAR, normal pinna",
        hrirs=np.stack([left, right], axis=1),
        azimuth_rad=azimuth_rad,
        elevation_rad=elevation_rad,
        fs_hz=fs_hz,
        distance_m=distance_m,
        terms="Gardner and Martin 1994, MIT Media Lab TR 280; free for any use, cite the authors",
    )


def sphere_head(radius_m: float = 0.0875, fs_hz: float = 48000.0) -> HrirSet:
    """Return the responses of a rigid sphere with its ears at +-90 degrees to plane waves.

    882 directions over the whole sphere, 256 taps and more at higher rates, exactly mirror-symmetric; the
    gain is 1 at low frequencies. It has no pinna: side is heard, front and back and height are not. Any
    thread. Raises ValueError for a radius outside 0.03 to 0.2 m.

    Duda, Martens 1998, "Range dependence of the response of a spherical head model", JASA 104, eq. 3-5.
    """
    if not 0.03 <= radius_m <= 0.2:
        raise ValueError(f"sphere radius {radius_m} m: allowed are 0.03 to 0.2 m")
    height, _ = roots_legendre(21)
    azimuth_rad, elevation_rad = (
        grid.reshape(-1) for grid in np.meshgrid(np.arange(42) * 2 * np.pi / 42, np.arcsin(height), indexing="ij")
    )
    n_taps = int(256 * np.ceil(fs_hz / 48000))
    n_fft = 4 * n_taps
    frequency_hz = bin_frequencies_hz(n_fft, fs_hz)
    spectrum = sphere_response(
        spherical_to_cartesian(azimuth_rad, elevation_rad)[:, 1],
        2 * np.pi * frequency_hz * radius_m / _SPEED_OF_SOUND_M_S,
    )
    # A quarter of the length before the centre's arrival, and a soft band edge, keep the response compact.
    edge = np.clip((frequency_hz / (fs_hz / 2) - 0.85) / 0.15, 0, 1)
    spectrum *= np.exp(-0.5j * np.pi * np.arange(len(frequency_hz)) * n_taps / n_fft) * np.cos(0.5 * np.pi * edge)
    left = np.fft.irfft(spectrum, n_fft)[:, :n_taps]
    one_ear = HrirSet("sphere", left[:, None], azimuth_rad, elevation_rad, fs_hz)
    right = left[one_ear.nearest(-azimuth_rad, elevation_rad)]
    return HrirSet(
        name=f"rigid sphere, {100 * radius_m:g} cm",
        hrirs=np.stack([left, right], axis=1),
        azimuth_rad=azimuth_rad,
        elevation_rad=elevation_rad,
        fs_hz=fs_hz,
        terms="computed after Duda and Martens 1998",
    )


def sphere_response(cos_incidence: NDArray[np.float64], ka: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return pressure on a rigid sphere over free-field pressure at its centre, for plane waves.

    `cos_incidence` (n_dirs,) is the cosine of the angle between source and ear, `ka` (n_freqs,) is
    wavenumber times radius, rising from 0. Returns (n_dirs, n_freqs); time dependence exp(+i w t), so a
    later arrival has a falling phase.
    """
    degrees = np.arange(int(1.2 * ka[-1]) + 25)
    x = np.maximum(ka, 1e-3)[:, None]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        slope = spherical_jn(degrees, x, derivative=True) - 1j * spherical_yn(degrees, x, derivative=True)
    # High degrees at low ka overflow: their share of the sum is zero.
    share = np.where(np.isfinite(slope), 1.0 / np.where(np.isfinite(slope), slope, 1.0), 0.0)
    series = share * (2 * degrees + 1) * 1j ** (degrees % 4)
    pressure = (eval_legendre(degrees, cos_incidence[:, None]) @ series.T) * (-1j / x[:, 0] ** 2)
    pressure[:, ka == 0] = 1.0
    return np.asarray(pressure, np.complex128)
