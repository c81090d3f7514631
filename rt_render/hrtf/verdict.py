"""What a head from elsewhere would sound like, said before it sounds."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from rt_render.hrtf.bands import bin_frequencies_hz
from rt_render.hrtf.heads import kemar
from rt_render.hrtf.hrir_set import HrirSet
from rt_render.hrtf.least_squares import largest_hole_deg

Level = Literal["refuse", "note", "ok"]
_GRAVEST_FIRST: tuple[Level, ...] = ("refuse", "note", "ok")


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `topic`, how it stands, and half a sentence about it with numbers and units."""

    topic: str
    level: Level
    text: str


@dataclass(frozen=True)
class Verdict:
    """All findings about a head, the gravest first.

    `gain_db` brings it to the default head's diffuse-field level.
    """

    name: str
    findings: tuple[Finding, ...]
    gain_db: float

    @property
    def refused(self) -> bool:
        """Whether the head would play silence, noise, far too loud, or nothing of a head."""
        return any(finding.level == "refuse" for finding in self.findings)

    @property
    def reason(self) -> str:
        """Why it is refused, or an empty text."""
        return "; ".join(finding.text for finding in self.findings if finding.level == "refuse")

    @property
    def notes(self) -> tuple[str, ...]:
        """What is odd about a head that can be played, a short sentence each."""
        return tuple(finding.text for finding in self.findings if finding.level == "note")


def judge_head(hrirs: HrirSet, fs_hz: float, reference: HrirSet | None = None) -> Verdict:
    """Judge a head that shall play at `fs_hz`, against `reference` (by default KEMAR).

    Nothing is modified and nothing raised: what cannot be played has a finding of level "refuse". Any
    thread but audio.
    """
    bad = ~np.all(np.isfinite(hrirs.hrirs), axis=2)
    if np.any(bad):
        text = f"{int(bad.sum())} of {bad.size} filters are not finite"
        return Verdict(hrirs.name, (Finding("filters", "refuse", text),), 0.0)
    energy = np.sum(hrirs.hrirs**2, axis=2)
    if not np.any(energy > 1e-20):
        return Verdict(hrirs.name, (Finding("filters", "refuse", "all filters are silent"),), 0.0)
    gain_db = _diffuse_db(reference or kemar()) - _diffuse_db(hrirs)
    findings = [
        Finding("convention", "ok", f"{hrirs.n_dirs} directions, two ears"),
        *_sides(hrirs, energy),
        _level(gain_db),
        _rate(hrirs, fs_hz),
        _length(hrirs),
        *_onset_and_end(hrirs),
        _grid(hrirs),
        _offset(hrirs, energy),
        *_filters(hrirs, energy),
    ]
    findings.sort(key=lambda finding: _GRAVEST_FIRST.index(finding.level))
    return Verdict(hrirs.name, tuple(findings), gain_db)


def _rate(hrirs: HrirSet, fs_hz: float) -> Finding:
    if not 16000 <= hrirs.fs_hz <= 400000:
        return Finding("rate", "refuse", f"a rate of {hrirs.fs_hz:g} Hz is outside 16000 to 400000 Hz")
    if hrirs.fs_hz == fs_hz:
        return Finding("rate", "ok", f"{fs_hz:g} Hz")
    return Finding("rate", "note", f"measured at {hrirs.fs_hz:g} Hz, resampled to {fs_hz:g} Hz")


def _length(hrirs: HrirSet) -> Finding:
    length_ms = 1e3 * hrirs.n_taps / hrirs.fs_hz
    text = f"{hrirs.n_taps} taps, {length_ms:.1f} ms"
    if length_ms < 0.5:
        return Finding("length", "refuse", f"{text}: too short to hold a head")
    if length_ms < 2.0:
        return Finding("length", "note", f"{text}: short, low frequencies are coarse")
    if length_ms > 21.4:
        return Finding("length", "note", f"{text}: long, 21 ms from the onset are used")
    return Finding("length", "ok", text)


