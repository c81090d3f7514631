"""Sound cards through PortAudio: the list of them, and one stream that calls the engine natively.

The stream's callback is the compiled function of `kernels.cards`, handed over by address; its user data is a
small record (`LINK`) that names the engine's state. No Python runs while sound is played. PortAudio is not
thread-safe and may hang when a device or server dies: one thread makes all calls, each with a time-out.
"""

import atexit
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from math import gcd
from typing import Any, TypeVar

import numpy as np

from firmware_bridge.mailbox_kernels import load_word, store_word
from rt_render.conventions import BLOCK_SIZES, RATES_HZ
from rt_render.engine.engine import Engine
from rt_render.errors import ConfigurationError, DeviceError
from rt_render.io.call_thread import CallThread
from rt_render.io.library_copy import library_copy
from rt_render.kernels.cards import compile_sound_card
from rt_render.kernels.state import LINK, field_offset
from rt_render.kernels.turn import pass_turn

T = TypeVar("T")

_INVALID_RATE, _UNAVAILABLE = -9997, -9985  # PaErrorCode
_CALL_S, _OPEN_S = 3.0, 10.0
_TURN_S = 1.0
_JACK = "JACK"
_portaudio = CallThread("PortAudio")
_stream_numbers = count(1)
_abandoned: list[object] = []
"""Streams that were not seen to close, with all they may still touch, and libraries: their memory must stay."""


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """An output device: number, name, host API, channels, the rates in Hz it takes, whether it is the default."""

    index: int
    name: str
    host_api: str
    n_channels: int
    rates_hz: tuple[int, ...]
    is_default: bool


@dataclass(frozen=True, slots=True)
class CardStatus:
    """What plays: names, sample rate, frames a call, latencies in seconds, and a line for the person.

    `latency_s` is from a call to the converter as PortAudio tells it; `adapter_latency_s` comes on top of it;
    `host_frames` are the smallest and largest number of frames asked for in one call so far.
    """

    name: str
    host_api: str
    fs_hz: int
    block_size: int
    latency_s: float
    host_frames: tuple[int, int]
    adapter_latency_s: float
    text: str


def adapter_latency_frames(block_size: int, host_frames: int) -> int:
    """Return by how many frames a sample is rendered early, at most, when calls ask for `host_frames`."""
    return block_size - gcd(block_size, host_frames)


def engine_block_size(host_frames: int) -> tuple[int, int]:
    """Return the engine's block size for calls of any size, and the latency in frames that it adds.

    The largest block (cheapest) that adds at most an eighth of the call, else the one that adds least.
    Raises ConfigurationError outside 32 to 2048.
    """
    low, high = BLOCK_SIZES[0], BLOCK_SIZES[-1]
    if not low <= host_frames <= high:
        raise ConfigurationError(f"block size {host_frames} cannot be played: choose {low} to {high} frames.")
    choices = [(adapter_latency_frames(b, host_frames), b) for b in BLOCK_SIZES if b <= host_frames]
    cheap = [(added, block) for added, block in choices if 8 * added <= host_frames]
    added, block = cheap[-1] if cheap else min(choices)
    return block, added


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


def _ask(function: Callable[[Any], T], timeout_s: float = _CALL_S) -> T:
    """Call a function of the sounddevice module on PortAudio's thread, quietly."""
    with _no_chatter():
        return _portaudio.ask(lambda: function(_library()), timeout_s)


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
        sounddevice._initialize()
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
        if _JACK in api["name"] and api["default_output_device"] >= 0:
            try:
                sd.RawOutputStream(device=api["default_output_device"], channels=1).close()
            except sd.PortAudioError:
                return True
    return False


def _restart(sd: Any) -> None:
    if sd._initialized and _jack_is_down(sd):
        _abandoned.append(sd._lib)  # JACK still knows functions in it
        with library_copy("libportaudio") as path:
            sd._lib = sd._ffi.dlopen(path)
        sd._initialized = 0
    _terminate(sd)
    sd._initialize()


def _leave() -> None:
    if not _portaudio.busy:
        with suppress(Exception):  # the process ends; there is nobody to tell
            _ask(lambda sd: None if _jack_is_down(sd) else _terminate(sd), 2.0)


