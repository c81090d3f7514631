"""What a session keeps of itself does not grow with the hours; an hour passes here in a few seconds."""

import os
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest

from firmware_bridge.transports.serial_port import SerialLink
from rt_render.app.budget_meter import BudgetMeter
from rt_render.app.budget_terms import Terms
from rt_render.app.causes import Evidence
from rt_render.app.glitches import KEPT, GlitchLog
from rt_render.io import system_counters
from rt_render.io.system_counters import children, memory_bytes, read_counters
from rt_render.kernels.state import EVENT, EVENT_LATE_BLOCK, trace_dtype

BLOCK_S, POSES_HZ = 128 / 48000, 200
STEP_S, STEPS = 10, 360
"""An hour."""


@pytest.fixture
def interned(monkeypatch):
    """What is put into the interpreter's table of names by Python code, pathlib above all."""
    names = []
    real = sys.intern
    monkeypatch.setattr(sys, "intern", lambda name: names.append(name) or real(name))
    return names


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not tell")
def test_looks_at_the_system_leave_no_names_behind(interned):
    system_counters._of_thread.cache_clear()
    system_counters._of_process.cache_clear()

    def look():
        read_counters(threading.get_native_id())
        return memory_bytes(), memory_bytes(os.getpid()), children()

    look()
    assert str(threading.get_native_id()) in interned, "else this test sees nothing"
    interned.clear()
    for _ in range(10):
        look()
    # words that stand in the sources are in the table for good; numbers would be new each time
    assert [name for name in interned if name.isdigit()] == []


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_serial_port_that_is_silent_leaves_no_names_behind(interned):
    master, slave = os.openpty()
    link = SerialLink(os.ttyname(slave))
    try:
        link.open(0.0)
        interned.clear()
        for _ in range(10):
            link._look()
        assert interned == []
    finally:
        link.close()
        os.close(master)
        os.close(slave)


def rows_of(step):
    n_rows = round(STEP_S / BLOCK_S)
    rows = np.zeros(n_rows, trace_dtype(128))
    rows["block"] = step * n_rows + np.arange(n_rows)
    rows["begin_s"] = 100.0 + rows["block"] * BLOCK_S
    rows["hear_s"], rows["ahead_s"] = rows["begin_s"] + 0.008, 0.01
    rows["pose_number"] = (rows["begin_s"] - 0.001) * POSES_HZ
    rows["pose_time_s"] = rows["pose_number"] / POSES_HZ
    return rows


def test_the_second_half_of_an_hour_takes_no_more_memory_than_the_first():
    meter = BudgetMeter(Terms(BLOCK_S, 0.001, 0.01, 0.06, True))
    glitches = GlitchLog(100.0, BLOCK_S)
    kept_bytes = []
    tracemalloc.start()
    try:
        for step in range(STEPS):
            rows = rows_of(step)
            meter.take(rows)
            meter.recent(float(rows["begin_s"][-1]))
            late = np.zeros(10, EVENT)
            late["kind"], late["amount"] = EVENT_LATE_BLOCK, 0.004
            late["time_s"], late["block"] = rows["begin_s"][:10], rows["block"][:10]
            glitches.take(late, lambda since_s: Evidence(), time.time())
            if step + 1 in (STEPS // 2, STEPS):
                kept_bytes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert abs(kept_bytes[1] - kept_bytes[0]) < 100_000
    whole = meter.whole()
    assert whole is not None and whole.n_poses > (STEP_S * STEPS - 10) * POSES_HZ
    assert glitches.told.counts["late_block"] == 10 * STEPS and len(glitches.told.listed) == KEPT
