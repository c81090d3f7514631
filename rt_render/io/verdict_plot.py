"""The picture of a verdict: where was measured, what both ears hear on the horizon, what colour it has."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rt_render.errors import InputFileError
from rt_render.hrtf.bands import bin_frequencies_hz, erb_centres_hz, gammatone_power
from rt_render.hrtf.evaluate import ear_cues
from rt_render.hrtf.heads import kemar
from rt_render.hrtf.hrir_set import HrirSet
from rt_render.hrtf.verdict import Verdict


def plot_verdict(hrirs: HrirSet, verdict: Verdict, path: str | Path) -> None:
    """Draw grid, interaural time and level on the horizon, and diffuse-field response into a PNG.

    The default head is drawn beside it in grey. An existing file is replaced. Raises InputFileError where
    the file cannot be written.
    """
    figure = Figure(figsize=(11, 7.5), layout="constrained")
    FigureCanvasAgg(figure)
    colour, outcome = _outcome(verdict)
    figure.suptitle(f"{hrirs.name}: {outcome}", color=colour, fontsize="medium" if "\n" in outcome else "large")
    (grid, itd), (diffuse, ild) = figure.subplots(2, 2)
    azimuth_deg = (np.rad2deg(hrirs.azimuth_rad) + 180) % 360 - 180
    grid.scatter(azimuth_deg, np.rad2deg(hrirs.elevation_rad), s=4, color=colour)
    grid.set(xlim=(180, -180), ylim=(-90, 90), title="measured directions")
    grid.set(xlabel="azimuth in °, left is left", ylabel="elevation in °")
    for head, style in (
        (kemar(), {"color": "0.65", "label": "KEMAR"}),
        (hrirs, {"color": colour, "label": "this"}),
    ):
        if np.all(np.isfinite(head.hrirs)) and np.any(head.hrirs):
            _draw(head, itd, ild, diffuse, style)
    itd.set(title="interaural time on the horizon, + left ear first", ylabel="ms", xlim=(180, -180))
    ild.set(title="interaural level on the horizon, + left louder", ylabel="dB", xlim=(180, -180))
    diffuse.set(title="diffuse-field response, 0 dB at 1 kHz", ylabel="dB", xlabel="Hz", xscale="log")
    for axes in (itd, ild):
        axes.set_xlabel("azimuth in °")
    for axes in (grid, itd, ild, diffuse):
        axes.grid(alpha=0.3)
    diffuse.legend()
    try:
        figure.savefig(path, format="png", dpi=110)
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise InputFileError(f"{path}: cannot be written ({reason}); choose another place.") from None


def _outcome(verdict: Verdict) -> tuple[str, str]:
    """The colour of the title, and what it says."""
    if verdict.refused:
        return "firebrick", f"refused\n{verdict.reason}"
    if verdict.notes:
        return "darkorange", "\n".join(("can be played, but note", *verdict.notes))
    return "seagreen", "can be played"


def _draw(head: HrirSet, itd: Axes, ild: Axes, diffuse: Axes, style: dict[str, Any]) -> None:
    n_fft = max(1024, 1 << (head.n_taps - 1).bit_length())
    cues = ear_cues(head.hrirs, head.fs_hz, n_fft)
    flat = np.flatnonzero(np.abs(head.elevation_rad) < np.deg2rad(5))
    azimuth_deg = (np.rad2deg(head.azimuth_rad[flat]) + 180) % 360 - 180
    order = np.argsort(azimuth_deg)
    itd.plot(azimuth_deg[order], 1e3 * cues.itd_s[flat][order], **style)
    ild.plot(azimuth_deg[order], cues.ild_db[flat].mean(axis=1)[order], **style)
    frequency_hz = bin_frequencies_hz(n_fft, head.fs_hz)
    centres_hz = erb_centres_hz(60.0, min(18000.0, 0.45 * head.fs_hz))
    power = head.weights @ np.mean(np.abs(np.fft.rfft(head.hrirs, n_fft)) ** 2, axis=1)
    level_db = 10 * np.log10(gammatone_power(frequency_hz, centres_hz) @ power + 1e-20)
    diffuse.plot(centres_hz, level_db - np.interp(1000.0, centres_hz, level_db), **style)
