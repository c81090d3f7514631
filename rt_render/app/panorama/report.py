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
from rt_render.app.panorama.signals import made_signals
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
    )


def write_report(
    folder: Path,
    *,
    file: Path | None = None,
    fs_hz: int = 48000,
    width_deg: float = 60.0,
    height: float = 0.5,
    force: bool = False,
) -> list[Figures]:
    """Write panorama.md and panorama.png into a folder, and return the figures.

    `file`: a stereo file, its first minute is taken; None: signals made here. Order 5. Raises RenderError.
    """
    upmix = Panorama(_ORDER, fs_hz, width_deg=width_deg, height=height)
    page, picture = folder / "panorama.md", folder / "panorama.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RenderError(f"{folder} cannot be made: {error.strerror}; choose another place.") from None
    refuse_overwrite([page, picture], force, [file] if file else [])
    signals = made_signals(fs_hz, _SECONDS) if file is None else {file.name: _read(file, fs_hz)}
    found = [examine(name, stereo, upmix) for name, stereo in signals.items()]
    times = measure.speed(upmix)
    try:
        page.write_text(_page(found, upmix, times, width_deg, height), encoding="utf-8")
        _draw(found, picture)
    except OSError as error:
        raise RenderError(f"{folder} cannot be written: {error.strerror}; choose another place.") from None
    return found


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


def _page(found: list[Figures], upmix: Panorama, times: float, width_deg: float, height: float) -> str:
    rows = [
        f"| {f.name} | {f.opening_deg:.1f} | {f.ears_db:+.2f} | {f.rest_db:.1f} | {f.power_change_db:+.2f} "
        f"| {np.abs(f.deviation_db).max():.2f} | {f.correlation_before:+.2f} | {f.correlation_after:+.2f} |"
        for f in found
    ]
    return "\n".join(
        [
            "# Panorama",
            "",
            f"rt-render {__version__}, {width_deg:g}° wide, height {height:g}, order {upmix.order} at "
            f"{upmix.fs_hz} Hz: {times:.0f} times faster than it plays, on one core; {upmix.latency_frames} frames "
            f"({1e3 * upmix.latency_frames / upmix.fs_hz:.1f} ms) late, which a file does not notice.",
            "",
            "| signal | from, ° | ears, dB | rest, dB | field, dB | fold, dB | correlation | of the sides |",
            "| --- | --: | --: | --: | --: | --: | --: | --: |",
            *rows,
            "",
            "*From*: the mean direction, + left. *Ears*: the left ear's level over the right one's, through the "
            "measured head. *Rest*: what is no plane wave from the front, in all channels. *Field*: its power over all "
            "directions, over that of left and right together. *Fold*: the largest change of a third octave from 63 Hz "
            "to 16 kHz when the field is folded down to stereo with a pair of figures of eight at ±45° (Blumlein). "
            "*Correlation*: of left and right before, and of cardioids to the left and right behind.",
            "",
            "![third octaves](panorama.png)",
            "",
        ]
    )


def _draw(found: list[Figures], path: Path) -> None:
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9, 7), layout="constrained")
        fold, sides = figure.subplots(2, 1, height_ratios=(2, 1))
        for f in found:
            fold.semilogx(f.middles_hz, f.deviation_db, label=f.name, linewidth=1.4)
        fold.axhspan(-1.0, 1.0, color=STYLE["grid.color"], alpha=0.5, linewidth=0)
        fold.set_ylabel("dB")
        fold.set_xlabel("Hz")
        fold.set_title("Folded down to stereo again, third octaves over those before", loc="left", fontsize=10)
        fold.legend(fontsize=8, ncols=3)
        places = np.arange(len(found))
        sides.bar(places - 0.2, [f.correlation_before for f in found], 0.4, label="left and right before")
        sides.bar(places + 0.2, [f.correlation_after for f in found], 0.4, label="sides behind")
        sides.set_xticks(places, [f.name for f in found], fontsize=8)
        sides.set_ylabel("correlation")
        sides.legend(fontsize=8)
        figure.savefig(path, dpi=120, facecolor="white")
