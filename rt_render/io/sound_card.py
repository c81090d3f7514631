"""A sound card: one PortAudio stream that calls the engine natively.

The stream's callback is the compiled function of `kernels.cards`, handed over by address; its user data is a
small record (`LINK`) that names the engine's state. No Python runs while sound is played.
"""

import time
from dataclasses import dataclass
from itertools import count
from math import gcd
from typing import Any

import numpy as np

from firmware_bridge.mailbox_kernels import load_word, store_word
from rt_render.conventions import BLOCK_SIZES
from rt_render.engine.engine import Engine
from rt_render.engine.live_input import LiveInput, LiveStatus
from rt_render.errors import ConfigurationError, DeviceError
from rt_render.io.call_thread import NoAnswerError
from rt_render.io.input_device import find_input
from rt_render.io.portaudio import (
    ABANDONED,
    JACK,
    OPEN_S,
    PORTAUDIO,
    DeviceInfo,
    ask,
    find_device,
    full_name,
    list_devices,
    look_again,
    portaudio_version,
    rates_of,
)
from rt_render.kernels.cards import compile_sound_card
from rt_render.kernels.state import LINK, field_offset
from rt_render.kernels.turn import pass_turn

__all__ = [
    "CardStatus",
    "DeviceInfo",
    "SoundCard",
    "adapter_latency_frames",
    "engine_block_size",
    "find_device",
    "list_devices",
    "look_again",
    "portaudio_version",
]

_INVALID_RATE, _UNAVAILABLE = -9997, -9985  # PaErrorCode
_TURN_S = 1.0
_stream_numbers = count(1)


