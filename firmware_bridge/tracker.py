"""A head tracker at work: one reader thread from a source into the pose mailbox.

with open_tracker("simulated:1", mailbox) as tracker:
    print(tracker.status().text)
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from firmware_bridge import quaternion
from firmware_bridge.csv_poses import read_pose_csv
from firmware_bridge.errors import BridgeError
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.notices import Notices
from firmware_bridge.osc.source import DEFAULT_HOST, DEFAULT_PORT, OscSource
from firmware_bridge.pose import PoseSample
from firmware_bridge.serial_source import DEFAULT_BAUD, SerialSource
from firmware_bridge.source import PoseSource
from firmware_bridge.stages.recentre import Recentre
from firmware_bridge.virtual.simulated_head import SimulatedHead
from firmware_bridge.virtual.timeline_source import NoSource, TimelineSource

SPECS = "osc, serial:PORT[:BAUD], csv:FILE, simulated[:SEED], none"
POLL_S = 0.05
EASE_POLL_S = 0.005
"""While recentring eases, a still head is given on this often."""
RATE_WINDOW_S = 2.0
STALE_S = 0.5


@dataclass(frozen=True, slots=True)
class TrackerStatus:
    """How the tracker does at this moment; `text` is for people.

    `age_s` is the age of the latest pose, None before the first; `rate_hz` is counted over two seconds;
    `dropped` counts packets, frames or messages that could not be used.
    """

    text: str
    source: str
    sender: str
    connected: bool
    rate_hz: float
    age_s: float | None
    dropped: int
    published: int


class Tracker:
    """A source, a reader thread of its own, and the mailbox it writes to.

    `on_message` gets sentences for people on the reader thread. Recentring is asked for through the
    mailbox (`request_recentre`) or `recentre`: the last pose that came is straight ahead then, whether or
    not more poses come. One that is given on again for that keeps its time and `seq`, since it is the same
    measurement; the mailbox counts it anew.
    """

    def __init__(
        self,
        source: PoseSource,
        mailbox: PoseMailbox,
        *,
        on_message: Callable[[str], None],
        yaw_only: bool = True,
    ) -> None:
        self._source = source
        self._mailbox = mailbox
        self._on_message = on_message
        self._recentre = Recentre(yaw_only=yaw_only)
        self._recentred = mailbox.recentre_count()
        self._raw: PoseSample | None = None
        self._arrivals_s: deque[float] = deque(maxlen=4096)
        self._latest_s: float | None = None
        self._published = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the reader thread, unless it runs already."""
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="head-tracker", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the reader thread and free the port; safe to call twice."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stop.set()
            thread.join()

    def recentre(self) -> None:
        """Ask for the present heading to become straight ahead."""
        self._mailbox.request_recentre()

    def status(self) -> TrackerStatus:
        """Return the present status. Any thread."""
        now_s, latest_s = time.monotonic(), self._latest_s
        health = self._source.health()
        rate_hz = sum(now_s - s <= RATE_WINDOW_S for s in tuple(self._arrivals_s)) / RATE_WINDOW_S
        age_s = None if latest_s is None else max(0.0, now_s - latest_s)
        if isinstance(self._source, NoSource):
            text = "no head tracker"
        elif age_s is None:
            text = f"{self._source.name}: waiting for the first pose"
        elif age_s > STALE_S:
            text = f"{self._source.name}: no pose for {age_s:.1f} s"
        else:
            text = f"{health.sender or self._source.name}: {rate_hz:.0f} poses/s"
        return TrackerStatus(
            text=text,
            source=self._source.name,
            sender=health.sender,
            connected=health.connected and self._thread is not None,
            rate_hz=rate_hz,
            age_s=age_s,
            dropped=health.dropped,
            published=self._published,
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                poses = self._source.poll(EASE_POLL_S if self._recentre.easing else POLL_S)
                # What came after the request is not where the person looked when asking.
                self._answer_recentring(self._raw or (poses[0] if poses else None))
                for pose in poses:
                    self._publish(pose)
                if self._raw is not None and not poses and self._recentre.easing:
                    self._give_on(self._raw)
        except BridgeError as error:
            self._on_message(f"the head tracker stopped: {error}")
        finally:
            self._source.close()

    def _answer_recentring(self, raw: PoseSample | None) -> None:
        requests = self._mailbox.recentre_count()
        if requests == self._recentred:
            return
        self._recentred = requests
        if raw is None:
            self._on_message("nothing to recentre: no pose has come yet")
            return
        self._recentre.request(raw, time.monotonic())
        self._on_message("recentred: where you look now is straight ahead")

    def _publish(self, raw: PoseSample) -> None:
        self._give_on(raw)
        self._raw = raw
        self._published += 1
        self._latest_s = raw.time_s
        self._arrivals_s.append(time.monotonic())

    def _give_on(self, raw: PoseSample) -> None:
        self._mailbox.publish(self._recentre.apply(raw, time.monotonic()))


def open_tracker(
    spec: str,
    mailbox: PoseMailbox,
    *,
    osc_port: int = DEFAULT_PORT,
    osc_host: str = DEFAULT_HOST,
    osc_dialect: str | None = None,
    on_message: Callable[[str], None] = lambda text: None,
) -> Tracker:
    """Return a running tracker of what `spec` names, publishing to `mailbox`.

    `spec` is "osc", "serial:PORT[:BAUD]" (PORT may be auto), "csv:FILE", "simulated[:SEED]" or "none".
    Raises BridgeError for anything else, an unknown dialect or an unusable file; a port that is missing or
    in use is no error but said through `on_message` and tried again.
    """
    kind, _, rest = spec.partition(":")
    notices = Notices(on_message)
    source: PoseSource
    if spec == "osc":
        source = OscSource(osc_host, osc_port, osc_dialect, notices)
    elif kind == "serial" and rest:
        source = SerialSource(*_port_and_baud(rest), notices)
    elif kind == "csv" and rest:
        source = _csv_source(Path(rest))
    elif kind == "simulated":
        source = _simulated_source(rest)
    elif spec == "none":
        source = NoSource()
    else:
        raise BridgeError(f"unknown head tracker {spec!r}: allowed are {SPECS}.")
    tracker = Tracker(source, mailbox, on_message=on_message)
    tracker.start()
    return tracker


def _port_and_baud(rest: str) -> tuple[str, int]:
    port, colon, baud = rest.rpartition(":")
    if colon and baud.isascii() and baud.isdigit() and "://" not in rest:
        return port, int(baud)
    return rest, DEFAULT_BAUD


def _csv_source(path: Path) -> PoseSource:
    track = read_pose_csv(path)
    return TimelineSource(f"poses of {path.name}", lambda at_s: (track.pose_at(at_s), None))


def _simulated_source(seed: str) -> PoseSource:
    if seed and not (seed.isascii() and seed.isdigit()):
        raise BridgeError(f"simulated head {seed!r}: the seed is a whole number, such as simulated:1.")
    head = SimulatedHead(int(seed or "0"))

    def pose_at(at_s: float) -> tuple[quaternion.Array, quaternion.Array]:
        state = head.pose_at(at_s)
        return state.quat_world_from_head, state.gyro_rad_s

    return TimelineSource("simulated head", pose_at)
