"""A page and a picture of what the panorama makes of signals: those made here, or a file."""

from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from rt_render import __version__
from rt_render.app.output_names import refuse_overwrite
from rt_render.app.panorama import measure
from rt_render.app.panorama.signals import made_signals, with_times_between
from rt_render.app.panorama.verdict import MOST_FOLD_DB, Bound, required_figures
from rt_render.app.plots import STYLE
from rt_render.app.words import plural
from rt_render.engine.panorama import Panorama
from rt_render.errors import RenderError
from rt_render.io.audio_file import AudioFileReader
from rt_render.io.source_stream import FrameStream

_ORDER, _SECONDS, _LONGEST_S = 5, 5.0, 60.0


@dataclass(frozen=True)
class Figures:
    """What was measured of one signal; `deviation_db` in the third octaves `middles_hz`."""

    name: str
    opening_deg: float
    ears_db: float
    rest_db: float
    power_change_db: float
    correlation_before: float
    correlation_after: float
    middles_hz: NDArray[np.floating]
    deviation_db: NDArray[np.floating]
    largest_db: float
    """Of the deviation."""
    cardioids_db: float
    """The same of cardioids to the left and right, the mean of all third octaves left out."""
    omni_db: float
    """The same of W alone, the mean left out."""


@dataclass(frozen=True)
class Report:
    """What was measured of each signal, and the verdict: figures beside their bounds."""

    found: list[Figures]
    verdict: list[Bound]

    @property
    def ok(self) -> bool:
        """Whether all is reached."""
        return all(figure.ok for figure in self.verdict)


def examine(name: str, stereo: NDArray[np.float32], upmix: Panorama) -> Figures:
    """Return the figures of a signal (n, 2)."""
    middles_hz, deviation_db = measure.downmix_deviation_db(upmix, stereo)
    return Figures(
        name,
        measure.opening_deg(upmix, stereo),
        measure.level_between_ears_db(upmix, stereo),
        measure.rest_db(upmix, stereo),
        measure.power_change_db(upmix, stereo),
        measure.correlation(stereo),
        measure.correlation(measure.sides(measure.field_of(upmix, stereo)[1])),
        middles_hz,
        deviation_db,
        measure.largest_db(deviation_db),
        *(measure.unevenness_db(upmix, stereo, fold) for fold in (measure.sides, measure.omni)),
    )


def write_report(
    folder: Path,
    *,
    file: Path | None = None,
    fs_hz: int = 48000,
    width_deg: float = 60.0,
    height: float = 0.5,
    force: bool = False,
) -> Report:
    """Write panorama.md and panorama.png into a folder, and return the figures with their verdict.

    `file`: a stereo file, its first minute is taken; None: signals made here. Order 5. Raises RenderError.
    """
    upmix = Panorama(_ORDER, fs_hz, width_deg=width_deg, height=height)
    page, picture = folder / "panorama.md", folder / "panorama.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RenderError(f"{folder} cannot be made: {error.strerror}; choose another place.") from None
    refuse_overwrite([page, picture], force, [file] if file else [])
    signals = {file.name: _read(file, fs_hz)} if file else made_signals(fs_hz, _SECONDS)
    signals |= {} if file else with_times_between(fs_hz, _SECONDS)
    found = [examine(name, stereo, upmix) for name, stereo in signals.items()]
    times = measure.speed(upmix)
    report = Report(found, required_figures(upmix, {f.name: f.largest_db for f in found}, times, width_deg))
    try:
        page.write_text(_page(report, upmix, width_deg, height), encoding="utf-8")
        _draw(found, picture)
    except OSError as error:
        raise RenderError(f"{folder} cannot be written: {error.strerror}; choose another place.") from None
    return report


def _read(file: Path, fs_hz: int) -> NDArray[np.float32]:
    reader = AudioFileReader(file)
    try:
        if reader.n_channels != 2:
            raise RenderError(
                f"{file} has {plural(reader.n_channels, 'channel')}: a panorama is made of a stereo file."
            )
        return FrameStream(reader, 2, fs_hz).read(round(_LONGEST_S * fs_hz))
    finally:
        reader.close()


