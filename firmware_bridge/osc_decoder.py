"""OSC datagrams into head quaternions, counting what was not understood. No input or output here."""

from dataclasses import dataclass, field

from firmware_bridge import osc_dialects, quaternion
from firmware_bridge.osc_dialects import Dialect, Row
from firmware_bridge.osc_wire import OscFormatError, OscMessage, parse_packet


@dataclass(slots=True)
class OscCounts:
    """What became of the packets and messages so far."""

    poses: int = 0
    malformed: int = 0
    implausible: int = 0
    unknown: int = 0
    last_unknown: str = ""

    @property
    def refused(self) -> int:
        """Return the number of packets and messages from which nothing was taken."""
        return self.malformed + self.implausible + self.unknown


@dataclass(slots=True)
class OscDecoder:
    """Decoder of one sender: holds the components of a sweep until the sender has sent all it sends."""

    dialect: Dialect
    counts: OscCounts = field(default_factory=OscCounts)
    _values: list[float] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)
    _members: set[int] = field(default_factory=lambda: {0, 1, 2})

    def feed(self, datagram: bytes) -> quaternion.Array | None:
        """Return the head (4,) unit after this datagram, or None when it brings no whole new pose."""
        try:
            messages = parse_packet(datagram)
        except OscFormatError:
            self.counts.malformed += 1
            return None
        latest = None
        for message in messages:
            head = self._read(message)
            latest = latest if head is None else head
        if latest is not None:
            self.counts.poses += 1
        return latest

    def _read(self, message: OscMessage) -> quaternion.Array | None:
        row = self.dialect.rows.get(message.address)
        if row is None:
            self.counts.unknown += 1
            self.counts.last_unknown = message.address
            return None
        n_expected = row.n_numbers if row.component is None else 1
        arguments = message.arguments[row.n_leading :]
        numbers = [float(a) for a in arguments if isinstance(a, int | float) and not isinstance(a, bool)]
        if len(arguments) != n_expected or len(numbers) != n_expected:
            self.counts.malformed += 1
            return None
        numbers = [number * row.angle_scale_deg for number in numbers]
        if not osc_dialects.plausible(row, numbers):
            self.counts.implausible += 1
            return None
        if row.component is not None:
            return self._read_component(row, row.component, numbers[0])
        return quaternion.normalise(row.convert(numbers))

    def _read_component(self, row: Row, component: int, number: float) -> quaternion.Array | None:
        """Hold one angle; give the pose when every component of the sender's last sweep has come again."""
        if not self._values:
            self._values = [row.at_rest] * row.n_numbers
        if component in self._seen:
            self._members, self._seen = self._seen, set()
        self._seen = self._seen | {component}
        self._values[component] = number
        return quaternion.normalise(row.convert(self._values)) if self._seen >= self._members else None
