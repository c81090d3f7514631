"""MIDI, HID and Bluetooth without hardware: the library's side is played by stand-ins with the same calls.

No machine that runs these tests has a MIDI sequencer or such devices: what is checked is our side of the border.
"""

import asyncio
import builtins
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from firmware_bridge.dialects.android_hid import AndroidHidDevice
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Motion
from firmware_bridge.notices import Notices
from firmware_bridge.sources import detect
from firmware_bridge.sources.auto_source import all_places
from firmware_bridge.sources.detect import listed_trackers
from firmware_bridge.sources.open_source import ble_source, hid_source, midi_source
from firmware_bridge.transports import ble_port, hid_port, midi_port
from firmware_bridge.transports.link import LinkError
from firmware_bridge.virtual.device import DeviceState

P0 = DeviceState(0.0, 0, (0.962318, 0.019437, 0.095352, 0.253917), gyro_rad_s=(0.1, -0.2, 1.5))


def polled(source, n_messages=1, seconds=3.0):
    heard, end_s = [], time.monotonic() + seconds
    while len(heard) < n_messages and time.monotonic() < end_s:
        heard += source.poll(0.02)
    return heard


@pytest.mark.parametrize(
    ("load", "module", "extra"),
    [
        (midi_port.load_mido, "mido", "midi"),
        (hid_port.load_hid, "hid", "hid"),
        (ble_port.load_bleak, "bleak", "ble"),
    ],
)
def test_a_library_that_is_absent_is_one_plain_sentence(load, module, extra, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == module:
            raise ImportError
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BridgeError, match=rf"pip install 'rt-render\[{extra}\]'") as raised:
        load()
    assert str(raised.value).endswith(".")