def _page(report: Report, upmix: Panorama, width_deg: float, height: float) -> str:
    rows = [
        f"| {f.name} | {f.opening_deg:.1f} | {f.ears_db:+.2f} | {f.rest_db:.1f} | {f.power_change_db:+.2f} "
        f"| {f.largest_db:.2f} | {f.cardioids_db:.2f} | {f.omni_db:.2f} "
        f"| {f.correlation_before:+.2f} | {f.correlation_after:+.2f} |"
        for f in report.found
    ]
    ahead_db = measure.ringing_ahead_db(upmix)
    voices = [(over_db, *measure.voice_under_pads(upmix, over_db)) for over_db in (12.0, 6.0, 0.0)]
    return "\n".join(
        [
            "# Panorama",
            "",
            f"rt-render {__version__}, {width_deg:g}° wide, height {height:g}, order {upmix.order} at "
            f"{upmix.fs_hz} Hz; {upmix.latency_frames} frames "
            f"({1e3 * upmix.latency_frames / upmix.fs_hz:.1f} ms) late, which a file does not notice.",
            "",
            *[f"- {figure.name}: {figure.words}" for figure in report.verdict],
            "",
            "| signal | from, ° | ears, dB | rest, dB | field, dB | fold, dB | cardioids, dB | W, dB "
            "| correlation | of the sides |",
            "| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |",
            *rows,
            "",
            "*From*: the mean direction, + left. *Ears*: the left ear's level over the right one's, through the "
            "measured head. *Rest*: what is no plane wave from the front, in all channels. *Field*: its power over all "
            "directions, over that of left and right together. *Fold*: the largest change of a third octave from 63 Hz "
            "to 16 kHz when the field is folded down to stereo with a pair of figures of eight at ±45° (Blumlein), "
            "which the panorama holds by its construction. *Cardioids* and *W*: the same of two other folds, cardioids "
            "to the left and right and W alone, their mean over third octaves left out. These are not held: what "
            "comes at different times or phases from left and right cancels in them, as it does in any mono sum. "
            "Third octaves 40 dB below the loudest do not count. "
            "*Correlation*: of left and right before, and of cardioids to the left and right behind.",
            "",
            f"5 ms of unrelated noise left and right ring ahead of themselves: {ahead_db[0]:.1f} dB of their energy "
            f"lie 2 to 5 ms before them, {ahead_db[1]:.1f} dB 5 to 10 ms before.",
            "",
            *(
                f"A voice in the centre, {over_db:g} dB over wide pads (noise for both): {rest_db:.1f} dB of it are "
                f"not from the front; it is heard from {from_deg:+.1f}°."
                for over_db, rest_db, from_deg in voices
            ),
            "",
            "![third octaves](panorama.png)",
            "",
        ]
    )


def _draw(found: list[Figures], path: Path) -> None:
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9, 8), layout="constrained")
        fold, sides = figure.subplots(2, 1, height_ratios=(2, 1))
        for f in found:
            fold.semilogx(f.middles_hz, f.deviation_db, label=f.name, linewidth=1.4)
        fold.axhspan(-MOST_FOLD_DB, MOST_FOLD_DB, color=STYLE["grid.color"], alpha=0.5, linewidth=0)
        fold.set_ylabel("dB")
        fold.set_xlabel("Hz")
        fold.set_title("Folded down to stereo again, third octaves over those before", loc="left", fontsize=10)
        fold.legend(fontsize=8, ncols=3)
        places = np.arange(len(found))
        sides.bar(places - 0.2, [f.correlation_before for f in found], 0.4, label="left and right before")
        sides.bar(places + 0.2, [f.correlation_after for f in found], 0.4, label="sides behind")
        sides.set_xticks(places, [f.name for f in found], fontsize=8, rotation=25, ha="right")
        sides.set_ylabel("correlation")
        sides.legend(fontsize=8)
        figure.savefig(path, dpi=120, facecolor="white")
