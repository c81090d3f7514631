"""What goes over the page's WebSocket: JSON objects, each with a type; from clients only `set`."""

import json
from dataclasses import dataclass
from math import isfinite
from typing import Any

MAX_MESSAGE_BYTES = 4096
_MAX_ID = 2**53
_LONGEST_WHOLE_NUMBER = 15
"""Digits up to which a number is kept as an int: conversion of longer ones takes ever longer."""
_FORM = 'say {"type": "set", "name": "muted", "value": true, "id": 1}'


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client wants: a control's name, a value, and the client's own number of it.

    `why` says why it could not be understood, None where it could.
    """

    id: int | None
    name: str = ""
    value: bool | int | float | str | None = None
    why: str | None = None


def read_wish(message: str | bytes) -> Wish:
    """Return what a client's message asks for. Never raises, whatever it is; the value is not judged here."""
    if not isinstance(message, str):
        return Wish(None, why=f"binary messages are not understood: {_FORM}.")
    try:
        found = json.loads(message, parse_int=_whole_number, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return Wish(None, why=f"the message is no JSON: {_FORM}.")
    if not isinstance(found, dict) or found.get("type") != "set":
        return Wish(None, why=f"the message is not understood: {_FORM}.")
    number, name, value = found.get("id"), found.get("name"), found.get("value")
    if isinstance(number, bool) or not isinstance(number, int) or abs(number) > _MAX_ID:
        return Wish(None, why=f"id must be a whole number: {_FORM}.")
    if not isinstance(name, str):
        return Wish(number, why=f"name must be that of a control: {_FORM}.")
    if value is not None and not isinstance(value, bool | int | float | str):
        return Wish(number, why=f"value must be a number, a text, true, false or null: {_FORM}.")
    return Wish(number, name, value)


def encode(message: dict[str, Any]) -> str:
    """Return a message as JSON; numbers that JSON does not know become null, other things their text."""
    try:
        return json.dumps(message, allow_nan=False, separators=(",", ":"), default=str)
    except ValueError:
        return json.dumps(_finite(message), separators=(",", ":"), default=str)


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_WHOLE_NUMBER + 1 else float(digits)


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value