def test_no_heavy_library_is_loaded_before_it_is_asked_for():
    code = (
        "import sys, firmware_bridge.sources.open_source, firmware_bridge.sources.auto_source, "
        "firmware_bridge.transports.midi_port, firmware_bridge.transports.hid_port, "
        "firmware_bridge.transports.ble_port; "
        "print([m for m in ('mido', 'rtmidi', 'hid', 'bleak') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class Midi:
    """mido's rtmidi backend: names, ports, and a callback per message on the library's thread."""

    def __init__(self, names):
        self.names, self.sent, self.callback, self.n_closed = names, [], None, 0

    def get_input_names(self):
        return self.names

    get_output_names = get_input_names

    def open_input(self, name, callback):
        assert name in self.names
        self.callback = callback
        return self

    def open_output(self, name):
        return self

    def send(self, message):
        self.sent.append(bytes(message.bytes()))

    def close(self):
        self.n_closed += 1

    def hear(self, data):
        import mido

        for message in mido.parse_all(data):
            self.callback(message)


@pytest.fixture
def midi(monkeypatch):
    mido = pytest.importorskip("mido")
    backend = Midi(["Something Else", "Head Tracker:Head Tracker MIDI 1 20:0"])
    monkeypatch.setattr(midi_port, "load_mido", lambda: (mido, backend))
    monkeypatch.setattr(midi_port, "system_has_midi", lambda: True)
    monkeypatch.setattr("firmware_bridge.transports.midi_port.LOOK_EVERY_S", 0.05)
    return backend


def test_a_midi_tracker_is_spoken_to_and_heard(midi):
    dialect = DIALECTS["supperware"]
    texts = []
    source = midi_source(dialect, Notices(texts.append))
    source.poll(0.01)
    source.poll(0.01)
    assert midi.sent[0] == dialect.talk.opening[0]
    midi.hear(bytes.fromhex("F0 00 21 42 40 01 0F 33 7E 3D 00 28 04 08 F7"))
    (one,) = polled(source)
    assert one.message.quat_wxyz == pytest.approx(P0.quat_world_from_head, abs=2e-3)
    assert one.arrival_s <= time.monotonic() and source.device_id.startswith("Head Tracker")
    source.close()
    assert midi.sent[-1] == dialect.talk.closing and midi.n_closed == 2


def test_a_midi_tracker_that_is_pulled_is_noticed_and_found_again(midi):
    texts = []
    source = midi_source(DIALECTS["supperware"], Notices(texts.append))
    polled(source, seconds=0.05)
    names, midi.names = midi.names, []
    polled(source, seconds=0.3)
    assert any("is gone" in text for text in texts)
    midi.names, midi.callback = names, None
    end_s = time.monotonic() + 3.0
    while midi.callback is None and time.monotonic() < end_s:
        source.poll(0.02)
    assert midi.callback is not None
    source.close()


def test_no_midi_at_all_and_a_port_of_another_program_are_told_apart(midi):
    link = midi_port.MidiLink("Nothing Such")
    with pytest.raises(LinkError, match="is not there"):
        link.open(0.0)

    def taken(name, callback):
        raise OSError

    midi.open_input = taken
    with pytest.raises(LinkError, match="in use by another program"):
        midi_port.MidiLink("Head Tracker").open(0.0)

    def no_midi():
        raise OSError

    midi.get_input_names = no_midi
    assert midi_port.midi_names(midi) == []


class Headphones:
    """hidapi's device class over a virtual head tracker."""

    def __init__(self, tracker):
        self.tracker, self.there, self.opened = tracker, True, False

    def open_path(self, path):
        assert path == b"/dev/hidraw7"
        self.opened = True

    def set_nonblocking(self, on):
        self.nonblocking = on

    def get_report_descriptor(self):
        return list(self.descriptor)

    def get_feature_report(self, report_id, size):
        return list(self.tracker._features[report_id])

    def send_feature_report(self, data):
        self.tracker.answer(bytes(data), 0.0)
        return len(data)

    def read(self, size, timeout_ms=0):
        if not self.there:
            raise OSError("read error")
        report, self.pending = self.pending, b""
        if not report and timeout_ms:
            time.sleep(timeout_ms * 1e-3)
        return list(report)

    def close(self):
        self.opened = False

    pending = b""


@pytest.fixture
def headphones(monkeypatch):
    from firmware_bridge.dialects.android_hid import EXAMPLE_DESCRIPTOR

    one = Headphones(AndroidHidDevice(reporting=False))
    one.descriptor = EXAMPLE_DESCRIPTOR
    found = {
        "path": b"/dev/hidraw7",
        "vendor_id": 0x54C,
        "product_id": 0xDF0,
        "serial_number": "ac:80",
        "product_string": "WH-1000XM5",
        "usage_page": 0x20,
        "usage": 0xE1,
    }
    mouse = {**found, "path": b"/dev/hidraw1", "usage_page": 1, "usage": 2}
    library = SimpleNamespace(device=lambda: one, enumerate=lambda: [mouse, found] if one.there else [mouse])
    monkeypatch.setattr(hid_port, "load_hid", lambda: library)
    return one


def test_headphones_are_found_started_heard_and_stopped(headphones):
    source = hid_source(DIALECTS["android-hid"], Notices(lambda text: None))
    source.poll(0.01)
    headphones.pending = headphones.tracker.encode(P0)
    assert headphones.pending, "reporting is switched on"
    (one,) = polled(source)
    assert one.message.quat_wxyz == pytest.approx(P0.quat_world_from_head, abs=1e-3)
    assert one.message.gyro_rad_s == pytest.approx(P0.gyro_rad_s, abs=2e-3)
    assert source.device_id == "054c-0df0-ac:80"
    source.close()
    assert headphones.tracker.encode(P0) == b"" and not headphones.opened


def test_headphones_that_go_are_noticed_and_found_again(headphones):
    texts = []
    source = hid_source(DIALECTS["android-hid"], Notices(texts.append))
    source.poll(0.01)
    headphones.there = False
    source.poll(0.01)
    assert "is gone" in texts[-1]
    headphones.there = True
    end_s = time.monotonic() + 3.0
    heard = []
    while not heard and time.monotonic() < end_s:
        headphones.pending = headphones.tracker.encode(P0)
        heard += source.poll(0.02)
    assert heard
    source.close()


def test_a_hid_device_that_is_no_head_tracker_is_left_alone(headphones):
    headphones.descriptor = bytes.fromhex("05 01 09 02 A1 01 C0")
    with pytest.raises(LinkError, match="does not describe a head tracker"):
        hid_port.HidLink().open(0.0)
    assert not headphones.opened
    with pytest.raises(LinkError, match="is not there"):
        hid_port.HidLink("Some Other").open(0.0)


def test_headphones_without_the_description_are_not_switched_on(headphones):
    headphones.get_feature_report = lambda report_id, size: [report_id, *b"something else" * 3]
    with pytest.raises(LinkError, match="Android head tracker"):
        hid_port.HidLink("wh-1000").open(0.0)
    assert headphones.tracker.encode(P0) == b""


def test_a_midi_tracker_that_streams_is_told_with_its_rate_and_a_silent_one_is_not_written_to(midi, monkeypatch):
    monkeypatch.setattr(detect, "RATE_S", 0.6)
    (silent,) = (one for one in listed_trackers() if one.transport == "midi")
    assert silent.heard == "is called like a supperware; silent until it is named" and silent.rate_hz is None
    device, stop = DIALECTS["supperware"].make_device(), threading.Event()
    for words in DIALECTS["supperware"].talk.opening:
        device.answer(words, 0.0)
    midi.callback = None

    def stream():
        k = 0
        while not stop.wait(0.01):
            if midi.callback is not None:
                midi.hear(device.encode(DeviceState(0.01 * k, k, P0.quat_world_from_head)))
                k += 1

    thread = threading.Thread(target=stream)
    thread.start()
    (found,) = (one for one in listed_trackers() if one.transport == "midi")
    stop.set()
    thread.join()
    assert found.heard == "speaks supperware" and 30.0 < found.rate_hz < 110.0
    assert midi.sent == []


def test_a_midi_tracker_that_another_program_has_is_listed_all_the_same(midi, monkeypatch):
    def refuse(name, callback):
        raise OSError

    monkeypatch.setattr(midi, "open_input", refuse)
    (found,) = (one for one in listed_trackers() if one.transport == "midi")
    assert found.dialect == "supperware"
    assert found.heard == "is called like a supperware, but is in use by another program: close that one"


def test_midi_and_hid_trackers_are_listed_and_are_places_for_auto(midi, headphones, monkeypatch):
    monkeypatch.setattr(detect, "RATE_S", 0.1)
    listed = {(one.dialect, one.place) for one in listed_trackers()}
    assert ("supperware", midi.names[1]) in listed and ("android-hid", "/dev/hidraw7") in listed
    assert {midi.names[1], "/dev/hidraw7"} <= all_places().keys()


class Air:
    """bleak over nothing: one device, which notifies when told to."""

    class exc:
        class BleakError(Exception):
            pass

    def __init__(self, name):
        self.device = SimpleNamespace(address="AA:BB:CC:DD:EE:FF", name=name)
        self.there, self.written, self.notify, self.gone = True, [], None, None
        self.connected, self.broken, self.connect_s = False, False, 0.0
        air = self

        class BleakScanner:
            @staticmethod
            async def find_device_by_filter(is_wanted, timeout):
                await asyncio.sleep(0.05)
                advert = SimpleNamespace(local_name=air.device.name)
                return air.device if air.there and is_wanted(air.device, advert) else None

        class BleakClient:
            def __init__(self, device, disconnected_callback):
                air.gone = lambda: disconnected_callback(self)

            async def connect(self):
                await asyncio.sleep(air.connect_s)
                if not air.there:
                    raise Air.exc.BleakError("no adapter")
                air.connected = True

            async def start_notify(self, uuid, callback):
                if air.broken:
                    raise Air.exc.BleakError("characteristic not found")
                air.notify_uuid = uuid
                air.notify = lambda data: callback(None, bytearray(data))

            async def write_gatt_char(self, uuid, data, response):
                air.written.append((uuid, bytes(data)))

            async def disconnect(self):
                air.written.append(("", b"disconnected"))
                air.connected = False

        self.BleakScanner, self.BleakClient = BleakScanner, BleakClient


@pytest.fixture
def air(monkeypatch):
    one = Air("My NX Tracker 2")
    monkeypatch.setattr(ble_port, "load_bleak", lambda: one)
    return one


def test_a_bluetooth_tracker_is_found_started_heard_and_let_go(air):
    dialect = DIALECTS["waves-nx"]
    source = ble_source(dialect, Notices(lambda text: None))
    assert list(source.poll(0.0)) == [], "looking for it takes a while and holds up nobody"
    end_s = time.monotonic() + 3.0
    while not air.written and time.monotonic() < end_s:
        source.poll(0.02)
    assert air.written[0] == ("0000a011-5761-7665-7341-7564696f4c74", bytes.fromhex("32 00 00 00 01"))
    assert air.notify_uuid == "0000a015-5761-7665-7341-7564696f4c74"
    air.notify(bytes.fromhex("FFFF 0000 FFFF FF3F 0003"))
    (one,) = polled(source)
    assert isinstance(one.message, Motion) and one.message.quat_wxyz[0] == pytest.approx(1.0, abs=1e-3)
    assert source.device_id == "AA:BB:CC:DD:EE:FF"
    source.close()
    assert air.written[-1] == ("", b"disconnected")
    assert not any(thread.name == "bluetooth" for thread in threading.enumerate())


def test_a_bluetooth_tracker_out_of_reach_is_said_and_looked_for_again(air):
    texts = []
    air.there = False
    source = ble_source(DIALECTS["waves-nx"], Notices(texts.append), "aa:bb:cc:dd:ee:ff")
    polled(source, seconds=0.3)
    assert "Bluetooth device aa:bb:cc:dd:ee:ff is not there: switch it on" in texts[0]
    air.there = True
    end_s = time.monotonic() + 3.0
    while air.notify is None and time.monotonic() < end_s:
        source.poll(0.02)
    air.gone()
    polled(source, seconds=0.1)
    assert any("is gone: bring it nearer" in text for text in texts)
    source.close()


def test_a_bluetooth_tracker_that_does_not_notify_is_let_go(air):
    air.broken, texts = True, []
    source = ble_source(DIALECTS["waves-nx"], Notices(texts.append))
    end_s = time.monotonic() + 3.0
    while not texts and time.monotonic() < end_s:
        source.poll(0.02)
    assert "does not connect" in texts[0] and air.written == [("", b"disconnected")] and not air.connected
    source.close()


@pytest.mark.parametrize("connect_s", [0.0, 60.0])
def test_closing_while_a_bluetooth_tracker_is_being_connected_leaves_nothing_behind(air, connect_s):
    air.connect_s = connect_s
    link = ble_port.BleLink("", ble_port.PROFILES["waves-nx"])
    assert not link.open(0.0)
    end_s = time.monotonic() + 3.0
    while link._found is None or (connect_s == 0.0 and air.notify is None):
        assert time.monotonic() < end_s
        time.sleep(0.01)
    link.close()
    assert not air.connected and air.written[-1] == ("", b"disconnected")
    assert not any(thread.name == "bluetooth" for thread in threading.enumerate())


def test_dialects_that_are_not_heard_over_bluetooth_are_refused(air):
    with pytest.raises(BridgeError, match="not heard over Bluetooth"):
        ble_source(DIALECTS["hbf1"], Notices(print))
