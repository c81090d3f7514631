"""A dialect of OSC: a named set of addresses, for reading and for sending."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from firmware_bridge.dialect import Axes
from firmware_bridge.osc.row import Row

RECENTRE = ("/recentre", "/rt-render/recentre")
"""Addresses that ask for recentring, in every dialect."""


@dataclass(frozen=True, eq=False)
class OscDialect:
    """What one program means by its addresses; `name` is what `--osc-dialect` takes. Any thread.

    The first row, with all of its group, is what is sent; a `*` in an address stands for one part of it when it is
    read. `port` is where the program usually listens or, for senders, sends to; `max_rate_hz` what it can take.
    `switches` are addresses of a number that, while it is not 0, turns the signs of these slots; `ignored` ones
    are known and say nothing of a head. `verified` says what the signs were checked against; `uncertain` names
    angles whose sign no source settles.
    """

    name: str
    about: str
    rows: Mapping[str, Row]
    verified: str
    port: int | None = None
    renderer: bool = False
    max_rate_hz: float | None = None
    axes: Axes = Axes.HEAD
    uncertain: tuple[str, ...] = ()
    switches: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def row(self, address: str) -> Row | None:
        """Return the row of an address, upper and lower case being the same; None where it has none."""
        address = address.lower()
        found = self._rows.get(address)
        if found is None and self._patterns:
            found = next((row for pattern, row in self._patterns.items() if matches(pattern, address)), None)
        return found

    def switched_by(self, address: str) -> frozenset[str]:
        """Return which slots an address switches, none for most."""
        return self._switches.get(address.lower(), frozenset())

    def ignores(self, address: str) -> bool:
        """Return whether an address is known to say nothing of a head."""
        address = address.lower()
        return address in RECENTRE or any(matches(pattern.lower(), address) for pattern in self.ignored)

    @cached_property
    def sent(self) -> dict[str, Row]:
        """The addresses that make one pose, with their rows."""
        address, first = next(iter(self.rows.items()))
        if not first.group:
            return {address: first}
        return {address: row for address, row in self.rows.items() if row.group == first.group}

    @cached_property
    def _rows(self) -> dict[str, Row]:
        return {address.lower(): row for address, row in self.rows.items() if "*" not in address}

    @cached_property
    def _patterns(self) -> dict[str, Row]:
        return {address.lower(): row for address, row in self.rows.items() if "*" in address}

    @cached_property
    def _switches(self) -> dict[str, frozenset[str]]:
        return {address.lower(): slots for address, slots in self.switches.items()}


def matches(pattern: str, address: str) -> bool:
    """Return whether an address is one of a pattern, in which `*` stands for any one part."""
    wanted, parts = pattern.split("/"), address.split("/")
    return len(wanted) == len(parts) and all(w in ("*", part) for w, part in zip(wanted, parts, strict=True))
