"""The figures of the prediction as a page of Markdown with a picture, never typed by hand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rt_render import __version__
from rt_render.app.benchmarks.predicted_path import BLOCK_SIZE, FS_HZ, TRANSPORT_S
from rt_render.app.benchmarks.prediction import HEAD_SEEDS, LAGGING, MODES, NATURAL, REST
from rt_render.app.benchmarks.words import PREDICTION_REQUIRED
from rt_render.engine.prepared_state import PREDICTION_CAP_MS
from rt_render.errors import RenderError

MODE_WORDS = {"off": "without", "constant": "constant velocity", "learnt": "learnt share"}
"""What the modes are called for people."""
ABOUT = {
    "natural": "A perfect sensor: gaze shifts, slow following and tremble, seen without noise or rounding.",
    NATURAL: "The same with a sensor's noise and rounding.",
    "natural, noise, no gyro": "The sensor tells no turning rate: the bridge derives it from the quaternions.",
    REST: "Nothing moves but the sensor's noise: prediction must not make it worse.",
}
_RECORDED = (
    "A recording: its true orientation, and the sensor's own gyro as it is; {median:g} °/s in the median, {p99:g} at "
    "99 %, {max:g} at most."
)
_HOW = (
    "The engine's own path planner runs block by block ({block} frames at {fs:g} kHz) on the poses of a simulated "
    "wearable, {transport:g} ms after they were measured; each figure is the angle between the head that is rendered "
    "for the end of a block and the true one at the moment when that is heard. The horizon is the time from the begin "
    "of a block, where the pose is read, until its first sample is heard; the pose's own age comes on top: half an "
    "interval in the mean. Prediction looks {cap:g} ms and one interval of the tracker ahead at most "
    "(`--prediction-cap-ms`), so that longer horizons are made up for in part. The heads (seeds {seeds}) are others "
    "than those by which the predictor was tuned; natural motion turns at {median:g} °/s in the median, {p99:g} at "
    "99 %, {max:g} at most."
)


def write_prediction_page(results: dict[str, Any], path: Path, picture: Path) -> None:
    """Write the figures of `prediction.run` beside their picture; raises RenderError."""
    found = results["prediction"]
    table: list[dict[str, Any]] = found["table"]
    how = _HOW.format(
        block=BLOCK_SIZE,
        fs=FS_HZ / 1000,
        transport=1e3 * TRANSPORT_S,
        cap=PREDICTION_CAP_MS,
        seeds=" and ".join(str(seed) for seed in HEAD_SEEDS),
        **found["head_speed_deg_s"],
    )
    motions = list(dict.fromkeys(row["motion"] for row in table if row["motion"] not in LAGGING))
    about = ABOUT | {name: _RECORDED.format(**speed) for name, speed in found["recorded_speed_deg_s"].items()}
    recorded = " and `--recording`" if found["recorded_speed_deg_s"] else ""
    parts = [
        "# Prediction: how near the head is when the sound is heard",
        f"{how}\n\nMade by `rt-render bench prediction` with `--page`{recorded}, version {__version__}.",
        f"![RMS error over the horizon, without and with prediction]({picture.name})",
        _required(found),
        _worse(table),
        "In the tables: degrees RMS / 95 % below / worst instant.",
    ]
    for motion in motions:
        rows = [row for row in table if row["motion"] == motion]
        parts.append(f"## {motion[0].upper()}{motion[1:]}\n\n{about[motion]}\n\n{_matrix(rows, 'rate_hz')}")
    lagging = [row for row in table if row["motion"] in LAGGING]
    parts.append(f"## A sensor that lags without saying so\n\n100 Hz, with noise.\n\n{_matrix(lagging, 'motion')}")
    parts.append(_reversals(found["reversal_ratios"]))
    try:
        path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    except OSError as error:
        raise RenderError(f"{path} cannot be written: {error.strerror}; choose another place.") from None


def _required(found: dict[str, Any]) -> str:
    lines = ["| with the learnt share | measured | required |", "| --- | --- | --- |"]
    for key, text in PREDICTION_REQUIRED.items():
        measured, limit = found["reached"][key], found["required"][key]
        lines.append(f"| {text} | {measured:.2f} | {limit:g} at most{'' if measured <= limit else ': MISSED'} |")
    return "\n".join(lines)


def _worse(table: Sequence[dict[str, Any]]) -> str:
    """Say where prediction does harm: the rows in which RMS or the worst instant is above that without it."""
    told = []
    for key, name in (("rms_deg", "The RMS error"), ("worst_deg", "The worst instant")):
        harmed = [
            f"{row['motion']} at {row['rate_hz']:g} Hz and {row['horizon_ms']:g} ms "
            f"({row['learnt'][key]:.1f}° for {row['off'][key]:.1f}°)"
            for row in table
            if row["learnt"][key] > row["off"][key]
        ]
        where = f"in {len(harmed)} of {len(table)} cases: {'; '.join(harmed)}" if harmed else "in no case"
        told.append(f"{name} is larger with the learnt share than without it {where}.")
    return " ".join(told)


def _matrix(rows: Sequence[dict[str, Any]], label: str) -> str:
    """Return a table with a column for each horizon and a row for each mode of each label."""
    horizons_ms = sorted({row["horizon_ms"] for row in rows})
    lines = ["| | | " + " | ".join(f"{h:g} ms" for h in horizons_ms) + " |", "| --- " * (len(horizons_ms) + 2) + "|"]
    for name in dict.fromkeys(row[label] for row in rows):
        title = name if isinstance(name, str) else f"{name:g} Hz"
        for mode in MODES:
            cells = [_cell(row[mode]) for row in rows if row[label] == name]
            lines.append(f"| {title} | {MODE_WORDS[mode]} | " + " | ".join(cells) + " |")
            title = ""
    return "\n".join(lines)


def _cell(figures: dict[str, float]) -> str:
    return " / ".join(
        f"{figures[key]:.{digits}f}" for key, digits in (("rms_deg", 2), ("p95_deg", 2), ("worst_deg", 1))
    )


def _reversals(ratios: Sequence[dict[str, float]]) -> str:
    horizons_ms = sorted({row["horizon_ms"] for row in ratios})
    lines = [
        "## Movements that turn back\n",
        "RMS with prediction over that without it, of the worst of all movements: below 1 none became worse.\n",
        "| | | " + " | ".join(f"{h:g} ms" for h in horizons_ms) + " |",
        "| --- " * (len(horizons_ms) + 2) + "|",
    ]
    for rate_hz in dict.fromkeys(row["rate_hz"] for row in ratios):
        for mode in MODES[1:]:
            cells = " | ".join(f"{row[mode]:.2f}" for row in ratios if row["rate_hz"] == rate_hz)
            lines.append(f"| {rate_hz:g} Hz | {MODE_WORDS[mode]} | {cells} |")
    return "\n".join(lines)
