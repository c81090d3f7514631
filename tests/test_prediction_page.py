"""The published figures of the prediction: measured, written and drawn by one command, with recordings if named."""

import numpy as np
import pytest
from imu_tools import write_imu_recording

from firmware_bridge.imu_recording import ImuRecording
from firmware_bridge.virtual.simulated_head import SimulatedHead
from rt_render.app import api
from rt_render.app.benchmarks import prediction
from rt_render.errors import ConfigurationError, RenderError


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(prediction, "RATES_HZ", (100.0,))
    monkeypatch.setattr(prediction, "HORIZONS_MS", (20.0, 50.0))
    monkeypatch.setattr(prediction, "SECONDS", 6.0)
    monkeypatch.setattr(prediction, "STILL_SECONDS", 4.0)
    monkeypatch.setattr(prediction, "N_REVERSING", 3)


def record(path):
    times_s = np.arange(0.0, 12.0, 0.005)
    state = SimulatedHead(4).pose_at(times_s)
    force = np.broadcast_to([0.0, 0.0, 9.81], (len(times_s), 3))
    moving = np.ones(len(times_s), bool)
    write_imu_recording(
        ImuRecording("", times_s, state.gyro_rad_s, force, None, state.quat_world_from_head, moving), path
    )


def test_the_page_holds_what_was_measured_and_its_picture_lies_beside_it(short, tmp_path):
    for name in ("walk.npz", "talk.csv"):
        record(tmp_path / name)
    recordings = [tmp_path / "walk.npz", str(tmp_path / "talk.csv")]
    found = api.bench(["prediction"], recordings=recordings, page=tmp_path / "figures.md")["prediction"]
    text = (tmp_path / "figures.md").read_text()
    assert (tmp_path / "figures.png").read_bytes()[:4] == b"\x89PNG" and "(figures.png)" in text
    assert {row["motion"] for row in found["table"]} > {"walk", "talk", "at rest, noise"}
    for row in found["table"]:
        for mode in prediction.MODES:
            figures = row[mode]
            cell = f"{figures['rms_deg']:.2f} / {figures['p95_deg']:.2f} / {figures['worst_deg']:.1f}"
            assert any(cell in line for line in text.splitlines()), (row, mode)
    for name in ("## Walk", "## Talk", "## At rest, noise", "| 30 ms late | without |", "## Movements that turn back"):
        assert name in text
    ratios = [f"{row['learnt']:.2f}" for row in found["reversal_ratios"]]
    assert f"| 100 Hz | learnt share | {' | '.join(ratios)} |" in text
    with pytest.raises(ConfigurationError, match=r"figures\.md and .*figures\.png exist already"):
        api.bench(["prediction"], page=tmp_path / "figures.md")


def test_a_page_of_other_parts_is_refused_before_anything_is_measured(tmp_path):
    with pytest.raises(ConfigurationError, match="a page tells of the prediction: name this part too"):
        api.bench(["soak"], page=tmp_path / "figures.md")


def test_a_recording_that_is_not_there_is_told_before_anything_is_measured(tmp_path):
    told = []
    with pytest.raises(RenderError, match=r"walk\.csv: No such file"):
        api.bench(["prediction"], recordings=[tmp_path / "walk.csv"], on_progress=told.append)
    assert not told
