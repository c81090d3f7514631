"""Headphones that follow Android's head tracker protocol over HID: `#AndroidHeadTracker#1.0` and `2.0`.

Where the values lie is read from the report descriptor, by usage: report ids, sizes and order differ between
makers. Rotation vector and angular velocity are in x right, y front, z up. There is no time in a report.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot, pi

from firmware_bridge.dialect import Axes, Check, Dialect, Transport
from firmware_bridge.dialects.datagrams import DatagramDecoder
from firmware_bridge.dialects.hid_descriptor import Descriptor, Field, Kind, parse_descriptor
from firmware_bridge.dialects.turn_forms import quat_from_rotation_vector, rotation_vector_from_quat
from firmware_bridge.dialects.turns import quat_from_rfu, quat_to_rfu, vec_from_rfu, vec_to_rfu
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Message, Motion, Vec3
from firmware_bridge.virtual.device import DeviceState

USAGE_PAGE, USAGE = 0x20, 0xE1
"""Of the application collection: sensors, other: custom."""
_PAGE = USAGE_PAGE << 16
APPLICATION = _PAGE | USAGE
DESCRIPTION, REPORTING, POWER, INTERVAL = (_PAGE | usage for usage in (0x308, 0x316, 0x319, 0x30E))
LE_TRANSPORT = _PAGE | 0xF410
NO_EVENTS, ALL_EVENTS, POWER_OFF, POWER_FULL = (_PAGE | usage for usage in (0x840, 0x841, 0x855, 0x851))
TRANSPORT_ACL = _PAGE | 0xF800
ROTATION_VECTOR, ANGULAR_VELOCITY, DISCONTINUITIES = (_PAGE | usage for usage in (0x544, 0x545, 0x546))
PREFIX = "#AndroidHeadTracker#"
MAX_ANGLE_RAD = 1.02 * pi

EXAMPLE_DESCRIPTOR = bytes.fromhex(
    "05 20 09 E1 A1 01 85 02 0A 08 03 15 00 26 FF 00 75 08 95 17 B1 03 0A 02 03 75 08 95 10 B1 03 85 01 0A 16 03 15 00"
    "25 01 75 01 95 01 A1 02 0A 40 08 0A 41 08 B1 00 C0 0A 19 03 15 00 25 01 75 01 95 01 A1 02 0A 55 08 0A 51 08 B1 00"
    "C0 0A 0E 03 15 00 25 3F 35 0A 45 64 75 06 95 01 66 01 10 55 0D B1 02 85 01 0A 44 05 16 01 80 26 FF 7F 37 60 4F 46"
    "ED 47 A1 B0 B9 12 55 08 75 10 95 03 81 02 0A 45 05 16 01 80 26 FF 7F 35 E0 45 20 55 00 75 10 95 03 81 02 0A 46 05"
    "15 00 26 FF 00 35 00 45 00 55 00 75 08 95 01 81 02 C0"
)
"""The protocol's own example."""