def look_again() -> None:
    """Start PortAudio anew, so that it sees devices that came or went. Only while no stream of ours is open.

    Raises DeviceError while an earlier call hangs.
    """
    if _portaudio.busy:
        raise DeviceError("PortAudio does not answer yet: the virtual sound card plays on.")
    _ask(_restart, _OPEN_S)


def portaudio_version() -> str:
    """Return what PortAudio and sounddevice say of themselves; DeviceError without the library."""
    return _ask(lambda sd: f"{sd.get_portaudio_version()[1]}; sounddevice {sd.__version__}")


def list_devices(*, with_rates: bool = True) -> list[DeviceInfo]:
    """Return the output devices PortAudio found when it started; `with_rates` tries each rate (slower).

    Raises DeviceError when PortAudio is missing or hangs. Any thread.
    """
    return _ask(lambda sd: _list(sd, with_rates), _OPEN_S)


def _list(sd: Any, with_rates: bool) -> list[DeviceInfo]:
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
            _rates(sd, index) if with_rates and info["max_output_channels"] >= 2 else (),
            index == default,
        )
        for index, info in enumerate(sd.query_devices())
        if info["max_output_channels"] > 0
    ]


def _rates(sd: Any, index: int) -> tuple[int, ...]:
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
    listing = "; ".join(f"{d.index} {_full_name(d)}" for d in devices)
    found: list[DeviceInfo]
    if device is None:
        found = [d for d in devices if d.is_default][:1] or devices[:1]
    elif isinstance(device, int):
        found = [d for d in devices if d.index == device]
    else:
        word = device.strip().lower()
        found = [d for d in devices if word in (d.name.lower(), _full_name(d).lower())]
        found = found or [d for d in devices if word and word in _full_name(d).lower()]
    if not found:
        raise DeviceError(f"no sound card is called {device!r}: choose one of {listing}.")
    if len(found) > 1:
        fits = "; ".join(f"{d.index} {_full_name(d)}" for d in found)
        raise DeviceError(f"{device!r} fits several sound cards: choose one by its number: {fits}.")
    if found[0].n_channels < 2:
        raise DeviceError(
            f"sound card {_full_name(found[0])} has one channel, and two ears need two: choose one of {listing}."
        )
    return found[0]


def _full_name(device: DeviceInfo) -> str:
    return f"{device.name} ({device.host_api})"


