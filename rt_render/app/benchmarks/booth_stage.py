"""A whole booth on a stage: its keeper, a playlist, a wearable on a visitor's head, and all that may happen to them."""

import os
import random
import socket
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import numpy as np

from firmware_bridge.osc.encoder import message_datagram
from firmware_bridge.quaternion import from_yaw_pitch_roll_deg
from firmware_bridge.virtual.simulated_head import SimulatedHead
from rt_render.app.booth.keeper import Keeper, Line
from rt_render.app.booth.visit_log import LogPlace, read_events
from rt_render.errors import DeviceError
from rt_render.io.wav_writer import WavWriter

RATE_HZ = 100.0
REST_AFTER_S, LOST_AFTER_S, HUNG_AFTER_S = 3.0, 30.0, 4.0
N_ITEMS, ITEM_S, FS_HZ = 4, 20.0, 48000
START_S = 300.0
"""A first start may compile the kernels."""
_LIFT_S = 1.5
_STATE_HOME = "XDG_STATE_HOME"
_KEPT_LINES = 500
"""Of beats four a second: as long as a recovery may take, twice."""
_CONFIG = """\
[audio]
device = "{device}"
gain_db = -6.0

[head]
order = 3

[source]
input = "media"
loop = true
loudness_lufs = "off"

[tracking]
tracker = "osc"
osc_port = {osc_port}

[remote]
remote_port = {remote_port}

[web]
web = true
web_port = {web_port}

[booth]
rest_after_s = {rest_after_s}
lost_after_s = {lost_after_s}
hung_after_s = {hung_after_s}
visits = "visits.jsonl"
visits_files = 100
"""


class Wearable:
    """Headphones with a tracker that sends OSC, on a head or lying on the table; a thread of its own."""

    def __init__(self, port: int) -> None:
        self.plugged, self.babbles = True, False
        self._port, self._seed = port, 0
        self._worn_s: float | None = None
        self._lock, self._leaves = Lock(), Event()
        self._head = SimulatedHead(0)
        self._thread = Thread(target=self._run, name="wearable", daemon=True)
        self._thread.start()

    def pick_up(self) -> None:
        """Let somebody lift them and put them on."""
        with self._lock:
            self._seed += 1
            self._head, self._worn_s = SimulatedHead(self._seed), time.monotonic()

    def hang_up(self) -> None:
        """Let them lie still."""
        with self._lock:
            self._worn_s = None

    def close(self) -> None:
        """End."""
        self._leaves.set()
        self._thread.join()

    def _pose(self, now_s: float) -> tuple[float, ...]:
        with self._lock:
            if self._worn_s is None:
                return (1.0, 0.0, 0.0, 0.0)
            gone_s = now_s - self._worn_s
            if gone_s < _LIFT_S:
                lifted = np.sin(np.pi * gone_s / _LIFT_S)
                quat = from_yaw_pitch_roll_deg(40.0 * lifted, -50.0 * lifted, 20.0 * lifted)
            else:
                quat = self._head.pose_at(gone_s - _LIFT_S).quat_world_from_head
            return tuple(float(v) for v in quat)

    def _run(self) -> None:
        chance = random.Random(1)  # noqa: S311 - nothing is secret here
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            place = ("127.0.0.1", self._port)
            while not self._leaves.wait(1.0 / RATE_HZ):
                if self.babbles:
                    for _ in range(15):
                        sender.sendto(chance.randbytes(chance.randrange(1, 200)), place)
                    sender.sendto(message_datagram("/quaternion", float("nan"), 7e30, -3.0, 0.0), place)
                if self.plugged:
                    sender.sendto(message_datagram("/quaternion", *self._pose(time.monotonic())), place)


