"""What records the sound of a session: the virtual card itself, a client of the JACK server, a cable to an input."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from threading import Timer
from typing import Protocol
from zipfile import BadZipFile

import numpy as np

from rt_render.app.latency.reading import Recorded, even_times_s
from rt_render.app.session import Session
from rt_render.app.words import plural
from rt_render.errors import DeviceError
from rt_render.io.audio_file import AudioFileReader
from rt_render.io.portaudio import JACK, jack_client_name

RECORDED = "ears.wav"
LOST_SHARE, LEAST_S = 0.01, 0.5
"""A recording that lacks more, or is shorter, measures nothing."""
_START_TIMEOUT_S, _END_TIMEOUT_S = 15.0, 20.0
_AGAIN = "close other programs and run the command again."


class Ears(Protocol):
    """Records from `start`, while the session plays, to `stop`, when it has stopped.

    `text` says how; `believed` what of the times that it tells is somebody's word and not measured, "" for nothing.
    """

    text: str
    believed: str

    def start(self) -> None:
        """Begin to listen. Raises DeviceError."""

    def stop(self) -> Recorded:
        """Return what was heard; raises DeviceError where it measures nothing."""

    def close(self) -> None:
        """Give everything back; safe to call twice."""


class VirtualEars:
    """Reads what the virtual card has played, recorded by the session itself."""

    text, believed = "what the virtual card played; when, by the card's own schedule, on both sides", ""

    def __init__(self, session: Session, folder: Path) -> None:
        self._engine, self._file = session.engine, folder / RECORDED

    def start(self) -> None:
        """The session records by itself."""

    def stop(self) -> Recorded:
        """Return all that was played since the session began."""
        lost = self._engine.snapshot().capture_lost
        if lost:  # what came before the loss is not where it seems to be
            raise DeviceError(
                f"the recording lacks {plural(lost, 'frame')}, so it measures nothing: the disk was too slow, or the "
                f"computer stood still; {_AGAIN}"
            )
        reader = AudioFileReader(self._file)
        try:
            heard, start_s = reader.read(reader.n_frames), self._engine.capture_start_s
            return checked(Recorded(heard, reader.fs_hz, np.zeros(1), np.full(1, start_s)))
        finally:
            reader.close()

    def close(self) -> None:
        """Hold nothing."""


class JackEars:
    """Listens as a client of the JACK server, in a process of its own."""

    text = "what JACK's recording client got, and JACK's own latency to its output"
    believed = (
        "JACK's own word for the way from its period to the converter, on both sides; a cable to an input measures "
        "that too (--input)"
    )

    def __init__(self, folder: Path, seconds: float) -> None:
        self._file, self._seconds = folder / "ears.npz", seconds
        self._child: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Connect to the player. Raises DeviceError."""
        player = jack_client_name()
        if player is None:
            raise DeviceError(
                "PortAudio does not say under which name it plays in JACK, so nothing there can be listened to: "
                "measure through a cable with --input."
            )
        module = [sys.executable, "-m", "rt_render.io.jack_ears"]
        self._child = subprocess.Popen(  # noqa: S603 - our own program
            [*module, str(self._file), str(self._seconds), player],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._child.stdout is not None
        too_long = Timer(_START_TIMEOUT_S, self._child.kill)
        too_long.start()
        said = self._child.stdout.readline().strip()
        too_long.cancel()
        if said != "listening":
            raise DeviceError(said or "the JACK server lets nobody listen: see whether its other clients can record.")

    def stop(self) -> Recorded:
        """Disconnect, and read what was heard."""
        assert self._child is not None
        try:
            self._child.communicate(timeout=_END_TIMEOUT_S)
            told = dict(np.load(self._file))
        except (subprocess.TimeoutExpired, OSError, ValueError, BadZipFile):
            raise DeviceError(
                "JACK's recording client ended before its time and kept nothing: see whether the JACK server still "
                "runs, and run the command again."
            ) from None
        fs_hz, frames, believed_s = int(told["fs_hz"]), told["frames"].astype(np.float64), float(told["latency_s"])
        if not len(frames):
            raise DeviceError("JACK's recording client got nothing: see whether the server runs.")
        known_s = even_times_s(frames, told["seen_s"], fs_hz) + believed_s
        return checked(Recorded(told["ears"], fs_hz, frames, known_s, believed_s, int(told["lost_frames"])))

    def close(self) -> None:
        """End the process."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()


class CableEars:
    """Listens to an input that a cable from the output leads to."""

    believed = "PortAudio's own word for the way from the input's converter to this program, which is taken off"

    def __init__(self, device: int | str, fs_hz: int) -> None:
        from rt_render.io.card_ears import CardEars

        self._ears: CardEars | None = CardEars(device, fs_hz)
        self._fs_hz = fs_hz
        self.text = f"what came back through the cable into input {device}"

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
        known_s = even_times_s(firsts[:, 0], firsts[:, 1], self._fs_hz)
        return checked(Recorded(heard, self._fs_hz, firsts[:, 0], known_s, ears.told_s, ears.lost_frames))

    def close(self) -> None:
        """Close the input."""
        if self._ears is not None:
            self._ears.stop()
            self._ears = None


def checked(recorded: Recorded) -> Recorded:
    """Return a recording that can be measured; raises DeviceError for one that lacks much or is too short."""
    n, lost = len(recorded.ears), recorded.lost_frames
    if n < LEAST_S * recorded.fs_hz:
        raise DeviceError(
            f"only {1e3 * n / recorded.fs_hz:.0f} ms of sound were recorded, so nothing can be measured: see whether "
            "the device plays, and run the command again."
        )
    if lost > LOST_SHARE * n:
        raise DeviceError(
            f"the recording lacks {plural(lost, 'frame')} of {n}, so it measures nothing: the computer was too busy to "
            f"listen; {_AGAIN}"
        )
    return recorded


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
