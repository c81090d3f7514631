"""Choosing and opening sound cards: what is said when it does not work, and what we rely on in sounddevice."""

import builtins
import ctypes
import inspect
import sys
import threading
from ctypes.util import find_library
from types import SimpleNamespace

import numpy as np
import pytest

from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.errors import DeviceError
from rt_render.io import portaudio, sound_card
from rt_render.io.call_thread import CallThread
from rt_render.io.library_copy import library_copy
from rt_render.io.machine import examine
from rt_render.io.portaudio import ABANDONED
from rt_render.io.sound_card import SoundCard, find_device, list_devices

needs_portaudio = pytest.mark.skipif(find_library("portaudio") is None, reason="PortAudio is not installed")


class PortAudioError(Exception):
    """As sounddevice's: text, code, host error."""


def card(name, host_api, n_channels, n_inputs=0):
    return {"name": name, "hostapi": host_api, "max_output_channels": n_channels, "max_input_channels": n_inputs}


class FakeLibrary:
    """As much of sounddevice as opening needs; `refusal` is raised when a stream is opened."""

    PortAudioError = PortAudioError
    default = SimpleNamespace(device=(-1, 1))

    def __init__(self, refusal=None, rates=(44100, 48000)):
        self._refusal, self._rates = refusal, rates
        self._ffi = SimpleNamespace(cast=lambda kind, value: value)

    def query_hostapis(self):
        return [
            {"name": "ALSA", "default_output_device": 1, "default_input_device": 0},
            {"name": "Pulse", "default_output_device": 3, "default_input_device": -1},
        ]

    def query_devices(self):
        return [
            card("Microphone", 0, 0, 1),
            card("Headphones", 0, 2),
            card("Beeper", 0, 1),
            card("Headphones", 1, 2),
            card("HDMI 1", 0, 8, 4),
            card("HDMI 12", 0, 8),
        ]

    def check_output_settings(self, device, channels, dtype, samplerate):
        if samplerate not in self._rates:
            raise PortAudioError("Invalid sample rate", -9997)

    def _StreamBase(self, **settings):
        raise self._refusal


@pytest.fixture
def fake(monkeypatch):
    def use(**settings):
        monkeypatch.setattr(portaudio, "_library", lambda: FakeLibrary(**settings))

    use()
    return use


@pytest.fixture(scope="module")
def engine():
    return Engine(Plan(0, 128, 48000, 16), np.ones((2, 1, 16)))


def test_only_outputs_are_listed_with_the_rates_they_take(fake):
    devices = list_devices()
    assert [d.index for d in devices] == [1, 2, 3, 4, 5]
    assert devices[0].rates_hz == (44100, 48000) and devices[0].is_default
    assert devices[1].rates_hz == () and not devices[1].is_default


def test_a_card_is_found_by_number_by_part_of_its_name_and_by_default(fake):
    assert find_device().index == 1
    assert find_device(3).host_api == "Pulse"
    assert find_device("phones (pul").index == 3
    assert find_device("hdmi 1").index == 4  # the exact name wins over the longer one


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("phones", "several sound cards.*1 Headphones.*3 Headphones"),
        ("HDMI", "several sound cards.*4 HDMI 1.*5 HDMI 12"),
        ("nothing", "no sound card is called 'nothing': choose one of 1 Headphones"),
        ("", "no sound card is called ''"),
        (0, "no sound card is called 0"),
        (99, "no sound card is called 99"),
        ("beep", "one channel, and two ears need two"),
    ],
)
def test_a_wrong_card_is_answered_with_the_choice(fake, device, words):
    with pytest.raises(DeviceError, match=words):
        find_device(device)


@pytest.mark.parametrize(
    ("refusal", "rates", "words"),
    [
        (PortAudioError("x", -9997), (44100,), "does not play at 48000 Hz: use 44100 Hz"),
        (PortAudioError("x", -9997), (), "does not play at 48000 Hz: choose another card"),
        (PortAudioError("x", -9985), (48000,), "in use by another program"),
        (PortAudioError("x", -9999, (8, -16, "Device or resource busy")), (48000,), "in use by another"),
        (PortAudioError("x", -9999, (8, -5, "smoke")), (48000,), "cannot be opened .smoke.: choose another"),
    ],
)
def test_a_card_that_refuses_is_told_in_a_sentence_with_the_next_step(fake, engine, refusal, rates, words):
    fake(refusal=refusal, rates=rates)
    with pytest.raises(DeviceError, match=words):
        SoundCard(engine, 1)


def test_a_refusal_keeps_no_memory_of_the_card(fake, engine):
    fake(refusal=PortAudioError("x", -9985))
    kept = set(ABANDONED)
    with pytest.raises(DeviceError):
        SoundCard(engine, 1)
    assert kept == ABANDONED


