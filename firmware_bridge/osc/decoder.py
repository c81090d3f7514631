"""OSC datagrams into head quaternions, counting what was not understood. No input or output here."""

from dataclasses import dataclass, field

from firmware_bridge import quaternion
from firmware_bridge.osc import dialects as osc_dialects
from firmware_bridge.osc.dialects import Dialect, Row
from firmware_bridge.osc.sweep import Sweep
from firmware_bridge.osc.wire import OscFormatError, OscMessage, parse_packet


@dataclass(slots=True)
class OscCounts:
    """What became of the packets and messages so far; `last_reason` says why the last was refused."""

    poses: int = 0
    malformed: int = 0
    implausible: int = 0
    unknown: int = 0
    last_reason: str = ""

    @property
    def refused(self) -> int:
        """Return the number of packets and messages from which nothing was taken."""
        return self.malformed + self.implausible + self.unknown


@dataclass(slots=True)
class OscDecoder:
    """Decoder of one host: angles that come one by one are gathered over its ports."""

    dialect: Dialect
    counts: OscCounts = field(default_factory=OscCounts)
    sweep: Sweep = field(default_factory=Sweep)

    def feed(self, datagram: bytes, now_s: float) -> quaternion.Array | None:
        """Return the head (4,) unit after this datagram, or None when it brings no whole new pose.

        `now_s`: when it arrived. What is refused is counted, with the reason.
        """
        try:
            messages = parse_packet(datagram)
        except OscFormatError as error:
            self.counts.malformed += 1
            self.counts.last_reason = f"not OSC: {error}"
            return None
        latest = None
        for message in messages:
            head = self._read(message, now_s)
            latest = latest if head is None else head
        swept = self.sweep.complete(now_s)
        latest = latest if swept is None else swept
        if latest is not None:
            self.counts.poses += 1
        return latest

    def overdue(self, now_s: float) -> quaternion.Array | None:
        """Return the head (4,) of single angles that were not followed by the others in time, once."""
        head = self.sweep.overdue(now_s)
        if head is not None:
            self.counts.poses += 1
        return head

    def _read(self, message: OscMessage, now_s: float) -> quaternion.Array | None:
        row = self.dialect.rows.get(message.address)
        if row is None:
            self.counts.unknown += 1
            self.counts.last_reason = osc_dialects.why_unknown(self.dialect, message.address)
            return None
        n_expected = row.n_numbers if row.component is None else 1
        arguments = message.arguments[row.n_leading :]
        numbers = [float(a) for a in arguments if isinstance(a, int | float) and not isinstance(a, bool)]
        if len(arguments) != n_expected or len(numbers) != n_expected:
            self.counts.malformed += 1
            self.counts.last_reason = _why_malformed(row, message, n_expected)
            return None
        numbers = [number * row.angle_scale_deg for number in numbers]
        objection = osc_dialects.objection(row, numbers)
        if objection:
            self.counts.implausible += 1
            self.counts.last_reason = f"{message.address}: {objection}"
            return None
        if row.component is not None:
            self.sweep.add(row, row.component, numbers[0], now_s)
            return None
        self.sweep.drop()
        return quaternion.normalise(row.convert(numbers))


def _why_malformed(row: Row, message: OscMessage, n_expected: int) -> str:
    wants = f"{message.address} wants {_counted(n_expected, 'number')}"
    if row.n_leading:
        wants += f" after {_counted(row.n_leading, 'other argument')}"
    if len(message.arguments) != row.n_leading + n_expected:
        return f"{wants}, got {len(message.arguments)}"
    return f"{wants}, got something that is not a number"


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"
