"""OSC datagrams into motions, counting what was not understood. No input or output here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from firmware_bridge.decoder import Counts
from firmware_bridge.messages import Motion, Vec3
from firmware_bridge.osc.dialect import RECENTRE, OscDialect
from firmware_bridge.osc.dialects import why_unknown
from firmware_bridge.osc.row import NO_FLIPS, Form, Row
from firmware_bridge.osc.sweep import Sweep
from firmware_bridge.osc.wire import OscFormatError, OscMessage, parse_packet
from firmware_bridge.source import Heard

RATES_FRESH_S = 0.05
"""Rates that came in a message of their own belong to the quaternions of this time after it."""
QUATERNION_RULES_S = 1.0
"""A sender that tells its quaternion too is not asked for its angles, whose meaning is less sure."""


@dataclass(slots=True)
class OscCounts(Counts):
    """What became of the packets and messages so far; `last_reason` says why the last was refused.

    `unknown` had an address without a meaning, `foreign` came from senders that are not believed.
    """

    unknown: int = 0
    foreign: int = 0
    last_reason: str = ""

    @property
    def refused(self) -> int:
        """Return the number of packets and messages from which nothing was taken."""
        return self.damaged + self.implausible + self.unknown

    @property
    def dropped(self) -> int:
        """Return the number of packets and messages that were refused or not read."""
        return self.refused + self.foreign


class OscDecoder:
    """Decoder of one host: numbers that come one by one are gathered over its ports. Thread: one."""

    def __init__(self, dialect: OscDialect, counts: OscCounts | None = None) -> None:
        self.counts = counts or OscCounts()
        self._dialect = dialect
        self._sweeps = {row.group: Sweep(row.at_rest()) for row in dialect.rows.values() if row.group}
        self._group_rows = {row.group: row for row in dialect.rows.values() if row.group}
        self._flipped = NO_FLIPS
        self._rates: Vec3 | None = None
        self._rates_s = self._quaternion_s = -inf

    def feed(self, datagram: bytes, now_s: float) -> Motion | None:
        """Return the newest motion of this datagram, or None when it brings no whole new one.

        `now_s`: when it arrived. What is refused is counted, with the reason.
        """
        try:
            messages = parse_packet(datagram)
        except OscFormatError as error:
            self.counts.damaged += 1
            self.counts.last_reason = f"not OSC: {error}"
            return None
        latest = None
        for message in messages:
            latest = self._read(message, now_s) or latest
        for group, sweep in self._sweeps.items():
            numbers = sweep.complete(now_s)
            if numbers is not None:
                latest = self._understand(self._group_rows[group], numbers, group, now_s) or latest
        if latest is not None:
            self.counts.frames += 1
        return latest

    def overdue(self, now_s: float) -> list[Heard]:
        """Return the motions of single numbers that were not followed by the others in time, once."""
        late = []
        for group, sweep in self._sweeps.items():
            numbers = sweep.overdue(now_s)
            if numbers is not None:
                motion = self._understand(self._group_rows[group], numbers, group, now_s)
                if motion is not None:
                    self.counts.frames += 1
                    late.append(Heard(motion, sweep.newest_s))
        return late

    def wait_s(self, now_s: float) -> float | None:
        """Return the seconds until single numbers are overdue, None where none wait."""
        waits = [wait for sweep in self._sweeps.values() if (wait := sweep.wait_s(now_s)) is not None]
        return min(waits, default=None)

    def _read(self, message: OscMessage, now_s: float) -> Motion | None:
        row = self._dialect.row(message.address)
        if row is None:
            self._read_other(message)
            return None
        n_most = 1 if row.group else len(row.slots)
        arguments = message.arguments[len(row.leading) :]
        numbers = [float(a) for a in arguments if isinstance(a, int | float) and not isinstance(a, bool)]
        if not n_most - row.n_optional <= len(arguments) <= n_most or len(numbers) != len(arguments):
            self.counts.damaged += 1
            self.counts.last_reason = _why_damaged(row, message, n_most)
            return None
        if not row.group:
            motion = self._understand(row, numbers, message.address, now_s)
            if motion is not None:
                for sweep in self._sweeps.values():
                    sweep.drop()
            return motion
        if self._objects(row, row.part(numbers[0]), message.address):
            return None
        self._sweeps[row.group].add(row.component, numbers[0], now_s)
        return None

    def _understand(self, row: Row, numbers: Sequence[float], place: str, now_s: float) -> Motion | None:
        values = row.values(numbers, self._flipped)
        if self._objects(row, values, place):
            return None
        motion = row.motion(values)
        if row.form is Form.RATES:
            self._rates, self._rates_s = motion.gyro_rad_s, now_s
            return None
        if row.form is Form.QUATERNION:
            self._quaternion_s = now_s
        elif row.form is Form.ANGLES and now_s - self._quaternion_s < QUATERNION_RULES_S:
            return None
        if motion.gyro_rad_s is None and now_s - self._rates_s <= RATES_FRESH_S:
            return replace(motion, gyro_rad_s=self._rates)
        return motion

    def _objects(self, row: Row, values: Mapping[str, float], place: str) -> bool:
        objection = row.objection(values)
        if objection:
            self.counts.implausible += 1
            self.counts.last_reason = f"{place}: {objection}"
        return bool(objection)

    def _read_other(self, message: OscMessage) -> None:
        slots = self._dialect.switched_by(message.address)
        if slots and len(message.arguments) == 1 and isinstance(message.arguments[0], int | float):
            is_on = float(message.arguments[0]) != 0.0
            self._flipped = self._flipped | slots if is_on else self._flipped - slots
        elif not self._dialect.ignores(message.address):
            self.counts.unknown += 1
            self.counts.last_reason = why_unknown(self._dialect, message.address)


def requests(datagram: bytes) -> tuple[bool, bool]:
    """Return whether a datagram asks for recentring, and whether it says anything else.

    A request is one of RECENTRE without an argument, or with one that is not 0: buttons send 1 and 0.
    """
    try:
        messages = parse_packet(datagram)
    except OscFormatError:
        return False, True
    asking = [message for message in messages if message.address in RECENTRE]
    return any(not one.arguments or one.arguments[0] not in (0, False) for one in asking), len(asking) < len(messages)


def _why_damaged(row: Row, message: OscMessage, n_most: int) -> str:
    n_leading, n_least = len(row.leading), n_most - row.n_optional
    wants = f"{message.address} wants {f'{n_least} or ' if row.n_optional else ''}{_counted(n_most, 'number')}"
    if n_leading:
        wants += f" after {_counted(n_leading, 'other argument')}"
    if not n_least <= len(message.arguments) - n_leading <= n_most:
        return f"{wants}, got {len(message.arguments)}"
    return f"{wants}, got something that is not a number"


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"
