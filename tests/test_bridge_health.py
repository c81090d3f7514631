import json
from dataclasses import asdict

import numpy as np
import pytest

from firmware_bridge import quaternion
from firmware_bridge.decoder import Counts
from firmware_bridge.messages import Motion
from firmware_bridge.stages.clock import ClockSummary
from firmware_bridge.stages.health import HealthMeter
from firmware_bridge.stages.rest_drift import RestDrift
from firmware_bridge.virtual.simulated_head import SimulatedHead

AHEAD = Motion(quat_wxyz=(1.0, 0.0, 0.0, 0.0))


def fed(arrivals_s, expected_hz=100.0, latency_s=0.003, motion=AHEAD):
    meter = HealthMeter(expected_hz)
    for arrival_s in arrivals_s:
        meter.note_arrival(float(arrival_s), float(arrival_s) - latency_s, motion)
    return meter


def test_a_steady_stream_is_well():
    health = fed(np.arange(500) * 0.01).snapshot(4.995, clock=ClockSummary("device clock", 34.8, 3e-4))
    assert health.rate_hz == pytest.approx(100.0)
    assert health.jitter_ms == pytest.approx(0.0, abs=1e-6)
    assert health.latency_ms == pytest.approx(3.0) and health.age_s == pytest.approx(0.008)
    assert (health.gaps, health.dropped, health.norm_error) == (0, 0, 0.0)
    assert health.clock == "device clock, skew +34.8 ppm, within 0.3 ms"
    assert health.in_words() == "live, 100 Hz, 8 ms old, jitter 0.0 ms"
    assert health.advice() == []


def test_before_anything_came_nothing_is_known_and_nothing_fails():
    health = HealthMeter().snapshot(5.0, state="waiting")
    assert (health.rate_hz, health.age_s, health.jitter_ms, health.norm_error) == (0.0, None, None, None)
    assert health.in_words() == "waiting, 0 Hz" and health.advice() == []


def test_it_is_json():
    health = fed(np.arange(50) * 0.01).snapshot(0.5, counts=Counts(50, 1, 2, 3), implausible=4)
    assert json.loads(json.dumps(asdict(health)))["dropped"] == 10


def test_jitter_is_how_far_intervals_are_from_the_mean():
    random = np.random.default_rng(0)
    arrivals_s = np.arange(3000) * 0.01 + random.uniform(-0.001, 0.001, 3000)
    health = fed(arrivals_s).snapshot(arrivals_s[-1])
    intervals_s = np.diff(arrivals_s[arrivals_s > arrivals_s[-1] - 3.0])
    assert health.jitter_ms == pytest.approx(1e3 * np.percentile(np.abs(intervals_s - 0.01), 95), rel=0.05)


def test_gaps_are_counted_and_the_longest_is_kept():
    arrivals_s = np.concatenate([np.arange(100) * 0.01, 1.5 + np.arange(100) * 0.01, 2.8 + np.arange(100) * 0.01])
    health = fed(arrivals_s).snapshot(3.8)
    assert health.gaps == 2
    assert health.longest_gap_s == pytest.approx(0.51)


def test_a_slow_sender_has_no_gaps():
    assert fed(np.arange(30) * 0.2).snapshot(6.0).gaps == 0


def test_silence_shows_in_rate_and_words():
    meter = fed(np.arange(500) * 0.01)
    assert meter.snapshot(6.5).rate_hz == pytest.approx(50.0, abs=1.0)
    health = meter.snapshot(20.0, state="front")
    assert health.rate_hz == 0.0 and "silent for 15.0 s" in health.in_words() and not health.advice()


def test_a_fast_stream_is_kept_in_bounds_and_told_at_its_rate():
    meter = fed(np.arange(5000) * 0.001)
    assert len(meter._window) <= 512
    assert meter.snapshot(5.0).rate_hz == pytest.approx(1000.0) and meter.snapshot(6.5).rate_hz == pytest.approx(500, 1)


def test_a_fallen_rate_is_told_with_what_to_do():
    advice = fed(np.arange(200) / 43.0).snapshot(199 / 43.0).advice()
    assert len(advice) == 1 and advice[0].startswith("poses come at 43 Hz, where 100 Hz are usual")