@dataclass(frozen=True, slots=True)
class CardStatus:
    """What plays: names, sample rate, frames a call, latencies in seconds, and a line for the person.

    `latency_s` is from a call to the converter as PortAudio tells it; `adapter_latency_s` comes on top of it;
    `host_frames` are the smallest and largest number of frames asked for in one call so far. `live`: how a stream's
    input does, None for one without.
    """

    name: str
    host_api: str
    fs_hz: int
    block_size: int
    latency_s: float
    host_frames: tuple[int, int]
    adapter_latency_s: float
    text: str
    live: LiveStatus | None = None


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
        live: LiveInput | None = None,
        input_device: int | str = "auto",
    ) -> None:
        """Open a stream of two float32 channels at the engine's rate.

        `host_frames`: frames a call, by default the engine's block; other sizes go through the block adapter.
        `latency` in seconds or PortAudio's "low" and "high". `live`: what takes the input of the same stream, which
        comes from `input_device` as `find_input` finds it. Raises DeviceError.
        """
        self.device = find_device(device)
        self._live = live
        self.input = find_input(input_device, self.device) if live else None
        if live and self.input and live.n_channels > self.input.n_channels:
            raise DeviceError(
                f"input {self.input.full_name} has channels up to {self.input.n_channels}, and "
                f"{live.n_channels} is asked for: choose others with --input-channels."
            )
        self._engine = engine
        self._on_jack = JACK in self.device.host_api
        # JACK calls with its period in any case, and PortAudio would put a buffer of its own between
        self._frames = 0 if live and self._on_jack else host_frames or engine.plan.block_size
        self._callback = compile_sound_card()
        self._number = next(_stream_numbers)
        self._link = np.zeros(1, LINK)
        self._link[0]["state"], self._link[0]["stream"] = engine.address, self._number
        self._link[0]["input"] = live.address if live else 0
        try:
            self._stream: Any = ask(lambda sd: self._open(sd, latency), OPEN_S)
        except NoAnswerError:
            ABANDONED.add(self)  # an opening that hangs may still come to something
            raise
        told = self._stream.latency
        self._told_s = float(sum(told)) if live else 0.0
        self._latency_s = self._link[0]["latency_s"] = float(told[1] if live else told)

    def _open(self, sd: Any, latency: float | str) -> Any:
        ffi = sd._ffi
        fs_hz = self._engine.plan.fs_hz
        device: Any = self.device.index
        channels: Any = 2
        if self._live and self.input:
            device, channels = (self.input.index, device), (self._live.n_channels, 2)
        try:
            return sd._StreamBase(
                kind="duplex" if self._live else "output",
                samplerate=fs_hz,
                blocksize=self._frames,
                device=device,
                channels=channels,
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
        name, fs_hz = full_name(self.device), self._engine.plan.fs_hz
        if self.input and self.input.name != self.device.name:
            name += f" with input {self.input.full_name}"
        code = error.args[1] if len(error.args) > 1 else 0
        text = str(error.args[2][2]) if len(error.args) > 2 else str(error.args[0])
        rates = rates_of(sd, self.device.index)
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
        ask(lambda sd: self._stream.start(), OPEN_S)

    def take_turn(self) -> None:
        """Play from the next call on. Raises DeviceError while another stream plays this engine."""
        address = self._engine.address
        for name in ("host_frames_low", "host_frames_high", "device_latency_s"):
            store_word(address + field_offset(name), 0)
        if self._live and not load_word(address + field_offset("owner")):
            # PortAudio calls with the size that it was asked for, JACK with its server's period
            self._live.begin(self._told_s, fixed_calls=True)
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
                raise DeviceError(f"sound card {full_name(self.device)} is stuck within a block: restart the program.")
            time.sleep(0.0005)

    def stop(self) -> None:
        """Play what is on its way, then close; a card that does not answer is abandoned after some seconds."""
        if self._on_jack and not self.running:
            self.abandon()
            return
        ABANDONED.add(self)
        try:
            ask(lambda sd: self._stream.stop())
            ask(lambda sd: self._stream.close())
            ABANDONED.discard(self)
        except DeviceError:
            pass
        self.give_turn()

    def abandon(self) -> None:
        """Take the engine away from a lost card at once and close it later, as it can, waiting for nothing."""
        ABANDONED.add(self)
        self.give_turn()
        PORTAUDIO.post(self._close_lost)

    def _close_lost(self) -> None:
        if not self._on_jack:  # see `io.portaudio`: a lost JACK stream must never be touched
            self._stream.abort()
            self._stream.close()
            ABANDONED.discard(self)

    # looking

    @property
    def number(self) -> int:
        """The stream's number in the rows of a trace, from 1 in each program."""
        return self._number

    @property
    def text(self) -> str:
        """What the stream is, for the person: card, sample rate, block."""
        plan = self._engine.plan
        text = f"{full_name(self.device)}, {plan.fs_hz} Hz, blocks of {plan.block_size}"
        return f"{text}, input from {self.input.full_name}" if self.input else text

    @property
    def calls(self) -> int:
        """How often the sound card has called, its turn or not."""
        return int(load_word(int(self._link.ctypes.data) + LINK.fields["calls"][1]))  # type: ignore[index]

    @property
    def call_s(self) -> float:
        """Sound of the longest call so far, or of a call or block as planned if that is longer, in seconds."""
        seen = int(load_word(self._engine.address + field_offset("host_frames_high")))
        plan = self._engine.plan
        return max(seen, self._frames, plan.block_size) / plan.fs_hz

    @property
    def running(self) -> bool:
        """Whether PortAudio says that the stream is active; False also when it does not answer."""
        try:
            return bool(PORTAUDIO.ask(lambda: self._stream.active, 1.0))
        except Exception:
            return False

    def status(self) -> CardStatus:
        """Tell what plays, with the latencies known by now."""
        plan, address = self._engine.plan, self._engine.address
        low, high = (int(load_word(address + field_offset(f"host_frames_{end}"))) for end in ("low", "high"))
        sizes = {n for n in (self._frames, low, high) if n}
        added_frames = max((adapter_latency_frames(plan.block_size, n) for n in sizes), default=0)
        latency_s = self._engine.snapshot().device_latency_s or self._latency_s
        added_s = added_frames / plan.fs_hz
        text = self.text
        if latency_s:
            text += f", output latency {1e3 * latency_s:.1f} ms"
        if added_frames:
            asked = " to ".join(map(str, sorted({min(sizes), max(sizes)})))
            text += f", up to {1e3 * added_s:.1f} ms more in the block adapter (the card asks for {asked} frames)"
        return CardStatus(
            self.device.name,
            self.device.host_api,
            plan.fs_hz,
            plan.block_size,
            latency_s,
            (low, high),
            added_s,
            text,
            self._live.status() if self._live else None,
        )

    def __enter__(self) -> "SoundCard":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
