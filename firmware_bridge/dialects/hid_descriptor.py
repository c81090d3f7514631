"""HID report descriptors: where in which report a value lies, and what its bits mean.

After the Device Class Definition for HID 1.11, section 6.2.2. Nothing is assumed of report ids, sizes or order.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from enum import StrEnum

MAX_BITS, MAX_COUNT, MAX_DEPTH = 32, 4096, 32
"""Larger fields, and deeper collections, are not read."""
MAX_VALUES = 1 << 16
"""In all reports together: what no device has, but a broken or hostile descriptor can tell in a few bytes."""


class Kind(StrEnum):
    """In which reports a field travels."""

    INPUT = "input"
    OUTPUT = "output"
    FEATURE = "feature"


@dataclass(frozen=True, slots=True)
class Field:
    """`count` values of `bits` bits each, from `bit_offset` of the payload of report `report_id` on.

    The payload is the report without its id byte; `report_id` is 0 where the device numbers none. Usages are
    page << 16 | usage; `collection` is that of the innermost collection, `application` of the outermost.
    """

    kind: Kind
    report_id: int
    usages: tuple[int, ...]
    collection: int
    application: int
    bit_offset: int
    bits: int
    count: int
    logical_min: int
    logical_max: int
    physical_min: int
    physical_max: int
    exponent: int

    def values_of(self, usage: int, n_most: int) -> "list[Field]":
        """Return the first values with this usage; the last usage holds for all that have none of their own.

        Values of which no step is worth anything tell nothing, and are left out.
        """
        if usage not in self.usages or not self.scale:
            return []
        own = self.usages[: self.count]
        places = [i for i, one in enumerate(own) if one == usage]
        if self.usages[-1] == usage:
            places += range(len(self.usages), self.count)[:n_most]
        return [
            replace(self, usages=(usage,), bit_offset=self.bit_offset + i * self.bits, count=1) for i in places[:n_most]
        ]

    @property
    def scale(self) -> float:
        """Return what one step is worth, in the unit of the usage."""
        low, high = self._physical
        return (high - low) / (self.logical_max - self.logical_min or 1) * 10.0**self.exponent

    @property
    def offset(self) -> float:
        """Return the value of raw 0."""
        return self._physical[0] * 10.0**self.exponent - self.logical_min * self.scale

    @property
    def _physical(self) -> tuple[int, int]:
        # Both zero, or never told: the logical values are the physical ones.
        same = self.physical_min == self.physical_max == 0
        return (self.logical_min, self.logical_max) if same else (self.physical_min, self.physical_max)

    def raw(self, payload: int) -> int:
        """Return the first value of a payload read as one little-endian number."""
        raw = payload >> self.bit_offset & ((1 << self.bits) - 1)
        return raw - (1 << self.bits) if self.logical_min < 0 and raw >> (self.bits - 1) else raw

    def put(self, payload: int, raw: int) -> int:
        """Return the payload with its first value replaced and all other bits as they were."""
        mask = ((1 << self.bits) - 1) << self.bit_offset
        return payload & ~mask | raw << self.bit_offset & mask

    def nearest(self, value: float) -> int:
        """Return the raw value that is nearest, within the logical range: its least where no step is worth anything."""
        steps = (value - self.offset) / self.scale if self.scale else self.logical_min
        return max(self.logical_min, min(self.logical_max, round(steps)))


@dataclass(frozen=True, slots=True)
class Descriptor:
    """All fields in order, the payload bytes of each report, and whether reports begin with an id byte."""

    fields: tuple[Field, ...]
    payload_bytes: dict[tuple[Kind, int], int]
    numbered: bool


@dataclass(slots=True)
class _Globals:
    page: int = 0
    logical_min: int = 0
    logical_max: int = 0
    logical_max_unsigned: int = 0
    physical_min: int = 0
    physical_max: int = 0
    exponent: int = 0
    bits: int = 0
    count: int = 0
    report_id: int = 0


_MAIN = {0x8: Kind.INPUT, 0x9: Kind.OUTPUT, 0xB: Kind.FEATURE}
_COLLECTION, _END_COLLECTION = 0xA, 0xC


def parse_descriptor(data: bytes) -> Descriptor:
    """Return what a report descriptor says. Never raises: what is cut short or out of all measure ends the reading."""
    now, stack = _Globals(), list[_Globals]()
    usages, first_usage = list[int](), 0
    collections = list[int]()
    fields = list[Field]()
    bits_used: dict[tuple[Kind, int], int] = defaultdict(int)
    numbered = False
    n_values = 0
    for kind, tag, value, n_bytes in _items(data):
        signed = value - (1 << 8 * n_bytes) if n_bytes and value >> (8 * n_bytes - 1) else value
        if kind == 0:
            if tag == _COLLECTION and len(collections) < MAX_DEPTH:
                collections.append(usages[0] if usages else 0)
            elif tag == _END_COLLECTION and collections:
                collections.pop()
            elif tag in _MAIN:
                place = (_MAIN[tag], now.report_id)
                n_bits = now.bits * now.count
                n_values += now.count
                if now.bits > MAX_BITS or now.count > MAX_COUNT or n_values > MAX_VALUES:
                    break
                # What has no usage is padding.
                if usages and n_bits:
                    fields.append(_field(place, now, tuple(usages), collections, bits_used[place]))
                bits_used[place] += n_bits
            usages = []
        elif kind == 1:
            if tag == 0xA and len(stack) < MAX_DEPTH:
                stack.append(replace(now))
            elif tag == 0xB and stack:
                now = stack.pop()
            else:
                _set_global(now, tag, value, signed)
                numbered |= tag == 8
        elif tag == 0:
            usages.append(value if n_bytes == 4 else now.page << 16 | value)
        elif tag == 1:
            first_usage = value
        elif tag == 2 and len(usages) < MAX_COUNT:
            usages += [now.page << 16 | usage for usage in range(first_usage, min(value, first_usage + MAX_COUNT) + 1)]
    return Descriptor(tuple(fields), {place: (bits + 7) // 8 for place, bits in bits_used.items()}, numbered)


def _items(data: bytes) -> "list[tuple[int, int, int, int]]":
    """Return (type, tag, value, number of value bytes) of each short item; long items are passed over."""
    items = []
    at = 0
    while at < len(data):
        prefix = data[at]
        if prefix == 0xFE:
            at += 3 + data[at + 1] if at + 1 < len(data) else 1
            continue
        n_bytes = (0, 1, 2, 4)[prefix & 3]
        if at + 1 + n_bytes > len(data):
            break
        items.append((prefix >> 2 & 3, prefix >> 4, int.from_bytes(data[at + 1 : at + 1 + n_bytes], "little"), n_bytes))
        at += 1 + n_bytes
    return items


def _set_global(now: _Globals, tag: int, value: int, signed: int) -> None:
    match tag:
        case 0:
            now.page = value
        case 1:
            now.logical_min = signed
        case 2:
            now.logical_max, now.logical_max_unsigned = signed, value
        case 3:
            now.physical_min = signed
        case 4:
            now.physical_max = signed
        case 5:
            now.exponent = (value & 7) - (value & 8)
        case 7:
            now.bits = value
        case 8:
            now.report_id = value & 0xFF  # an id is one byte on the wire, whatever a descriptor says
        case 9:
            now.count = value


def _field(
    place: tuple[Kind, int], now: _Globals, usages: tuple[int, ...], collections: list[int], bit_offset: int
) -> Field:
    # Makers write 255 as one byte, which is -1; with a minimum of zero only the other reading makes sense.
    unsigned = now.logical_min >= 0 > now.logical_max
    return Field(
        kind=place[0],
        report_id=place[1],
        usages=usages,
        collection=collections[-1] if collections else 0,
        application=collections[0] if collections else 0,
        bit_offset=bit_offset,
        bits=now.bits,
        count=now.count,
        logical_min=now.logical_min,
        logical_max=now.logical_max_unsigned if unsigned else now.logical_max,
        physical_min=now.physical_min,
        physical_max=now.physical_max,
        exponent=now.exponent,
    )
