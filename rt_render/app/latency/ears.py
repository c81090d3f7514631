"""What records the sound of a session: the virtual card itself, a client of the JACK server, a cable to an input."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import numpy as np

from rt_render.app.latency.reading import Recorded, even_times_s
from rt_render.app.session import Session
from rt_render.errors import DeviceError
from rt_render.io.audio_file import AudioFileReader
from rt_render.io.portaudio import JACK

RECORDED = "ears.wav"
_END_TIMEOUT_S = 20.0


class Ears(Protocol):
    """Records from `start`, while the session plays, to `stop`, when it has stopped; `text` says how."""

    text: str

    def start(self) -> None:
        """Begin to listen."""

    def stop(self) -> Recorded:
        """Return what was heard."""

    def close(self) -> None:
        """Give everything back; safe to call twice."""


class VirtualEars:
    """Reads what the virtual card has played, recorded by the session itself."""

    text = "what the virtual card played"

    def __init__(self, session: Session, folder: Path) -> None:
        self._engine, self._file = session.engine, folder / RECORDED

    def start(self) -> None:
        """The session records by itself."""

    def stop(self) -> Recorded:
        """Return all that was played since the session began."""
        reader = AudioFileReader(self._file)
        try:
            heard, start_s = reader.read(reader.n_frames), self._engine.capture_start_s
            return Recorded(heard, reader.fs_hz, np.zeros(1), np.full(1, start_s))
        finally:
            reader.close()

    def close(self) -> None:
        """Hold nothing."""


class JackEars:
    """Listens as a client of the JACK server, in a process of its own."""

    text = "what JACK's recording client got, and JACK's own latency to its output"

    def __init__(self, folder: Path, seconds: float) -> None:
        self._file = folder / "ears.npz"
        self._command = [sys.executable, "-m", "rt_render.io.jack_ears", str(self._file), str(seconds)]
        self._child: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Connect to the player. Raises DeviceError."""
        self._child = subprocess.Popen(  # noqa: S603 - our own program
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._child.stdout is not None
        if self._child.stdout.readline().strip() != "listening":
            raise DeviceError("the JACK server lets nobody listen: see whether its other clients can record.")

    def stop(self) -> Recorded:
        """Disconnect, and read what was heard."""
        assert self._child is not None
        self._child.communicate(timeout=_END_TIMEOUT_S)
        with np.load(self._file) as told:
            fs_hz, frames = int(told["fs_hz"]), told["frames"].astype(np.float64)
            if not len(frames):
                raise DeviceError("JACK's recording client got nothing: see whether the server runs.")
            known_s = even_times_s(frames, told["seen_s"], fs_hz) + float(told["latency_s"])
            return Recorded(told["ears"], fs_hz, frames, known_s)

    def close(self) -> None:
        """End the process."""
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.communicate()


class CableEars:
    """Listens to an input that a cable from the output leads to."""

    def __init__(self, device: int | str, fs_hz: int) -> None:
        from rt_render.io.card_ears import CardEars

        self._ears: CardEars | None = CardEars(device, fs_hz)
        self._fs_hz = fs_hz
        self.text = f"what came back through the cable into {device}"

    def start(self) -> None:
        """Begin to listen."""
        assert self._ears is not None
        self._ears.start()

    def stop(self) -> Recorded:
        """Return what came back."""
        assert self._ears is not None
        ears, self._ears = self._ears, None
        heard, firsts = ears.stop()
        if not len(firsts):
            raise DeviceError("nothing came back through the cable's input: choose another one with --input.")
        return Recorded(heard, self._fs_hz, firsts[:, 0], even_times_s(firsts[:, 0], firsts[:, 1], self._fs_hz))

    def close(self) -> None:
        """Close the input."""
        if self._ears is not None:
            self._ears.stop()
            self._ears = None


def ears_for(session: Session, cable: int | str | None, folder: Path, seconds: float) -> Ears:
    """Return what records a session that is about to play; raises DeviceError where nothing can."""
    audio = session.settings.audio
    if cable is not None:
        return CableEars(cable, audio.fs_hz)
    if audio.device == "virtual":
        return VirtualEars(session, folder)
    from rt_render.io.sound_card import find_device

    card = find_device(audio.device)
    if JACK not in card.host_api:
        raise DeviceError(
            f"what {card.name} plays cannot be heard by this program: lead a cable from it to an input and name that "
            "with --input, or measure the virtual card with `--device virtual`."
        )
    if importlib.util.find_spec("jack") is None:
        raise DeviceError(
            "to hear what JACK plays, one more library is needed: install it with `pip install 'rt-render[jack]'`."
        )
    return JackEars(folder, seconds)