class SoundCard:
    """One PortAudio stream that plays an engine. Control side, one thread at a time.

    Opened on construction; it calls from `begin` on, and plays while it has the turn. `start` does both.
    """

    def __init__(
        self,
        engine: Engine,
        device: int | str | None = None,
        *,
        host_frames: int | None = None,
        latency: float | str = "low",
    ) -> None:
        """Open a stream of two float32 channels at the engine's rate.

        `host_frames`: frames a call, by default the engine's block; other sizes go through the block adapter.
        `latency` in seconds or PortAudio's "low" and "high". Raises DeviceError.
        """
        self.device = find_device(device)
        self._engine = engine
        self._frames = host_frames or engine.plan.block_size
        self._callback = compile_sound_card()
        self._number = next(_stream_numbers)
        self._link = np.zeros(1, LINK)
        self._link[0]["state"], self._link[0]["stream"] = engine.address, self._number
        try:
            self._stream: Any = _ask(lambda sd: self._open(sd, latency), _OPEN_S)
        except DeviceError:
            _abandoned.append(self)  # an opening that hangs may still come to something
            raise
        self._latency_s = float(self._stream.latency)
        self._on_jack = _JACK in self.device.host_api

    def _open(self, sd: Any, latency: float | str) -> Any:
        ffi = sd._ffi
        fs_hz = self._engine.plan.fs_hz
        try:
            return sd._StreamBase(
                kind="output",
                samplerate=fs_hz,
                blocksize=self._frames,
                device=self.device.index,
                channels=2,
                dtype="float32",
                latency=latency,
                callback=ffi.cast("PaStreamCallback*", self._callback.address),
                userdata=ffi.cast("void*", int(self._link.ctypes.data)),
                wrap_callback=None,
                clip_off=True,
                dither_off=True,
            )
        except sd.PortAudioError as error:
            raise DeviceError(self._refusal(sd, error)) from error

    def _refusal(self, sd: Any, error: Any) -> str:
        name, fs_hz = _full_name(self.device), self._engine.plan.fs_hz
        code = error.args[1] if len(error.args) > 1 else 0
        text = str(error.args[2][2]) if len(error.args) > 2 else str(error.args[0])
        rates = _rates(sd, self.device.index)
        if code == _INVALID_RATE or (rates and fs_hz not in rates):
            others = f"use {' or '.join(map(str, rates))} Hz" if rates else "choose another card"
            return f"sound card {name} does not play at {fs_hz} Hz: {others} (`--rate`)."
        if code == _UNAVAILABLE or "busy" in text.lower():
            return f"sound card {name} is in use by another program: close that one, or choose another card."
        return f"sound card {name} cannot be opened ({text}): choose another one from `rt-render devices`."

    # playing

    def start(self) -> None:
        """Begin to call and play. Raises DeviceError when the stream does not start or another one plays."""
        self.begin()
        self.take_turn()

    def begin(self) -> None:
        """Let the sound card call; it gets silence until `take_turn`. Raises DeviceError."""
        try:
            _ask(lambda sd: self._stream.start(), _OPEN_S)
        except DeviceError:
            raise
        except Exception as error:
            raise DeviceError(
                f"sound card {_full_name(self.device)} does not start ({error}): choose another one."
            ) from error

    def take_turn(self) -> None:
        """Play from the next call on. Raises DeviceError while another stream plays this engine."""
        address = self._engine.address
        for name in ("host_frames_low", "host_frames_high"):
            store_word(address + field_offset(name), 0)
        if not pass_turn(address, 0, self._number):
            raise DeviceError("this engine is played by another sound card: stop that one first.")

    def give_turn(self) -> None:
        """Stop playing behind the block under way; further calls get silence. Raises DeviceError if stuck."""
        address = self._engine.address
        give_up_s = time.monotonic() + _TURN_S
        while not pass_turn(address, self._number, 0):
            if abs(load_word(address + field_offset("owner"))) != self._number:
                return
            if time.monotonic() > give_up_s:
                raise DeviceError(f"sound card {_full_name(self.device)} is stuck within a block: restart the program.")
            time.sleep(0.0005)

    def stop(self) -> None:
        """Play what is on its way, then close; a card that does not answer is abandoned after some seconds."""
        if self._on_jack and not self.running:
            self.abandon()
            return
        _abandoned.append(self)
        try:
            _ask(lambda sd: self._stream.stop())
            _ask(lambda sd: self._stream.close())
            _abandoned.remove(self)
        except DeviceError:
            pass
        self.give_turn()

    def abandon(self) -> None:
        """Take the engine away from a lost card at once and close it later, as it can, waiting for nothing."""
        _abandoned.append(self)
        self.give_turn()
        _portaudio.post(self._close_lost)

    def _close_lost(self) -> None:
        if not self._on_jack:  # see `_jack_is_down`
            self._stream.abort()
            self._stream.close()
            _abandoned.remove(self)

    # looking

    @property
    def calls(self) -> int:
        """How often the sound card has called, its turn or not."""
        return int(load_word(int(self._link.ctypes.data) + LINK.fields["calls"][1]))  # type: ignore[index]

    @property
    def running(self) -> bool:
        """Whether PortAudio says that the stream is active; False also when it does not answer."""
        try:
            return bool(_portaudio.ask(lambda: self._stream.active, 1.0))
        except Exception:
            return False

    def status(self) -> CardStatus:
        """Tell what plays, with the latencies known by now."""
        plan, address = self._engine.plan, self._engine.address
        low, high = (int(load_word(address + field_offset(f"host_frames_{end}"))) for end in ("low", "high"))
        sizes = {n for n in (self._frames, low, high) if n}
        added_frames = max(adapter_latency_frames(plan.block_size, n) for n in sizes)
        latency_s = self._engine.snapshot().device_latency_s or self._latency_s
        added_s = added_frames / plan.fs_hz
        text = f"{_full_name(self.device)}, {plan.fs_hz} Hz, blocks of {plan.block_size}, {1e3 * latency_s:.1f} ms"
        if added_frames:
            asked = " to ".join(map(str, sorted({min(sizes), max(sizes)})))
            text += f" + {1e3 * added_s:.1f} ms in the block adapter (the card asks for {asked} frames)"
        return CardStatus(
            self.device.name,
            self.device.host_api,
            plan.fs_hz,
            plan.block_size,
            latency_s,
            (low, high),
            added_s,
            text,
        )

    def __enter__(self) -> "SoundCard":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
