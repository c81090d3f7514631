"""A picture of an object's jump: the spectrum of the field, gliding and switched abruptly."""

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from rt_render.app.plots import STYLE
from rt_render.errors import RenderError


def draw_jump(found: dict[str, Any], path: Path) -> None:
    """Write a PNG of the jump that `objects.run` found; raises RenderError."""
    jump = found["objects"]["jump"]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9, 4.6), layout="constrained")
        axes = figure.subplots()
        for name, label, colour in (("abrupt", "switched abruptly", "#b3395b"), ("glide", "as rendered", "#0b6e99")):
            outside = f"{label}: {jump[f'{name}_outside_db']:g} dB beyond ±{jump['band_hz']:g} Hz"
            axes.semilogx(jump["f_hz"], jump[f"{name}_db"], color=colour, label=outside)
        axes.set(xlim=(30, 24000), ylim=(-160, 5), xlabel="Hz", ylabel="dB of the tone")
        axes.set_title("A tone of 1 kHz jumps from the front to the left, order 3", loc="left", fontweight="bold")
        axes.legend(loc="upper right")
        try:
            figure.savefig(path, dpi=120, facecolor="white")
        except OSError as error:
            raise RenderError(f"{path} cannot be written: {error.strerror}; choose another place.") from None
