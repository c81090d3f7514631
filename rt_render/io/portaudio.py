"""PortAudio behind sounddevice: one thread for all calls, the list of devices, starting anew.

PortAudio is not thread-safe and may hang when a device or server dies: `PORTAUDIO` makes all calls, each with a
time-out. What is passed to `ask` gets the sounddevice module.
"""

import atexit
import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from rt_render.conventions import RATES_HZ
from rt_render.errors import DeviceError
from rt_render.io.call_thread import CallThread
from rt_render.io.library_copy import library_copy

T = TypeVar("T")

CALL_S, OPEN_S = 3.0, 10.0
JACK = "JACK"
PORTAUDIO = CallThread("PortAudio")
ABANDONED: set[object] = set()
"""Streams that were not seen to close, with all they may still touch, and libraries: their memory must stay."""


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """An output device: number, name, host API, channels, the rates in Hz it takes, whether it is the default.

    `n_inputs`: how many channels it records; a device that only records has none but these.
    """

    index: int
    name: str
    host_api: str
    n_channels: int
    rates_hz: tuple[int, ...]
    is_default: bool
    n_inputs: int = 0


@contextmanager
def _no_chatter() -> Iterator[None]:
    """Keep what ALSA and JACK write to the error output off the screen."""
    try:
        kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:
        yield
        return
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def ask(function: Callable[[Any], T], timeout_s: float = CALL_S) -> T:
    """Call a function of the sounddevice module on PortAudio's thread, quietly; what PortAudio raises: DeviceError."""

    def call() -> T:
        sd = _library()
        try:
            return function(sd)
        except sd.PortAudioError as error:
            raise DeviceError(
                f"PortAudio refuses ({error}): choose another sound card from `rt-render devices`."
            ) from error

    with _no_chatter():
        return PORTAUDIO.ask(call, timeout_s)


def _library() -> Any:
    """Return sounddevice, imported and initialised. PortAudio's thread only."""
    try:
        import sounddevice
    except OSError as error:
        raise DeviceError(
            "the PortAudio library is missing, so no sound card can be used: install it (Debian, Ubuntu: "
            "`sudo apt-get install libportaudio2`; macOS: `brew install portaudio`) and start again."
        ) from error
    except Exception as error:
        raise DeviceError(f"PortAudio does not start ({error}): run `rt-render doctor`.") from error
    if not _registered:
        # sounddevice's own clean-up at exit would wait for a hung PortAudio for ever
        atexit.unregister(sounddevice._exit_handler)
        atexit.register(_leave)
        _registered.append(True)
    if sounddevice._initialized == 0:
        try:
            sounddevice._initialize()
        except sounddevice.PortAudioError as error:
            raise DeviceError(f"PortAudio does not start ({error}): run `rt-render doctor`.") from error
    return sounddevice


_registered: list[bool] = []


def _terminate(sd: Any) -> None:
    while sd._initialized:
        sd._terminate()


def _jack_is_down(sd: Any) -> bool:
    """Whether a JACK server that this PortAudio was connected to has gone.

    PortAudio's JACK back end (pa_jack.c, 19.6 and 19.7) then waits ten minutes for a callback when it aborts a
    stream, and ends the whole process by an assertion when it closes one or terminates. Such an instance must
    never be touched again. Opening a stream is the one question it answers safely.
    """
    for api in sd.query_hostapis():
        if JACK in api["name"] and api["default_output_device"] >= 0:
            try:
                sd.RawOutputStream(device=api["default_output_device"], channels=1).close()
            except sd.PortAudioError:
                return True
    return False


def _restart(sd: Any) -> None:
    if sd._initialized and _jack_is_down(sd):
        ABANDONED.add(sd._lib)  # JACK still knows functions in it
        with library_copy("libportaudio") as path:
            sd._lib = sd._ffi.dlopen(path)
        sd._initialized = 0
    _terminate(sd)
    sd._initialize()


def _leave() -> None:
    if not PORTAUDIO.busy:
        with suppress(Exception):  # the process ends; there is nobody to tell
            ask(lambda sd: None if _jack_is_down(sd) else _terminate(sd), 2.0)