def test_an_opening_that_hangs_keeps_the_memory_of_the_card(fake, engine, monkeypatch):
    release, kept = threading.Event(), set(ABANDONED)
    monkeypatch.setattr(sound_card, "OPEN_S", 0.05)
    monkeypatch.setattr(portaudio, "PORTAUDIO", CallThread("PortAudio"))
    monkeypatch.setattr(FakeLibrary, "_StreamBase", lambda self, **_: release.wait(30))
    with pytest.raises(DeviceError, match="PortAudio does not answer"):
        SoundCard(engine, 1)
    release.set()
    (card,) = ABANDONED - kept
    assert isinstance(card, SoundCard)
    ABANDONED.discard(card)


def test_a_card_that_was_abandoned_twice_is_forgotten_when_it_is_closed(fake, engine, monkeypatch):
    stream = SimpleNamespace(latency=0.0, abort=lambda: None, close=lambda: None)
    monkeypatch.setattr(FakeLibrary, "_StreamBase", lambda self, **_: stream)
    kept, card = set(ABANDONED), SoundCard(engine, 1)
    card.abandon()
    card.abandon()
    portaudio.PORTAUDIO.ask(lambda: None, 10.0)  # behind the closing, which is only posted
    assert kept == ABANDONED


def test_no_card_at_all_points_to_the_virtual_one(monkeypatch):
    empty = FakeLibrary()
    empty.query_devices = list
    monkeypatch.setattr(portaudio, "_library", lambda: empty)
    with pytest.raises(DeviceError, match="--device virtual"):
        find_device()


def test_a_missing_library_names_the_package_to_install(monkeypatch):
    real_import = builtins.__import__

    def no_portaudio(name, *args, **kwargs):
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_portaudio)
    with pytest.raises(DeviceError, match="apt-get install libportaudio2"):
        list_devices()


def test_a_call_that_hangs_keeps_nobody_waiting_and_is_forgotten_when_it_ends():
    calls, release = CallThread("a library"), threading.Event()
    assert calls.ask(lambda: 7, 1.0) == 7 and not calls.busy
    with pytest.raises(DeviceError, match="a library does not answer"):
        calls.ask(release.wait, 0.05)
    assert calls.busy
    release.set()
    assert calls.ask(lambda: 8, 5.0) == 8
    with pytest.raises(ZeroDivisionError):
        calls.ask(lambda: 1 / 0, 5.0)


@needs_portaudio
def test_sounddevice_has_the_parts_that_we_rely_on():
    import sounddevice as sd

    needed = {"kind", "callback", "userdata", "wrap_callback", "blocksize", "clip_off", "dither_off"}
    assert needed <= set(inspect.signature(sd._StreamBase.__init__).parameters)
    for name in ("_ffi", "_lib", "_initialized", "_initialize", "_terminate", "_exit_handler"):
        assert hasattr(sd, name)
    pointer = sd._ffi.cast("PaStreamCallback*", 0x1000)
    assert int(sd._ffi.cast("uintptr_t", pointer)) == 0x1000
    assert int(sd._ffi.cast("uintptr_t", sd._ffi.cast("void*", 0x2000))) == 0x2000


@needs_portaudio
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="libraries are copied on Linux only")
def test_a_copy_of_the_library_is_a_second_instance_that_outlives_its_file():
    first = ctypes.CDLL(find_library("portaudio"))
    with library_copy("libportaudio") as path:
        second = ctypes.CDLL(path)
    addresses = [ctypes.cast(lib.Pa_GetVersion, ctypes.c_void_p).value for lib in (first, second)]
    assert addresses[0] != addresses[1] and first.Pa_GetVersion() == second.Pa_GetVersion()


def test_a_library_that_is_not_loaded_cannot_be_copied():
    with pytest.raises(DeviceError, match="restart the program"), library_copy("libno-such-thing"):
        pass


def test_doctor_looks_at_everything_and_gives_a_fix_where_something_is_wrong():
    findings = {f.name: f for f in examine()}
    expected = "PortAudio, sound cards, Bluetooth, JACK, PipeWire, real-time priority, memory lock, CPU governor"
    assert set(expected.split(", ")) <= set(findings)
    assert all(f.text for f in findings.values())
    assert all(f.fix for f in findings.values() if f.ok is False)
    assert "numba" in findings["versions"].text


def test_doctor_survives_a_probe_that_fails(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("smoke")

    monkeypatch.setattr("rt_render.io.machine.list_devices", broken)
    finding = {f.name: f for f in examine()}["sound cards"]
    assert finding.ok is None and "smoke" in finding.text
