"""Keeps an engine playing: notices when its card is lost, and goes back to it when it returns.

While a sound card is away the virtual card keeps the time line going. The turn to run the block function
passes from one to the other by `kernels.turn` and by joining the virtual card's thread, so that never two
threads run it, whatever a lost card still does.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from firmware_bridge.mailbox_kernels import store_word
from rt_render.engine.engine import Engine
from rt_render.engine.live_input import LiveInput
from rt_render.errors import DeviceError
from rt_render.io.sound_card import CardStatus, SoundCard, look_again
from rt_render.io.virtual_card import VirtualCard
from rt_render.kernels.state import field_offset

SILENT_S, SILENT_CALLS = 0.25, 8
"""A card that has not called for the longer of these two is lost."""
RETRY_S = 1.0
_LOOK_S = 0.05
_SETTLED_LOOKS = 20
"""So many looks at a card that calls until its latency is told: what a host says as a stream opens is its plan."""
NO_INPUT = (
    "the virtual sound card has no input: live input needs a sound card or a JACK server; `rt-render devices` lists "
    "what is there."
)
TWO_CLOCKS = (
    "Input and output are two devices: unless one clock drives both they drift apart, which nothing here makes up for, "
    "and now and then some frames are lost."
)
_FIRST_CALL_S = 1.0
"""Bluetooth, for one, is slow to begin."""
_MAX_FAULTS = 8
"""So many different ones are told."""


class Beating(Protocol):
    """A thread's sign of life; both are called by that thread."""

    def go(self) -> None: ...
    def rest(self) -> None: ...


