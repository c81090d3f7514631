"""`firmware-bridge calibrate`: it asks, shows what it found, and keeps it for the device."""

import pytest
from calibrating_person import Person

from firmware_bridge.commands import calibrate as calibrate_command
from firmware_bridge.commands.calibrate import CalibrationSession
from firmware_bridge.commands.words import hertz, plural, strip
from firmware_bridge.device_store import DeviceStore, Remembered, device_key
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Motion
from firmware_bridge.source import Heard, SourceHealth
from firmware_bridge.stages.calibration import Calibration
from firmware_bridge.stages.mounting import Mounting


class Recorder(Calibration):
    """A calibration that keeps what it was fed with."""

    def __init__(self):
        super().__init__()
        self.fed = []

    def feed(self, quat, gyro, time_s):
        self.fed.append((quat, gyro, time_s))
        return super().feed(quat, gyro, time_s)


class Worn:
    """A source of what a person did who was calibrated once, some of it at each poll."""

    name, device_id, exact_times = "a sensor on a cap", "cap-1", True
    dialect = DIALECTS["hbf1"]

    def __init__(self, fed):
        self.fed, self.closed = list(fed), False

    def poll(self, timeout_s):
        now, self.fed = self.fed[:100], self.fed[100:]
        return [Heard(Motion(quat, gyro, seq=k), 50.0 + time_s) for k, (quat, gyro, time_s) in enumerate(now)]

    def health(self):
        return SourceHealth(True, self.name, 0)

    def close(self):
        self.closed = True


@pytest.fixture(scope="module")
def done_once():
    person, calibration = Person(seed=11, nods=4, off_axis=0.02), Recorder()
    assert person.calibrate(calibration=calibration) is not None
    return person, calibration.fed


def test_a_calibration_asks_shows_the_nods_and_is_kept_for_the_device(call, monkeypatch, done_once):
    person, fed = done_once
    worn = Worn(fed)
    monkeypatch.setattr("firmware_bridge.opening.make_source", lambda *_: worn)
    code, out, _ = call("calibrate", "hbf1", "--yes")
    assert code == 0 and worn.closed
    for words in ("look straight ahead and hold still.", "nod 4, ", "turn your head to the left", "one of 4 nods"):
        assert words in out.lower()
    key = device_key("hbf1", "cap-1")
    kept = DeviceStore().load(key)
    assert kept.name == worn.name and kept.spread_deg is not None
    assert str(DeviceStore().path(key)) in out.replace("\n", "")
    found = Calibration()
    for quat, gyro, time_s in fed:
        found.feed(quat, gyro, time_s)
    assert kept.mounting.quat_sensor_from_head == pytest.approx(found.result.mounting.quat_sensor_from_head, abs=1e-6)
    up_deg, heading_deg = person.errors_deg(found.result)
    assert up_deg < 1.0 and heading_deg < 3.0


def test_a_calibration_that_is_not_finished_says_what_it_waits_for(done_once):
    _, fed = done_once
    said = []
    session = CalibrationSession(Worn(fed[:500]), "vqf", False, 0.2, said.append)
    with pytest.raises(BridgeError, match="was not finished in time, it waits for this: now nod down"):
        session.result()
    assert said and said[0].startswith("look straight ahead")
    with pytest.raises(BridgeError, match="a sensor on a cap sends no poses"):
        CalibrationSession(Worn([]), "vqf", False, 0.0, said.append).result()


def test_a_person_is_asked_before_anything_is_kept_and_may_nod_more(call, monkeypatch, done_once, tmp_path):
    _, fed = done_once
    shown, answers = [], iter([True, False])
    monkeypatch.setenv("RT_RENDER_DEVICES", str(tmp_path / "devices"))
    monkeypatch.setattr("firmware_bridge.opening.make_source", lambda *_: Worn(fed))
    monkeypatch.setattr(calibrate_command, "_may_ask", lambda yes: True)
    monkeypatch.setattr(calibrate_command.typer, "confirm", lambda text, default: shown.append(text) or next(answers))
    results = []

    def result_of_more(session):
        results.append(session)
        return session.result()

    monkeypatch.setattr(CalibrationSession, "result_of_more", result_of_more)
    monkeypatch.setattr("firmware_bridge.stages.calibration.GOOD_SPREAD_DEG", -1.0)
    answers = iter([True, False, False])
    code, out, _ = call("calibrate", "hbf1")
    assert code == 0 and shown == ["Nod some more?"] * 2 + ["Keep this calibration?"] and len(results) == 1
    assert "nothing was kept" in out and not (tmp_path / "devices").exists()


def test_a_better_stored_calibration_is_replaced_only_on_demand(call, monkeypatch, done_once, tmp_path):
    _, fed = done_once
    monkeypatch.setenv("RT_RENDER_DEVICES", str(tmp_path / "devices"))
    monkeypatch.setattr("firmware_bridge.opening.make_source", lambda *_: Worn(fed))
    key, store = device_key("hbf1", "cap-1"), DeviceStore()
    stored = Remembered(Mounting(), None, "cap", "2026-11-20T10:00:00+00:00", 0.01)
    store.save(key, stored)
    monkeypatch.setattr("firmware_bridge.stages.calibration.GOOD_SPREAD_DEG", -1.0)
    code, out, _ = call("calibrate", "hbf1")
    assert code == 1 and "the stored calibration of 2026-11-20 is better" in out and "--yes" in out
    assert store.load(key) == stored
    assert call("calibrate", "hbf1", "--yes")[0] == 0 and store.load(key) != stored


def test_nods_are_marks_on_a_line_and_numbers_read_well():
    assert strip([0.0, -15.0, 99.0, 99.0], 15.0, 11) == "●····●····2"
    assert strip([], 15.0, 11) == "·····│·····"
    assert (plural(1, "frame"), plural(2, "frame")) == ("1 frame", "2 frames")
    assert (hertz(None), hertz(9.96), hertz(199.7)) == ("", "10.0 Hz", "200 Hz")
