"""Pictures of a session, drawn with matplotlib without a screen."""

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rt_render.app.story import Story
from rt_render.errors import RenderError

_INK, _FAINT = "#22303c", "#d8dee4"
_YAW, _PITCH, _ROLL = "#0b6e99", "#c2571a", "#6b8e23"
_LEFT, _RIGHT = "#0b6e99", "#b3395b"
_FLOOR_DB = -80.0
STYLE: Any = {
    "font.size": 10,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": _FAINT,
    "grid.linewidth": 0.6,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
}


def draw_story(story: Story, path: Path) -> None:
    """Write a PNG of the head's motion, the level at both ears and the block times; raises RenderError."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10, 8.2), layout="constrained")
        motion, levels, blocks = figure.subplots(3, 1, height_ratios=(1.15, 1, 1))
        figure.suptitle(
            f"{story.title} · order {story.order} · {story.head} · {story.fs_hz / 1000:g} kHz, "
            f"{story.block_size} frames a block",
            fontsize=12,
            x=0.01,
            ha="left",
            fontweight="bold",
        )
        _draw_motion(motion, story)
        _draw_levels(levels, story)
        _draw_block_times(blocks, story)
        for axes in (motion, levels):
            for glitch in story.status.glitches.listed:
                axes.axvline(glitch.time_s, color=_RIGHT, linewidth=0.8, linestyle=":")
            axes.set_xlim(0, max(float(story.times_s[-1]), 1e-3) if len(story.times_s) else 1.0)
        try:
            figure.savefig(path, dpi=130, facecolor="white")
        except OSError as error:
            raise RenderError(f"{path} cannot be written: {error.strerror}; choose another place.") from None


def _draw_motion(axes: Axes, story: Story) -> None:
    # Unwrapped, so that a head that turns on does not jump across the picture.
    angles = np.rad2deg(np.unwrap(np.deg2rad(story.yaw_pitch_roll_deg), axis=0))
    names = ("yaw (+ left)", "pitch (+ up)", "roll (+ right ear down)")
    for k, (name, colour) in enumerate(zip(names, (_YAW, _PITCH, _ROLL), strict=True)):
        axes.plot(story.times_s, angles[:, k], color=colour, label=name, linewidth=1.6)
    axes.set_title(f"The head's motion ({story.tracker})", loc="left", fontsize=10)
    axes.set_ylabel("degrees")
    axes.legend(loc="upper right", ncols=3, bbox_to_anchor=(1.0, 1.17))


def _draw_levels(axes: Axes, story: Story) -> None:
    levels_db = 20 * np.log10(np.maximum(story.rms, 10 ** (_FLOOR_DB / 20)))
    axes.plot(story.times_s, levels_db[:, 0], color=_LEFT, label="left", linewidth=1.4)
    axes.plot(story.times_s, levels_db[:, 1], color=_RIGHT, label="right", linewidth=1.4)
    axes.fill_between(story.times_s, levels_db[:, 0], levels_db[:, 1], color=_FAINT, alpha=0.6, linewidth=0)
    top = float(levels_db.max()) if levels_db.size else 0.0
    axes.set_ylim(max(_FLOOR_DB, top - 40), min(0.0, top + 5))
    axes.set_title("Level at both ears", loc="left", fontsize=10)
    axes.set_ylabel("dB full scale, rms")
    axes.set_xlabel("seconds")
    axes.legend(loc="upper right", ncols=2, bbox_to_anchor=(1.0, 1.19))


def _draw_block_times(axes: Axes, story: Story) -> None:
    times_us = np.maximum(story.block_times_s * 1e6, 0.1)
    budget_us = story.budget_s * 1e6
    edges = np.geomspace(min(times_us.min(initial=10.0), 10.0) / 1.3, 1.6 * max(times_us.max(initial=0), budget_us), 90)
    axes.hist(times_us, bins=list(edges), color=_YAW, alpha=0.85)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.axvline(budget_us, color=_RIGHT, linewidth=1.6)
    axes.annotate(
        f"budget {budget_us:.0f} µs ", (budget_us, 0.92), xycoords=("data", "axes fraction"), ha="right", color=_RIGHT
    )
    # the figures of the report beside it
    median, worst = 1e6 * story.status.engine.block_p50_s, 1e6 * story.status.engine.longest_block_s
    axes.set_title(
        f"Time a block takes: median {median:.0f} µs, longest {worst:.0f} µs, {story.status.engine.late_blocks} missed",
        loc="left",
        fontsize=10,
    )
    axes.set_ylabel("blocks")
    axes.set_xlabel("microseconds")
