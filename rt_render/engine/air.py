"""What air takes from a sound on its way: absorption by ISO 9613-1, stood for by a low-pass of one pole."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rt_render.kernels.objects import AIR_STEPS_PER_OCTAVE
from rt_render.kernels.state import AIR_STEPS

MATCHED_DB, MATCHED_UP_TO_HZ = 3.0, 10000.0
"""The low-pass takes what the air does where that is 3 dB, or at 10 kHz where it is less; above, it is the gentler."""
_GRID_HZ = np.geomspace(20.0, MATCHED_UP_TO_HZ, 2000)


def absorption_db_per_m(
    frequency_hz: ArrayLike, temperature_c: float = 20.0, humidity_percent: float = 50.0
) -> NDArray[np.float64]:
    """Return how much a pure tone loses in still air at 101.325 kPa, in dB a metre; frequencies of any shape.

    ISO 9613-1:1993, eq. 3 to 5.
    """
    f_hz = np.asarray(frequency_hz, np.float64)
    kelvin, reference_kelvin, triple_kelvin = temperature_c + 273.15, 293.15, 273.16
    saturation = 10 ** (-6.8346 * (triple_kelvin / kelvin) ** 1.261 + 4.6151)
    water = humidity_percent * saturation
    ratio = kelvin / reference_kelvin
    oxygen_hz = 24 + 4.04e4 * water * (0.02 + water) / (0.391 + water)
    nitrogen_hz = ratio**-0.5 * (9 + 280 * water * np.exp(-4.170 * (ratio ** (-1 / 3) - 1)))
    oxygen = 0.01275 * np.exp(-2239.1 / kelvin) / (oxygen_hz + f_hz**2 / oxygen_hz)
    nitrogen = 0.1068 * np.exp(-3352.0 / kelvin) / (nitrogen_hz + f_hz**2 / nitrogen_hz)
    return np.asarray(8.686 * f_hz**2 * (1.84e-11 * ratio**0.5 + ratio**-2.5 * (oxygen + nitrogen)))


def low_pass_keep(distance_m: ArrayLike, fs_hz: float) -> NDArray[np.float64]:
    """Return the pole of y = keep y + (1 - keep) x that stands for so many metres of air; 0 at 0 m. Any shape."""
    distance = np.asarray(distance_m, np.float64)
    db_per_m = absorption_db_per_m(_GRID_HZ)
    matched_hz = np.interp(MATCHED_DB / np.maximum(distance, 1e-9), db_per_m, _GRID_HZ)
    power = 10 ** (-absorption_db_per_m(matched_hz) * distance / 10)
    cosine = np.cos(2 * np.pi * matched_hz / fs_hz)
    rest, half = 1 - power, 1 - power * cosine
    with np.errstate(divide="ignore", invalid="ignore"):
        keep = (half - np.sqrt(half**2 - rest**2)) / rest
    return np.where(rest > 1e-9, keep, 0.0)


def air_table(fs_hz: float) -> NDArray[np.float32]:
    """Return the poles for the distances beyond the reference that the kernel interpolates between: (AIR_STEPS,)."""
    beyond_m = 2.0 ** (np.arange(AIR_STEPS) / AIR_STEPS_PER_OCTAVE) - 1.0
    return low_pass_keep(beyond_m, fs_hz).astype(np.float32)
