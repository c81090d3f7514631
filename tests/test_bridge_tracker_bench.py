"""What `rt-render bench tracker` finds good and what not, from poses that are made up."""

import numpy as np
import pytest

from rt_render.app.benchmarks.frame_writer import COUNTS, GYRO_STEP_RAD_S
from rt_render.app.benchmarks.tracker import _figures

N = 100


def seen(latency_s=0.001):
    """Return rows as the watch notes them, of frames written every 5 ms, and when they were written."""
    numbers, written_s = np.arange(N), 10.0 + 0.005 * np.arange(N)
    gyro = GYRO_STEP_RAD_S * np.stack([numbers % COUNTS, numbers // COUNTS], axis=-1)
    return np.column_stack([written_s + latency_s, 1.0 + numbers, gyro]), written_s


def test_poses_that_come_whole_and_in_time_are_ok():
    figures = _figures(*seen())
    assert figures["ok"] and figures["p50_ms"] == pytest.approx(1.0) and figures["lost"] == 0


def test_poses_seen_before_they_were_written_are_not_ok():
    figures = _figures(*seen(-0.001))
    assert not figures["ok"] and figures["min_ms"] == pytest.approx(-1.0)


def test_poses_out_of_order_are_not_ok():
    rows, written_s = seen()
    rows[[40, 41], 1:] = rows[[41, 40], 1:]
    figures = _figures(rows, written_s)
    assert not figures["ok"] and not figures["in_order"]


def test_lost_poses_are_not_ok():
    rows, written_s = seen()
    rows[50:, 1] -= 1.0
    assert not _figures(np.delete(rows, 49, axis=0), written_s)["ok"]
