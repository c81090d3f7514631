"""The picture of the prediction: the error over the horizon, a panel for each rate of the tracker."""

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from rt_render.app.benchmarks.prediction import MODES, NATURAL
from rt_render.app.benchmarks.prediction_page import MODE_WORDS
from rt_render.app.plots import STYLE
from rt_render.errors import RenderError

_LOOKS = {"off": ("#b3395b", ":"), "constant": ("#c2571a", "--"), "learnt": ("#0b6e99", "-")}


def draw_prediction(results: dict[str, Any], path: Path) -> None:
    """Write a PNG of the figures of `prediction.run`; raises RenderError."""
    rows = [row for row in results["prediction"]["table"] if row["motion"] == NATURAL]
    rates_hz = list(dict.fromkeys(row["rate_hz"] for row in rows))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9, 2.9), layout="constrained")
        panels = figure.subplots(1, len(rates_hz), sharey=True, squeeze=False)[0]
        for axes, rate_hz in zip(panels, rates_hz, strict=True):
            of_rate = [row for row in rows if row["rate_hz"] == rate_hz]
            horizons_ms = [row["horizon_ms"] for row in of_rate]
            for mode in MODES:
                colour, line = _LOOKS[mode]
                rms = [row[mode]["rms_deg"] for row in of_rate]
                axes.plot(horizons_ms, rms, line, color=colour, marker="o", markersize=3, label=MODE_WORDS[mode])
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.set_title(f"{rate_hz:g} Hz", loc="left", fontsize=10)
            axes.set_xticks(horizons_ms)
            axes.set_xlabel("horizon, ms")
        panels[0].set_ylabel("degrees RMS")
        panels[0].legend(fontsize=8)
        try:
            figure.savefig(path, dpi=100, facecolor="white")
        except OSError as error:
            raise RenderError(f"{path} cannot be written: {error.strerror}; choose another place.") from None
