"""Real pseudo-terminals and the real pyserial; skipped where there are none."""

import errno
import time
from types import SimpleNamespace

import pytest
import serial

from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Motion
from firmware_bridge.notices import Notices
from firmware_bridge.sources import link_source
from firmware_bridge.sources.identification import serial_dialects
from firmware_bridge.sources.open_source import serial_source
from firmware_bridge.transports import serial_port
from firmware_bridge.transports.serial_reasons import why_not_opened

pytest.importorskip("pty", reason="this system has no pseudo-terminals")
from pty_tools import Playing, Wearable, heard_within, n_open_files, poll_until, stream
from unplug_run import unplug_cycles

HBF1, RAZOR = DIALECTS["hbf1"], DIALECTS["razor"]


@pytest.fixture
def wearable(tmp_path):
    device = Wearable(tmp_path / "tracker")
    yield device
    device.unplug()


def source_at(path, texts=None, dialect=None, baud=None, **more):
    texts = [] if texts is None else texts
    return serial_source(str(path), Notices(texts.append), dialect, baud, **more)


def test_a_named_dialect_is_heard_from_the_first_frame_on(wearable):
    source = source_at(wearable.link, dialect=HBF1, baud=115200)
    source.poll(0.01)
    before_s = time.monotonic()
    wearable.send(b"".join(stream(HBF1, 5)))
    heard = heard_within(source, 5)
    assert [one.message.seq for one in heard] == [0, 1, 2, 3, 4]
    assert all(before_s <= one.arrival_s <= time.monotonic() for one in heard)
    assert source.health().connected and source.health().dropped == 0
    source.close()


def test_a_port_that_nobody_named_is_heard_out_and_no_frame_is_lost(wearable):
    texts = []
    source = source_at(wearable.link, texts)
    assert source.poll(0.01) == [] and source.dialect is None
    wearable.send(b"".join(stream(HBF1, 40)))
    heard = heard_within(source, 40)
    assert source.dialect is HBF1
    assert [one.message.seq for one in heard] == list(range(40))
    assert any("speaks hbf1" in text for text in texts)
    source.close()


def test_nothing_is_written_to_a_port_that_has_not_identified_itself(wearable):
    source = source_at(wearable.link)
    for _ in range(20):
        wearable.send(b"no tracker at all\r\n")
        source.poll(0.01)
        assert not source.say(b"PING 1\n")
    source.close()
    assert wearable.written_by_host() == b""


def test_what_has_identified_itself_may_be_spoken_to(wearable):
    source = source_at(wearable.link)
    source.poll(0.01)
    wearable.send(b"".join(stream(HBF1, 10)))
    heard_within(source, 10)
    assert source.say(b"PING 1\n")
    time.sleep(0.02)
    assert wearable.written_by_host().endswith(b"PING 1\n")
    source.close()


def test_the_opening_and_the_closing_of_a_named_dialect_are_said(wearable):
    dialect = DIALECTS["razor"]
    source = source_at(wearable.link, dialect=dialect, baud=57600)
    poll_until(source, lambda: False, 0.3)
    source.close()
    said = wearable.written_by_host()
    assert said.startswith(b"".join(dialect.talk.opening)) and said.endswith(dialect.talk.closing)


def test_a_dialect_with_several_speeds_is_found_at_one_of_them(wearable, monkeypatch):
    """A pseudo-terminal knows no speeds: here it is silent at all but one."""
    speeds = []
    real = serial_port.SerialLink.set_baud

    def set_baud(link, baud):
        speeds.append(baud)
        real(link, baud)

    monkeypatch.setattr(serial_port.SerialLink, "set_baud", set_baud)
    source = source_at(wearable.link)
    frames = stream(HBF1, 400)
    end_s, heard, n_sent = time.monotonic() + 10.0, [], 0
    while not heard and time.monotonic() < end_s:
        wearable.send(frames[n_sent] if speeds and speeds[-1] == 57600 else b"\xf0\x0f" * 8)
        n_sent += 1
        time.sleep(0.01)
        heard += source.poll(0.02)
    assert speeds[:3] == [115200, 921600, 57600] and source.dialect is HBF1
    wearable.unplug()
    poll_until(source, lambda: not source._is_open)
    again = Wearable(wearable.link)
    n_speeds = len(speeds)
    poll_until(source, lambda: source._is_open)
    assert speeds[n_speeds] == 57600
    source.close()
    wearable.device, wearable._host_side = again.device, again._host_side


def test_another_device_after_replugging_is_heard_out_anew(tmp_path):
    source = source_at(tmp_path / "tracker")
    for dialect, n_frames in ((HBF1, 10), (RAZOR, 60), (HBF1, 10)):
        wearable = Wearable(tmp_path / "tracker")
        player = Playing(wearable, dialect, 100.0)
        heard = heard_within(source, n_frames)
        assert source.dialect is dialect and len(heard) >= n_frames
        player.stop()
        wearable.unplug()
        poll_until(source, lambda: not source._is_open)
    source.close()


def test_another_device_behind_the_same_open_port_is_heard_out_too(wearable, monkeypatch):
    monkeypatch.setattr(link_source, "SILENT_S", 0.5)
    source = source_at(wearable.link)
    poll_until(source, lambda: source._is_open)
    wearable.send(b"".join(stream(HBF1, 10)))
    assert heard_within(source, 10) and source.dialect is HBF1
    player = Playing(wearable, RAZOR, 100.0)
    poll_until(source, lambda: source.dialect is RAZOR, 8.0)
    assert source.dialect is RAZOR
    player.stop()
    source.close()