def _onset_and_end(hrirs: HrirSet) -> list[Finding]:
    loud = np.abs(hrirs.hrirs)
    peak = np.maximum(loud.max(axis=2, keepdims=True), 1e-12)
    onset_ms = 1e3 * np.argmax(loud > 0.1 * peak, axis=2) / hrirs.fs_hz
    spread_ms = float(np.ptp(onset_ms))
    text = f"first arrival at {onset_ms.min():.2f} ms, last at {onset_ms.max():.2f} ms"
    found = [Finding("onset", "ok", text)]
    if np.mean(loud[:, :, 0] > 0.1 * peak[:, :, 0]) > 0.02:
        found = [Finding("onset", "note", f"{text}: some responses have lost their beginning")]
    elif spread_ms > 2.5:
        found = [Finding("onset", "note", f"{text}: more than a head's width explains")]
    tail = np.sum(hrirs.hrirs[:, :, -max(1, hrirs.n_taps // 20) :] ** 2) / np.sum(hrirs.hrirs**2)
    tail_db = 10 * np.log10(max(float(tail), 1e-20))
    text = f"{tail_db:.0f} dB of the energy in the last twentieth"
    if tail_db > -10:
        found.append(Finding("end", "refuse", f"the responses are cut off in the middle: {text}"))
    elif tail_db > -30:
        found.append(Finding("end", "note", f"the responses are cut short: {text}"))
    else:
        found.append(Finding("end", "ok", text))
    return found


def _grid(hrirs: HrirSet) -> Finding:
    hole_deg = largest_hole_deg(hrirs)
    text = f"{hrirs.n_dirs} directions, the largest hole reaches {hole_deg:.0f}° from the nearest one"
    if hrirs.n_dirs < 12 or hole_deg > 100:
        return Finding("grid", "refuse", f"{text}: too few to render a sphere")
    if hole_deg > 30:
        return Finding("grid", "note", f"{text}: filled by smoothness there")
    return Finding("grid", "ok", text)


def _offset(hrirs: HrirSet, energy: NDArray[np.float64]) -> Finding:
    """A head passes hardly more at 0 Hz than elsewhere: a constant in its responses was not measured."""
    share = float(hrirs.n_taps * np.sum(np.mean(hrirs.hrirs, axis=2) ** 2) / energy.sum())
    text = f"{100 * share:.0f} % of the energy is a constant offset"
    if share > 0.5:
        return Finding("offset", "refuse", f"{text}: not a head's responses")
    return Finding("offset", "note" if share > 0.1 else "ok", text)


def _sides(hrirs: HrirSet, energy: NDArray[np.float64]) -> list[Finding]:
    left_share_db = 10 * np.log10(np.maximum(energy[:, 0], 1e-20) / np.maximum(energy[:, 1], 1e-20))
    side = hrirs.unit_vectors[:, 1]
    # Weighted by how far to the side a source is: positive where the near ear is the louder one.
    lateral_db = float(side @ left_share_db / max(np.sum(np.abs(side)), 1e-9))
    text = f"the ear nearer to the source is {abs(lateral_db):.1f} dB {'louder' if lateral_db >= 0 else 'softer'}"
    mean = np.einsum("d,det->et", hrirs.weights, hrirs.hrirs)
    alike = float(np.sum(mean**2) / np.sum(hrirs.weights @ energy))
    if lateral_db > 1.0:
        sides = Finding("sides", "ok", f"{text} on average")
    elif lateral_db < -1.0:
        sides = Finding("sides", "note", f"left and right look swapped: {text} on average")
    elif alike > 0.9:
        sides = Finding(
            "sides", "refuse", f"all directions sound alike ({100 * alike:.0f} % in common), no side is heard"
        )
    else:
        sides = Finding("sides", "note", f"hardly any side is heard: {text} on average")
    total = hrirs.weights @ energy
    balance_db = 10 * float(np.log10(max(total[0], 1e-20) / max(total[1], 1e-20)))
    uneven = abs(balance_db) > 3.0
    balance = f"left ear {_tenths(balance_db):+.1f} dB against the right over the sphere"
    return [sides, Finding("balance", "note" if uneven else "ok", f"uneven ears: {balance}" if uneven else balance)]


def _filters(hrirs: HrirSet, energy: NDArray[np.float64]) -> list[Finding]:
    typical = float(np.median(energy[energy > 1e-20]))
    silent = int(np.sum(energy < 1e-6 * typical))
    if silent > 0.05 * energy.size:
        return [Finding("filters", "refuse", f"{silent} of {energy.size} filters are silent")]
    loudest_db = 10 * float(np.log10(energy.max() / typical))
    if loudest_db > 30.0:
        text = f"the loudest filter is {loudest_db:.0f} dB above the typical one: far too loud"
        return [Finding("filters", "refuse", text)]
    text = f"none silent, the loudest {loudest_db:.0f} dB above the typical one"
    found = [Finding("filters", "ok", text)]
    if silent:
        found = [Finding("filters", "note", f"{silent} of {energy.size} filters are silent: holes in the field")]
    likeness = _likeness_of_neighbours(hrirs)
    if likeness is not None:
        text = f"neighbouring directions are {100 * likeness:.0f} % alike"
        noise = likeness < 0.5
        found.append(Finding("likeness", "refuse" if noise else "ok", f"{text}: this is noise" if noise else text))
    return found


def _likeness_of_neighbours(hrirs: HrirSet) -> float | None:
    """Median of the largest normalised correlation with the nearest other direction, 0..1; None if far."""
    chord, nearest = cKDTree(hrirs.unit_vectors).query(hrirs.unit_vectors, k=2)
    if np.median(chord[:, 1]) > 0.35:
        return None
    n_fft = 2 << hrirs.n_taps.bit_length()
    # Noise on top of everything is told apart where there is most to hear: below 8 kHz.
    heard = bin_frequencies_hz(n_fft, hrirs.fs_hz) <= 8000.0
    spectrum = np.fft.rfft(hrirs.hrirs, n_fft) * heard
    cross = np.fft.irfft(np.conj(spectrum) * spectrum[nearest[:, 1]], n_fft)
    energy = np.fft.irfft(np.abs(spectrum) ** 2, n_fft)[:, :, 0]
    norm = np.sqrt(energy * energy[nearest[:, 1]])
    return float(np.median(cross.max(axis=2) / np.maximum(norm, 1e-20)))


def _level(gain_db: float) -> Finding:
    if abs(gain_db) > 80.0:
        return Finding("level", "refuse", f"{-gain_db:+.0f} dB against the default head: not a head's level")
    if abs(gain_db) < 0.5:
        return Finding("level", "ok", f"{_tenths(-gain_db):+.1f} dB against the default head")
    louder = f"{abs(gain_db):.1f} dB {'louder' if gain_db < 0 else 'softer'} than the default head"
    return Finding("level", "note", f"{louder}: normalised by {gain_db:+.1f} dB")


def _tenths(value_db: float) -> float:
    """Rounded to 0.1 dB, and never the -0.0 that puzzles readers."""
    return round(value_db, 1) + 0.0


def _diffuse_db(hrirs: HrirSet) -> float:
    """Diffuse-field level from 200 Hz to 16 kHz in dB; 0 dB is a gain of 1."""
    n_fft = max(1024, 1 << (hrirs.n_taps - 1).bit_length())
    frequency_hz = bin_frequencies_hz(n_fft, hrirs.fs_hz)
    heard = (frequency_hz >= 200.0) & (frequency_hz <= 16000.0)
    power = hrirs.weights @ np.mean(np.abs(np.fft.rfft(hrirs.hrirs, n_fft)[..., heard]) ** 2, axis=(1, 2))
    return 10 * float(np.log10(max(float(power), 1e-30)))
