"""The picture of a self-test: time and level between the ears, pose by pose, as due and as heard."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rt_render.app.plots import STYLE
from rt_render.app.selftest.judge import TrialResult
from rt_render.app.selftest.result import SelfTest
from rt_render.errors import RenderError

_DUE, _HEARD, _WRONG = "#22303c", "#0b6e99", "#b3395b"


def draw_self_test(result: SelfTest, path: Path) -> None:
    """Write a PNG of the whole chain's trials; raises RenderError where the file cannot be written."""
    live = result.live
    trials = live.trials if live is not None else ()
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(12, 6), layout="constrained")
        times, levels, heights = figure.subplots(1, 3, sharey=True, width_ratios=(1, 1, 1))
        outcome = "every link is right" if result.ok else f"wrong: {result.wrong_link}"
        figure.suptitle(
            f"Self-test: {outcome} · {result.head} · order {result.order} · {result.dialect}",
            x=0.01,
            ha="left",
            fontsize=12,
            fontweight="bold",
            color=_DUE if result.ok else _WRONG,
        )
        _draw(times, [(t.expected_itd_us, t.heard_itd_us) for t in trials], trials)
        times.set_title("time between the ears, µs\n(+ left ear first)", loc="left", fontsize=10)
        _draw(levels, [(t.expected_ild_db, t.heard_ild_db) for t in trials], trials)
        levels.set_title("level between the ears, dB\n(+ left ear louder)", loc="left", fontsize=10)
        _draw_heights(heights, trials)
        times.set_yticks(range(len(trials)), [trial.name for trial in trials])
        times.invert_yaxis()
        try:
            figure.savefig(path, dpi=120, facecolor="white")
        except OSError as error:
            raise RenderError(f"{path} cannot be written: {error.strerror}; choose another place.") from None


def _draw(axes: Axes, pairs: list[tuple[float, float]], trials: tuple[TrialResult, ...]) -> None:
    rows = np.arange(len(pairs))
    colours = [_WRONG if trial.ok is False else _HEARD for trial in trials]
    axes.axvline(0.0, color=_DUE, linewidth=0.8)
    axes.scatter([due for due, _ in pairs], rows, s=90, facecolors="none", edgecolors=_DUE, label="due")
    axes.scatter([heard for _, heard in pairs], rows, s=28, color=colours, label="heard")
    axes.set_axisbelow(True)
    if pairs:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.06))


def _draw_heights(axes: Axes, trials: tuple[TrialResult, ...]) -> None:
    told = [(k, trial) for k, trial in enumerate(trials) if trial.to_expected_db is not None]
    axes.set_title("colour: distance to the\nmeasured one, dB", loc="left", fontsize=10)
    for name, colour, offset in (("to_expected_db", _HEARD, -0.17), ("to_mirrored_db", _DUE, 0.17)):
        axes.barh(
            [k + offset for k, _ in told],
            [getattr(trial, name) for _, trial in told],
            height=0.3,
            color=colour,
            alpha=1.0 if name == "to_expected_db" else 0.35,
            label="at the height where it is due" if name == "to_expected_db" else "at the mirrored height",
        )
    if told:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.06))
    else:
        axes.text(0.5, 0.5, "not judged", transform=axes.transAxes, ha="center")
