"""Whatever head tracker is there: all places are listened to until one of them brings poses."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from firmware_bridge.dialect import Dialect, Transport
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Motion
from firmware_bridge.notices import Notices, without_count
from firmware_bridge.raw_recording import RawRecordingWriter
from firmware_bridge.source import Heard, Recordable, Source, SourceHealth
from firmware_bridge.sources.open_source import hid_source, midi_source, serial_source

LOOK_EVERY_S = 1.0
LOST_S, SILENT_S = 2.0, 60.0
"""How long the chosen one is waited for: where its port has gone, and where it only falls silent (with a still head,
some send nothing). Listening to other ports is not free: opening one restarts many a board behind it."""
REMIND_S = 30.0

MakeSource = Callable[[Notices], Source]
Places = Callable[[], Mapping[str, MakeSource]]


def serial_places(dialect: Dialect | None = None, baud: int | None = None) -> dict[str, MakeSource]:
    """Return how to listen to each serial port that is there, by name; for one dialect or speed only if wanted."""
    from firmware_bridge.transports.serial_port import serial_ports

    def make(device: str) -> MakeSource:
        return lambda notices: serial_source(device, notices, dialect, baud, listen_first=True)

    return {port.device: make(port.device) for port in serial_ports()}


def all_places() -> dict[str, MakeSource]:
    """Return how to listen to each serial port, and to MIDI and HID head trackers where the extras are installed."""
    return {**serial_places(), **_midi_places(), **_hid_places()}


def _midi_places() -> dict[str, MakeSource]:
    from firmware_bridge.transports.midi_port import load_mido, midi_names, system_has_midi

    def make(dialect: Dialect, name: str) -> MakeSource:
        return lambda notices: midi_source(dialect, notices, name)

    if not system_has_midi():
        return {}
    try:
        names = midi_names(load_mido()[1])
    except BridgeError:
        return {}
    dialects = [one for one in DIALECTS.values() if one.transport is Transport.MIDI and one.port_name]
    return {name: make(one, name) for name in names for one in dialects if one.port_name.lower() in name.lower()}


def _hid_places() -> dict[str, MakeSource]:
    from firmware_bridge.transports.hid_port import hid_trackers

    def make(dialect: Dialect, name: str) -> MakeSource:
        return lambda notices: hid_source(dialect, notices, name)

    try:
        trackers = hid_trackers()
    except BridgeError:
        return {}
    dialects = [one for one in DIALECTS.values() if one.transport is Transport.HID]
    return {tracker.path: make(one, tracker.path) for tracker in trackers for one in dialects}


class AutoSource:
    """Listens everywhere and goes on with the first source that brings motion; searches anew when that is lost.

    Several at once: the one whose dialect comes first in the table, and it is said. `places` says what is there;
    `others` are listened to as well (OSC). Nothing is written before a place has identified itself. `record`
    names a new file for the raw bytes of what is chosen; raises BridgeError where it cannot be. `wanted`: which kind
    of tracker, for people.
    """

    def __init__(
        self,
        notices: Notices,
        places: Places = all_places,
        others: Sequence[Source] = (),
        record: Path | None = None,
        wanted: str = "head",
    ) -> None:
        self.name = f"any {wanted} tracker"
        self.dialect: Dialect | None = None
        self.device_id = ""
        self.exact_times = False
        self._notices, self._places, self._others = notices, places, tuple(others)
        self._wanted = wanted
        self._writer = None if record is None else RawRecordingWriter(record)
        self._sources: dict[str, Source] = {}
        self._told: dict[str, str] = {}
        self._nothing, self._nothing_s = "", 0.0
        self._chosen: Source | None = None
        self._chosen_key = ""
        self._look_at_s = self._heard_s = 0.0

    def poll(self, timeout_s: float) -> Sequence[Heard]:
        """Return what the chosen source heard; meanwhile of the others nothing."""
        now_s = time.monotonic()
        if self._chosen is None:
            heard = self._search(timeout_s, now_s)
        else:
            heard = self._chosen.poll(timeout_s)
            if heard:
                self._heard_s = now_s
            elif now_s - self._heard_s > (SILENT_S if self._chosen.health().is_open else LOST_S):
                self._release()
        chosen = self._chosen
        if chosen is not None:
            self.name, self.dialect, self.device_id = chosen.name, chosen.dialect, chosen.device_id
            self.exact_times = chosen.exact_times
        return heard

    def health(self) -> SourceHealth:
        """Return the health of the chosen source."""
        chosen = self._chosen
        return SourceHealth(False, "", 0) if chosen is None else chosen.health()

    def say(self, data: bytes) -> bool:
        """Write to the chosen device."""
        return self._chosen is not None and self._chosen.say(data)

    def close(self) -> None:
        """Give all ports back."""
        for source in (*self._sources.values(), *self._others):
            source.close()
        self._sources.clear()
        self._chosen = None

    def _search(self, timeout_s: float, now_s: float) -> Sequence[Heard]:
        if now_s >= self._look_at_s:
            self._look_at_s = now_s + LOOK_EVERY_S
            self._look()
        sources = {**self._sources, **{source.name: source for source in self._others}}
        if not sources:
            time.sleep(timeout_s)
        found: list[tuple[int, str, Sequence[Heard]]] = []
        order = list(DIALECTS.values())
        for key, source in sources.items():
            heard = source.poll(timeout_s / len(sources))
            if any(isinstance(one.message, Motion) for one in heard):
                rank = order.index(source.dialect) if source.dialect in order else len(order)
                found.append((rank, key, heard))
        if not found:
            self._tell_nothing()
            return []
        _, key, heard = min(found, key=lambda one: one[0])
        self._choose(key, sources, also=[other for _, other, _ in found if other != key])
        return heard

    def _look(self) -> None:
        there = self._places()
        for key in self._sources.keys() - there.keys():
            self._sources.pop(key).close()
            self._told.pop(key, None)
        for key in there.keys() - self._sources.keys():
            self._sources[key] = there[key](Notices(self._listener(key)))

    def _listener(self, key: str) -> Callable[[str], None]:
        def listen(text: str) -> None:
            self._told[key] = without_count(text)
            if key == self._chosen_key:
                self._notices.say(text)

        return listen

    def _choose(self, key: str, sources: Mapping[str, Source], also: Sequence[str]) -> None:
        self._chosen, self._chosen_key = sources[key], key
        self._heard_s = time.monotonic()
        if self._writer is not None and isinstance(self._chosen, Recordable):
            self._chosen.record(self._writer)
        for other, source in sources.items():
            if other != key:
                source.close()
        if also:
            self._notices.say(f"{self._chosen.name} is used; {', '.join(also)} would do, too: name it to have that")
        elif key in self._told:
            self._notices.say(self._told[key])
        self._sources = {key: source for key, source in self._sources.items() if source is self._chosen}

    def _release(self) -> None:
        self._notices.repeat("released", f"{self.name} is silent: listening everywhere again")
        self._chosen, self._chosen_key = None, ""
        self._look_at_s = 0.0

    def _tell_nothing(self) -> None:
        places = "; ".join(self._told.get(key, f"{key} is listened to") for key in sorted(self._sources))
        heard = places or "no serial port, MIDI or HID tracker is there: plug the head tracker in"
        now_s = time.monotonic()
        # It is news, or has been true for long: not each time that it is found so.
        if heard != self._nothing or now_s - self._nothing_s > REMIND_S:
            self._nothing, self._nothing_s = heard, now_s
            self._notices.say(f"no {self._wanted} tracker is heard yet: {heard}")