class Stage:
    """A booth that plays a playlist for simulated visitors; a context. Raises DeviceError where it does not play.

    `device`: "virtual", or "auto" where a server of the caller's shall be played on; `on_line` gets all that the
    program tells, with the time of each (monotonic), on the keeper's thread.
    """

    def __init__(
        self, folder: Path, device: str = "virtual", on_line: Callable[[float, Line], None] = lambda at_s, line: None
    ) -> None:
        self._on_line = on_line
        self.folder, self.config, self.log = folder, folder / "booth.toml", folder / "visits.jsonl"
        self.lines: list[tuple[float, Line]] = []
        """All that the program told, with the time of each (monotonic)."""
        self.said: list[tuple[float, str]] = []
        self.osc_port, self.remote_port, self.web_port = _free_ports()
        self._device = device
        self._make_media()
        self.write_config()
        self.wearable = Wearable(self.osc_port)
        self.keeper = Keeper(self.config, self._say, self._take)
        self._thread = Thread(target=self.keeper.run, name="keeper", daemon=True)

    def __enter__(self) -> "Stage":
        self._state_home = os.environ.get(_STATE_HOME)
        os.environ[_STATE_HOME] = str(self.folder)  # nothing of it stays with this user
        self._thread.start()
        if not self.wait(lambda: bool(self.beat()), START_S):
            self.__exit__()
            raise DeviceError(f"the booth does not play: {'; '.join(text for _, text in self.said)[-500:]}")
        return self

    def __exit__(self, *_: object) -> None:
        self.keeper.stop()
        self._thread.join(30.0)
        self.wearable.close()
        os.environ.pop(_STATE_HOME)
        if self._state_home is not None:
            os.environ[_STATE_HOME] = self._state_home

    def write_config(self, *, gain_db: float = -6.0, more: str = "") -> None:
        """Write the configuration, whole, as a good editor does."""
        text = _CONFIG.format(
            device=self._device,
            osc_port=self.osc_port,
            remote_port=self.remote_port,
            web_port=self.web_port,
            rest_after_s=REST_AFTER_S,
            lost_after_s=LOST_AFTER_S,
            hung_after_s=HUNG_AFTER_S,
        ).replace("gain_db = -6.0", f"gain_db = {gain_db}")
        whole = self.config.with_suffix(".new")
        whole.write_text(text + more)
        whole.replace(self.config)

    def beat(self) -> Line:
        """Return the newest beat of the program that runs now; empty before its first."""
        for _, line in reversed(self.lines):
            if line["kind"] == "beat":
                return line
            if line["kind"] == "opens":
                break
        return {}

    def heard_since(self, since_s: float, kind: str) -> list[tuple[float, Line]]:
        """Return the lines of a kind since a time."""
        found = []
        for at_s, line in reversed(self.lines):
            if at_s < since_s:
                break
            if line["kind"] == kind:
                found.append((at_s, line))
        return found[::-1]

    def said_since(self, since_s: float, words: str) -> bool:
        """Whether a sentence with these words was told since a time."""
        return any(at_s >= since_s and words in text for at_s, text in self.said[-200:])

    def press(self, control: str, *values: float | int | str) -> None:
        """Use a control over OSC."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(message_datagram(f"/rt/{control}", *values), ("127.0.0.1", self.remote_port))

    def events(self) -> list[dict[str, Any]]:
        """Return the log's events."""
        return read_events(LogPlace(self.log, 1, 100))

    @staticmethod
    def wait(what: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is so; whether it came in time."""
        end_s = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end_s:
                return False
            time.sleep(0.02)
        return True

    def _take(self, line: Line) -> None:
        at_s = time.monotonic()
        self._on_line(at_s, line)
        self.lines.append((at_s, line))
        if len(self.lines) > 2 * _KEPT_LINES:
            self.lines = self.lines[-_KEPT_LINES:]

    def _say(self, text: str) -> None:
        self.said.append((time.monotonic(), text))
        if len(self.said) > 2 * _KEPT_LINES:
            self.said = self.said[-_KEPT_LINES:]

    def _make_media(self) -> None:
        media = self.folder / "media"
        media.mkdir()
        for number in range(1, N_ITEMS + 1):
            write_noise(media / f"{number} noise.wav", number)


def write_noise(path: Path, seed: int) -> None:
    """Write some seconds of stereo noise."""
    noise = np.random.default_rng(seed).normal(0.0, 0.1, (round(ITEM_S * FS_HZ), 2)).astype(np.float32)
    writer = WavWriter(path, FS_HZ, 2)
    writer.write(noise)
    writer.close()


def _free_ports() -> tuple[int, int, int]:
    """Return two free UDP ports and a TCP port, from a range of this process's own."""
    ports: list[int] = []
    for kind in (socket.SOCK_DGRAM, socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(int(probe.getsockname()[1]))
    return ports[0], ports[1], ports[2]


def children_of(process: int) -> list[int]:
    """Return the processes that another one started; none where the system does not tell."""
    found = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found += [int(word) for word in path.read_text().split()]
        except OSError:
            continue
    return found


def is_there(process: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True
