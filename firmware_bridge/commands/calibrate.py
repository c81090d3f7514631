"""The command that finds out how a tracker sits on the head: look ahead, nod, turn."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.markup import escape

from firmware_bridge.commands.options import FusionKind, OscDialect, OscHost, OscPort, Tracker, make
from firmware_bridge.commands.terminal import OUT, say
from firmware_bridge.commands.words import plural, strip
from firmware_bridge.errors import BridgeError

if TYPE_CHECKING:
    from firmware_bridge.device_store import DeviceStore, Remembered
    from firmware_bridge.dialect import Dialect
    from firmware_bridge.source import Heard, Source
    from firmware_bridge.stages.calibration import Calibrated, Calibration
    from firmware_bridge.wearable import Wearable

POLL_S, DRAIN_S = 0.05, 0.3
LIMIT_DEG = 15.0


def calibrate(
    tracker: Tracker = "auto",
    osc_host: OscHost = None,
    osc_port: OscPort = None,
    osc_dialect: OscDialect = None,
    fusion: FusionKind = None,
    lean: Annotated[bool, typer.Option("--lean", help="Ask for a lean too: is the sign of roll right?")] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", help="Ask no questions: keep what was found, even if it is worse than what is stored."
        ),
    ] = False,
    patience: Annotated[float, typer.Option(help="Give up after so many seconds.", min=1.0)] = 300.0,
) -> None:
    """Find how the tracker sits on your head, in half a minute, and remember it for this device."""
    from firmware_bridge.device_store import DeviceStore
    from firmware_bridge.notices import Notices
    from firmware_bridge.opening import make_source

    settings = make(tracker, osc_host=osc_host, osc_port=osc_port, osc_dialect=osc_dialect, fusion=fusion)
    source = make_source(settings, Notices(_say))
    may_ask = _may_ask(yes)
    try:
        session = CalibrationSession(source, settings.fusion, lean, patience, _ask_for)
        result = session.result()
        _show(result)
        while result.repeat_offered and may_ask and typer.confirm("Nod some more?", default=True):
            result = session.result_of_more()
            _show(result)
        store = DeviceStore()
        better = None if yes else session.better_than(result, store)
        if better is not None:
            _say(
                f"the stored calibration of {better.saved[:10]} is better: ±{better.spread_deg:.1f}° "
                f"against ±{result.spread_deg:.1f}°"
            )
            if not may_ask:
                _say("the stored one stays: calibrate once more, or replace it with --yes")
                raise typer.Exit(1)
        question = "Keep this calibration?" if better is None else "Replace it?"
        if may_ask and not typer.confirm(question, default=better is None):
            _say("nothing was kept" if better is None else "the stored one stays")
            return
        path = session.keep(result, store)
    finally:
        source.close()
    OUT.print(f"kept for this device in [bold]{escape(path)}[/bold].", soft_wrap=True)


class CalibrationSession:
    """Listens to a source and feeds the guided calibration with what the device itself says.

    `say` gets what the person is to do, who has `patience_s` for it. Raises BridgeError when that is over, and for
    a source without a device. Another device is another calibration.
    """

    def __init__(
        self, source: "Source", fusion: str, check_lean: bool, patience_s: float, say: Callable[[str], None]
    ) -> None:
        self._source, self._fusion, self._check_lean = source, fusion, check_lean
        self._patience_s, self._say = patience_s, say
        self._device: tuple[Dialect | None, str] = (None, "")
        self._wearable: Wearable | None = None
        self._calibration: Calibration | None = None

    def result(self) -> "Calibrated":
        """Guide through a calibration and return what was found."""
        end_s = time.monotonic() + self._patience_s
        while self._calibration is None or self._calibration.result is None:
            if time.monotonic() > end_s:
                self._give_up()
            for heard in self._source.poll(POLL_S):
                self._hear(heard)
        return self._calibration.result

    def _hear(self, heard: "Heard") -> None:
        from firmware_bridge.messages import Motion

        if not isinstance(heard.message, Motion):
            return
        wearable, calibration = self._worn()
        pose = wearable.hear(heard.message, heard.arrival_s)
        if pose is None or calibration.result is not None:
            return
        news = calibration.feed(pose.quat_world_from_head, pose.gyro_rad_s, pose.time_s)
        for sentence in news if calibration.result is None else ():
            self._say(sentence)

    def _worn(self) -> "tuple[Wearable, Calibration]":
        from firmware_bridge.stages.calibration import Calibration
        from firmware_bridge.wearable import Wearable

        source = self._source
        dialect, device = source.dialect, (source.dialect, source.device_id)
        if dialect is None:
            raise BridgeError(f"{source.name} is no device that sits on a head: name a port or a device.")
        if self._wearable is None or self._calibration is None or device != self._device:
            self._device = device
            self._wearable = Wearable(dialect, exact=source.exact_times, fusion=self._fusion)
            self._calibration = Calibration(check_lean=self._check_lean or "roll" in dialect.uncertain)
        return self._wearable, self._calibration

    def result_of_more(self) -> "Calibrated":
        """Guide through more nods and return what all of them say together."""
        assert self._calibration is not None
        drained_s = time.monotonic() + DRAIN_S
        while time.monotonic() < drained_s:
            # What came while the question was open is no nod.
            self._source.poll(POLL_S)
        self._calibration.repeat()
        return self.result()

    def better_than(self, result: "Calibrated", store: "DeviceStore") -> "Remembered | None":
        """Return what is remembered of this device where its nods agreed better than a result that scatters."""
        from firmware_bridge.device_store import device_key

        assert self._source.dialect is not None
        known = store.load(device_key(self._source.dialect.name, self._source.device_id))
        if known is None or known.mounting is None or known.spread_deg is None or not result.repeat_offered:
            return None
        return known if known.spread_deg < result.spread_deg else None

    def keep(self, result: "Calibrated", store: "DeviceStore") -> str:
        """Remember a result for this device and return where; raises BridgeError where that cannot be written."""
        from firmware_bridge.device_store import Remembered, device_key

        source = self._source
        assert source.dialect is not None
        key = device_key(source.dialect.name, source.device_id)
        reference = result.reference if source.dialect.heading_is_absolute else None
        saved = datetime.now(UTC).isoformat(timespec="seconds")
        store.save(key, Remembered(result.mounting, reference, source.name, saved, result.spread_deg))
        return str(store.path(key))

    def _give_up(self) -> NoReturn:
        if self._calibration is None:
            raise BridgeError(f"{self._source.name} sends no poses: `firmware-bridge detect` says what is heard.")
        raise BridgeError(f"the calibration was not finished in time, it waits for this: {self._calibration.asking}.")


def _may_ask(yes: bool) -> bool:
    """Return whether there is somebody to answer."""
    return not yes and sys.stdin.isatty() and OUT.is_terminal


def _ask_for(sentence: str) -> None:
    say(OUT, sentence[0].upper() + sentence[1:], "bold")


def _say(sentence: str) -> None:
    say(OUT, sentence)


def _show(result: "Calibrated") -> None:
    """Print what was found, and where each nod pointed to."""
    say(OUT, result.words[0].upper() + result.words[1:], "")
    line = strip([-off_deg for off_deg in result.nods_off_deg], LIMIT_DEG)
    OUT.print(f"  {LIMIT_DEG:.0f}° left {line} right {LIMIT_DEG:.0f}°")
    OUT.print(f"  each mark is one of {plural(len(result.nods_off_deg), 'nod')}, │ is the front", style="dim")