@dataclass(frozen=True, slots=True)
class HeadTracker:
    """What a head tracker's descriptor says: the fields of its input report, and its properties by usage.

    `gyro` is empty and `counter` None where the device does not tell them. Reports are with their id byte where
    `descriptor.numbered`, as the operating system hands them over.
    """

    descriptor: Descriptor
    rotation: tuple[Field, ...]
    gyro: tuple[Field, ...]
    counter: Field | None
    properties: Mapping[int, Field]

    @property
    def input_bytes(self) -> int:
        """Return the length of an input report."""
        return self._report_bytes(Kind.INPUT, self.rotation[0].report_id)

    def version(self, description_report: bytes) -> str | None:
        """Return "1.0", "2.0#1", ... from the feature report with the description; None where it is no head tracker."""
        field = self.properties.get(DESCRIPTION)
        payload = description_report[self.descriptor.numbered :]
        if field is None or field.bits != 8 or field.bit_offset % 8:
            return None
        start = field.bit_offset // 8
        text = payload[start : start + field.count].split(b"\0")[0].decode("ascii", "replace")
        return text[len(PREFIX) :] if text.startswith(PREFIX) else None

    def to_read(self) -> tuple[int, ...]:
        """Return the ids of the feature reports that `start` and `stop` change: read these first."""
        asked = (LE_TRANSPORT, POWER, REPORTING, INTERVAL)
        return tuple(dict.fromkeys(self.properties[usage].report_id for usage in asked if usage in self.properties))

    def start(self, read: Mapping[int, bytes], interval_s: float = 0.01) -> list[bytes]:
        """Return the feature reports to set, in order: transport, power, reporting, interval.

        `read` holds the present feature reports by id; only the bits concerned differ from them. The interval is
        brought into the device's range.
        """
        wanted = ((LE_TRANSPORT, TRANSPORT_ACL), (POWER, POWER_FULL), (REPORTING, ALL_EVENTS))
        values = [(field, raw) for usage, choice in wanted for field, raw in self.choice(usage, choice)]
        interval = self.properties.get(INTERVAL)
        if interval is not None:
            values.append((interval, interval.nearest(interval_s)))
        return self._changed(read, values)

    def stop(self, read: Mapping[int, bytes]) -> list[bytes]:
        """Return the feature reports to set, in order, so that the device is silent and sleeps."""
        wanted = ((REPORTING, NO_EVENTS), (POWER, POWER_OFF))
        return self._changed(read, [place for usage, choice in wanted for place in self.choice(usage, choice)])

    def choice(self, usage: int, choice: int) -> list[tuple[Field, int]]:
        """Return the field of a property and the number of one of its named values; empty where there is none."""
        field = self.properties.get(usage)
        choices = [name for name in field.usages if name != usage] if field is not None else []
        return [(field, field.logical_min + choices.index(choice))] if field is not None and choice in choices else []

    def _changed(self, read: Mapping[int, bytes], values: list[tuple[Field, int]]) -> list[bytes]:
        reports = {key: bytes(report) for key, report in read.items()}
        changed = []
        for field, raw in values:
            size = self._report_bytes(Kind.FEATURE, field.report_id)
            report = reports.get(field.report_id, b"")
            if len(report) != size:
                report = bytes([field.report_id] * self.descriptor.numbered).ljust(size, b"\0")
            reports[field.report_id] = _with(report, self.descriptor.numbered, field, raw)
            changed.append(reports[field.report_id])
        return changed

    def _report_bytes(self, kind: Kind, report_id: int) -> int:
        return self.descriptor.payload_bytes[kind, report_id] + self.descriptor.numbered


def find_head_tracker(descriptor: bytes) -> HeadTracker | None:
    """Return the head tracker that a report descriptor holds, None where there is none. Never raises."""
    parsed = parse_descriptor(descriptor)
    fields = [field for field in parsed.fields if field.application == APPLICATION]
    inputs = [field for field in fields if field.kind is Kind.INPUT]
    rotation = [value for field in inputs for value in field.values_of(ROTATION_VECTOR, 3)][:3]
    if len(rotation) < 3 or len({field.report_id for field in rotation}) > 1:
        return None
    together = [field for field in inputs if field.report_id == rotation[0].report_id]
    gyro = [value for field in together for value in field.values_of(ANGULAR_VELOCITY, 3)][:3]
    counters = [value for field in together for value in field.values_of(DISCONTINUITIES, 1)]
    properties: dict[int, Field] = {}
    for field in fields:
        if field.kind is Kind.FEATURE:
            for usage in (*field.usages, field.collection):
                properties.setdefault(usage, field)
    return HeadTracker(
        descriptor=parsed,
        rotation=tuple(rotation),
        gyro=tuple(gyro) if len(gyro) == 3 else (),
        counter=counters[0] if counters else None,
        properties=properties,
    )


class AndroidHidDecoder(DatagramDecoder):
    """Reads the input reports of one descriptor. Raises BridgeError where that is not a head tracker's."""

    def __init__(self, descriptor: bytes = EXAMPLE_DESCRIPTOR) -> None:
        super().__init__()
        tracker = find_head_tracker(descriptor)
        if tracker is None:
            raise BridgeError(
                "this HID device has no head tracker in its report descriptor: "
                "choose another one, `firmware-bridge list` shows them."
            )
        self.tracker = tracker
        self.frame_bytes = tracker.input_bytes
        self._id = tracker.rotation[0].report_id

    def feed(self, data: bytes) -> list[Message]:
        """Return the motion of one report, or of several in a row; reports with another id are none of ours."""
        descriptor = self.tracker.descriptor
        other = data[0] if descriptor.numbered and data and data[0] != self._id else None
        if other is not None and descriptor.payload_bytes.get((Kind.INPUT, other)) == len(data) - 1:
            return []
        return super().feed(data)

    def read(self, datagram: bytes) -> list[Message]:
        """Return the motion of one input report."""
        tracker, numbered = self.tracker, self.tracker.descriptor.numbered
        if numbered and datagram[0] != self._id:
            self.counts.damaged += 1
            return []
        payload = int.from_bytes(datagram[numbered:], "little")
        rotation = _values(tracker.rotation, payload)
        gyro = _values(tracker.gyro, payload) if tracker.gyro else None
        if rotation is None or hypot(*rotation) > MAX_ANGLE_RAD:
            self.counts.implausible += 1
            return []
        return [
            Motion(
                quat_wxyz=quat_from_rfu(quat_from_rotation_vector(rotation)),
                gyro_rad_s=None if gyro is None else vec_from_rfu(gyro),
                reference=None if tracker.counter is None else tracker.counter.raw(payload),
            )
        ]


