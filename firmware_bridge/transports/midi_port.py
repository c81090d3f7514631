"""MIDI ports, in and out of one device, as a link; needs the extra `midi`."""

import queue
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from firmware_bridge.errors import BridgeError
from firmware_bridge.transports.link import ByteLink, LinkError, Piece

BACKEND = "mido.backends.rtmidi"
LOOK_EVERY_S = 1.0
MAX_WAITING = 4096


def load_mido() -> tuple[ModuleType, Any]:
    """Return mido and its rtmidi backend; raises BridgeError where either is not installed."""
    try:
        import mido

        backend = mido.Backend(BACKEND, load=True)
    except ImportError:
        raise BridgeError(
            "MIDI head trackers need two more libraries: install them with `pip install 'rt-render[midi]'`."
        ) from None
    return mido, backend


def system_has_midi() -> bool:
    """Return whether it is worth looking: where Linux lacks the sequencer, its library complains at each look."""
    return not sys.platform.startswith("linux") or Path("/dev/snd/seq").exists()


def midi_names(backend: Any) -> list[str]:
    """Return the names of MIDI inputs; empty where this system has no MIDI at all."""
    try:
        return [str(name) for name in backend.get_input_names()]
    except OSError:
        return []


class MidiLink(ByteLink):
    """The MIDI input, and the output of like name where there is one, whose name contains `wanted`.

    Each message is one piece, stamped on the library's own thread when it came. Raises BridgeError where the
    extra is not installed.
    """

    def __init__(self, wanted: str) -> None:
        self._mido, self._backend = load_mido()
        self.name = f"MIDI device {wanted}"
        self._wanted = wanted
        self._input: Any = None
        self._output: Any = None
        self._input_name = ""
        self._looked_s = 0.0
        self._waiting: queue.Queue[Piece] = queue.Queue(MAX_WAITING)

    def open(self, timeout_s: float) -> bool:
        """Open input and output. Raises LinkError where no such device is there or another program has it."""
        name = _first_with(self._wanted, midi_names(self._backend))
        if name is None:
            raise LinkError("is not there: plug the head tracker in or name another device; trying again")
        self._waiting = queue.Queue(MAX_WAITING)
        try:
            self._input = self._backend.open_input(name, callback=self._take)
            answers = _first_with(self._wanted, self._backend.get_output_names())
            self._output = None if answers is None else self._backend.open_output(answers)
        except OSError:
            self.close()
            raise LinkError("is in use by another program: close that one; trying again") from None
        self.device_id = self._input_name = name
        self._looked_s = time.monotonic()
        return True

    def read(self, timeout_s: float) -> list[Piece]:
        """Return the messages that came. Raises LinkError when the device is no longer listed."""
        pieces: list[Piece] = []
        try:
            pieces.append(self._waiting.get(timeout=timeout_s) if timeout_s > 0.0 else self._waiting.get_nowait())
            while True:
                pieces.append(self._waiting.get_nowait())
        except queue.Empty:
            pass
        now_s = time.monotonic()
        if pieces:
            self._looked_s = now_s
        elif now_s - self._looked_s > LOOK_EVERY_S:
            self._looked_s = now_s
            if self._input_name not in midi_names(self._backend):
                raise LinkError("is gone: plug it in again; looking for it")
        return pieces

    def write(self, data: bytes) -> bool:
        """Send whole MIDI messages; False where the device has no input of its own."""
        if self._output is None:
            return False
        try:
            for message in self._mido.parse_all(data):
                self._output.send(message)
        except OSError:
            raise LinkError("is gone: plug it in again; looking for it") from None
        return True

    def close(self) -> None:
        """Give both ports back."""
        ports = (self._input, self._output)
        self._input = self._output = None
        for port in ports:
            if port is not None:
                port.close()

    def _take(self, message: Any) -> None:
        try:
            self._waiting.put_nowait(Piece(bytes(message.bytes()), time.monotonic()))
        except queue.Full:
            # Nobody has read for seconds: the newest are worth no more than the oldest.
            return


def _first_with(wanted: str, names: list[str]) -> str | None:
    return next((name for name in names if wanted.lower() in name.lower()), None)
