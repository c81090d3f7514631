"""How far the rendered head is from the true one when the sound is heard, without prediction and with it.

Natural motion of seeds other than those by which the predictor was tuned (100 and 101); the same with a sensor that
lags without saying so; a sensor at rest; movements that turn back on the spot; and recordings, if some are named.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from firmware_bridge.quaternion import Array
from firmware_bridge.virtual.imu import HeadMotion
from firmware_bridge.virtual.simulated_head import SimulatedHead
from rt_render.app.benchmarks.heads_for_prediction import RecordedHead, ReversingHead, StillHead
from rt_render.app.benchmarks.predicted_path import Wearable, errors_deg, rendered_heads, wear

MODES = ("off", "constant", "learnt")
RATES_HZ = (25.0, 50.0, 100.0, 200.0)
HORIZONS_MS = (0.0, 20.0, 50.0, 80.0, 120.0)
HEAD_SEEDS = (1, 2)
SECONDS, STILL_SECONDS, RECORDED_SECONDS = 60.0, 20.0, 120.0
N_REVERSING = 60
NATURAL, REST = "natural, noise", "at rest, noise"
SETTLED_S = 2.0
"""Figures begin after so long: a first pose has to come, and the shares have to be learnt."""
BEHIND_S = 0.15
"""Belongs to a movement still: so long a path may need to come to rest."""
LAGGING = {
    "10 ms late": Wearable(100.0, late_s=0.01),
    "30 ms late": Wearable(100.0, late_s=0.03),
    "10 ms smoothed": Wearable(100.0, smoothing_s=0.01),
    "30 ms smoothed": Wearable(100.0, smoothing_s=0.03),
}
REQUIRED = {
    "rms_20ms_100hz_deg": 0.15,
    "rms_50ms_100hz_deg": 0.5,
    "rest_excess_deg": 0.03,
    "reversal_ratio": 1.0,
    "lag_ratio": 1.1,
}


def measure(motion: HeadMotion, wearable: Wearable, horizon_ms: float, seconds: float) -> dict[str, dict[str, float]]:
    """Return RMS, 95 % and worst error in degrees for each mode, of blocks of 128 at 48 kHz."""
    return {
        mode: _figures(errors[heard_s > SETTLED_S])
        for mode, (heard_s, errors) in _errors(motion, wearable, horizon_ms, seconds).items()
    }


def reversals(wearable: Wearable, horizon_ms: float, seed: int = 1) -> dict[str, float]:
    """Return the largest ratio, over whole movements that turn back, of the RMS with prediction to that without."""
    head = ReversingHead(N_REVERSING, seed)
    rms = {
        mode: [_rms(errors[(heard_s >= begin) & (heard_s < end + BEHIND_S)]) for begin, end in head.spans_s]
        for mode, (heard_s, errors) in _errors(head, wearable, horizon_ms, float(head.spans_s[-1, 1]) + 1.0).items()
    }
    return {mode: round(float(np.max(np.divide(rms[mode], rms["off"]))), 3) for mode in MODES[1:]}


def run(on_progress: Callable[[str], None], recordings: Sequence[Path] = ()) -> dict[str, object]:
    """Measure all rates, horizons and modes; a minute, and a quarter more for each recording."""
    recorded = [(path.stem, RecordedHead(path)) for path in recordings]
    table: list[dict[str, object]] = []

    def add(name: str, wearable: Wearable, horizon_ms: float, figures: dict[str, dict[str, float]]) -> None:
        table.append({"motion": name, "rate_hz": wearable.rate_hz, "horizon_ms": horizon_ms, **figures})

    head = SimulatedHead(HEAD_SEEDS[0])
    kinds = {
        "natural": Wearable(0.0, noisy=False),
        NATURAL: Wearable(0.0),
        "natural, noise, no gyro": Wearable(0.0, tells_rates=False),
    }
    for rate in RATES_HZ:
        for name, kind in kinds.items():
            on_progress(f"prediction: {name}, {rate:g} Hz")
            for horizon in HORIZONS_MS:
                sensor = replace(kind, rate_hz=rate)
                add(name, sensor, horizon, measure(head, sensor, horizon, SECONDS))
        for horizon in HORIZONS_MS:
            add(REST, Wearable(rate), horizon, measure(StillHead(), Wearable(rate), horizon, STILL_SECONDS))
    lagging = SimulatedHead(HEAD_SEEDS[1])
    for name, sensor in LAGGING.items():
        on_progress(f"prediction: a sensor {name} without saying so")
        for horizon in (20.0, 50.0):
            add(name, sensor, horizon, measure(lagging, sensor, horizon, SECONDS))
    on_progress("prediction: movements that turn back")
    turning_back = [
        {"rate_hz": rate, "horizon_ms": horizon, **reversals(Wearable(rate), horizon)}
        for rate in RATES_HZ
        for horizon in HORIZONS_MS
    ]
    recorded_speeds: dict[str, dict[str, float]] = {}
    for name, motion in recorded:
        seconds = min(motion.seconds, RECORDED_SECONDS)
        recorded_speeds[name] = _speeds(motion, seconds)
        for rate in RATES_HZ:
            on_progress(f"prediction: {name}, {rate:g} Hz")
            for horizon in HORIZONS_MS:
                sensor = Wearable(rate, noisy=False)
                add(name, sensor, horizon, measure(motion, sensor, horizon, seconds))
    return {
        "prediction": {
            "head_speed_deg_s": _speeds(head, SECONDS),
            "recorded_speed_deg_s": recorded_speeds,
            "table": table,
            "reversal_ratios": turning_back,
            "required": REQUIRED,
            "reached": _reached(table, turning_back),
        }
    }


def _errors(
    motion: HeadMotion, wearable: Wearable, horizon_ms: float, seconds: float
) -> dict[str, tuple[Array, Array]]:
    poses = wear(motion, wearable, seconds, seed=1)
    heard = {mode: rendered_heads(poses, mode, 1e-3 * horizon_ms, seconds) for mode in MODES}
    return {mode: (heard_s, errors_deg(motion, heard_s, heads)) for mode, (heard_s, heads) in heard.items()}


def _reached(table: list[dict[str, object]], turning_back: list[dict[str, float]]) -> dict[str, float]:
    """Return, of the learnt prediction, what is required of it."""
    rms = {(r["motion"], r["rate_hz"], r["horizon_ms"], mode): r[mode]["rms_deg"] for r in table for mode in MODES}  # type: ignore[index]
    rows = {key[:3] for key in rms}
    return {
        "rms_20ms_100hz_deg": rms[NATURAL, 100.0, 20.0, "learnt"],
        "rms_50ms_100hz_deg": rms[NATURAL, 100.0, 50.0, "learnt"],
        "rest_excess_deg": round(max(rms[*row, "learnt"] - rms[*row, "off"] for row in rows if row[0] == REST), 4),
        "reversal_ratio": max(r["learnt"] for r in turning_back),
        "lag_ratio": round(max(rms[*row, "learnt"] / rms[*row, "off"] for row in rows if row[0] in LAGGING), 3),
    }


def _speeds(head: HeadMotion, seconds: float) -> dict[str, float]:
    gyro = head.pose_at(np.arange(0.0, seconds, 0.005)).gyro_rad_s
    speed = np.degrees(np.linalg.norm(gyro, axis=-1))
    median, p99 = np.percentile(speed, [50.0, 99.0])
    return {"median": round(float(median), 1), "p99": round(float(p99), 1), "max": round(float(speed.max()), 1)}


def _figures(errors: Array) -> dict[str, float]:
    return {
        "rms_deg": round(_rms(errors), 4),
        "p95_deg": round(float(np.percentile(errors, 95.0)), 4),
        "worst_deg": round(float(errors.max()), 3),
    }


def _rms(errors: Array) -> float:
    return float(np.sqrt(np.mean(errors**2)))