def look_again() -> None:
    """Start PortAudio anew, so that it sees devices that came or went. Only while no stream of ours is open.

    Raises DeviceError while an earlier call hangs.
    """
    if PORTAUDIO.busy:
        raise DeviceError("PortAudio does not answer yet: the virtual sound card plays on.")
    ask(_restart, OPEN_S)


def portaudio_version() -> str:
    """Return what PortAudio and sounddevice say of themselves; DeviceError without the library."""
    return ask(lambda sd: f"{sd.get_portaudio_version()[1]}; sounddevice {sd.__version__}")


def jack_client_name() -> str | None:
    """Return the name that PortAudio's client has on its JACK server; None without one. Raises DeviceError."""

    def name(sd: Any) -> str | None:
        told = ctypes.c_char_p()
        library = ctypes.CDLL(sd._libname)
        if not hasattr(library, "PaJack_GetClientName") or library.PaJack_GetClientName(ctypes.byref(told)):
            return None
        return None if told.value is None else told.value.decode()

    return ask(name)


def list_devices(*, with_rates: bool = True, inputs: bool = False) -> list[DeviceInfo]:
    """Return the output devices PortAudio found when it started; `with_rates` tries each rate (slower).

    `inputs`: also devices that only record. Raises DeviceError when PortAudio is missing or hangs. Any thread.
    """
    return ask(lambda sd: _list(sd, with_rates, inputs), OPEN_S)


def _list(sd: Any, with_rates: bool, inputs: bool) -> list[DeviceInfo]:
    apis = sd.query_hostapis()
    default = sd.default.device[1]
    if default < 0:
        default = next((a["default_output_device"] for a in apis if a["default_output_device"] >= 0), -1)
    return [
        DeviceInfo(
            index,
            info["name"],
            apis[info["hostapi"]]["name"],
            info["max_output_channels"],
            rates_of(sd, index) if with_rates and info["max_output_channels"] >= 2 else (),
            index == default,
            info["max_input_channels"],
        )
        for index, info in enumerate(sd.query_devices())
        if info["max_output_channels"] > 0 or (inputs and info["max_input_channels"] > 0)
    ]


def rates_of(sd: Any, index: int) -> tuple[int, ...]:
    """Return the rates in Hz a device takes. PortAudio's thread only."""

    def takes(fs_hz: int) -> bool:
        try:
            sd.check_output_settings(device=index, channels=2, dtype="float32", samplerate=fs_hz)
        except sd.PortAudioError:
            return False
        return True

    return tuple(fs_hz for fs_hz in RATES_HZ if takes(fs_hz))


def find_device(device: int | str | None = None) -> DeviceInfo:
    """Return the output device of a number, of a part of its name (any case), or the default one.

    Raises DeviceError when none or several fit, or when it has fewer than two channels.
    """
    devices = list_devices(with_rates=False)
    if not devices:
        raise DeviceError("no sound card was found: plug one in, or play on the virtual one with `--device virtual`.")
    listing = "; ".join(f"{d.index} {full_name(d)}" for d in devices)
    found: list[DeviceInfo]
    if device is None:
        found = [d for d in devices if d.is_default][:1] or devices[:1]
    elif isinstance(device, int):
        found = [d for d in devices if d.index == device]
    else:
        word = device.strip().lower()
        found = [d for d in devices if word in (d.name.lower(), full_name(d).lower())]
        found = found or [d for d in devices if word and word in full_name(d).lower()]
    if not found:
        raise DeviceError(f"no sound card is called {device!r}: choose one of {listing}.")
    if len(found) > 1:
        fits = "; ".join(f"{d.index} {full_name(d)}" for d in found)
        raise DeviceError(f"{device!r} fits several sound cards: choose one by its number: {fits}.")
    if found[0].n_channels < 2:
        raise DeviceError(
            f"sound card {full_name(found[0])} has one channel, and two ears need two: choose one of {listing}."
        )
    return found[0]


def full_name(device: DeviceInfo) -> str:
    """Return the name by which a device is found again when numbers have changed."""
    return f"{device.name} ({device.host_api})"
