"""The patterns of OSC 1.0 in the place of a number in an address: *, ?, [1-3], [!2], {1,12}."""

import re
from collections.abc import Iterable
from functools import lru_cache

NUMBER_PART = re.compile(r"(?<=/)[0-9*?\[\]!\-{},]{1,40}(?=/|$)")
"""A part of an address that stands for a number, or for some."""
_PIECE = re.compile(
    r"(?P<any>\*+)|(?P<one>\?)|\[(?P<without>!?)(?P<set>(?:[0-9]-[0-9]|[0-9])+)\]|\{(?P<list>[0-9,]+)\}|(?P<digit>[0-9])"
)


def numbers_meant(pattern: str, numbers: Iterable[int]) -> list[int]:
    """Return those of `numbers` that a part of an address means; none where it is no pattern of OSC 1.0. Any thread."""
    compiled = _compiled(pattern)
    return [number for number in numbers if compiled.fullmatch(str(number))] if compiled else []


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    found, at = "", 0
    while piece := _PIECE.match(pattern, at):
        found, at = found + _expression(piece), piece.end()
    try:
        return re.compile(found) if at == len(pattern) else None
    except re.error:  # a range whose ends are the wrong way round
        return None


def _expression(piece: re.Match[str]) -> str:
    if piece["any"]:
        return ".*"
    if piece["one"]:
        return "."
    if piece["set"]:
        return f"[{'^' if piece['without'] else ''}{piece['set']}]"
    return f"(?:{piece['list'].replace(',', '|')})" if piece["list"] else piece["digit"]