class AndroidHidDevice:
    """Sends input reports as its descriptor says, once reporting is on; `counter` rises where its zero jumps."""

    def __init__(self, descriptor: bytes = EXAMPLE_DESCRIPTOR, reporting: bool = True, version: str = "1.0") -> None:
        self.tracker = AndroidHidDecoder(descriptor).tracker
        self.counter = 0
        self._version = version
        self._features = {
            place[1]: self._empty(place[1], n_bytes)
            for place, n_bytes in self.tracker.descriptor.payload_bytes.items()
            if place[0] is Kind.FEATURE
        }
        self._describe()
        if reporting:
            for report in self.tracker.start(self._features):
                self.answer(report, 0.0)

    def encode(self, state: DeviceState) -> bytes:
        """Return one input report, b"" while reporting is off."""
        tracker = self.tracker
        if any(self._raw(field) != on for field, on in tracker.choice(REPORTING, ALL_EVENTS)):
            return b""
        values = zip(
            (*tracker.rotation, *tracker.gyro),
            (
                *rotation_vector_from_quat(quat_to_rfu(state.quat_world_from_head)),
                *vec_to_rfu(state.gyro_rad_s),
            ),
            strict=False,
        )
        report = self._empty(tracker.rotation[0].report_id, tracker.input_bytes - tracker.descriptor.numbered)
        for field, value in values:
            report = _with(report, tracker.descriptor.numbered, field, field.nearest(value))
        if tracker.counter is not None:
            report = _with(report, tracker.descriptor.numbered, tracker.counter, self.counter)
        return report

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Take a feature report that the host sets."""
        key = data[0] if self.tracker.descriptor.numbered and data else 0
        if len(data) == len(self._features.get(key, b"")):
            self._features[key] = data
            self._describe()
        return b""

    def _empty(self, report_id: int, n_bytes: int) -> bytes:
        return bytes([report_id] * self.tracker.descriptor.numbered) + bytes(n_bytes)

    def _raw(self, field: Field) -> int:
        report = self._features[field.report_id]
        return field.raw(int.from_bytes(report[self.tracker.descriptor.numbered :], "little"))

    def _describe(self) -> None:
        """Put the description, which hosts cannot change, into its report."""
        field = self.tracker.properties.get(DESCRIPTION)
        if field is None:
            return
        start = field.bit_offset // 8 + self.tracker.descriptor.numbered
        text = (PREFIX + self._version).encode().ljust(field.count, b"\0")[: field.count]
        report = self._features[field.report_id]
        self._features[field.report_id] = report[:start] + text + report[start + len(text) :]


def _values(fields: tuple[Field, ...], payload: int) -> Vec3 | None:
    """Return three values; None where one is outside its range, which is how HID says that there is none."""
    x, y, z = (field.raw(payload) for field in fields)
    a, b, c = fields
    if not (
        a.logical_min <= x <= a.logical_max
        and b.logical_min <= y <= b.logical_max
        and c.logical_min <= z <= c.logical_max
    ):
        return None
    return (x * a.scale + a.offset, y * b.scale + b.offset, z * c.scale + c.offset)


def _with(report: bytes, numbered: bool, field: Field, raw: int) -> bytes:
    payload = field.put(int.from_bytes(report[numbered:], "little"), raw)
    return report[:numbered] + payload.to_bytes(len(report) - numbered, "little")


DIALECT = Dialect(
    name="android-hid",
    about="headphones with Android head tracking (HID), e.g. Sony WH-1000XM5",
    transport=Transport.HID,
    check=Check.NONE,
    axes=Axes.HEAD,
    make_decoder=AndroidHidDecoder,
    make_device=AndroidHidDevice,
    verified="the protocol's example descriptor and report, a second descriptor, virtual device",
    rate_hz=50.0,
    batches=True,
)