class CardKeeper:
    """Plays an engine on a sound card or the virtual one until stopped.

    Owns the thread "card keeper", which watches the sound card and is the only one that changes cards between
    `start` and `stop`. `on_message` gets sentences for the person, from that thread or from `start`.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        device: int | str | None = None,
        on_message: Callable[[str], None],
        capture: bool = False,
        host_frames: int | None = None,
        latency: float | str = "low",
        live: LiveInput | None = None,
        input_device: int | str = "auto",
        beat: Beating | None = None,
    ) -> None:
        """Prepare. `device`: "virtual", or what `SoundCard` takes; `capture`: record the virtual card.

        `beat` gets the watch's signs of life.

        `live` and `input_device` as `SoundCard` takes them; while the card is away there is no input, and silence.
        """
        self._engine = engine
        self._device = device
        self._say = on_message
        self._host_frames, self._latency = host_frames, latency
        self._live, self._input, self._beat = live, input_device, beat
        self._virtual = VirtualCard(engine, capture=capture)
        self._card: SoundCard | None = None
        self._leave = threading.Event()
        self._watch: threading.Thread | None = None
        self._wanted: str | None = None
        self._told_stuck = False
        self._told_faults: set[str] = set()
        plan = engine.plan
        self._texts = {0: f"{self._virtual.name}, {plan.fs_hz} Hz, blocks of {plan.block_size}"}

    def start(self) -> None:
        """Begin to play. Raises DeviceError when the card cannot be used."""
        if self._device == "virtual":
            if self._live:
                raise DeviceError(NO_INPUT)
            self._virtual.start()
            return
        card = self._open_anew(self._device)
        self._texts[card.number] = card.text
        self._start_or_close(card)
        self._card = card
        # numbers change when PortAudio starts anew; the full name does not
        self._wanted = f"{card.device.name} ({card.device.host_api})"
        if card.input:
            self._input = card.input.full_name
            if card.input.name != card.device.name:
                self._say(TWO_CLOCKS)
        self._say(f"Playing on {card.text}.")
        self._watch = threading.Thread(target=self._keep, name="card keeper", daemon=True)
        self._watch.start()

    def stop(self) -> None:
        """Stop playing; a card that hangs is left behind. The engine can be used by others then.

        Raises DeviceError when the card is stuck within a block, and has the engine for good.
        """
        self._leave.set()
        if self._watch is not None:
            self._watch.join()
            self._watch = None
        card, self._card = self._card, None
        if card is not None:
            card.stop()
        self._virtual.stop()

    def status(self) -> CardStatus:
        """Tell which card plays, and how."""
        card, plan = self._card, self._engine.plan
        if card is not None:
            return card.status()
        name, text = self._virtual.name, self._texts[0]
        if self._wanted is not None:
            text += f", until {self._wanted} is back"
        size = plan.block_size
        live = self._live.status() if self._live else None
        return CardStatus(name, "rt-render", plan.fs_hz, size, 0.0, (size, size), 0.0, text, live)

    def text_of(self, stream: int) -> str:
        """Tell what plays, or played, under a stream's number in the trace; 0 is the virtual card. Any thread."""
        return self._texts[stream]

    def _open(self, device: int | str | None) -> SoundCard:
        return SoundCard(
            self._engine,
            device,
            host_frames=self._host_frames,
            latency=self._latency,
            live=self._live,
            input_device=self._input,
        )

    def _open_anew(self, device: int | str | None) -> SoundCard:
        """Open a card; PortAudio may have looked before it was there, so that a refusal gets a second try."""
        try:
            return self._open(device)
        except DeviceError:
            look_again()
            return self._open(device)

    @staticmethod
    def _start_or_close(card: SoundCard) -> None:
        try:
            card.start()
        except BaseException:
            card.stop()
            raise

    # the watch

    def _keep(self) -> None:
        while not self._leave.is_set():
            try:
                self._look_after()
            except Exception as error:  # whatever a card does, somebody must look for it again
                self._tell_fault(error)
                self._leave.wait(RETRY_S)
        if self._beat:
            self._beat.rest()

    def _go_on(self) -> None:
        if self._beat:
            self._beat.go()

    def _tell_fault(self, error: Exception) -> None:
        text = f"The watch of the sound card has a fault ({type(error).__name__}: {error}) and tries again."
        if text not in self._told_faults and len(self._told_faults) < _MAX_FAULTS:
            self._told_faults.add(text)
            with suppress(Exception):
                self._say(text)

    def _look_after(self) -> None:
        calls, silent_s, before_s = -1, 0.0, time.monotonic()
        next_try_s, looks = 0.0, 0
        while not self._leave.wait(_LOOK_S):
            self._go_on()
            now_s = time.monotonic()
            # when this thread was held up, the card may have been too: count no more than two looks
            silent_s += min(now_s - before_s, 2 * _LOOK_S)
            before_s = now_s
            card = self._card
            if card is None:
                if now_s >= next_try_s:
                    self._try_to_return()
                    calls, silent_s = -1, 0.0
                    next_try_s = time.monotonic() + RETRY_S
                continue
            if card.calls != calls:
                calls, silent_s = card.calls, 0.0
                self._told_stuck = False
                looks += 1
                if looks == _SETTLED_LOOKS:
                    self._tell_latency(card)
            allowed_s = max(SILENT_S, SILENT_CALLS * card.call_s, 0.0 if calls else _FIRST_CALL_S)
            if silent_s >= allowed_s or not card.running:
                self._lose(card)
                next_try_s = time.monotonic() + RETRY_S

    def _tell_latency(self, card: SoundCard) -> None:
        status = card.status()
        latency_ms = 1e3 * (status.latency_s + status.adapter_latency_s)
        if latency_ms:
            self._say(f"Output latency: {latency_ms:.1f} ms from a block to the converter.")

    def _lose(self, card: SoundCard) -> None:
        try:
            card.abandon()
        except DeviceError as error:
            if not self._told_stuck:
                self._say(str(error))
            self._told_stuck = True
            return  # its block never ended: nobody else may run one; look again next time
        self._card = None
        self._fade_in_next()
        self._virtual.start()
        meanwhile = "there is silence" if self._live else "the virtual one goes on"
        self._say(f"Sound card {self._wanted} has stopped answering: {meanwhile} until it is back.")

    def _try_to_return(self) -> None:
        """Open the lost card and hand over to it once it really calls; else stay as we are."""
        card: SoundCard | None = None
        try:
            look_again()
            self._go_on()
            card = self._open(self._wanted)
            self._go_on()
            card.begin()
            give_up_s = time.monotonic() + _FIRST_CALL_S
            while card.calls == 0:
                if time.monotonic() > give_up_s or self._leave.wait(0.005):
                    raise DeviceError("the sound card does not call")
            self._virtual.stop()
            self._fade_in_next()
            self._texts[card.number] = card.text
            card.take_turn()
        except Exception as error:
            if card is not None:
                card.abandon()
            if not self._virtual.running:
                self._virtual.start()
            if not isinstance(error, DeviceError):
                self._tell_fault(error)
            return
        self._card = card
        self._say(f"Sound card {self._wanted} is back: playing on it again.")

    def _fade_in_next(self) -> None:
        """Let the next block fade in from silence. Only while nobody runs the block function."""
        address = self._engine.address
        store_word(address + field_offset("fade"), 0)  # the bits of 0.0
        store_word(address + field_offset("adapter_left"), 0)  # meant for the card before