def test_a_name_that_comes_to_mean_another_port_is_noticed(tmp_path):
    first = Wearable(tmp_path / "tracker")
    source = source_at(tmp_path / "tracker", dialect=HBF1, baud=115200)
    poll_until(source, lambda: source._is_open)
    second = Wearable(tmp_path / "tracker")
    player = Playing(second, HBF1)
    assert heard_within(source, 3)
    player.stop()
    source.close()
    second.unplug()
    first.unplug()


def test_a_tracker_that_is_pulled_again_and_again_comes_back_within_two_seconds_and_leaks_nothing(tmp_path):
    n_open = n_open_files()
    result = unplug_cycles(25, tmp_path / "tracker", seed=1, away=(0.0, 0.0, 0.02))
    assert len(result.back_s) == 25
    assert max(result.back_s) < 2.0
    assert n_open_files() == n_open


def test_a_silent_port_and_a_senseless_one_are_told_apart(wearable, monkeypatch):
    monkeypatch.setattr(link_source, "SILENT_S", 0.3)
    texts = []
    source = source_at(wearable.link, texts)
    poll_until(source, lambda: any("is open but silent" in text for text in texts), 4.0)
    assert "is open but silent: switch the head tracker on" in texts[-1]
    source.close()
    texts.clear()
    named = source_at(wearable.link, texts, HBF1, 115200)
    end_s = time.monotonic() + 4.0
    while not any("sends bytes" in text for text in texts) and time.monotonic() < end_s:
        wearable.send(b"hello\r\n")
        named.poll(0.05)
    assert "sends bytes but no poses" in texts[-1] and "really speaks hbf1" in texts[-1]
    named.close()


def test_a_speed_that_the_driver_does_not_know_leaves_the_port_as_it_is(wearable, monkeypatch):
    real = serial.Serial._reconfigure_port

    def reconfigure(port, *args, **more):
        if port.baudrate == 3_000_000:
            raise ValueError("Invalid baud rate: 3000000")
        real(port, *args, **more)

    monkeypatch.setattr(serial.Serial, "_reconfigure_port", reconfigure)
    link = serial_port.SerialLink(str(wearable.link), (115200, 3_000_000))
    link.open(0.1)
    link.set_baud(3_000_000)
    wearable.send(b"still here")
    assert link.read(0.2)[0].data == b"still here" and link.read(0.01) == []
    link.close()


@pytest.mark.parametrize("baud", [0, 12345678901])
def test_a_speed_that_cannot_be_is_refused(baud):
    with pytest.raises(BridgeError, match="bits per second"):
        source_at("/dev/null", baud=baud)


def told_on_opening(port):
    texts = []
    source = source_at(port, texts)
    assert source.poll(0.0) == []
    source.close()
    (text,) = texts
    assert "[Errno" not in text and text.endswith("; trying again")
    return text


def test_a_port_that_does_not_open_is_explained(wearable, tmp_path):
    with serial.Serial(str(wearable.link), exclusive=True):
        assert "is in use by another program: close that one" in told_on_opening(wearable.link)
    (tmp_path / "file").touch()
    assert "cannot be set up as a serial port: name another one" in told_on_opening(tmp_path / "file")
    assert "(Is a directory): name another port" in told_on_opening(tmp_path)
    assert "with this name or speed" in told_on_opening("nothing://here")
    assert "is not there: plug the head tracker in or name another port" in told_on_opening(tmp_path / "none")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (serial.SerialException(errno.EACCES, "could not open port: [Errno 13]"), "usermod -aG dialout"),
        (serial.SerialException("could not open port 'COM9': FileNotFoundError(2, '')"), "is not there"),
        (serial.SerialException("could not open port 'COM9': PermissionError(13, '')"), "is in use"),
    ],
)
def test_what_other_users_and_systems_are_refused_is_explained_too(error, reason):
    assert reason in why_not_opened(error)


def test_usb_ports_have_an_identity_and_others_have_none(monkeypatch):
    blank = {"vid": None, "pid": None, "serial_number": None, "location": None, "description": "n/a"}
    ports = [
        SimpleNamespace(**{**blank, "device": "/dev/ttyS0"}),
        SimpleNamespace(
            device="/dev/ttyACM1", vid=0x2E8A, pid=5, serial_number="E6", location="1-1", description="Pico"
        ),
        SimpleNamespace(
            device="/dev/ttyACM0", vid=0x2E8A, pid=5, serial_number=None, location="1-2", description="Pico"
        ),
    ]
    monkeypatch.setattr(serial_port.list_ports, "comports", lambda: ports)
    listed = serial_port.serial_ports()
    assert [port.device_id for port in listed] == ["2e8a-0005-1-2", "2e8a-0005-E6", ""]
    assert [port.description for port in listed] == ["Pico", "Pico", ""]


def test_motions_of_the_wire_are_the_heads(wearable):
    source = source_at(wearable.link, dialect=HBF1, baud=115200)
    source.poll(0.01)
    wearable.send(b"$HT,4660,305419896,0.96232,0.01944,0.09535,0.25392,0103*0A\r\n")
    (one,) = heard_within(source, 1)
    assert isinstance(one.message, Motion)
    assert one.message.quat_wxyz == pytest.approx((0.96232, 0.01944, 0.09535, 0.25392), abs=1e-4)
    source.close()


@pytest.mark.parametrize("dialect", serial_dialects(), ids=lambda dialect: dialect.name)
def test_every_serial_device_is_brought_to_speak_when_it_is_named(wearable, dialect):
    player = Playing(wearable, dialect, 200.0)
    source = source_at(wearable.link, dialect=dialect, baud=dialect.bauds[0])
    heard = []
    poll_until(source, lambda: sum(isinstance(one.message, Motion) for one in heard) >= 5, heard=heard)
    player.stop()
    source.close()
    assert sum(isinstance(one.message, Motion) for one in heard) >= 5
