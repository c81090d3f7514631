"""From a head to the filters that turn an ambisonic field into two ear signals."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rt_render.ambisonics.harmonics import real_sh_sn3d
from rt_render.conventions import MAX_ORDER_EXACT, n_sh
from rt_render.errors import ConfigurationError, InputFileError
from rt_render.hrtf.bands import bin_frequencies_hz
from rt_render.hrtf.cache import load_filters, save_filters
from rt_render.hrtf.hrir_set import HrirSet
from rt_render.hrtf.least_squares import (
    DesignTarget,
    causal_taps,
    equalise_diffuse_field,
    n3d_gains,
    prepare_target,
    solve_least_squares,
    solve_magls,
)
from rt_render.hrtf.minimum_phase import convolved, end_fade
from rt_render.hrtf.refine import refine_taps

METHODS = ("auto", "ls", "magls", "magls-refined")
"""Ways to design; `auto` is the one that wins at every order, `magls-refined`."""
ALGORITHM_VERSION = 1
"""Raised whenever a design from the same head would give other filters: old cache entries are not used."""
_EQUALISING_VERSION = 2
"""The same for designs with a headphone equaliser alone."""
DIFFUSE_FIELD_GAIN = 0.108
"""Rms gain of every decoder in a diffuse field, 200 Hz to 16 kHz: heads and orders are equally loud."""
FRONTAL_PEAK = 10.0 ** (-3.0 / 20.0)
"""Largest peak at an ear for a frontal plane wave of peak 1, whatever its waveform: -3 dBFS."""
N_TAPS_RANGE = (32, 4096)

Progress = Callable[[float, str], None]


@dataclass(frozen=True, eq=False)
class Decoder:
    """Filters for ACN/SN3D input: an ear signal is the sum over channels of channel convolved with filter.

    `filters` (2, n_sh, n_taps) float32, ears left, right, C-contiguous, treated as read-only; `onset_frames`
    is where the arrival from the front begins to peak, the latency a listener hears; `attenuation_db` is
    what was taken off the common loudness to keep a frontal wave below -3 dBFS (0 for the default head);
    `content_hash` names head, parameters and algorithm. Any thread.
    """

    filters: NDArray[np.float32]
    fs_hz: float
    order: int
    method: str
    head: str
    terms: str
    onset_frames: int
    attenuation_db: float
    content_hash: str

    @property
    def n_taps(self) -> int:
        """Length of the filters in frames."""
        return int(self.filters.shape[2])

    @property
    def mirror_symmetric(self) -> bool:
        """Whether right is left with the channels of m < 0 negated, to the last bit."""
        return bool(np.array_equal(self.filters[1], self.filters[0] * _mirror_signs(self.order)))


def design_decoder(
    hrirs: HrirSet,
    order: int,
    method: str = "auto",
    n_taps: int = 256,
    fs_hz: float = 48000.0,
    headphone_eq: NDArray[np.floating] | None = None,
    progress: Progress | None = None,
    use_cache: bool = True,
) -> Decoder:
    """Design the decoder of a head, or find it among the ready-made ones or in the cache.

    Parameters: `hrirs` at any rate; `order` 0..10; `method` one of `METHODS`; `n_taps` 32..4096, at `fs_hz`;
    `headphone_eq` minimum-phase filters (n,) or (1 or 2, n) at `fs_hz`, folded in before the filters are faded
    and cut; `progress(share, text)` is called in this thread. The level is `DIFFUSE_FIELD_GAIN` for every
    head, less where a frontal wave would exceed `FRONTAL_PEAK`. An exactly symmetric head gives exactly
    symmetric filters. Raises ConfigurationError for a parameter out of range. Takes about a second; not for
    the audio thread.
    """
    _check(order, method, n_taps, fs_hz)
    tell = progress or (lambda share, text: None)
    chosen = "magls-refined" if method == "auto" else method
    eq = None if headphone_eq is None else np.atleast_2d(np.asarray(headphone_eq, np.float64))
    key = _key(hrirs, order, chosen, n_taps, fs_hz, eq)
    filters = _ready_made(key, order, n_taps) if use_cache else None
    if filters is None:
        tell(0.0, f"designing order {order} for {hrirs.name}")
        filters = _design(hrirs, order, chosen, n_taps, fs_hz, eq, tell)
        if use_cache:
            save_filters(key, filters)
    tell(1.0, f"order {order} for {hrirs.name} ready")
    front = _frontal_ears(filters)
    return Decoder(
        filters=filters,
        fs_hz=fs_hz,
        order=order,
        method=chosen,
        head=hrirs.name,
        terms=hrirs.terms,
        onset_frames=int(np.argmax(np.sum(front**2, axis=0))),
        attenuation_db=_attenuation_db(filters, fs_hz),
        content_hash=key,
    )


def export_decoder(decoder: Decoder, path: Path) -> None:
    """Write a decoder as an .npz: `filters` (2, n_sh, n_taps) float32 for ACN/SN3D, ears left, right; `fs_hz`.

    Order, method, head, terms, onset and hash go with it. An existing file is replaced. Raises
    InputFileError where the file cannot be written.
    """
    try:
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                filters=decoder.filters,
                fs_hz=decoder.fs_hz,
                order=decoder.order,
                convention="ACN, SN3D; ears left, right",
                method=decoder.method,
                head=decoder.head,
                terms=decoder.terms,
                onset_frames=decoder.onset_frames,
                content_hash=decoder.content_hash,
            )
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise InputFileError(f"{path}: cannot be written ({reason}); choose another place.") from None


def diffuse_field_gain(filters: NDArray[np.floating], fs_hz: float) -> float:
    """Return the rms gain of SN3D filters in a diffuse field, over both ears and 200 Hz to 16 kHz."""
    n3d = filters / n3d_gains(round(np.sqrt(filters.shape[1])) - 1)[:, None]
    n_fft = max(4096, 1 << filters.shape[2].bit_length())
    frequency_hz = bin_frequencies_hz(n_fft, fs_hz)
    heard = (frequency_hz >= 200.0) & (frequency_hz <= 16000.0)
    power = np.sum(np.abs(np.fft.rfft(n3d, n_fft)[..., heard]) ** 2, axis=1)
    return float(np.sqrt(power.mean()))


def frontal_peak(filters: NDArray[np.floating]) -> float:
    """Return the largest peak that a frontal plane wave of peak 1 can reach at the worse ear."""
    return float(np.abs(_frontal_ears(filters)).sum(axis=1).max())


def _ready_made(key: str, order: int, n_taps: int) -> NDArray[np.float32] | None:
    """The default head's filters come with the project, others out of the cache."""
    with (files("rt_render.hrtf") / "data" / "kemar_decoders.npz").open("rb") as file, np.load(file) as shipped:
        if key in shipped:
            left: NDArray[np.float32] = shipped[key]
            return np.stack([left, left * _mirror_signs(order)])
    return load_filters(key, (2, n_sh(order), n_taps))


