"""The picture of a measurement: how late each movement was heard and claimed to be, and where the time goes."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rt_render.app.latency.result import Kind, Latency
from rt_render.app.plots import STYLE
from rt_render.errors import RenderError

_CLAIMED, _MEASURED, _WRONG = "#c2571a", "#0b6e99", "#b3395b"
_PARTS = ("#0b6e99", "#6b8e23", "#c2571a", "#22303c", "#d9a441", "#b3395b", "#8a6fb0")
_N_BINS = 24


def draw_latency(latency: Latency, path: Path) -> None:
    """Write a PNG; raises RenderError."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10, 6.5), layout="constrained")
        grid = figure.add_gridspec(2, len(latency.kinds), height_ratios=(3, 1))
        outcome = {True: "they agree", False: "they do not agree", None: "too few to tell"}[latency.agrees]
        if not latency.within_limit:
            outcome += f", above the limit of {latency.limit_ms:.1f} ms"
        figure.suptitle(
            f"Motion to sound: {latency.measured_p50_ms:.1f} ms measured, {latency.claimed_p50_ms:.1f} ms claimed; "
            f"{outcome}\n{latency.device} · {latency.wearable} · prediction {latency.prediction}",
            x=0.01,
            ha="left",
            fontsize=11,
            color=STYLE["text.color"] if latency.agrees is not False and latency.within_limit else _WRONG,
        )
        for column, kind in enumerate(latency.kinds):
            _draw_kind(figure.add_subplot(grid[0, column]), kind)
        _draw_parts(figure.add_subplot(grid[1, :]), latency)
        try:
            figure.savefig(path, dpi=120, facecolor="white")
        except OSError as error:
            raise RenderError(f"{path} cannot be written: {error.strerror}; choose another place.") from None


def _draw_kind(axes: Axes, kind: Kind) -> None:
    both = np.concatenate([kind.measured_ms, kind.claimed_ms])
    edges = list(np.linspace(both.min() - 0.5, both.max() + 0.5, _N_BINS))
    axes.hist(
        kind.claimed_ms, edges, weights=kind.claimed_weights, density=True, color=_CLAIMED, alpha=0.45, label="claimed"
    )
    axes.hist(kind.measured_ms, edges, density=True, histtype="step", color=_MEASURED, linewidth=1.8, label="measured")
    axes.axvline(kind.claimed.p50_ms, color=_CLAIMED, linestyle="--")
    axes.axvline(kind.measured.p50_ms, color=_MEASURED, linestyle="--")
    axes.set_title(f"{kind.n_heard} {kind.name}s", loc="left", fontsize=10)
    axes.set_xlabel("ms from the movement to its sound")
    axes.set_yticks([])
    axes.legend()


def _draw_parts(axes: Axes, latency: Latency) -> None:
    left = 0.0
    for (name, spread), colour in zip(latency.budget.parts.items(), _PARTS, strict=True):
        if spread.p50_ms > 0.0:
            axes.barh(0.0, spread.p50_ms, left=left, color=colour, label=f"{name} {spread.p50_ms:.1f}")
        left += spread.p50_ms
    axes.set_title("Where the time goes (medians, ms)", loc="left", fontsize=10)
    axes.set_yticks([])
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.35), ncols=7, fontsize=9)
