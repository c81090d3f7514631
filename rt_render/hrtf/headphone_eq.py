"""Headphone equalisers: parametric filters (AutoEq) or measured responses, as minimum-phase filters.

Only the shape of an equaliser counts here. Its mean level from 200 Hz to 8 kHz is made 1, so that switching
it on does not change the loudness; a preamplification in a file is therefore read and dropped.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rt_render.errors import InputFileError
from rt_render.hrtf.bands import bin_frequencies_hz, erb_centres_hz, gammatone_power
from rt_render.hrtf.minimum_phase import end_fade, minimum_phase_taps

WHOLE_EQ_TAPS = 8192
"""Longer than any equaliser rings that is worth its name."""
_N_BINS = 8193
_KINDS = {"PK": "peak", "PEQ": "peak", "LS": "low", "LSC": "low", "HS": "high", "HSC": "high"}
_NUMBER = r"([-+]?\d+(?:[.,]\d+)?)"
_FILTER = re.compile(
    rf"Filter\s*\d*\s*:\s*(ON|OFF)\s+(\w+)\s+Fc\s+{_NUMBER}\s*Hz\s+Gain\s+{_NUMBER}\s*dB(?:\s+Q\s+{_NUMBER})?$",
    re.IGNORECASE,
)
_PREAMP = re.compile(rf"Preamp\s*:\s*{_NUMBER}\s*dB$", re.IGNORECASE)


@dataclass(frozen=True)
class Biquad:
    """One parametric filter: `kind` is peak, low (shelf) or high (shelf); centre in Hz, gain in dB, Q."""

    kind: str
    centre_hz: float
    gain_db: float
    q: float


def parse_parametric_eq(text: str, where: str) -> tuple[Biquad, ...]:
    """Return the filters that are ON in the text of an AutoEq ParametricEQ.txt.

    Lines are `Preamp: G dB` and `Filter N: ON PK|LS|LSC|HS|HSC Fc F Hz Gain G dB Q Q`; empty lines and
    comments (#) are skipped. Raises InputFileError naming `where` and the line. Any thread.
    """
    found = []
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#") or _PREAMP.match(line):
            continue
        match = _FILTER.match(line)
        if match is None:
            raise InputFileError(
                f"{where}, line {number}: {line[:60]!r} is not understood; expected "
                "'Filter 1: ON PK Fc 105 Hz Gain -3.5 dB Q 0.70' as AutoEq writes ParametricEQ.txt."
            )
        state, kind, *numbers = match.groups()
        if kind.upper() not in _KINDS:
            raise InputFileError(
                f"{where}, line {number}: filter type {kind!r}; allowed are {', '.join(_KINDS)}: "
                "export the equaliser with these."
            )
        centre_hz, gain_db, q = (float(n.replace(",", ".")) if n else np.sqrt(0.5) for n in numbers)
        if not (10 <= centre_hz <= 24000 and abs(gain_db) <= 40 and 0.05 <= q <= 50):
            raise InputFileError(
                f"{where}, line {number}: Fc {centre_hz:g} Hz, gain {gain_db:g} dB, Q {q:g}; allowed are 10 to "
                "24000 Hz, -40 to 40 dB, 0.05 to 50: correct the line."
            )
        if state.upper() == "ON":
            found.append(Biquad(_KINDS[kind.upper()], centre_hz, gain_db, float(q)))
    if not found:
        raise InputFileError(f"{where}: no filter is ON; choose a ParametricEQ.txt with at least one filter.")
    return tuple(found)


def parametric_eq_taps(filters: tuple[Biquad, ...], fs_hz: float, n_taps: int) -> NDArray[np.float64]:
    """Return a minimum-phase equaliser (n_taps,) at `fs_hz`, mean level 1 from 200 Hz to 8 kHz.

    The magnitude is that of the filters at 192 kHz, whatever `fs_hz`: no cramping near Nyquist. Any thread.
    """
    frequency_hz = np.linspace(0, fs_hz / 2, _N_BINS)
    magnitude = np.prod([biquad_magnitude(f, frequency_hz, 192000.0) for f in filters], axis=0)
    return minimum_phase_taps(magnitude / _mean_level(magnitude, frequency_hz), n_taps)


def measured_eq_taps(
    response: NDArray[np.floating], response_fs_hz: float, fs_hz: float, n_taps: int, where: str
) -> NDArray[np.float64]:
    """Return minimum-phase equalisers (n_ears, n_taps) at `fs_hz` with the magnitude of given responses.

    `response` (n_frames, n_ears), one ear for both or left and right, at `response_fs_hz`. Above its Nyquist
    the last value is held. The mean level over both ears becomes 1. Raises InputFileError naming `where`
    for another channel count, silence, non-finite samples or more than 1 s. Any thread.
    """
    if response.ndim != 2 or response.shape[1] not in (1, 2):
        raise InputFileError(
            f"{where}: a headphone equaliser of shape {response.shape}; allowed are 1 or 2 channels: "
            "export it as a mono or stereo impulse response."
        )
    if not np.all(np.isfinite(response)) or not np.any(response):
        raise InputFileError(
            f"{where}: the impulse response is {'silent' if np.all(np.isfinite(response)) else 'not finite'}; "
            "export it again."
        )
    if len(response) > response_fs_hz:
        raise InputFileError(
            f"{where}: {len(response) / response_fs_hz:.1f} s long; a headphone equaliser is an impulse response "
            "of at most 1 s: choose another file."
        )
    n_fft = max(2 * (_N_BINS - 1), 1 << (len(response) - 1).bit_length())
    spectrum = np.abs(np.fft.rfft(response.T, n_fft))
    frequency_hz = np.linspace(0, fs_hz / 2, _N_BINS)
    own_hz = bin_frequencies_hz(n_fft, response_fs_hz)
    # The last bins below Nyquist sink into the anti-alias filter of whoever made the file.
    trusted = own_hz <= 0.45 * response_fs_hz
    magnitude = np.stack([np.interp(frequency_hz, own_hz[trusted], ear[trusted]) for ear in spectrum])
    level = _mean_level(magnitude, frequency_hz)
    if level < 1e-9:
        raise InputFileError(f"{where}: the impulse response passes nothing from 200 Hz to 8 kHz; export it again.")
    return minimum_phase_taps(magnitude / level, n_taps)


def shortening_error(taps: NDArray[np.float64], n_taps: int, fs_hz: float) -> tuple[float, float]:
    """Return by how many dB, and where in Hz, equalisers change most when cut and faded out at `n_taps`.

    `taps` (n_ears, n) at `fs_hz`; levels are those of auditory bands from 50 Hz to 16 kHz. The sign is that of
    what is lost or gained. Nothing is modified. Any thread.
    """
    cut = taps[:, :n_taps].copy()
    if taps.shape[1] > n_taps:
        cut *= end_fade(n_taps)
    n_fft = 2 << (taps.shape[1] - 1).bit_length()
    centres_hz = erb_centres_hz(50.0, 16000.0)
    bands = gammatone_power(bin_frequencies_hz(n_fft, fs_hz), centres_hz)
    whole, kept = (np.abs(np.fft.rfft(ears, n_fft)) ** 2 @ bands.T for ears in (taps, cut))
    change_db = 10 * np.log10((kept + 1e-12) / (whole + 1e-12))
    ear, band = np.unravel_index(np.argmax(np.abs(change_db)), change_db.shape)
    return float(change_db[ear, band]), float(centres_hz[band])


def biquad_magnitude(biquad: Biquad, frequency_hz: NDArray[np.float64], fs_hz: float) -> NDArray[np.float64]:
    """Return |H| of one parametric filter at frequencies in Hz (Bristow-Johnson, Audio EQ Cookbook)."""
    amplitude = 10.0 ** (biquad.gain_db / 40.0)
    w0 = 2 * np.pi * biquad.centre_hz / fs_hz
    cos, alpha = np.cos(w0), np.sin(w0) / (2 * biquad.q)
    if biquad.kind == "peak":
        b = (1 + alpha * amplitude, -2 * cos, 1 - alpha * amplitude)
        a = (1 + alpha / amplitude, -2 * cos, 1 - alpha / amplitude)
    else:
        # A high shelf is a low shelf with the sign of its cosine terms turned.
        side = 1.0 if biquad.kind == "low" else -1.0
        up, down, root = amplitude + 1, amplitude - 1, 2 * np.sqrt(amplitude) * alpha
        b = (
            amplitude * (up - side * down * cos + root),
            side * 2 * amplitude * (down - side * up * cos),
            amplitude * (up - side * down * cos - root),
        )
        a = (
            up + side * down * cos + root,
            -side * 2 * (down + side * up * cos),
            up + side * down * cos - root,
        )
    z = np.exp(-2j * np.pi * frequency_hz / fs_hz)
    return np.asarray(np.abs(np.polyval(b[::-1], z) / np.polyval(a[::-1], z)))


def _mean_level(magnitude: NDArray[np.float64], frequency_hz: NDArray[np.float64]) -> float:
    """Mean over a logarithmic frequency axis of the power, as an amplitude; over the ears if there are two."""
    grid_hz = np.geomspace(200.0, 8000.0, 400)
    power = [np.interp(grid_hz, frequency_hz, ear**2) for ear in np.atleast_2d(magnitude)]
    return float(np.sqrt(np.mean(power)))