def _design(
    hrirs: HrirSet,
    order: int,
    method: str,
    n_taps: int,
    fs_hz: float,
    eq: NDArray[np.float64] | None,
    tell: Progress,
) -> NDArray[np.float32]:
    head = _unit_level(_around_onset(hrirs.resampled(fs_hz)))
    target = prepare_target(head, order, n_taps)
    taps = _n3d_taps(target, method, tell)
    if eq is not None:
        taps = _equalised(taps, eq)
    filters = taps * n3d_gains(order)[:, None]
    if head.mirror is not None and (eq is None or np.array_equal(eq[0], eq[-1])):
        # Rounding breaks the symmetry of the solution in its last bits: it is put back.
        left = (filters[0] + filters[1] * _mirror_signs(order)) / 2
        filters = np.stack([left, left * _mirror_signs(order)])
    filters *= DIFFUSE_FIELD_GAIN / diffuse_field_gain(filters, fs_hz)
    filters *= min(1.0, FRONTAL_PEAK / frontal_peak(filters))
    return np.ascontiguousarray(filters, np.float32)


def _equalised(taps: NDArray[np.float64], eq: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convolve taps with the equaliser and cut to the same length, under the one fade the taps already have."""
    fade = end_fade(taps.shape[2])
    return convolved(taps / fade, eq[:, None, :])[:, :, : len(fade)] * fade


def _n3d_taps(target: DesignTarget, method: str, tell: Progress) -> NDArray[np.float64]:
    if method == "ls":
        return causal_taps(solve_least_squares(target), target)
    magls_share = 0.4 if method == "magls-refined" else 0.95
    solution = solve_magls(target, lambda share: tell(magls_share * share, "magnitudes"))
    taps = causal_taps(equalise_diffuse_field(solution, target), target)
    if method == "magls":
        return taps
    return refine_taps(taps, target, lambda share: tell(0.4 + 0.58 * share, "levels at both ears"))


def _around_onset(hrirs: HrirSet) -> HrirSet:
    """Cut long responses to 21 ms from 2 ms before the first arrival on."""
    n_kept, before = round(1024 * hrirs.fs_hz / 48000), round(2e-3 * hrirs.fs_hz)
    if hrirs.n_taps <= n_kept:
        return hrirs
    loud = np.max(np.abs(hrirs.hrirs), axis=(0, 1))
    start = max(0, int(np.argmax(loud > 0.05 * loud.max())) - before)
    return replace(hrirs, hrirs=hrirs.hrirs[:, :, start:]).truncated(n_kept)


def _unit_level(hrirs: HrirSet) -> HrirSet:
    """Scale the responses to unit mean power: the costs of the design do not depend on a file's level."""
    power = float(hrirs.weights @ np.sum(hrirs.hrirs**2, axis=2).mean(axis=1))
    return replace(hrirs, hrirs=hrirs.hrirs / np.sqrt(power))


def _frontal_ears(filters: NDArray[np.floating]) -> NDArray[np.float64]:
    order = round(np.sqrt(filters.shape[1])) - 1
    return np.asarray(np.einsum("n,ent->et", real_sh_sn3d(order, 0.0, 0.0), filters.astype(np.float64)))


def _attenuation_db(filters: NDArray[np.float32], fs_hz: float) -> float:
    lost_db = 20 * np.log10(DIFFUSE_FIELD_GAIN / diffuse_field_gain(filters, fs_hz))
    return round(float(lost_db), 2) if lost_db > 0.005 else 0.0


def _mirror_signs(order: int) -> NDArray[np.float32]:
    """(n_sh, 1): -1 for the channels of m < 0, which are odd in y."""
    channel = np.arange(n_sh(order))
    degree = np.floor(np.sqrt(channel)).astype(int)
    return np.where(channel < degree * (degree + 1), -1.0, 1.0).astype(np.float32)[:, None]


def _key(hrirs: HrirSet, order: int, method: str, n_taps: int, fs_hz: float, eq: NDArray[np.float64] | None) -> str:
    made_of = (ALGORITHM_VERSION, hrirs.content_hash, int(order), method, int(n_taps), float(fs_hz))
    digest = hashlib.sha256(repr(made_of).encode())
    if eq is not None:
        digest.update(repr((_EQUALISING_VERSION, eq.shape)).encode() + np.ascontiguousarray(eq).tobytes())
    return digest.hexdigest()


def _check(order: int, method: str, n_taps: int, fs_hz: float) -> None:
    if not 0 <= order <= MAX_ORDER_EXACT:
        raise ConfigurationError(f"decoder order {order}: allowed are 0 to {MAX_ORDER_EXACT}; choose one of these.")
    if method not in METHODS:
        raise ConfigurationError(f"decoder method {method!r}: allowed are {', '.join(METHODS)}; choose one of these.")
    least, most = N_TAPS_RANGE
    if not least <= n_taps <= most:
        raise ConfigurationError(f"decoder taps {n_taps}: allowed are {least} to {most}; 256 suits 48 kHz.")
    if not 16000 <= fs_hz <= 192000:
        raise ConfigurationError(f"decoder rate {fs_hz:g} Hz: allowed are 16000 to 192000; 48000 is common.")