def test_damaged_and_lost_frames_are_shares_of_the_last_seconds():
    meter = fed(np.arange(2000) * 0.01)
    meter.snapshot(0.0, counts=Counts(0, 500, 0, 500))
    for second in range(1, 21):
        health = meter.snapshot(float(second), counts=Counts(100 * second, 500 + 4 * second, 0, 500 + 2 * second))
    assert health.damaged_share == pytest.approx(4 / 106) and health.lost_share == pytest.approx(2 / 106)
    assert [sentence.split(":")[0] for sentence in health.advice()] == [
        "4 % of the frames arrive damaged",
        "2 % of the frames never arrive",
    ]
    for second in range(21, 28):
        health = meter.snapshot(float(second), counts=Counts(100 * second, 580, 0, 540))
    assert health.damaged_share == 0.0 and health.damaged == 580 and health.lost == 540


def test_late_poses_a_low_battery_and_wrong_norms_are_told():
    odd = Motion(quat_wxyz=(1.0, 0.0, 0.0, 0.0), norm=1.03, battery=0.1)
    health = fed(np.arange(300) * 0.01, latency_s=0.08, motion=odd).snapshot(3.0)
    assert health.norm_error == pytest.approx(0.03) and health.battery == 0.1
    told = " ".join(health.advice())
    assert "80 ms old" in told and "off their length by 3 %" in told and "battery is at 10 %" in told
    assert all(sentence.endswith(".") for sentence in health.advice())


def test_the_memory_is_bounded():
    meter = fed(np.full(20_000, 1.0))
    for i in range(2000):
        meter.snapshot(1.0 + i * 1e-4, counts=Counts(i))
    assert len(meter._window) <= 4096 and len(meter._counts) <= 256


def heading(yaw_deg, pitch_deg=0.0):
    return tuple(quaternion.from_yaw_pitch_roll_deg(yaw_deg, pitch_deg, 0.0).tolist())


@pytest.mark.parametrize("deg_per_min", [6.0, -1.2, 0.0])
def test_drift_at_rest_is_found_across_the_back(deg_per_min):
    drift, random = RestDrift(), np.random.default_rng(0)
    for i in range(1000):
        drift.note(heading(179.95 + deg_per_min * i * 0.01 / 60.0 + random.normal(0.0, 0.01), 20.0), i * 0.01)
        if i * 0.01 < 3.0:
            assert drift.deg_per_min is None
    assert drift.deg_per_min == pytest.approx(deg_per_min, abs=0.3)


def test_drift_is_not_told_of_a_worn_head_that_sways_and_looks_around():
    drift, head = RestDrift(), SimulatedHead(1)
    for i in range(6000):
        drift.note(tuple(head.pose_at(i * 0.01).quat_world_from_head.tolist()), i * 0.01)
    assert drift.deg_per_min is None


def test_drift_of_the_last_rest_is_kept_when_the_head_moves():
    drift = RestDrift()
    for i in range(1000):
        drift.note(heading(3.0 * i * 0.01 / 60.0), i * 0.01)
    found = drift.deg_per_min
    for i in range(1000, 1200):
        drift.note(heading(50.0 * (i - 1000) * 0.01), i * 0.01)
    assert found == pytest.approx(3.0, abs=0.05) and drift.deg_per_min == pytest.approx(found, abs=0.05)


def test_the_meter_passes_drift_on_and_says_it():
    meter = fed(np.arange(1000) * 0.01)
    for i in range(1000):
        meter.note_pose(heading(8.0 * i * 0.01 / 60.0), i * 0.01)
    health = meter.snapshot(9.99)
    assert "drift 8.0 °/min" in health.in_words()
    assert health.advice()[0].startswith("the heading drifts by 8 °/min at rest: ")


@pytest.mark.parametrize(
    ("transport", "damaged", "lost"),
    [
        ("serial", "shorter cable", "USB hub"),
        ("udp", "dialect", "Wi-Fi"),
        ("osc", "other program", "Wi-Fi"),
        ("ble", "nearer", "nearer"),
    ],
)
def test_advice_is_for_the_transport(transport, damaged, lost):
    meter = HealthMeter(transport=transport)
    meter.snapshot(0.0, counts=Counts(0, 0, 0, 0))
    first, second = meter.snapshot(1.0, counts=Counts(100, 50, 0, 50)).advice()
    assert damaged in first and lost in second and first.endswith(".") and second.endswith(".")
