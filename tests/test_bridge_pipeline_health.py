"""What the pipeline tells of a stream: its usual rate, the length of its quaternions, what was implausible or lacks."""

from dataclasses import replace
from math import cos, radians, sin

import pytest

from firmware_bridge.decoder import Counts
from firmware_bridge.device_store import DeviceStore
from firmware_bridge.dialect import Axes, Check
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.memory import Memory
from firmware_bridge.messages import Motion
from firmware_bridge.osc.device import device_of
from firmware_bridge.osc.dialects import find_dialect
from firmware_bridge.pose_pipeline import PosePipeline
from firmware_bridge.settings import make_settings
from firmware_bridge.source import Heard, SourceHealth


class Source:
    name, device_id, exact_times = "a tracker", "1", False

    def __init__(self, dialect):
        self.dialect = dialect

    def health(self):
        return SourceHealth(True, "it", 0, Counts())


@pytest.fixture
def said():
    return []


@pytest.fixture
def health_of(tmp_path, said):
    def play(dialect, motions, rate_hz=100.0, **settings):
        pipeline = PosePipeline(
            make_settings(tracker="none", **settings), Memory(DeviceStore(tmp_path), said.append), said.append
        )
        source, at_s = Source(replace(dialect, axes=Axes.HEAD)), 0.0
        for k, motion in enumerate(motions):
            at_s = 100.0 + k / rate_hz
            pipeline.hear([Heard(motion, at_s)], source)
        return pipeline.status(source, at_s).health

    return play


def turning(k, **more):
    half = radians(0.1 * k) / 2.0
    return Motion((cos(half), 0.0, 0.0, sin(half)), **more)


def test_a_rate_below_what_is_usual_for_the_dialect_is_told(health_of):
    health = health_of(DIALECTS["witmotion"], [turning(k) for k in range(200)], 40.0)
    assert health.expected_hz == 100.0 and health.advice()[0].startswith("poses come at 40 Hz, where 100 Hz are usual")


def test_programs_send_as_often_as_they_like(health_of):
    health = health_of(device_of(find_dialect(None)), [turning(k) for k in range(200)], 40.0)
    assert health.expected_hz is None and health.advice() == []


def test_the_length_at_which_quaternions_were_told_is_watched(health_of):
    health = health_of(DIALECTS["hbf1"], [turning(k, norm=0.96) for k in range(400)], 200.0)
    assert health.norm_error == pytest.approx(0.04) and "off their length by 4 %" in health.advice()[0]


def test_frames_that_came_before_the_trust_are_not_called_implausible(health_of):
    dialect = replace(DIALECTS["witmotion"], check=Check.SUM8)
    jump = Motion((0.0, 0.0, 0.0, 1.0))
    health = health_of(dialect, [*[turning(k) for k in range(50)], jump, *[turning(k) for k in range(51, 100)]])
    assert health.implausible == 1


def raw(k, mag=None):
    return Motion(gyro_rad_s=(0.0, 0.0, 0.1), accel_m_s2=(0.0, 0.0, 9.81), mag_ut=mag)


def test_a_fusion_of_nine_axes_without_a_magnetometer_is_said_once(health_of, said):
    hbf1 = DIALECTS["hbf1"]
    health_of(hbf1, [raw(k) for k in range(400)], fusion="vqf9d")
    assert len(said) == 1 and "vqf9d works as vqf here" in said[0]
    said.clear()
    health_of(hbf1, [raw(k, (20.0, 0.0, -40.0) if k % 10 == 0 else None) for k in range(400)], fusion="vqf9d")
    health_of(hbf1, [raw(k) for k in range(400)])
    assert said == []
