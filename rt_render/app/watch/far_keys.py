"""What the terminal's keys ask of a program that runs elsewhere: the same as in its own terminal."""

from collections.abc import Mapping
from typing import Any

from rt_render.app.controls.control import Value
from rt_render.app.controls.keys import GAIN_STEP_DB, KEYS, SAME_KEYS, SEEK_STEP_S
from rt_render.app.controls.table import END_S, GAIN_RANGE_DB

Told = Mapping[str, Any]
Wish = tuple[str, Value | None]
"""A control and what to set it to, None for an action."""


def wish_of(typed: str, state: Told) -> Wish | None:
    """Return what a key asks for as things stand; None where there is nothing to do."""
    key = SAME_KEYS.get(typed, typed).lower()
    if key not in KEYS:
        return None
    name, values = KEYS[key].control, state["values"]
    if KEYS[key].value is None:
        return name, None
    wanted: Value | None
    if name == "compare":
        wanted = _version(key, state.get("compare"))
    elif name == "position_s":
        wanted = _place(SEEK_STEP_S if key == "]" else -SEEK_STEP_S, state)
    elif name not in values:
        return None
    elif name == "gain_db":
        low_db, high_db = GAIN_RANGE_DB
        step_db = GAIN_STEP_DB if key == "+" else -GAIN_STEP_DB
        wanted = min(high_db, max(low_db, values[name] + step_db))
    else:
        wanted = not values[name]
    return None if wanted is None else (name, wanted)


def _version(key: str, compare: Told | None) -> str | None:
    """Return the version with a number, or for any other key the next one."""
    names: list[str] = [slot["name"] for slot in compare["slots"]] if compare else []
    if key.isdigit():
        return names[int(key) - 1] if int(key) <= len(names) else None
    if compare is None or not names:
        return None
    heard = names.index(compare["active"]) if compare["active"] in names else -1
    return names[(heard + 1) % len(names)]


def _place(step_s: float, state: Told) -> float | None:
    """Return a place before or behind, but not so near to the end that playing would be over."""
    wanted_s: float = max(0.0, state["position_s"] + step_s)
    if state["length_s"] is not None and state["lap"] is None and step_s > 0.0:
        wanted_s = min(wanted_s, state["length_s"] - END_S)
        return wanted_s if wanted_s > state["position_s"] else None
    return wanted_s
