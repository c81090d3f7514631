"""Real pseudo-terminals and the real pyserial; skipped where there are none."""

import errno
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import serial

from firmware_bridge.errors import BridgeError
from firmware_bridge.notices import Notices
from firmware_bridge.serial_source import SerialSource
from firmware_bridge.transports.serial_reasons import why_not_opened

pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
tty = pytest.importorskip("tty", reason="this system has no pseudo-terminals")

PLUG_IN = "plug the head tracker in or name another port; trying again"
P0_LINE = b"$HT,4660,305419896,0.96232,0.01944,0.09535,0.25392,0103*0A\r\n"


class Wearable:
    """A device on a pseudo-terminal that is found under a fixed name, as udev would give it."""

    def __init__(self, link):
        self.link = link
        self.device, self._host_side = pty.openpty()
        tty.setraw(self._host_side)
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(self._host_side))

    def send(self, data):
        os.write(self.device, data)

    def unplug(self):
        self.link.unlink()
        os.close(self._host_side)
        os.close(self.device)


def n_open_files():
    listing = Path("/proc/self/fd")
    return len(list(listing.iterdir())) if listing.is_dir() else None


def poses_within(source, n_poses, seconds=5.0):
    poses, end = [], time.monotonic() + seconds
    while len(poses) < n_poses and time.monotonic() < end:
        poses += source.poll(0.02)
    return poses


def test_lines_over_a_pseudo_terminal_become_poses(tmp_path):
    heard = []
    wearable = Wearable(tmp_path / "tracker")
    source = SerialSource(str(tmp_path / "tracker"), 115200, Notices(heard.append))
    source.poll(0.01)
    before_s = time.monotonic()
    wearable.send(b"half a li\r\n" + P0_LINE + b"#YPR=-30.00,-10.00,5.00\r\n" * 3)
    poses = poses_within(source, 2)
    for pose in poses:
        assert pose.yaw_pitch_roll_deg() == pytest.approx((30.0, -10.0, 5.0), abs=1e-3)
        assert before_s <= pose.time_s <= time.monotonic()
    assert [pose.seq for pose in poses] == [1, 2] and source.health().dropped == 1
    assert "says: you look 30° to the left, 10° down" in heard[-1]
    assert source.health().connected
    source.close()
    wearable.unplug()


def test_frames_that_arrive_together_are_spaced_by_the_devices_clock(tmp_path):
    wearable = Wearable(tmp_path / "tracker")
    source = SerialSource(str(tmp_path / "tracker"), 115200, Notices(lambda text: None))
    source.poll(0.01)
    lines = b"$HT,1,4294965000,1,0,0,0,0103*%02X\n$HT,2,2704,1,0,0,0,0103*%02X\n"
    bodies = [part.split(b"*")[0] for part in lines.split(b"$")[1:]]
    sums = [0, 0]
    for index, body in enumerate(bodies):
        for byte in body:
            sums[index] ^= byte
    wearable.send(lines % tuple(sums))
    time.sleep(0.05)
    first, second = poses_within(source, 2)
    assert second.time_s - first.time_s == pytest.approx(0.005, abs=1e-9)
    source.close()
    wearable.unplug()


def test_an_unplugged_tracker_is_found_again_each_time(tmp_path):
    heard = []
    source = SerialSource(str(tmp_path / "tracker"), 115200, Notices(heard.append))
    assert source.poll(0.01) == []
    assert heard[0] == f"serial port {tmp_path / 'tracker'} is not there: {PLUG_IN}"
    n_open = n_open_files()
    for _ in range(5):
        wearable = Wearable(tmp_path / "tracker")
        end = time.monotonic() + 5.0
        while source._port is None and time.monotonic() < end:
            source.poll(0.02)
        wearable.send(P0_LINE[: len(P0_LINE) // 2])
        source.poll(0.02)
        wearable.send(P0_LINE[len(P0_LINE) // 2 :])
        assert len(poses_within(source, 1)) == 1
        wearable.send(P0_LINE[:20])
        wearable.unplug()
        while source._port is not None and time.monotonic() < end:
            source.poll(0.02)
        assert source._port is None and not source.health().connected
    assert n_open_files() == n_open
    assert any("is gone" in text for text in heard)
    source.close()


def test_one_port_is_found_and_several_are_listed(monkeypatch, tmp_path):
    heard = []
    ports = [SimpleNamespace(device=f"/dev/ttyACM{k}") for k in range(2)]
    monkeypatch.setattr("firmware_bridge.serial_source.list_ports.comports", lambda: ports)
    source = SerialSource("auto", 115200, Notices(heard.append))
    source.poll(0.0)
    assert "/dev/ttyACM0, /dev/ttyACM1" in heard[0]
    wearable = Wearable(tmp_path / "tracker")
    ports[:] = [SimpleNamespace(device=str(tmp_path / "tracker"))]
    end = time.monotonic() + 5.0
    while source._port is None and time.monotonic() < end:
        source.poll(0.02)
    wearable.send(P0_LINE)
    assert len(poses_within(source, 1)) == 1
    ports.clear()
    nowhere = SerialSource("auto", 115200, Notices(heard.append))
    nowhere.poll(0.0)
    assert "no serial port found" in heard[-1]
    source.close()
    wearable.unplug()


@pytest.mark.parametrize("baud", [0, 12345678901])
def test_a_speed_that_cannot_be_is_refused(baud):
    with pytest.raises(BridgeError, match="bits per second"):
        SerialSource("auto", baud, Notices(print))


def heard_on_opening(port):
    heard = []
    source = SerialSource(str(port), 115200, Notices(heard.append))
    assert source.poll(0.0) == []
    source.close()
    (text,) = heard
    assert "[Errno" not in text and text.endswith("; trying again")
    return text


def test_a_port_that_does_not_open_is_explained(tmp_path):
    wearable = Wearable(tmp_path / "tracker")
    with serial.Serial(str(tmp_path / "tracker"), exclusive=True):
        assert "is in use by another program: close that one" in heard_on_opening(tmp_path / "tracker")
    wearable.unplug()
    (tmp_path / "file").touch()
    assert "cannot be set up as a serial port: name another one" in heard_on_opening(tmp_path / "file")
    assert "(Is a directory): name another port" in heard_on_opening(tmp_path)
    assert "with this name or speed" in heard_on_opening("nothing://here")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            serial.SerialException(errno.EACCES, "could not open port: [Errno 13] Permission denied"),
            "usermod -aG dialout",
        ),
        (serial.SerialException("could not open port 'COM9': FileNotFoundError(2, '')"), "is not there"),
        (serial.SerialException("could not open port 'COM9': PermissionError(13, '')"), "is in use"),
    ],
)
def test_what_other_users_and_systems_are_refused_is_explained_too(error, reason):
    assert reason in why_not_opened(error)
